"""The files of a report: metrics.json, report.md, and report.html with all errors."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from ..pages.marks import Event, MarkedSpan, mark_events
from ..pages.palette import Palette
from ..pages.render import environment
from .metrics import FILE_NAME, save_metrics
from .mistakes import CORRECT, KINDS, UNLABELED, Pair, pair_mentions
from .plots import draw_plots
from .records import Mention, ScoredSentence, sentence_from_json
from .tables import Table, build_tables, number, percent, report_facts
from .text import render_markdown, report_sections


def write_report(
    metrics: Mapping[str, Any], output: Path, with_page: bool = True, max_errors: int = 200
) -> list[Path]:
    """Write metrics.json, report.md and report.html.

    metrics (Mapping): Of `build_metrics`.
    output (Path): The directory.
    with_page (bool): Whether to write the page too, which needs matplotlib.
    max_errors (int): At most so many sentences with an error per data set in the page.
    RETURNS (list[Path]): The files.
    RAISES (ImportError): E311 without matplotlib; the other files are written by then.
    """
    output.mkdir(parents=True, exist_ok=True)
    files = [output / FILE_NAME, output / "report.md"]
    save_metrics(metrics, files[0])
    text = render_markdown(report_sections(metrics))
    files[1].write_text(text, encoding="utf8", errors="replace")
    if with_page:
        files.append(output / "report.html")
        files[2].write_text(render_html(metrics, max_errors), encoding="utf8")
    return files


def render_html(metrics: Mapping[str, Any], max_errors: int = 200) -> str:
    """Write the report as one page that needs nothing else: no network, no other file.

    metrics (Mapping): Of `build_metrics`.
    max_errors (int): At most so many sentences with an error per data set, the first ones.
    RETURNS (str): HTML. Every text that comes from data is escaped.
    RAISES (ImportError): E311 without matplotlib.
    """
    labels = {label for dataset in metrics["datasets"] for label in dataset["strict"]["per_type"]}
    errors, left_out = list_errors(metrics, max_errors)
    html = (
        environment()
        .get_template("report.html")
        .render(
            title=f"Evaluation of {metrics['system']['name']}",
            headline=_headline(metrics),
            facts=report_facts(metrics),
            tables=build_tables(metrics),
            texts=_text_columns,
            plots=draw_plots(metrics),
            sets=[dataset["name"] for dataset in metrics["datasets"]],
            kinds=[kind for kind in KINDS if kind != CORRECT],
            labels=sorted(labels),
            errors=errors,
            left_out=left_out,
            classes=Palette().classes,
        )
    )
    # Halves of surrogate pairs have no place in UTF-8, NUL has none in HTML.
    return html.encode("utf8", "replace").decode("utf8").replace("\0", "\ufffd")


def _headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that stand large at the top."""
    datasets, average = metrics["datasets"], metrics["average"]
    calibration = metrics["together"]["calibration"]
    others = [
        ("precision", percent(average["strict"]["p"], 1)),
        ("recall", percent(average["strict"]["r"], 1)),
        ("F1 in the style of UniNER", percent(average["uniner"]["f"], 1)),
        ("sentences", number(sum(dataset["n_sentences"] for dataset in datasets), 0)),
    ]
    if calibration:
        others.append(("calibration error", percent(calibration["ece"], 1)))
    scope = f", mean of {len(datasets)} data sets" if len(datasets) > 1 else ""
    return {"f": percent(average["strict"]["f"], 1), "scope": scope, "others": others}


def _text_columns(table: Table) -> list[bool]:
    """Which columns hold texts: aligned left. The first one is, in any case."""
    return [
        index > 0 and any(not (row[index] == "–" or row[index][:1].isdigit()) for row in table.rows)
        for index in range(len(table.columns))
    ]


def list_errors(metrics: Mapping[str, Any], max_per_set: int) -> tuple[list[dict[str, Any]], int]:
    """The sentences with an error, as the page shows them.

    metrics (Mapping): Of `build_metrics`.
    max_per_set (int): At most so many of each data set, the first ones.
    RETURNS (tuple[list[dict], int]): For each sentence `set`, `number` (from 1), `gold` and
        `predicted` (its text with marks), `pairs` (`kind`, `gold`, `predicted` with `text` and
        `label`, `score`). And how many sentences with an error were left out.
    """
    errors: list[dict[str, Any]] = []
    left_out = 0
    for dataset in metrics["datasets"]:
        n_kept = 0
        for index, record in enumerate(dataset["sentences"], 1):
            sentence = sentence_from_json(record)
            pairs = pair_mentions(sentence.gold, sentence.predicted)
            if all(pair.kind == CORRECT for pair in pairs):
                continue
            if n_kept == max_per_set:
                left_out += 1
                continue
            n_kept += 1
            errors.append({"set": dataset["name"], "number": index, **_error(sentence, pairs)})
    return errors, left_out


def _error(sentence: ScoredSentence, pairs: Sequence[Pair]) -> dict[str, Any]:
    scores = dict(zip(sentence.predicted, sentence.scores, strict=False))
    # On the side of gold, what was not found at all is marked; on the other, what is wrong.
    missed = {pair.gold: "missed" for pair in pairs if pair.kind == UNLABELED}
    wrong = {pair.predicted: "wrong" for pair in pairs if pair.kind != CORRECT}
    return {
        "gold": _marked(sentence.words, sentence.gold, missed, {}),
        "predicted": _marked(sentence.words, sentence.predicted, wrong, scores),
        "pairs": [
            {
                "kind": pair.kind,
                "gold": _quote(sentence.words, pair.gold),
                "predicted": _quote(sentence.words, pair.predicted),
                "score": scores.get(pair.predicted) if pair.predicted else None,
            }
            for pair in pairs
            if pair.kind != CORRECT
        ],
    }


def _marked(
    words: Sequence[str],
    mentions: Sequence[Mention],
    flags: Mapping[Mention | None, str],
    scores: Mapping[Mention, float | None],
) -> list[Event]:
    starts = list(accumulate((len(word) + 1 for word in words), initial=0))
    spans = []
    for mention in mentions:
        end = starts[mention.end - 1] + len(words[mention.end - 1])
        flag = flags.get(mention, "")
        span = (starts[mention.start], end, mention.label, scores.get(mention), flag, flag)
        spans.append(MarkedSpan(*span))
    return mark_events(" ".join(words), spans)


def _quote(words: Sequence[str], mention: Mention | None) -> dict[str, str] | None:
    if mention is None:
        return None
    return {"text": " ".join(words[mention.start : mention.end]), "label": mention.label}
