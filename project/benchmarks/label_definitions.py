"""Whether definitions of labels steer the model.

    python project/benchmarks/label_definitions.py [--data project/assets/definitions.jsonl]

Every sentence has names of two kinds that one label could mean, and two definitions that exclude
each other: of a homonym ("bank"), of two kinds that a wide label is narrowed to ("person"), or of
two roles in an event ("team"). A definition steers if the answer with it has more of its own
entities than the answer with the other one. Nothing is learned from these sentences.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

import spacy_gner

DATA = Path(__file__).parents[1] / "assets" / "definitions.jsonl"


@dataclass
class Counts:
    """What became of the definitions of one kind.

    n (int): How many there are.
    steered (int): Of these, how many bring more of their own entities than the other one does.
    opposite (int): How many bring fewer.
    own (list[int]): Right, found, and gold entities of the answers with the right definition.
    other (list[int]): The same with the other one.
    """

    n: int = 0
    steered: int = 0
    opposite: int = 0
    own: list[int] = field(default_factory=lambda: [0, 0, 0])
    other: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, gold: set[str], with_own: set[str], with_other: set[str]) -> None:
        """gold (set[str]): What a definition names.
        with_own (set[str]): What was found with it.
        with_other (set[str]): What was found with the other one."""
        self.n += 1
        self.steered += len(with_own & gold) > len(with_other & gold)
        self.opposite += len(with_own & gold) < len(with_other & gold)
        for counts, found in ((self.own, with_own), (self.other, with_other)):
            for i, number in enumerate((len(gold & found), len(found), len(gold))):
                counts[i] += number

    def __str__(self) -> str:
        return (
            f"{self.n} definitions, {self.steered} steer, {self.opposite} do the opposite; "
            f"F1 with the right definition {f1(self.own):.1f}, with the other {f1(self.other):.1f}"
        )


def main(
    data: Annotated[Path, typer.Option(help="JSONL: kind, text, label, definitions.")] = DATA,
    model: Annotated[str | None, typer.Option(help="None is the default model.")] = None,
    show: Annotated[bool, typer.Option(help="Print what was found.")] = False,
) -> None:
    """Print how often a definition steers, and F1 with its own and with the other definition."""
    nlp = spacy_gner.load(model)
    gner = nlp.get_pipe("gner")
    assert isinstance(gner, spacy_gner.GNER)
    counts: dict[str, Counts] = defaultdict(Counts)
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
            for kind in (record["kind"], "all"):
                counts[kind].add(gold, answers[i], answers[1 - i])
    for kind, values in counts.items():
        print(f"{kind}: {values}")


def f1(counts: list[int]) -> float:
    """RETURNS (float): F1 in percent."""
    right, found, gold = counts
    return 200 * right / max(1, found + gold)


if __name__ == "__main__":
    typer.run(main)
