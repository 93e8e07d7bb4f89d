"""The tables of the paper (Ding et al. 2024), beside what `evaluate` measured.

    python project/benchmarks/paper.py TABLE RUN [RUN ...]

TABLE is one of

    scores    UniNER-style F1 by data set, beside Tables 2 and 11 (--supervised: 3 and 11)
    speed     sentences a second, beside Table 4
    matching  F1 by what the matcher may do, beside Table 6
    beams     F1 by beam size, beside Table 7

and RUN the output directory of `python -m spacy_gner evaluate`. For Table 5 (speed of matching)
see matching.py.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from spacy_gner.evaluation.metrics import load_metrics
from spacy_gner.evaluation.outputs import Reading, has_one_output, reread
from spacy_gner.evaluation.records import ScoredSentence
from spacy_gner.evaluation.scores import score_strict, score_uniner
from spacy_gner.evaluation.store import load_predictions
from spacy_gner.evaluation.tables import Table, number, percent, size_text
from spacy_gner.evaluation.text import Section, render_plain
from spacy_gner.matching import LCSMatcher, make_back_tokenizer
from spacy_gner.matching.diagnosis import diagnose

# Systems of Tables 2 and 11 that stand beside the measured figures.
REFERENCE_MODELS = (
    "UniNER-7B",
    "GLiNER-L",
    "GNER-T5-small",
    "GNER-T5-base",
    "GNER-T5-large",
    "GNER-T5-xxl",
    "GNER-LLaMA",
)
# The rows of Table 6.
VARIANTS = {
    "full": "LCS+BT",
    "without_back_tokenization": "w/o BT",
    "without_lcs": "w/o LCS+BT",
}

Runs = Mapping[str, Path]


@lru_cache(maxsize=1)
def load_paper() -> dict[str, Any]:
    """Load Tables 2, 3, 4, 5, 6, 7 and 11 of the paper.

    RETURNS (dict): `source`, `notes`, `datasets` (names of data sets to the paper's
        column names, `zero_shot` and `supervised`) and one list of rows per table.
        F1 in percent, as printed.
    """
    text = (Path(__file__).parent / "paper.json").read_text(encoding="utf8")
    paper: dict[str, Any] = json.loads(text)
    return paper


def reference_scores(setting: str = "zero_shot") -> dict[str, dict[str, float]]:
    """The paper's F1 by system and data set, under this project's names of the sets.

    setting (str): "zero_shot" (Tables 2 and 11) or "supervised" (Tables 3 and 11).
    RETURNS (dict[str, dict[str, float]]): System to data set to F1 in percent; the key
        "average" holds the paper's own average. Where two tables have a figure, that of
        Table 11 is taken: it has more digits.
    """
    paper = load_paper()
    table = "table2_zero_shot" if setting == "zero_shot" else "table3_supervised"
    printed = {row["model"]: dict(row["f1"]) for row in paper[table]}
    for row in paper["table11_details"]:
        printed[row["model"]] = row[f"{setting}_f1"]
    columns = {**paper["datasets"][setting], "average": "Avg"}
    return {
        model: {ours: scores[theirs] for ours, theirs in columns.items() if theirs in scores}
        for model, scores in printed.items()
    }


# --- Tables 2, 3 and 11 -------------------------------------------------------------------


def scores_table(runs: Runs, setting: str = "zero_shot") -> Table:
    """UniNER-style F1 by data set, of the runs and of the paper's systems.

    runs (Mapping[str, Path]): Name to the output directory of an evaluation.
    setting (str): "zero_shot" or "supervised".
    RETURNS (Table): One line per data set of the paper that a run has. The average stands
        there only when all of the paper's sets do.
    """
    printed = reference_scores(setting)
    known = [name for name in printed["GNER-LLaMA"] if name != "average"]
    measured: dict[str, dict[str, Any]] = {}
    for run, path in runs.items():
        metrics = load_metrics(path)
        found = {part["name"]: part["uniner"]["f"] for part in metrics["datasets"]}
        if set(found) == set(known):
            found["average"] = metrics["average"]["uniner"]["f"]
        measured[run] = found
    names = [name for name in known if any(name in found for found in measured.values())]
    if any("average" in found for found in measured.values()):
        names.append("average")
    models = [model for model in REFERENCE_MODELS if model in printed]
    rows = [
        [name]
        + [percent(found.get(name)) for found in measured.values()]
        + [number(printed[model].get(name), 2) for model in models]
        for name in names
    ]
    tables = "2 and 11" if setting == "zero_shot" else "3 and 11"
    note = f"UniNER-style F1 in percent; the columns from {models[0]} on: Tables {tables}."
    return Table("Beside the paper", ["data set", *runs, *models], rows, note)


# --- Table 4 ------------------------------------------------------------------------------


def speed_table(runs: Runs) -> Table:
    """Sentences a second, of the runs and of the paper's systems."""
    rows = []
    for run, path in runs.items():
        metrics = load_metrics(path)
        seconds = sum(part["speed"]["seconds"] or 0 for part in metrics["datasets"])
        n = sum(part["n_sentences"] for part in metrics["datasets"])
        size = size_text(metrics["system"].get("parameters"))
        rows.append([run, size, number(n / seconds if seconds else None, 2)])
    for row in load_paper()["table4_speed"]:
        cells = [row["parameters"], f"{row['instances_per_second']:.2f}"]
        rows.append([f"{row['model']} (paper)", *cells])
    note = "The paper's figures are from an A100 GPU with batch size 4."
    return Table("Speed (Table 4)", ["system", "parameters", "sentences/s"], rows, note)


