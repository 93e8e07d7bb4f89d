"""Whether definitions of labels steer the model.

    python project/benchmarks/definitions.py [--data project/assets/definitions.jsonl]

Every sentence has two names that one label could mean ("bank"), and two definitions that exclude
each other. A definition steers if the answer with it has more of its own entities than the answer
with the other one. Nothing is learned from these sentences.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

import spacy_gner

DATA = Path(__file__).parents[1] / "assets" / "definitions.jsonl"


def main(
    data: Annotated[Path, typer.Option(help="JSONL: text, label, definitions.")] = DATA,
    model: Annotated[str | None, typer.Option(help="None is the default model.")] = None,
    show: Annotated[bool, typer.Option(help="Print what was found.")] = False,
) -> None:
    """Print how often a definition steers, and F1 with its own and with the other definition."""
    nlp = spacy_gner.load(model)
    gner = nlp.get_pipe("gner")
    assert isinstance(gner, spacy_gner.GNER)
    steered = mixed = total = 0
    own = [0, 0, 0]
    other = [0, 0, 0]
    for line in data.read_text(encoding="utf8").splitlines():
        record = json.loads(line)
        label = record["label"]
        answers = []
        for definition in record["definitions"]:
            gner.label_definitions = {label: definition}
            doc = nlp.make_doc(record["text"])
            doc._.gner_labels = [label]
            answers.append({ent.text for ent in nlp(doc).ents})
        golds = [set(texts) for texts in record["definitions"].values()]
        if show:
            print(f"{label}: {golds} -> {answers} in {record['text']!r}")
        for i, gold in enumerate(golds):
            with_own, with_other = len(answers[i] & gold), len(answers[1 - i] & gold)
            steered += with_own > with_other
            mixed += with_own < with_other
            total += 1
            count(own, gold, answers[i])
            count(other, gold, answers[1 - i])
    print(f"{total} definitions: {steered} steer, {mixed} do the opposite, the rest change nothing")
    print(f"F1 with the right definition {f1(own):.1f}, with the other one {f1(other):.1f}")


def count(counts: list[int], gold: set[str], found: set[str]) -> None:
    """counts (list[int]): Right, found and gold entities; gets those of a sentence."""
    for i, n in enumerate((len(gold & found), len(found), len(gold))):
        counts[i] += n


def f1(counts: list[int]) -> float:
    """RETURNS (float): F1 in percent."""
    right, found, gold = counts
    return 200 * right / max(1, found + gold)


if __name__ == "__main__":
    typer.run(main)
