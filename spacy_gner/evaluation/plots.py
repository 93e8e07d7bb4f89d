"""The plots of the page, as SVG to be put into HTML."""

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ..errors import Errors
from .text import printable

INK, MUTED, LINE = "#1f2933", "#52606d", "#d9dee3"
MAIN = "#2563a8"
KIND_COLORS = {
    "correct": "#3f8f6b",
    "boundary": "#e0b040",
    "noisy": "#d9773a",
    "unlabeled": "#9aa5b1",
}
# No wider than a phone: smaller letters could not be read there.
_WIDTH = 3.9
_MOST_LABELS = 25
_STYLE = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's font
    "font.family": "sans-serif",
    "font.size": 10,
    "text.parse_math": False,  # labels are data: "$" is no formula
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


@dataclass(frozen=True)
class Plot:
    """A plot.

    caption (str): What it shows.
    svg (Markup): The svg element.
    detail (bool): Whether a page may fold it away.
    """

    caption: str
    svg: Markup
    detail: bool = False


def draw_plots(metrics: Mapping[str, Any]) -> list[Plot]:
    """Draw all plots of a report. Scores are strict in all of them.

    metrics (Mapping): Of `build_metrics`.
    RETURNS (list[Plot]): In the order of the page. What would be a single bar is left out.
    RAISES (ImportError): E311 without matplotlib.
    """
    # The settings of the user's own plots stay as they are.
    with require_matplotlib().rc_context(_STYLE):
        shown = list(_shown(metrics))
        return [
            Plot(caption, _to_svg(figure, f"plot{index}"), index >= len(shown))
            for index, (caption, figure) in enumerate([*shown, *_folded(metrics)])
        ]


def _folded(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    # One large matrix per data set: else the page is nothing but these.
    for dataset in metrics["datasets"]:
        caption = f"Confusion between the labels of {dataset['name']}"
        yield caption, _draw_confusion(dataset["mistakes"]["confusion"])


def _shown(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    datasets, together = metrics["datasets"], metrics["together"]
    if len(datasets) > 1:
        figures = {dataset["name"]: dataset["strict"]["f"] for dataset in datasets}
        yield "F1 by data set", _draw_scores(figures)
        yield "What happened to the gold entities", _draw_mistakes(datasets)
    else:
        per_type = datasets[0]["strict"]["per_type"]
        most = sorted(per_type, key=lambda label: -per_type[label]["gold"])[:_MOST_LABELS]
        if len(most) > 1:
            yield "F1 by label", _draw_scores({label: per_type[label]["f"] for label in most})
        if datasets[0]["n_gold"]:
            yield "What happened to the gold entities", _draw_kinds(datasets[0]["mistakes"])
    if len(together["by_length"]) > 1:
        yield "F1 by length of the sentence", _draw_lengths(together["by_length"])
    if together["calibration"]:
        yield "Reliability of the scores", _draw_calibration(together["calibration"])


def require_matplotlib() -> Any:
    """Import matplotlib, which only the extra `evaluation` installs.

    RETURNS (module): matplotlib.
    RAISES (ImportError): E311 without it.
    """
    try:
        import matplotlib
    except ImportError:
        raise ImportError(Errors.E311) from None
    return matplotlib


def _subplots(width: float, height: float, **options: Any) -> tuple[Any, Any]:
    # Not pyplot: its figures and its backend are the user's.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(**options)


def _draw_scores(figures: Mapping[str, float | None]) -> Any:
    """One bar a name, with its F1."""
    height = 0.9 + 0.3 * len(figures)
    figure, axes = _subplots(_WIDTH, height)
    values = [100 * (value or 0) for value in figures.values()]
    bars = axes.barh(range(len(figures)), values, color=MAIN, height=0.65)
    axes.bar_label(bars, [f"{value:.1f}" for value in values], fontsize=8, padding=2)
    axes.set_yticks(range(len(figures)), [_short(name) for name in figures])
    axes.invert_yaxis()
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 25))
    axes.set_xlabel("F1 (%)")
    return figure


def _draw_mistakes(datasets: Sequence[Mapping[str, Any]]) -> Any:
    height = 1.3 + 0.3 * len(datasets)
    figure, axes = _subplots(_WIDTH, height)
    rows = range(len(datasets))
    lefts = [0.0] * len(datasets)
    for kind, color in KIND_COLORS.items():
        widths = [100 * (dataset["mistakes"][kind] or 0) for dataset in datasets]
        axes.barh(rows, widths, left=lefts, color=color, label=kind, height=0.7)
        for row, (left, width) in enumerate(zip(lefts, widths, strict=True)):
            if width >= 9:
                x = left + width / 2
                axes.text(x, row, f"{width:.0f}", ha="center", va="center", fontsize=8)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    axes.set_yticks(rows, [_short(dataset["name"]) for dataset in datasets])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the gold entities (%)")
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=8, handlelength=1)
    return figure


