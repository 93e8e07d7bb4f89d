"""The plots of the page, as SVG to be put into HTML."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Errors
from .paper import REFERENCE_MODELS, reference_scores

INK, MUTED, LINE = "#1f2933", "#66737f", "#d9dee3"
MAIN, PALE = "#2563a8", "#b8cfe6"
KIND_COLORS = {
    "correct": "#3f8f6b",
    "boundary": "#e0b040",
    "noisy": "#d9773a",
    "unlabeled": "#9aa5b1",
}
_MARKERS = "os^Dv*P"
_MOST_CONFUSED_LABELS = 25


def draw_plots(metrics: Mapping[str, Any], reference: str | None) -> list[tuple[str, str]]:
    """Draw all plots of a report.

    metrics (Mapping): Of `build_metrics`.
    reference (str | None): Which of the paper's figures to show.
    RETURNS (list[tuple[str, str]]): Caption and SVG of each.
    RAISES (ValueError): E311 without matplotlib.
    """
    pyplot = _import_pyplot()
    together = metrics["together"]
    drawn = [
        ("F1 by data set (UniNER-style)", _draw_scores(pyplot, metrics, reference)),
        ("What happened to the gold entities", _draw_mistakes(pyplot, metrics["datasets"])),
        ("F1 by length of the sentence (strict)", _draw_lengths(pyplot, together["by_length"])),
    ]
    if together["calibration"]:
        caption = "Reliability of the scores"
        drawn.append((caption, _draw_calibration(pyplot, together["calibration"])))
    for dataset in metrics["datasets"]:
        caption = f"Confusion between the labels of {dataset['name']}"
        drawn.append((caption, _draw_confusion(pyplot, dataset["mistakes"]["confusion"])))
    plots = []
    for index, (caption, figure) in enumerate(drawn):
        plots.append((caption, _to_svg(figure, f"plot{index}")))
        pyplot.close(figure)
    return plots


def require_matplotlib() -> Any:
    """Import matplotlib, which only the extra `report` installs.

    RETURNS (module): matplotlib.
    RAISES (ValueError): E311 without it.
    """
    try:
        import matplotlib
    except ImportError:
        raise ValueError(Errors.E311) from None
    return matplotlib


def _import_pyplot() -> Any:
    require_matplotlib().use("svg")
    from matplotlib import pyplot

    pyplot.rcParams.update(
        {
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
    )
    return pyplot


def _draw_scores(pyplot: Any, metrics: Mapping[str, Any], reference: str | None) -> Any:
    datasets = metrics["datasets"]
    names = [dataset["name"] for dataset in datasets]
    places = range(len(names))
    figure, axes = pyplot.subplots(figsize=(8, 3.6), layout="constrained")
    values = [100 * (dataset["uniner"]["f"] or 0) for dataset in datasets]
    axes.bar(places, values, width=0.6, color=PALE, edgecolor=MAIN, label="this system")
    printed = reference_scores(reference) if reference else {}
    models = [model for model in REFERENCE_MODELS if model in printed]
    colors = pyplot.get_cmap("tab10").colors
    for marker, color, model in zip(_MARKERS, colors, models, strict=False):
        points = [
            (i, printed[model][name]) for i, name in enumerate(names) if name in printed[model]
        ]
        if points:
            x, y = zip(*points, strict=True)
            axes.scatter(x, y, marker=marker, s=26, color=[color], label=model, zorder=3)
    axes.set_xticks(places, names, rotation=25, ha="right")
    axes.set_ylim(0, 100)
    axes.set_ylabel("F1 (%)")
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=9)
    return figure


def _draw_mistakes(pyplot: Any, datasets: Sequence[Mapping[str, Any]]) -> Any:
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.38 * len(datasets)), layout="constrained")
    names = [dataset["name"] for dataset in datasets]
    lefts = [0.0] * len(datasets)
    for kind, color in KIND_COLORS.items():
        widths = [100 * (dataset["mistakes"][kind] or 0) for dataset in datasets]
        axes.barh(names, widths, left=lefts, color=color, label=kind, height=0.7)
        for row, (left, width) in enumerate(zip(lefts, widths, strict=True)):
            if width >= 5:
                x = left + width / 2
                axes.text(x, row, f"{width:.0f}", ha="center", va="center", fontsize=9)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the gold entities (%)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=9)
    return figure


def _draw_lengths(pyplot: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    figure, axes = pyplot.subplots(figsize=(4.6, 3), layout="constrained")
    values = [100 * (row["f"] or 0) for row in rows]
    bars = axes.bar([row["words"] for row in rows], values, color=MAIN, width=0.65)
    axes.bar_label(bars, [f"n={row['n']:,}" for row in rows], fontsize=8, color=MUTED, padding=2)
    axes.set_xlabel("words")
    axes.set_ylabel("F1 (%)")
    axes.set_ylim(0, 100)
    return figure


def _draw_calibration(pyplot: Any, found: Mapping[str, Any]) -> Any:
    figure, axes = pyplot.subplots(figsize=(4.6, 3), layout="constrained")
    bins = [part for part in found["bins"] if part["n"]]
    largest = max(part["n"] for part in bins)
    axes.bar(
        [(part["lower"] + part["upper"]) / 2 for part in bins],
        [part["n"] / largest for part in bins],
        width=0.09,
        color=LINE,
        label="share of predictions",
    )
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label="perfect")
    axes.plot(
        [part["confidence"] for part in bins],
        [part["precision"] for part in bins],
        marker="o",
        markersize=4,
        color=MAIN,
        label="measured",
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(f"score (ECE {100 * found['ece']:.1f}%)")
    axes.set_ylabel("precision")
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    return figure


def _draw_confusion(pyplot: Any, confusion: Mapping[str, Mapping[str, int]]) -> Any:
    counts: dict[str, int] = {}
    for gold, row in confusion.items():
        for predicted, count in row.items():
            counts[gold] = counts.get(gold, 0) + count
            counts[predicted] = counts.get(predicted, 0) + count
    counts.pop("O", None)
    most = sorted(counts, key=lambda label: -counts[label])[:_MOST_CONFUSED_LABELS]
    labels = [*sorted(most), "O"]
    totals = {gold: sum(row.values()) for gold, row in confusion.items()}
    cells = [
        [confusion.get(gold, {}).get(p, 0) / max(totals.get(gold, 0), 1) for p in labels]
        for gold in labels
    ]
    size = 2.2 + 0.34 * len(labels)
    figure, axes = pyplot.subplots(figsize=(size + 0.8, size), layout="constrained")
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
    axes.set_xticks(middles, labels, rotation=50, ha="right")
    axes.set_yticks(middles, labels)
    axes.invert_yaxis()
    axes.set_xlabel("predicted (O: not labeled)")
    axes.set_ylabel("gold (O: spurious)")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _to_svg(figure: Any, name: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return clean_svg(buffer.getvalue(), name)


def clean_svg(svg: str, name: str) -> str:
    """Prepare an SVG file for a place inside HTML.

    Prologue, metadata and name spaces go (HTML knows them, and nothing in the page shall
    look like an address); ids get a prefix, since several plots share a page.

    svg (str): As matplotlib writes it.
    name (str): Prefix, different for each plot of a page.
    RETURNS (str): The svg element.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    svg = svg.replace("xlink:href=", "href=")
    svg = re.sub(r'(?<=\sid=")', f"{name}-", svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    return re.sub(r'(?<=href="#)', f"{name}-", svg)
