"""Two or more evaluations of the same data, side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from ..errors import Errors
from .bootstrap import paired_bootstrap
from .cells import Table, number, percent, size_text
from .markdown import escape, render_table
from .metrics import sentence_mentions
from .paper import load_paper
from .records import Mention, ScoredSentence
from .strict import count_by_label
from .uniner import count_uniner

MEASURES = ("strict", "uniner")
SIGNIFICANT = 0.05


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
        records_first = sets_first[name]["sentences"]
        records_second = sets_second[name]["sentences"]
        if len(records_first) != len(records_second) or any(
            a["words"] != b["words"] or a["gold"] != b["gold"]
            for a, b in zip(records_first, records_second, strict=True)
        ):
            raise ValueError(_not_comparable(names, f"the sentences of {name} differ"))
        counts_first[name] = count_sentences(records_first, measure)
        counts_second[name] = count_sentences(records_second, measure)
        changed[name] = _changed(
            records_first, records_second, counts_second[name] - counts_first[name]
        )
    return {
        "measure": measure,
        "bootstrap": paired_bootstrap(counts_first, counts_second, n_samples, seed),
        "changed": changed,
        "unpaired": sorted(sets_first.keys() ^ sets_second.keys()),
    }


def count_sentences(records: Sequence[Mapping[str, Any]], measure: str) -> numpy.ndarray:
    """Hits, false alarms and misses per sentence.

    records (Sequence[Mapping]): `sentences` of a data set in metrics.json.
    measure (str): "strict" or "uniner".
    RETURNS (ndarray): *Shape: (N, 3)*.
    RAISES (ValueError): E312 for another measure.
    """
    if measure not in MEASURES:
        form = " or ".join(MEASURES)
        raise ValueError(
            Errors.E312.format(option="measure", value=measure, form=form, example="strict")
        )
    rows = []
    for record in records:
        gold, predicted = sentence_mentions(record)
        sentence = ScoredSentence(tuple(record["words"]), (), tuple(gold), tuple(predicted))
        if measure == "uniner":
            prfs = [count_uniner(sentence)]
        else:
            prfs = list(count_by_label(sentence).values())
        rows.append([sum(getattr(prf, key) for prf in prfs) for key in ("tp", "fp", "fn")])
    return numpy.asarray(rows, dtype="int64").reshape(-1, 3)


def _not_comparable(names: tuple[str, str], reason: str) -> str:
    return Errors.E314.format(first=names[0], second=names[1], reason=reason)


def _changed(
    first: Sequence[Mapping[str, Any]],
    second: Sequence[Mapping[str, Any]],
    difference: numpy.ndarray,
) -> dict[str, Any]:
    sentences = []
    gains = difference @ numpy.asarray([1, -1, -1])
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        mentions_a, mentions_b = sentence_mentions(a)[1], sentence_mentions(b)[1]
        if mentions_a != mentions_b:
            sentences.append(
                {
                    "number": index + 1,
                    "words": a["words"],
                    "gold": a["gold"],
                    "first": [list(mention) for mention in mentions_a],
                    "second": [list(mention) for mention in mentions_b],
                    "gain": int(gains[index]),
                }
            )
    return {
        "better": sum(sentence["gain"] > 0 for sentence in sentences),
        "worse": sum(sentence["gain"] < 0 for sentence in sentences),
        "other": sum(sentence["gain"] == 0 for sentence in sentences),
        "sentences": sentences,
    }


def render_comparison(comparison: Mapping[str, Any], names: tuple[str, str], show: int = 10) -> str:
    """Write a comparison as Markdown.

    comparison (Mapping): Of `compare_metrics`.
    names (tuple[str, str]): Of the first and the second evaluation.
    show (int): How many changed sentences to show per data set: largest change first.
    RETURNS (str): The text.
    """
    found = comparison["bootstrap"]
    rows = []
    for name, part in [*found["sets"].items(), ("average", found["average"])]:
        if name == "average" and len(found["sets"]) == 1:
            continue
        verdict = "no"
        if part["p"] < SIGNIFICANT:
            verdict = "better" if part["difference"] > 0 else "worse"
        changes = comparison["changed"].get(name)
        rows.append(
            [name, percent(part["first"]), percent(part["second"])]
            + [f"{100 * part['difference']:+.2f}"]
            + [f"{100 * part['low']:+.2f} … {100 * part['high']:+.2f}", f"{part['p']:.3f}", verdict]
            + (
                [str(changes[key]) for key in ("better", "worse", "other")]
                if changes
                else ["–"] * 3
            )
        )
    columns = ["data set", f"F1 {names[0]}", f"F1 {names[1]}", "difference", "95% interval"]
    columns += ["p", "significant", "sentences better", "worse", "otherwise changed"]
    note = f"{comparison['measure']} F1 in percent, paired bootstrap over the sentences."
    parts = [render_table(Table("", columns, rows, note))]
    if comparison["unpaired"]:
        parts.append(f"Only in one of them: {escape(', '.join(comparison['unpaired']))}.")
    for name, changes in comparison["changed"].items():
        largest = sorted(changes["sentences"], key=lambda s: -abs(s["gain"]))[:show]
        if largest:
            parts.append(f"## Changed sentences of {escape(name)}")
            parts += [_render_sentence(sentence, names) for sentence in largest]
    return "\n\n".join(parts) + "\n"


def _render_sentence(sentence: Mapping[str, Any], names: tuple[str, str]) -> str:
    sides = zip(("gold", *names), ("gold", "first", "second"), strict=True)
    lines = [f"Sentence {sentence['number']} ({sentence['gain']:+d}):", ""]
    for title, key in sides:
        mentions = [Mention(*mention) for mention in sentence[key]]
        lines.append(f"- {escape(title)}: {escape(mark_entities(sentence['words'], mentions))}")
    return "\n".join(lines)


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
    RETURNS (Table): F1 on average and speed over all data sets of a run.
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
        rows.append(
            [name, system["name"], decoder, size_text(system.get("parameters")), number(n, 0)]
            + [percent(metrics["average"][measure]["f"]) for measure in MEASURES]
            + [number(n / seconds if seconds else None, 2)]
            + [number(passes / n if passes else None, 2)]
        )
    columns = ["run", "system", "decoder", "parameters", "sentences", "F1", "UniNER F1"]
    columns += ["sentences/s", "forward passes per sentence"]
    return Table("Runs", columns, rows, "F1: mean over the data sets, in percent.")


def beams_table(runs: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """F1 by beam size, beside the paper's Table 7.

    runs (Mapping[str, Mapping]): Name to the result of `build_metrics`.
    RETURNS (Table | None): One line per system and one per model of the paper; None where no
        run was decoded with beams.
    """
    found: dict[str, dict[str, str]] = {}
    for metrics in runs.values():
        system = metrics["system"]
        if "num_beams" in system:
            f1 = percent(metrics["average"]["uniner"]["f"])
            found.setdefault(system["name"], {})[str(system["num_beams"])] = f1
    if not found:
        return None
    for row in load_paper()["table7_beam_size"]:
        values = row["f1_by_beam_size"].items()
        found[f"{row['model']} (paper)"] = {size: f"{f:.2f}" for size, f in values}
    sizes = sorted({size for row in found.values() for size in row}, key=int)
    rows = [[name, *(row.get(size, "–") for size in sizes)] for name, row in found.items()]
    note = "UniNER F1 in percent, mean over the data sets. The paper: Table 7, zero-shot."
    return Table("F1 by beam size", ["system", *sizes], rows, note)
