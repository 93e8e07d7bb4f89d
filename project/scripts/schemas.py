"""One base model, trained for the same number of examples with several formats: the paper's
comparison of ways to ask and to answer, on one corpus, with the same matching and scores.

    python project/scripts/schemas.py --examples 64 --updates 60 --limit 20

Prints a table: F1 (strict), unlabeled, noisy and boundary errors as shares of the gold entities
(paper, Figure 2), and seconds a sentence. For a full size take a larger corpus, 10,000 examples
or more, several updates for each, and a GPU (`--device cuda:0`).
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import spacy
import typer
from spacy.training import Example
from thinc.api import Adam

from spacy_gner.backbones.sources import resolve_base
from spacy_gner.corpora.corpus import InlineCorpus
from spacy_gner.evaluation.data import read_dataset
from spacy_gner.evaluation.mistakes import score_mistakes
from spacy_gner.evaluation.predict import ComponentPredictor
from spacy_gner.evaluation.records import Mention
from spacy_gner.evaluation.scores import score_strict
from spacy_gner.pipeline.loading import find_component
from spacy_gner.training.schedules import warmup_cosine

ASSETS = Path(__file__).parents[1] / "assets"
FREE_TEXT = {"@misc": "spacy_gner.BeamSearch.v1", "num_beams": 1}
GREEDY = {"@misc": "spacy_gner.DraftedGreedy.v1"}
# Row of the table -> format and decoder. All write greedily.
FORMATS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "GNER": ({"@misc": "spacy_gner.BIO.v1"}, GREEDY),
    "single-round": ({"@misc": "spacy_gner.SingleRound.v1"}, FREE_TEXT),
    "multi-round": ({"@misc": "spacy_gner.MultiRound.v1"}, FREE_TEXT),
    "guidelines": ({"@misc": "spacy_gner.Guidelines.v1"}, FREE_TEXT),
}


def batches(examples: Sequence[Example], size: int, seed: int) -> Iterator[list[Example]]:
    """YIELDS (list[Example]): Examples in random order, again and again."""
    rng = random.Random(seed)
    while True:
        order = rng.sample(range(len(examples)), len(examples))
        for i in range(0, len(order), size):
            yield [examples[j] for j in order[i : i + size]]


def main(
    model: Annotated[str, typer.Option(help="Empty: the base of the embedded default")] = "",
    train: Annotated[Path, typer.Option()] = ASSETS / "sample_train.txt",
    dev: Annotated[Path, typer.Option()] = ASSETS / "sample_dev.txt",
    examples: Annotated[int, typer.Option(help="Training examples")] = 64,
    updates: Annotated[int, typer.Option(help="Updates of 4 examples")] = 60,
    limit: Annotated[int, typer.Option(help="Sentences to evaluate on")] = 20,
    only: Annotated[list[str] | None, typer.Option("--format", help="Rows")] = None,
    device: Annotated[str, typer.Option()] = "cpu",
    rate: Annotated[float, typer.Option(help="Peak of the learning rate")] = 5e-4,
    output: Annotated[Path, typer.Option()] = Path("project/metrics/schemas"),
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    name = model or str(resolve_base() or "")
    rows = []
    for row in only or FORMATS:
        format, decoder = FORMATS[row]
        nlp = spacy.blank("en")
        config = {
            "model": {"name": name, "device": device, "lora": {"@misc": "spacy_gner.Lora.v1"}},
            "format": format,
            "decoder": decoder,
            # As the papers: labels in random order, a few that are not in the sentence.
            "augmentation": {
                "@misc": "spacy_gner.Augmentation.v1",
                "external_labels": [0, 3],
                "seed": seed,
            },
            "batch_size": 8192,
        }
        nlp.add_pipe("gner", config=config)
        every = list(InlineCorpus(train)(nlp))
        corpus = random.Random(seed).sample(every, min(examples, len(every)))
        nlp.initialize(lambda corpus=corpus: corpus)
        optimizer = Adam(rate, use_averages=False, grad_clip=1.0, L2=0.0)
        rates = islice(warmup_cosine(rate, updates, warmup=0.1, minimum=rate / 20), updates)
        start, losses = perf_counter(), []
        for learn_rate, batch in zip(rates, batches(corpus, 4, seed), strict=False):
            optimizer.learn_rate = learn_rate
            losses.append(nlp.update(batch, sgd=optimizer)["gner"])
        trained = perf_counter() - start
        data = read_dataset("dev", dev, nlp=nlp, limit=limit, seed=seed)
        predict = ComponentPredictor(nlp, find_component(nlp))
        start = perf_counter()
        predictions = predict(data.sentences)
        seconds = (perf_counter() - start) / len(data.sentences)
        sentences = []
        for sentence, prediction in zip(data.sentences, predictions, strict=True):
            mentions = tuple(Mention(e.start, e.end, e.label) for e in prediction.entities)
            sentences.append(replace(sentence, predicted=mentions))
        strict, mistakes = score_strict(sentences), score_mistakes(sentences)
        found = {"f": strict["f"], **{k: mistakes[k] for k in ("unlabeled", "noisy", "boundary")}}
        rows.append({"format": row, **found, "seconds": seconds, "loss": losses[-1]})
        print(f"{row}: {updates} updates in {trained:.0f} s, last loss {losses[-1]:.2f}")
    output.mkdir(parents=True, exist_ok=True)
    (output / "schemas.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf8")
    print(f"\n{examples} examples, {updates} updates of 4, {limit} sentences of {dev.name}\n")
    print("| format | F1 | unlabeled | noisy | boundary | s/sentence |\n|---|--:|--:|--:|--:|--:|")
    for found in rows:
        shares = (100 * (found[key] or 0.0) for key in ("f", "unlabeled", "noisy", "boundary"))
        cells = " | ".join(f"{share:.1f}" for share in shares)
        print(f"| {found['format']} | {cells} | {found['seconds']:.2f} |")


if __name__ == "__main__":
    typer.run(main)
