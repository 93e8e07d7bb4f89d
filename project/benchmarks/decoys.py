"""What decoys do to precision where the right label is not asked for.

    python project/benchmarks/decoys.py [--data project/assets/decoys.jsonl]

A sentence names a sports team, a museum, a planet; asked are cities, organizations, persons. A
model takes the nearest label. With decoys it is also asked for the right one, whose entities are
never written to the Doc.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

import spacy_gner

DATA = Path(__file__).parents[1] / "assets" / "decoys.jsonl"


def main(
    data: Annotated[Path, typer.Option(help="JSONL: text, labels, decoys, entities.")] = DATA,
    model: Annotated[str | None, typer.Option(help="None is the default model.")] = None,
    show: Annotated[bool, typer.Option(help="Print what was found.")] = False,
) -> None:
    """Print right, wrong and missed entities without and with decoys."""
    nlp = spacy_gner.load(model)
    records = [json.loads(line) for line in data.read_text(encoding="utf8").splitlines()]
    print(f"{'':10}{'right':>8}{'wrong':>8}{'missed':>8}{'precision':>11}")
    for name in ("without", "with"):
        right = wrong = missed = 0
        for record in records:
            doc = nlp.make_doc(record["text"])
            doc._.gner_labels = record["labels"]
            doc._.gner_decoys = record["decoys"] if name == "with" else []
            found = {(ent.text, ent.label_) for ent in nlp(doc).ents}
            gold = {tuple(entity) for entity in record["entities"]}
            right += len(found & gold)
            wrong += len(found - gold)
            missed += len(gold - found)
            if show:
                for text, label in sorted(found):
                    sign = "+" if (text, label) in gold else "-"
                    print(f"  {sign} {name}: {text} ({label}) in {record['text']!r}")
        precision = 100.0 * right / max(1, right + wrong)
        print(f"{name:10}{right:8}{wrong:8}{missed:8}{precision:10.1f}%", flush=True)


if __name__ == "__main__":
    typer.run(main)
