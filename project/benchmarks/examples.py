"""What solved examples in the prompt (few-shot) do to F1 and to time.

    python project/benchmarks/examples.py --data dev/conll04.spacy --data dev/wnut16.spacy

Of each set some sentences are annotated without examples, and with the first few others that
have the most labels among them. The sentences are the same in both runs; examples are never
among them. The dev sets of the project's default are what
`python project/scripts/default_model/dev.py` writes.
"""

import random
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.tokens import Doc, DocBin
from words import f1

import spacy_gner
from spacy_gner.extensions import inventory_of


def as_example(doc: Doc) -> dict[str, Any]:
    """RETURNS (dict): A Doc as a solved example."""
    entities: dict[str, list[str]] = {}
    for ent in doc.ents:
        entities.setdefault(ent.label_, []).append(" ".join(token.text for token in ent))
    return {"text": " ".join(token.text for token in doc), "entities": entities}


def choose(docs: list[Doc], n: int) -> list[Doc]:
    """RETURNS (list[Doc]): One after the other the Doc that adds the most labels to those before;
    of equal ones the shorter.

    docs (list[Doc]): To choose from.
    n (int): How many."""
    chosen: list[Doc] = []
    seen: set[str] = set()
    for _ in range(n):
        left = [doc for doc in docs if doc.ents and doc not in chosen]
        if not left:
            break
        best = max(left, key=lambda d: (len({e.label_ for e in d.ents} - seen), -len(d)))
        seen |= {ent.label_ for ent in best.ents}
        chosen.append(best)
    return chosen


def main(
    data: Annotated[list[Path], typer.Option(help="DocBins, as `convert` writes them.")],
    limit: Annotated[int, typer.Option(help="Sentences of each set.")] = 10,
    examples: Annotated[int, typer.Option(help="Solved examples in the prompt.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the choice of sentences.")] = 0,
    model: Annotated[str | None, typer.Option(help="None is the default model.")] = None,
) -> None:
    """Print F1 of each set without and with examples, and how many times as long they take."""
    nlp = spacy_gner.load(model, ["any"])
    gner = nlp.get_pipe("gner")
    nlp("Marie Curie")  # loads the model
    totals = {"without": [0, 0, 0], "with": [0, 0, 0]}
    seconds = {"without": 0.0, "with": 0.0}
    print(f"{'':16}{'sentences':>10}{'labels':>8}{'without':>9}{'with':>7}{'time':>7}")
    for path in data:
        docs = list(DocBin().from_disk(path).get_docs(nlp.vocab))
        random.Random(seed).shuffle(docs)
        tested, rest = docs[:limit], docs[limit:]
        labels = sorted({label for doc in docs for label in inventory_of(doc) or ()})
        gner.set_labels({label: label for label in labels})
        f1s, spent = [], []
        for name in totals:
            gner.examples = (
                [as_example(d) for d in choose(rest, examples)] if name == "with" else None
            )
            counts = [0, 0, 0]
            start = time.thread_time()
            for doc in tested:
                gold = {(ent.start, ent.end, ent.label_) for ent in doc.ents}
                words, spaces = [t.text for t in doc], [bool(t.whitespace_) for t in doc]
                answered = nlp(Doc(nlp.vocab, words=words, spaces=spaces))
                found = {(ent.start, ent.end, ent.label_) for ent in answered.ents}
                for i, n in enumerate((len(gold & found), len(found), len(gold))):
                    counts[i] += n
                    totals[name][i] += n
            spent.append(time.thread_time() - start)
            seconds[name] += spent[-1]
            f1s.append(f1(counts))
        row = f"{path.stem:16}{len(tested):10}{len(labels):8}{f1s[0]:9.1f}{f1s[1]:7.1f}"
        print(f"{row}{spent[1] / spent[0]:6.1f}x", flush=True)
    rates = f"{f1(totals['without']):9.1f}{f1(totals['with']):7.1f}"
    print(f"{'all':34}{rates}{seconds['with'] / seconds['without']:6.1f}x")


if __name__ == "__main__":
    typer.run(main)
