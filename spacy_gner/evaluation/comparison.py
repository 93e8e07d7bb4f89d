"""Two or more evaluations of the same data, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from ..corpora.writers.records import json_text
from ..errors import Errors
from .records import Mention, ScoredSentence, sentence_from_json
from .scores import COUNTS
from .tables import Table, number, percent, size_text
from .text import Section, render_markdown

SIGNIFICANT = 0.05
# At most this many sampled indices are held at once.
_CHUNK = 2_000_000


@dataclass(frozen=True)
class Comparison:
    """Several evaluations, each compared with the first.

    sections (Sequence[Section]): The report.
    values (Mapping[str, Any]): For machines: `first` (its name) and `against` (name to what
        `compare_metrics` found).
    """

    sections: Sequence[Section]
    values: Mapping[str, Any]


def compare_runs(
    runs: Mapping[str, Mapping[str, Any]],
    measure: str = "strict",
    n_samples: int = 1000,
    seed: int = 0,
    show: int = 5,
) -> Comparison:
    """Compare evaluations with the first of them.

    runs (Mapping[str, Mapping]): Name to the result of `build_metrics`, two or more.
    measure (str): "strict" or "uniner".
    n_samples (int): Draws of the bootstrap.
    seed (int): Of the draws.
    show (int): Changed sentences to show per data set.
    RETURNS (Comparison): The comparison.
    RAISES (ValueError): E312, E314, see `compare_metrics`.
    """
    table = runs_table(runs)
    sections = [Section(table.title, table=table)]
    against: dict[str, Any] = {}
    first, *others = runs
    for name in others:
        pair = (first, name)
        against[name] = compare_metrics(runs[first], runs[name], measure, n_samples, seed, pair)
        sections += comparison_sections(against[name], pair, show)
    return Comparison(sections, {"first": first, "against": against})


def write_comparison(comparison: Comparison, output: Path) -> list[Path]:
    """Write compare.md and compare.json.

    comparison (Comparison): Of `compare_runs`.
    output (Path): The directory.
    RETURNS (list[Path]): The files.
    """
    output.mkdir(parents=True, exist_ok=True)
    files = [output / "compare.md", output / "compare.json"]
    text = render_markdown(comparison.sections)
    files[0].write_text(text, encoding="utf8", errors="replace")
    files[1].write_text(json_text(comparison.values) + "\n", encoding="utf8")
    return files


def compare_metrics(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    measure: str = "strict",
    n_samples: int = 1000,
    seed: int = 0,
    names: tuple[str, str] = ("A", "B"),
) -> dict[str, Any]:
    """Compare two evaluations: paired bootstrap, and the sentences that changed.

    first (Mapping): Of `build_metrics`.
    second (Mapping): Of the same data.
    measure (str): "strict" or "uniner".
    n_samples (int): Draws of the bootstrap.
    seed (int): Of the draws.
    names (tuple[str, str]): For the messages.
    RETURNS (dict): `bootstrap` as of `paired_bootstrap`; `changed`: data set to
        `better`, `worse`, `other` (counts of sentences whose predictions differ) and
        `sentences` (`number`, `words`, `gold`, `first`, `second`, `gain`: the change of
        hits minus mistakes); `unpaired`: data sets that only one of them has.
    RAISES (ValueError): E314 if they have no data set in common, or the sentences differ.
    """
    sets_first = {dataset["name"]: dataset for dataset in first["datasets"]}
    sets_second = {dataset["name"]: dataset for dataset in second["datasets"]}
    common = [name for name in sets_first if name in sets_second]
    if not common:
        raise ValueError(_not_comparable(names, "they have no data set in common"))
    counts_first: dict[str, numpy.ndarray] = {}
    counts_second: dict[str, numpy.ndarray] = {}
    changed: dict[str, Any] = {}
    for name in common:
        batch_first = [sentence_from_json(record) for record in sets_first[name]["sentences"]]
        batch_second = [sentence_from_json(record) for record in sets_second[name]["sentences"]]
        if [(s.words, s.gold) for s in batch_first] != [(s.words, s.gold) for s in batch_second]:
            raise ValueError(_not_comparable(names, f"the sentences of {name} differ"))
        counts_first[name] = count_sentences(batch_first, measure)
        counts_second[name] = count_sentences(batch_second, measure)
        changed[name] = _changed(
            batch_first, batch_second, counts_second[name] - counts_first[name]
        )
    return {
        "measure": measure,
        "bootstrap": paired_bootstrap(counts_first, counts_second, n_samples, seed),
        "changed": changed,
        "unpaired": sorted(sets_first.keys() ^ sets_second.keys()),
    }


def count_sentences(sentences: Sequence[ScoredSentence], measure: str) -> numpy.ndarray:
    """Hits, false alarms and misses per sentence.

    sentences (Sequence[ScoredSentence]): The sentences.
    measure (str): "strict" or "uniner".
    RETURNS (ndarray): *Shape: (N, 3)*.
    RAISES (ValueError): E312 for another measure.
    """
    if measure not in COUNTS:
        form = " or ".join(COUNTS)
        raise ValueError(
            Errors.E312.format(option="measure", value=measure, form=form, example="strict")
        )
    counts = [COUNTS[measure](sentence) for sentence in sentences]
    rows = [[prf.tp, prf.fp, prf.fn] for prf in counts]
    return numpy.asarray(rows, dtype="int64").reshape(-1, 3)


def _not_comparable(names: tuple[str, str], reason: str) -> str:
    return Errors.E314.format(first=names[0], second=names[1], reason=reason)


def _changed(
    first: Sequence[ScoredSentence], second: Sequence[ScoredSentence], difference: numpy.ndarray
) -> dict[str, Any]:
    sentences: list[dict[str, Any]] = []
    gains = difference @ numpy.asarray([1, -1, -1])
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        if a.predicted != b.predicted:
            sentences.append(
                {
                    "number": index + 1,
                    "words": list(a.words),
                    "gold": [list(mention) for mention in a.gold],
                    "first": [list(mention) for mention in a.predicted],
                    "second": [list(mention) for mention in b.predicted],
                    "gain": int(gains[index]),
                }
            )
    return {
        "better": sum(sentence["gain"] > 0 for sentence in sentences),
        "worse": sum(sentence["gain"] < 0 for sentence in sentences),
        "other": sum(sentence["gain"] == 0 for sentence in sentences),
        "sentences": sentences,
    }


# --- paired bootstrap ---------------------------------------------------------------------


def paired_bootstrap(
    first: Mapping[str, numpy.ndarray],
    second: Mapping[str, numpy.ndarray],
    n_samples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare the F1 of two systems on the same sentences (Koehn 2004, Berg-Kirkpatrick
    et al. 2012).

    Sentences are drawn with replacement, the same for both systems, each data set for
    itself. The average is over the data sets of one draw.

    first (Mapping[str, ndarray]): Data set to counts, *Shape: (N, 3)*: hits, false alarms
        and misses per sentence, of the first system.
    second (Mapping[str, ndarray]): The same of the second system, for the same sentences.
    n_samples (int): How many times to draw.
    seed (int): Of the random numbers: the same seed gives the same result.
    RETURNS (dict): `sets`: data set to `first`, `second` (F1), `difference` (second less
        first), `low`, `high` (95% interval of the difference) and `p` (two-sided: twice
        the share of draws in which the difference has the other sign or is zero, at
        most 1, with one draw added so that it is never 0); `average`: the same over the
        data sets. All None-free, F1 without any entity is 0.
    """
    generator = numpy.random.default_rng(seed)
    sets: dict[str, Any] = {}
    drawn_first, drawn_second = [], []
    for name in first:
        a, b = _draw(first[name], second[name], n_samples, generator)
        drawn_first.append(a)
        drawn_second.append(b)
        sets[name] = _summary(_f1(first[name].sum(0)), _f1(second[name].sum(0)), b - a)
    mean_first = sum(part["first"] for part in sets.values()) / len(sets)
    mean_second = sum(part["second"] for part in sets.values()) / len(sets)
    differences = numpy.mean(drawn_second, axis=0) - numpy.mean(drawn_first, axis=0)
    return {"sets": sets, "average": _summary(mean_first, mean_second, differences)}