# --- Table 6 ------------------------------------------------------------------------------


def match_by_position(
    words: Sequence[str], predicted: Sequence[str], back_tokenizer: object = None
) -> list[int | None]:
    """Match the i-th word with the i-th predicted word where both are equal: one word that is
    left out puts all later ones out of step. This stands for "w/o LCS+BT" in Table 6, which the
    paper does not describe.

    words (Sequence[str]): The words of the source, length N.
    predicted (Sequence[str]): The words of the output, length M.
    back_tokenizer (object): Has no effect.
    RETURNS (list[int | None]): Per word of the source, its predicted word. Length N.
    """
    keys = [word.casefold() for word in predicted[: len(words)]]
    return [
        index if index < len(keys) and word.casefold() == keys[index] else None
        for index, word in enumerate(words)
    ]


def matching_table(runs: Runs, setting: str = "zero_shot", tokenizer: Any = None) -> Table:
    """F1 by what the matcher may do, read anew from the raw outputs of the runs."""
    rows = []
    for run, path in runs.items():
        for name, batch in load_predictions(path).items():
            found = score_matching(batch, make_reading(tokenizer))
            if found is not None:
                figures = [found[part][key] for part in found for key in VARIANTS]
                rows.append([f"{run}, {name}" if len(runs) > 1 else name, *map(percent, figures)])
    paper = load_paper()["table6_matching"]
    for model in paper[0]["f1"]:
        printed = {row["variant"]: row["f1"][model][setting] for row in paper}
        figures = [number(printed[key], 2) for key in VARIANTS]
        rows.append([f"{model} (paper)", *["–"] * 3, *figures, *["–"] * 6])
    parts = ("F1", "UniNER F1", "affected", "unmatched")
    columns = ["data set"] + [f"{part}: {name}" for part in parts for name in VARIANTS.values()]
    note = (
        "In percent. BT: back tokenization. LCS: longest common subsequence; without it words are "
        "matched by position only. Affected: F1 on the sentences whose output departs from the "
        "words. Unmatched: share of the words that no generated word answers."
    )
    return Table("What matching saves (Table 6)", columns, rows, note)