def _draw_kinds(mistakes: Mapping[str, Any]) -> Any:
    """The same for one data set: a bar for each kind, with its count."""
    figure, axes = _subplots(_WIDTH, 2.1)
    values = [100 * mistakes[kind] for kind in KIND_COLORS]
    bars = axes.barh(list(KIND_COLORS), values, color=list(KIND_COLORS.values()), height=0.7)
    counts = [mistakes["counts"][kind] for kind in KIND_COLORS]
    names = [f"{value:.0f}% ({n:,})" for value, n in zip(values, counts, strict=True)]
    axes.bar_label(bars, names, fontsize=8, padding=2)
    axes.invert_yaxis()
    axes.set_xlim(0, max(values) * 1.3)
    axes.set_xlabel("share of the gold entities (%)")
    return figure


def _draw_lengths(rows: Sequence[Mapping[str, Any]]) -> Any:
    figure, axes = _subplots(_WIDTH, 2.8)
    values = [100 * (row["f"] or 0) for row in rows]
    bars = axes.bar([row["words"] for row in rows], values, color=MAIN, width=0.65)
    axes.bar_label(bars, [f"n={row['n']:,}" for row in rows], fontsize=8, color=MUTED, padding=2)
    axes.set_xlabel("words")
    axes.set_ylabel("F1 (%)")
    axes.set_ylim(0, 108)
    return figure


def _draw_calibration(found: Mapping[str, Any]) -> Any:
    """Precision against score; below it, how many predictions each point stands for."""
    bins = [part for part in found["bins"] if part["n"]]
    figure, (curve, counts) = _subplots(_WIDTH, 3.9, nrows=2, height_ratios=(3, 1), sharex=True)
    curve.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label="perfect")
    curve.plot(
        [part["confidence"] for part in bins],
        [part["precision"] for part in bins],
        marker="o",
        markersize=4,
        color=MAIN,
        label="measured",
    )
    curve.set_xlim(0, 1)
    curve.set_ylim(0, 1.02)
    curve.set_ylabel("precision")
    curve.legend(loc="upper left", frameon=False, fontsize=8)
    middles = [(part["lower"] + part["upper"]) / 2 for part in bins]
    bars = counts.bar(middles, [part["n"] for part in bins], width=0.085, color=MUTED)
    counts.bar_label(bars, [f"{part['n']:,}" for part in bins], fontsize=7, padding=1)
    counts.set_ylim(0, 1.35 * max(part["n"] for part in bins))
    counts.set_yticks([])
    counts.set_ylabel("n")
    counts.set_xlabel(f"score (ECE {100 * found['ece']:.1f}%, {found['n']:,} predictions)")
    return figure


def _short(name: str, length: int = 24) -> str:
    name = printable(name)
    return name if len(name) <= length else name[: length - 1] + "…"


def _draw_confusion(confusion: Mapping[str, Mapping[str, int]]) -> Any:
    counts: dict[str, int] = {}
    for gold, row in confusion.items():
        for predicted, count in row.items():
            counts[gold] = counts.get(gold, 0) + count
            counts[predicted] = counts.get(predicted, 0) + count
    counts.pop("O", None)
    most = sorted(counts, key=lambda label: -counts[label])[:_MOST_LABELS]
    labels = [*sorted(most), "O"]
    totals = {gold: sum(row.values()) for gold, row in confusion.items()}
    cells = [
        [confusion.get(gold, {}).get(p, 0) / max(totals.get(gold, 0), 1) for p in labels]
        for gold in labels
    ]
    size = 2.2 + 0.34 * len(labels)
    figure, axes = _subplots(size + 0.8, size)
    # "equal" cells drawn one by one: a raster image would blur in SVG.
    axes.pcolormesh(cells, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=0.8)
    for i, gold in enumerate(labels):
        for j, predicted in enumerate(labels):
            count = confusion.get(gold, {}).get(predicted, 0)
            if count:
                color = "white" if cells[i][j] > 0.55 else INK
                place = {"ha": "center", "va": "center", "fontsize": 7.5, "color": color}
                axes.text(j + 0.5, i + 0.5, str(count), **place)
    middles = [index + 0.5 for index in range(len(labels))]
    names = [_short(label) for label in labels]
    axes.set_xticks(middles, names, rotation=50, ha="right")
    axes.set_yticks(middles, names)
    axes.invert_yaxis()
    axes.set_xlabel("predicted (O: not labeled)")
    axes.set_ylabel("gold (O: spurious)")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _to_svg(figure: Any, name: str) -> Markup:
    """RETURNS (Markup): The svg element, for a place inside HTML. Prologue, metadata and name
    spaces go (HTML knows them, and nothing in the page shall look like an address); ids get the
    name as prefix, since several plots share a page."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Labels may be in any script. matplotlib only measures them, the browser draws them.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*missing")
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    svg = svg.replace("xlink:href=", "href=")
    svg = re.sub(r'(?<=\sid=")', f"{name}-", svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    # matplotlib escapes the texts in it.
    return Markup(re.sub(r'(?<=href="#)', f"{name}-", svg))