def _draw(
    first: numpy.ndarray, second: numpy.ndarray, n_samples: int, generator: numpy.random.Generator
) -> tuple[numpy.ndarray, numpy.ndarray]:
    n = len(first)
    both = numpy.concatenate([first, second], axis=1).astype("int64")
    sums = numpy.empty((n_samples, both.shape[1]), dtype="int64")
    step = max(1, _CHUNK // n)
    for start in range(0, n_samples, step):
        size = min(step, n_samples - start)
        indices = generator.integers(0, n, size=(size, n))
        sums[start : start + size] = both[indices].sum(1)
    return _f1(sums[:, :3]), _f1(sums[:, 3:])


def _f1(counts: numpy.ndarray) -> Any:
    hits, false_alarms, misses = counts[..., 0], counts[..., 1], counts[..., 2]
    # 2 tp / (2 tp + fp + fn) is 0 / 0 only where there is nothing to find: 0 there.
    return 2 * hits / numpy.maximum(2 * hits + false_alarms + misses, 1)


def _summary(first: float, second: float, differences: numpy.ndarray) -> dict[str, float]:
    difference = float(second) - float(first)
    against = differences <= 0 if difference > 0 else differences >= 0
    low, high = numpy.percentile(differences, [2.5, 97.5])
    p = 2 * (int(against.sum()) + 1) / (len(differences) + 1)
    return {
        "first": float(first),
        "second": float(second),
        "difference": difference,
        "low": float(low),
        "high": float(high),
        "p": min(1.0, p),
    }


# --- tables -----------------------------------------------------------------------------


def comparison_sections(
    comparison: Mapping[str, Any], names: tuple[str, str], show: int = 10
) -> list[Section]:
    """A comparison as parts of a report.

    comparison (Mapping): Of `compare_metrics`.
    names (tuple[str, str]): Of the first and the second evaluation.
    show (int): How many changed sentences to show per data set: largest change first.
    RETURNS (list[Section]): The table of differences, then the changed sentences.
    """
    found = comparison["bootstrap"]
    rows = []
    for name, part in [*found["sets"].items(), ("average", found["average"])]:
        if name == "average" and len(found["sets"]) == 1:
            continue
        verdict = "no"
        if part["p"] < SIGNIFICANT:
            verdict = "better" if part["difference"] > 0 else "worse"
        changes = comparison["changed"].get(name, {})
        rows.append(
            [name, percent(part["first"]), percent(part["second"])]
            + [f"{100 * part['difference']:+.2f}"]
            + [f"{100 * part['low']:+.2f} … {100 * part['high']:+.2f}", f"{part['p']:.3f}", verdict]
            + [str(changes.get(key, "–")) for key in ("better", "worse", "other")]
        )
    columns = ["data set", f"F1 {names[0]}", f"F1 {names[1]}", "difference", "95% interval"]
    columns += ["p", "significant", "sentences better", "worse", "otherwise changed"]
    note = f"{comparison['measure']} F1 in percent, paired bootstrap over the sentences."
    lines = []
    if comparison["unpaired"]:
        lines.append(f"Only in one of them: {', '.join(comparison['unpaired'])}.")
    title = f"{names[1]} against {names[0]}"
    sections = [Section(title, 1, lines, Table(title, columns, rows, note))]
    for name, changes in comparison["changed"].items():
        largest = sorted(changes["sentences"], key=lambda s: -abs(s["gain"]))[:show]
        if largest:
            sections.append(Section(f"Changed sentences of {name}"))
        for sentence in largest:
            title = f"Sentence {sentence['number']} ({sentence['gain']:+d})"
            sections.append(Section(title, 3, _sides(sentence, names)))
    return sections


def _sides(sentence: Mapping[str, Any], names: tuple[str, str]) -> list[str]:
    sides = zip(("gold", *names), ("gold", "first", "second"), strict=True)
    return [
        f"{title}: {mark_entities(sentence['words'], [Mention(*m) for m in sentence[key]])}"
        for title, key in sides
    ]


def mark_entities(words: Sequence[str], mentions: Sequence[Mention]) -> str:
    """Write a sentence with its entities marked: `«New York: city»`.

    words (Sequence[str]): The words.
    mentions (Sequence[Mention]): The entities.
    RETURNS (str): One line.
    """
    written = list(words)
    for start, end, label in mentions:
        written[start] = "«" + written[start]
        written[end - 1] += f": {label}»"
    return " ".join(written)


def runs_table(runs: Mapping[str, Mapping[str, Any]]) -> Table:
    """One line per evaluation: what ran, how good and how fast.

    runs (Mapping[str, Mapping]): Name to the result of `build_metrics`.
    RETURNS (Table): F1 on average; calibration and speed over all data sets of a run.
    """
    rows = []
    for name, metrics in runs.items():
        system = metrics["system"]
        options = ", ".join(f"{k}={v}" for k, v in system.get("decoder options", {}).items())
        decoder = " ".join(filter(None, [system.get("decoder", "–"), options]))
        speeds = [dataset["speed"] for dataset in metrics["datasets"]]
        seconds = sum(speed["seconds"] or 0 for speed in speeds)
        passes = sum(speed["forward_passes"] or 0 for speed in speeds)
        n = sum(dataset["n_sentences"] for dataset in metrics["datasets"])
        calibration = metrics["together"]["calibration"]
        rows.append(
            [name, system["name"], decoder, size_text(system.get("parameters")), number(n, 0)]
            + [percent(metrics["average"][measure]["f"]) for measure in COUNTS]
            + [percent(calibration["ece"] if calibration else None)]
            + [number(n / seconds if seconds else None, 2)]
            + [number(passes / n if passes else None, 2)]
        )
    columns = ["run", "system", "decoder", "parameters", "sentences", "strict F1", "UniNER F1"]
    columns += ["ECE", "sentences/s", "forward passes per sentence"]
    note = "F1: mean over the data sets, in percent. ECE: expected calibration error, in percent."
    return Table("Runs", columns, rows, note)