def score_matching(
    sentences: Sequence[ScoredSentence], reading: Reading
) -> dict[str, dict[str, float | None]] | None:
    """Read raw outputs with each variant of the matcher.

    sentences (Sequence[ScoredSentence]): The sentences; those without one raw output are
        left out.
    reading (Reading): How to read the outputs. Without a back tokenizer the first two
        variants agree.
    RETURNS (dict | None): `strict`, `uniner`, `affected` (strict F1 on the sentences with a
        discrepancy) and `unmatched` (share of the words), each with one value per variant.
        None without any output.
    """
    kept = [sentence for sentence in sentences if has_one_output(sentence)]
    if not kept:
        return None
    readings = {
        "full": reading,
        "without_back_tokenization": replace(reading, back_tokenizer=None),
        "without_lcs": replace(reading, back_tokenizer=None, matcher=match_by_position),
    }
    plain = readings["without_back_tokenization"]
    affected = [index for index, sentence in enumerate(kept) if _departs(sentence, plain)]
    found: dict[str, dict[str, float | None]] = {
        key: {} for key in ("strict", "uniner", "affected", "unmatched")
    }
    for name, variant in readings.items():
        batch = [reread(sentence, variant) for sentence in kept]
        found["strict"][name] = score_strict(batch)["f"]
        found["uniner"][name] = score_uniner(batch)["f"]
        found["affected"][name] = score_strict([batch[index] for index in affected])["f"]
        n_words = sum(len(sentence.outputs[0].words) for sentence in kept)
        n_missing = sum(_align(sentence, variant).count(None) for sentence in kept)
        found["unmatched"][name] = n_missing / n_words if n_words else None
    return found


def _align(sentence: ScoredSentence, reading: Reading) -> list[int | None]:
    predicted = predicted_words(sentence, reading)
    return reading.matcher(sentence.outputs[0].words, predicted, reading.back_tokenizer)


def _departs(sentence: ScoredSentence, reading: Reading) -> bool:
    predicted = predicted_words(sentence, reading)
    alignment = _align(sentence, reading)
    return diagnose(sentence.outputs[0].words, predicted, alignment).total > 0


def predicted_words(sentence: ScoredSentence, reading: Reading) -> list[str]:
    """RETURNS (list[str]): The words of a sentence's only raw output."""
    output = sentence.outputs[0]
    return [part.word for part in reading.format.parse(output.generation.text, output.wordings)]


def make_reading(tokenizer: Any = None) -> Reading:
    """RETURNS (Reading): How to read outputs, with back tokenization where there is a tokenizer."""
    back_tokenizer = None if tokenizer is None else make_back_tokenizer(tokenizer)
    return Reading(back_tokenizer=back_tokenizer, matcher=LCSMatcher())


# --- Table 7 ------------------------------------------------------------------------------


def beams_table(runs: Runs) -> Table:
    """UniNER-style F1 by beam size: one line per system of the runs and of the paper."""
    found: dict[str, dict[str, str]] = {}
    for path in runs.values():
        metrics = load_metrics(path)
        if "num_beams" in metrics["system"]:
            f1 = percent(metrics["average"]["uniner"]["f"])
            beams = found.setdefault(metrics["system"]["name"], {})
            beams[str(metrics["system"]["num_beams"])] = f1
    for row in load_paper()["table7_beam_size"]:
        values = row["f1_by_beam_size"].items()
        found[f"{row['model']} (paper)"] = {size: f"{f:.2f}" for size, f in values}
    sizes = sorted({size for row in found.values() for size in row}, key=int)
    rows = [[name, *(row.get(size, "–") for size in sizes)] for name, row in found.items()]
    note = "UniNER F1 in percent, mean over the data sets. The paper: Table 7, zero-shot."
    return Table("F1 by beam size (Table 7)", ["system", *sizes], rows, note)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    tables = ("scores", "speed", "matching", "beams")
    parser.add_argument("table", choices=tables)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--supervised", action="store_true", help="the supervised setting")
    parser.add_argument("--tokenizer", help="of the model, for back tokenization (Table 6)")
    options = parser.parse_args(arguments)
    runs = {str(path): path for path in options.runs}
    setting = "supervised" if options.supervised else "zero_shot"
    tokenizer = None
    if options.tokenizer is not None:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    made = {
        "scores": lambda: scores_table(runs, setting),
        "speed": lambda: speed_table(runs),
        "matching": lambda: matching_table(runs, setting, tokenizer),
        "beams": lambda: beams_table(runs),
    }
    table = made[options.table]()
    print(render_plain([Section(table.title, table=table)]), end="")


if __name__ == "__main__":
    main()
