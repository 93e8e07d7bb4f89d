"""The tables of a report, as data: Markdown and HTML are made of the same ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .cells import Table, number, percent, size_text
from .paper import REFERENCE_MODELS, load_paper, reference_scores

_VARIANT_NAMES = {
    "full": "LCS+BT",
    "without_back_tokenization": "w/o BT",
    "without_lcs": "w/o LCS+BT",
}


def build_tables(metrics: Mapping[str, Any], reference: str | None = "zero_shot") -> list[Table]:
    """All tables of a report.

    metrics (Mapping): Of `build_metrics`.
    reference (str | None): Which of the paper's figures to show: "zero_shot",
        "supervised" or None.
    RETURNS (list[Table]): In the order of the report. Tables without content are left out.
    """
    datasets = metrics["datasets"]
    tables = [
        _scores(metrics),
        _reference(metrics, reference),
        _mistakes(metrics),
        _raw_outputs(metrics),
        _matching_variants(metrics, reference),
        _matching_speed(datasets, reference),
        _speed(metrics, reference),
        _by_length(metrics),
        _by_seen(datasets),
        _calibration(datasets),
        *(_labels(dataset) for dataset in datasets),
        *(_confusions(dataset) for dataset in datasets),
    ]
    return [table for table in tables if table and table.rows]


def _named(metrics: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for dataset in metrics["datasets"]:
        yield dataset["name"], dataset
    if len(metrics["datasets"]) > 1:
        yield "average", metrics["average"]


def _scores(metrics: Mapping[str, Any]) -> Table:
    rows = [
        [
            name,
            number(part.get("n_sentences"), 0),
            number(part.get("n_gold"), 0),
            *(percent(part["strict"][key]) for key in "prf"),
            *(percent(part["uniner"][key]) for key in "prf"),
        ]
        for name, part in _named(metrics)
    ]
    columns = ["data set", "sentences", "entities", "P", "R", "F1"]
    columns += ["UniNER P", "UniNER R", "UniNER F1"]
    note = "P, R, F1: strict entities, micro-averaged (spaCy's Scorer). In percent."
    return Table("Scores", columns, rows, note)


def _reference(metrics: Mapping[str, Any], reference: str | None) -> Table | None:
    if reference is None:
        return None
    printed = reference_scores(reference)
    models = [model for model in REFERENCE_MODELS if model in printed]
    parts = [(name, part) for name, part in _named(metrics) if name in printed["GNER-LLaMA"]]
    names = {name for name, _ in parts} - {"average"}
    if not names:
        return None
    if len(names) != len(metrics["datasets"]) or len(names) != len(printed["GNER-LLaMA"]) - 1:
        # The paper's average is over all of its sets: no other stands beside it.
        parts = [(name, part) for name, part in parts if name != "average"]
    rows = [
        [name, percent(part["uniner"]["f"])]
        + [number(printed[model].get(name), 2) for model in models]
        for name, part in parts
    ]
    tables = "2 and 11" if reference == "zero_shot" else "3 and 11"
    note = (
        f"UniNER-style F1 in percent; other columns: Tables {tables} of the paper "
        "(Ding et al. 2024)."
    )
    return Table("Beside the paper", ["data set", "this system", *models], rows, note)


def _mistakes(metrics: Mapping[str, Any]) -> Table:
    kinds = ("correct", "unlabeled", "noisy", "boundary", "spurious")
    rows = [
        [name, *(percent(part["mistakes"][kind], 1) for kind in kinds)]
        for name, part in _named(metrics)
    ]
    columns = ["data set", "correct", "unlabeled (UE)", "noisy (NE)", "boundary (BE)", "spurious"]
    note = (
        "Shares of the gold entities in percent (spurious: of the predictions). Each entity "
        "and each prediction counts once."
    )
    return Table("Mistakes", columns, rows, note)


def _raw_outputs(metrics: Mapping[str, Any]) -> Table:
    rows = [
        [
            name,
            *(percent(repair[key], 1) for key in ("omissions", "additions", "substitutions")),
            percent(repair["any"], 1),
            percent(repair["incomplete"], 1),
            *(percent(repair["unmatched"][key]) for key in _VARIANT_NAMES),
        ]
        for name, repair in _repairs(metrics)
    ]
    columns = ["data set", "omissions", "additions", "substitutions", "any", "cut off"]
    columns += [f"unmatched: {name}" for name in _VARIANT_NAMES.values()]
    note = (
        "Shares of the sentences in percent. Unmatched: share of the words that no generated "
        "word answers; they become O."
    )
    return Table("Raw outputs", columns, rows, note)


def _repairs(metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(part["name"], part["repair"]) for part in metrics["datasets"] if part["repair"]]


def _matching_variants(metrics: Mapping[str, Any], reference: str | None) -> Table:
    parts = ("strict", "uniner", "affected")
    rows = [
        [name, *(percent(repair[part][key]) for part in parts for key in _VARIANT_NAMES)]
        for name, repair in _repairs(metrics)
    ]
    average = metrics["average"]["repair"]
    if len(rows) > 1 and average:
        found = [percent(average[part][key]) for part in parts[:2] for key in _VARIANT_NAMES]
        rows.append(["average", *found, *["–"] * 3])
    if rows and reference:
        paper = load_paper()["table6_matching"]
        for model in paper[0]["f1"]:
            printed = {row["variant"]: row["f1"][model][reference] for row in paper}
            found = [number(printed[key], 2) for key in _VARIANT_NAMES]
            rows.append([f"{model} (paper, Table 6)", *["–"] * 3, *found, *["–"] * 3])
    columns = ["data set"]
    for part in ("F1", "UniNER F1", "affected"):
        columns += [f"{part}: {name}" for name in _VARIANT_NAMES.values()]
    note = (
        "In percent, read anew from the raw outputs. BT: back tokenization. LCS: longest common "
        "subsequence; without it words are matched by position only. Affected: F1 on the "
        "sentences whose output departs from the words."
    )
    return Table("Matching: what it saves", columns, rows, note)


def _matching_speed(datasets: Sequence[Mapping[str, Any]], reference: str | None) -> Table:
    totals: dict[str, list[tuple[int, float]]] = {}
    for dataset in datasets:
        for row in dataset["matching"]:
            totals.setdefault(row["words"], []).append((row["n"], row["speedup"]))
    paper = load_paper()["table5_matching_speedup"][-1]["speedup"]
    rows = []
    for words, found in totals.items():
        n = sum(count for count, _ in found)
        mean = sum(count * speedup for count, speedup in found) / n
        row = [words, number(n, 0), f"{mean:.1f}×"]
        rows.append(row + ([f"{paper[words]:.1f}×"] if reference else []))
    columns = ["words", "outputs", "speed-up"] + (["paper (Table 5)"] if reference else [])
    note = (
        "Time of the classic O(N²) LCS, in Python, over the time of the matcher, on the same "
        "outputs in one process. Outputs that copy the words need no search."
    )
    return Table("Matching: speed", columns, rows, note)


def _speed(metrics: Mapping[str, Any], reference: str | None) -> Table:
    rows = []
    size = size_text(metrics["system"].get("parameters"))
    for dataset in metrics["datasets"]:
        speed = dataset["speed"]
        if speed["seconds"] is not None:
            passes = number(speed["forward_passes_per_sentence"], 2)
            rate = number(speed["sentences_per_second"], 2)
            cut = percent(speed.get("hit_max_forks"))
            rows.append([dataset["name"], size, rate, passes, cut])
    if rows and reference:
        rows += [
            [f"{row['model']} (paper, Table 4)", row["parameters"], f"{row[key]:.2f}", "–", "–"]
            for key in ["instances_per_second"]
            for row in load_paper()["table4_speed"]
        ]
    columns = ["data set", "parameters", "sentences/s", "forward passes per sentence"]
    columns += ["searches cut short (%)"]
    note = "The paper's figures are from an A100 GPU with batch size 4." if reference else ""
    return Table("Speed", columns, rows, note)


def _by_length(metrics: Mapping[str, Any]) -> Table:
    rows = [
        [row["words"], number(row["n"], 0), *(percent(row[key]) for key in "prf")]
        for row in metrics["together"]["by_length"]
    ]
    columns = ["words", "sentences", "P", "R", "F1"]
    return Table("By length of the sentence", columns, rows, "All data sets together, strict.")


def _by_seen(datasets: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [dataset["name"], group, number(len(part["labels"]), 0)]
        + [percent(part[key]) for key in "prf"]
        for dataset in datasets
        if dataset["by_seen"]
        for group, part in dataset["by_seen"].items()
    ]
    columns = ["data set", "labels", "how many", "P", "R", "F1"]
    return Table("By labels seen in training", columns, rows, "Strict scores.")


def _calibration(datasets: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [dataset["name"], number(found["n"], 0), percent(found["ece"])]
        for dataset in datasets
        if (found := dataset["calibration"])
    ]
    note = "Expected calibration error of the entity scores in percent, ten bins; 0 is best."
    return Table("Calibration", ["data set", "predictions", "ECE"], rows, note)


def _labels(dataset: Mapping[str, Any]) -> Table:
    rows = [
        [label, number(part["gold"], 0), number(part["predicted"], 0)]
        + [percent(part[key]) for key in "prf"]
        for label, part in dataset["strict"]["per_type"].items()
    ]
    columns = ["label", "gold", "predicted", "P", "R", "F1"]
    return Table(f"Labels of {dataset['name']}", columns, rows, "Strict scores.", detail=True)


def _confusions(dataset: Mapping[str, Any], most: int = 15) -> Table:
    counts = sorted(
        (
            (-count, gold, predicted)
            for gold, row in dataset["mistakes"]["confusion"].items()
            for predicted, count in row.items()
            if gold != predicted
        )
    )
    rows = [[gold, predicted, number(-count, 0)] for count, gold, predicted in counts[:most]]
    note = "O as gold: a spurious prediction. O as prediction: an unlabeled entity."
    title = f"Most frequent confusions of {dataset['name']}"
    return Table(title, ["gold", "predicted", "entities"], rows, note, detail=True)
