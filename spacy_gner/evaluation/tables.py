"""The tables of a report, as data: Markdown, terminal and HTML are made of the same ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .mistakes import KINDS
from .outputs import ISSUES, SHARES

_EMPTY = "–"
_MOST_CONFUSIONS = 15


@dataclass(frozen=True)
class Table:
    """A table.

    title (str): Its heading.
    columns (Sequence[str]): Column headings; the first column holds names.
    rows (Sequence[Sequence[str]]): Cells as text.
    note (str): A sentence below it.
    detail (bool): Whether a page may fold it away.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    detail: bool = False

    @property
    def is_zero(self) -> bool:
        """RETURNS (bool): Whether there is nothing in it but zeros: not worth a place."""
        cells = [cell for row in self.rows for cell in row[1:]]
        return not any(cell.strip("0.,%") not in ("", _EMPTY) for cell in cells)


def percent(value: float | None, digits: int = 2) -> str:
    """A share as percent, "–" for None.

    value (float | None): In [0, 1].
    digits (int): After the point.
    RETURNS (str): Without a sign for percent.
    """
    return _EMPTY if value is None else f"{100 * value:.{digits}f}"


def number(value: float | None, digits: int = 1) -> str:
    """A number with thousands separators, "–" for None."""
    return _EMPTY if value is None else f"{value:,.{digits}f}"


def size_text(count: int | None) -> str:
    """A number of parameters as the paper writes it: "248M", "3.0B"."""
    if not count:
        return _EMPTY
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"


