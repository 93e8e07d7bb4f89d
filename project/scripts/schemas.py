"""One base model, trained on the same examples with several formats: the paper's comparison of
ways to ask and to answer, with the same matching and scores.

    python project/scripts/schemas.py --max-words 16 --updates 24

Prints a table with two rows for each format, before and after training: F1 (strict), unlabeled,
noisy and boundary errors as shares of the gold entities (paper, Figure 2), and seconds a
sentence. For a full size take a larger corpus, 10,000 examples or more, several updates for
each, no `--max-words`, and a GPU (`--device cuda:0`). A run that was stopped goes on with the
first format that it did not finish.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam

from spacy_gner.backbones.sources import resolve_base
from spacy_gner.corpora.corpus import Corpus
from spacy_gner.evaluation.data import read_dataset
from spacy_gner.evaluation.mistakes import score_mistakes
from spacy_gner.evaluation.predict import ComponentPredictor
from spacy_gner.evaluation.records import Mention, ScoredSentence
from spacy_gner.evaluation.scores import score_strict
from spacy_gner.pipeline.loading import find_component
from spacy_gner.training.schedules import warmup_cosine

ASSETS = Path(__file__).parents[1] / "assets"
# Row of the table -> format.
FORMATS: dict[str, dict[str, Any]] = {
    "GNER": {"@misc": "spacy_gner.BIO.v1"},
    "single-round": {"@misc": "spacy_gner.SingleRound.v1"},
    "multi-round": {"@misc": "spacy_gner.MultiRound.v1"},
    "guidelines": {"@misc": "spacy_gner.Guidelines.v1"},
}
# What the mistakes are shares of: gold entities.
SHARES = ("unlabeled", "noisy", "boundary")
BATCH = 4


def make_pipeline(
    format: dict[str, Any], model: dict[str, Any], max_new_tokens: int, seed: int
) -> Language:
    """RETURNS (Language): An untrained pipeline that asks in a format. All answers are greedy
    free text: an untrained model writes what it likes."""
    nlp = spacy.blank("en")
    config = {
        "model": model,
        "format": format,
        "decoder": {
            "@misc": "spacy_gner.BeamSearch.v1",
            "num_beams": 1,
            "max_new_tokens": max_new_tokens,
        },
        # As the papers: labels in random order, a few that are not in the sentence.
        "augmentation": {
            "@misc": "spacy_gner.Augmentation.v1",
            "external_labels": [0, 2],
            "seed": seed,
        },
        "batch_size": 8192,
    }
    nlp.add_pipe("gner", config=config)
    return nlp


def train(nlp: Language, examples: Sequence[Example], updates: int, rate: float, seed: int) -> None:
    """Train a pipeline. The same examples come in the same order, whatever its format."""
    optimizer = Adam(rate, use_averages=False, grad_clip=1.0, L2=0.0)
    rates = islice(warmup_cosine(rate, updates, warmup=0.1, minimum=rate / 20), updates)
    start, losses = process_time(), []
    for learn_rate, batch in zip(rates, _batches(examples, seed), strict=False):
        optimizer.learn_rate = learn_rate
        losses.append(nlp.update(batch, sgd=optimizer)["gner"])
        if len(losses) % 10 == 0:
            loss = sum(losses[-10:]) / 10
            print(
                f"  {len(losses)} updates, loss {loss:.3f}, {process_time() - start:.0f} s",
                flush=True,
            )


def _batches(examples: Sequence[Example], seed: int) -> Iterator[list[Example]]:
    rng = random.Random(seed)
    while True:
        order = rng.sample(range(len(examples)), len(examples))
        for i in range(0, len(order), BATCH):
            yield [examples[j] for j in order[i : i + BATCH]]


def reload(nlp: Language) -> Language:
    """RETURNS (Language): The pipeline as users load it, with the adapter in the weights."""
    with TemporaryDirectory() as directory:
        nlp.to_disk(directory)
        return spacy.load(directory)


def measure(nlp: Language, sentences: Sequence[ScoredSentence], clock: Any) -> dict[str, float]:
    """RETURNS (dict[str, float]): `f`, the shares of mistakes, and `seconds` a sentence."""
    predict = ComponentPredictor(nlp, find_component(nlp))
    predict(sentences[:1])  # loads the model
    start = clock()
    predictions = predict(sentences)
    seconds = (clock() - start) / len(sentences)
    scored = []
    for sentence, prediction in zip(sentences, predictions, strict=True):
        mentions = tuple(Mention(e.start, e.end, e.label) for e in prediction.entities)
        scored.append(replace(sentence, predicted=mentions))
    mistakes = score_mistakes(scored)
    shares = {key: mistakes[key] or 0.0 for key in SHARES}
    return {"f": score_strict(scored)["f"] or 0.0, **shares, "seconds": seconds}


def read_rows(file: Path, run: dict[str, Any]) -> list[dict[str, Any]]:
    """RETURNS (list[dict]): What an earlier run with the same settings measured."""
    if not file.exists():
        return []
    saved = json.loads(file.read_text(encoding="utf8"))
    rows: list[dict[str, Any]] = saved["rows"] if saved["run"] == run else []
    return rows


def main(
    model: Annotated[str, typer.Option(help="Empty: the base of the embedded default")] = "",
    train_path: Annotated[Path, typer.Option("--train")] = ASSETS / "sample_train.txt",
    dev_path: Annotated[Path, typer.Option("--dev")] = ASSETS / "sample_dev.txt",
    examples: Annotated[int, typer.Option(help="Different training examples")] = 96,
    updates: Annotated[int, typer.Option(help=f"Updates of {BATCH} examples")] = 24,
    limit: Annotated[int, typer.Option(help="Sentences to evaluate on")] = 24,
    max_words: Annotated[int, typer.Option(help="Leave longer sentences out; 0: none")] = 0,
    max_new_tokens: Annotated[int, typer.Option(help="Of an answer")] = 512,
    only: Annotated[list[str] | None, typer.Option("--format", help="Rows")] = None,
    device: Annotated[str, typer.Option()] = "cpu",
    dtype: Annotated[str, typer.Option(help="Of the base weights")] = "auto",
    rate: Annotated[float, typer.Option(help="Peak of the learning rate")] = 1e-3,
    output: Annotated[Path, typer.Option()] = Path("project/metrics/schemas"),
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    settings = {
        "name": model or str(resolve_base() or ""),
        "device": device,
        "dtype": dtype,
        "lora": {"@misc": "spacy_gner.Lora.v1"},
        "save_weights": False,
    }
    longest = max_words or 10**9
    read = Corpus(train_path)(spacy.blank("en"))
    every = [example for example in read if len(example.reference) <= longest]
    corpus = random.Random(seed).sample(every, min(examples, len(every)))
    held_out = read_dataset("dev", dev_path, nlp=spacy.blank("en")).sentences
    sentences = [s for s in held_out if len(s.words) <= longest][:limit]
    # Wall time on a GPU; on a CPU that other work shares, only its own time says something.
    clock = process_time if device == "cpu" else perf_counter
    run = {"model": settings, "train": str(train_path), "dev": str(dev_path), "rate": rate}
    run |= {"examples": len(corpus), "sentences": len(sentences), "max_words": max_words}
    run |= {"updates": updates, "max_new_tokens": max_new_tokens, "seed": seed}
    file = output / "schemas.json"
    rows = read_rows(file, run)
    for name in only or FORMATS:
        if any(row["format"] == name for row in rows):
            continue
        nlp = make_pipeline(FORMATS[name], settings, max_new_tokens, seed)
        nlp.initialize(lambda: corpus)
        before = measure(nlp, sentences, clock)
        print(f"{name}: F1 {100 * before['f']:.1f} before training", flush=True)
        train(nlp, corpus, updates, rate, seed)
        nlp = reload(nlp)
        after = measure(nlp, sentences, clock)
        rows += [{"format": name, "updates": 0, **before}]
        rows += [{"format": name, "updates": updates, **after}]
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"run": run, "rows": rows}, indent=2)
        file.write_text(text + "\n", encoding="utf8")
    n_gold = sum(len(sentence.gold) for sentence in sentences)
    print(f"\n{updates} updates of {BATCH} of {len(corpus)} examples, the same for every format;")
    print(f"{len(sentences)} sentences of {dev_path.name} with {n_gold} entities.\n")
    print("| format | updates | F1 | unlabeled | noisy | boundary | s/sentence |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        shares = " | ".join(f"{100 * row[key]:.1f}" for key in ("f", *SHARES))
        print(f"| {row['format']} | {row['updates']} | {shares} | {row['seconds']:.2f} |")


if __name__ == "__main__":
    typer.run(main)