def value_text(value: Any) -> str:
    """A value of the configuration as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={value_text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(value_text, value)) or "none"
    return "none" if value is None else str(value)


def report_facts(metrics: Mapping[str, Any]) -> dict[str, str]:
    """What was evaluated, and how.

    metrics (Mapping): Of `build_metrics`.
    RETURNS (dict[str, str]): Name to value, as text.
    """
    facts = {
        "spacy-gner": f"{metrics['spacy_gner']}, {metrics['created']}",
        **metrics["system"],
        **metrics["configuration"],
    }
    return {str(name): value_text(value) for name, value in facts.items()}


def build_tables(metrics: Mapping[str, Any]) -> list[Table]:
    """All tables of a report.

    metrics (Mapping): Of `build_metrics`.
    RETURNS (list[Table]): In the order of the report, the strict scores first. Tables
        without content are left out.
    """
    datasets = metrics["datasets"]
    tables = [
        _strict(metrics),
        _uniner(metrics),
        _mistakes(metrics),
        _by_length(metrics),
        _by_seen(datasets),
        _calibration(datasets),
        _speed(metrics),
        _outputs(metrics),
        *(_labels(dataset) for dataset in datasets),
        *(_confusions(dataset) for dataset in datasets),
    ]
    return [table for table in tables if table.rows]


def _named(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for dataset in metrics["datasets"]:
        yield dataset["name"], dataset
    if len(metrics["datasets"]) > 1:
        yield "average", metrics["average"]


def _strict(metrics: Mapping[str, Any]) -> Table:
    rows = [
        [
            name,
            *(percent(part["strict"][key]) for key in "fpr"),
            number(part.get("n_gold"), 0),
            number(part.get("n_sentences"), 0),
        ]
        for name, part in _named(metrics)
    ]
    columns = ["data set", "F1", "P", "R", "entities", "sentences"]
    note = "Span and label must both be right; micro-averaged (spaCy's Scorer). In percent."
    return Table("Scores", columns, rows, note)


def _uniner(metrics: Mapping[str, Any]) -> Table:
    rows = [[name, *(percent(part["uniner"][x]) for x in "fpr")] for name, part in _named(metrics)]
    note = (
        "Distinct normalized texts per sentence: what the papers on UniversalNER and GNER report. "
        "Not comparable with the strict scores above. In percent."
    )
    return Table("Scores in the style of UniNER", ["data set", "F1", "P", "R"], rows, note)


def _mistakes(metrics: Mapping[str, Any]) -> Table:
    rows = [
        [name, *(percent(part["mistakes"][kind], 1) for kind in KINDS)]
        for name, part in _named(metrics)
    ]
    columns = ["data set", "correct", "unlabeled (UE)", "noisy (NE)", "boundary (BE)", "spurious"]
    note = (
        "Shares of the gold entities in percent (spurious: of the predictions). Each entity "
        "and each prediction counts once."
    )
    return Table("Mistakes", columns, rows, note)


def _outputs(metrics: Mapping[str, Any]) -> Table:
    rows = [
        [dataset["name"], *(percent(dataset["outputs"][key]) for key in SHARES)]
        for dataset in metrics["datasets"]
        if dataset["outputs"]
    ]
    columns = ["data set", *ISSUES, "any of these", "cut off", "unmatched words"]
    note = (
        "Shares of the sentences in percent (unmatched words: of the words that no generated word "
        "answers; they become O). All zero for decoders that force the words."
    )
    return Table("Raw outputs", columns, rows, note)


def _speed(metrics: Mapping[str, Any]) -> Table:
    rows = []
    size = size_text(metrics["system"].get("parameters"))
    for dataset in metrics["datasets"]:
        speed = dataset["speed"]
        if speed["seconds"] is not None:
            passes = number(speed["forward_passes_per_sentence"], 2)
            rate = number(speed["sentences_per_second"], 2)
            rows.append([dataset["name"], size, rate, passes, percent(speed["cut_short"])])
    columns = ["data set", "parameters", "sentences/s", "forward passes per sentence"]
    columns += ["searches cut short (%)"]
    return Table("Speed", columns, rows)


def _by_length(metrics: Mapping[str, Any]) -> Table:
    rows = [
        [row["words"], number(row["n"], 0), *(percent(row[key]) for key in "fpr")]
        for row in metrics["together"]["by_length"]
    ]
    columns = ["words", "sentences", "F1", "P", "R"]
    return Table("By length of the sentence", columns, rows, "All data sets together, strict.")


def _by_seen(datasets: Iterable[Mapping[str, Any]]) -> Table:
    rows = [
        [dataset["name"], group, number(len(part["labels"]), 0)]
        + [percent(part[key]) for key in "fpr"]
        for dataset in datasets
        if dataset["by_seen"]
        for group, part in dataset["by_seen"].items()
    ]
    columns = ["data set", "labels", "how many", "F1", "P", "R"]
    return Table("By labels seen in training", columns, rows, "Strict scores.")


def _calibration(datasets: Iterable[Mapping[str, Any]]) -> Table:
    rows = [
        [dataset["name"], number(found["n"], 0), percent(found["ece"])]
        for dataset in datasets
        if (found := dataset["calibration"])
    ]
    note = "Expected calibration error of the entity scores in percent, ten bins; 0 is best."
    return Table("Calibration", ["data set", "predictions", "ECE"], rows, note)


def _labels(dataset: Mapping[str, Any]) -> Table:
    rows = [
        [
            label,
            *(percent(part[key]) for key in "fpr"),
            number(part["gold"], 0),
            number(part["predicted"], 0),
        ]
        for label, part in dataset["strict"]["per_type"].items()
    ]
    columns = ["label", "F1", "P", "R", "gold", "predicted"]
    return Table(f"Labels of {dataset['name']}", columns, rows, "Strict scores.", detail=True)


def _confusions(dataset: Mapping[str, Any]) -> Table:
    counts = sorted(
        (-count, gold, predicted)
        for gold, row in dataset["mistakes"]["confusion"].items()
        for predicted, count in row.items()
        if gold != predicted
    )
    rows = [[gold, found, number(-count, 0)] for count, gold, found in counts[:_MOST_CONFUSIONS]]
    note = "O as gold: a spurious prediction. O as prediction: an unlabeled entity."
    title = f"Most frequent confusions of {dataset['name']}"
    return Table(title, ["gold", "predicted", "entities"], rows, note, detail=True)
