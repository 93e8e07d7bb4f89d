"""`spacy train` itself, with real configs, on models that are tiny but real."""

import json
import subprocess
import sys

import pytest
import spacy
from spacy.cli.init_config import fill_config
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from ..models import build_tiny_causal, build_tiny_seq2seq, save_tiny
from .examples import example_of

PEOPLE = ("Marie Curie", "Angela Merkel", "Nobel", "Angela Curie", "Merkel")
CITIES = ("Paris", "London", "New York", "Brussels")
PATTERNS = ("{0} lives in {1} .", "{0} met {0} .", "in {1} , said {0}", "the company of {1} .")


def twenty_sentences():
    """RETURNS (list[Example]): 20 sentences with 36 entities."""
    found = []
    for i in range(20):
        words, tags = [], []
        for part in PATTERNS[i % 4].split():
            kind = {"{0}": "person", "{1}": "city"}.get(part)
            if kind is None:
                words.append(part)
                tags.append("O")
                continue
            pool = PEOPLE if kind == "person" else CITIES
            name = pool[(i + i // 4 + len(words)) % len(pool)].split()
            words += name
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (len(name) - 1)
        found.append(example_of(" ".join(words), tags, labels=None))
    return found


CONFIG = """
[nlp]
lang = "en"
pipeline = ["gner"]

[components]

[components.gner]
factory = "gner"

[components.gner.model]
@architectures = "spacy_gner.Transformer.v1"
name = "{model}"
device = "cpu"

[components.gner.format]
@misc = "spacy_gner.BIO.v1"
description = "Tag the words."
guideline = "B- I- O"

[components.gner.decoder]
@misc = "{decoder}"

[components.gner.augmentation]
@misc = "spacy_gner.Augmentation.v1"

[components.gner.token_weights]
@misc = "spacy_gner.TokenWeights.v1"
words = 0.2

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = "{corpus}"

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = "{corpus}"

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
max_steps = {steps}
max_epochs = 0
eval_frequency = {every}
patience = {patience}
dropout = 0.0

[training.batcher]
@batchers = "spacy.batch_by_sequence.v1"
size = 10

[training.optimizer]
@optimizers = "Adam.v1"
use_averages = false
grad_clip = 1.0
L2 = 0.0

[training.optimizer.learn_rate]
@schedules = "spacy_gner.warmup_cosine.v1"
peak = {rate}
total_steps = {steps}
warmup = 0.05
minimum = 0.0001
"""

# A tiny causal model tags long before it copies: London for Paris, as any rare word.
DECODERS = {"causal": "spacy_gner.ExactSearch.v1", "seq2seq": "spacy_gner.DraftedGreedy.v1"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    root = tmp_path_factory.mktemp("train")
    DocBin(docs=[eg.reference for eg in twenty_sentences()], store_user_data=True).to_disk(
        root / "train.spacy"
    )
    save_tiny(build_tiny_causal(hidden=64), root / "causal")
    save_tiny(build_tiny_seq2seq(hidden=64), root / "seq2seq")
    return root


def run(directory, kind, output, steps, every=None, patience=0, rate=5e-3):
    """RETURNS (Path): The directory with model-best and model-last."""
    text = CONFIG.format(
        model=directory / kind,
        corpus=directory / "train.spacy",
        steps=steps,
        every=every or steps,
        patience=patience,
        rate=rate,
        decoder=DECODERS[kind],
    )
    path = output.with_suffix(".cfg")
    base = path.with_suffix(".base")
    base.write_text(text)
    fill_config(path, base)
    train(path, output)
    return output


IN_A_NEW_PROCESS = """
import json, sys, spacy
from spacy.tokens import Doc
nlp = spacy.load(sys.argv[1])
sentences = json.loads(sys.argv[2])
docs = nlp.pipe(Doc(nlp.vocab, words=words) for words in sentences)
print(json.dumps([[(e.start, e.end, e.label_) for e in doc.ents] for doc in docs]))
"""


@pytest.mark.parametrize("kind", ["causal", "seq2seq"])
def test_train_overfits_saves_and_loads_in_a_new_process(directory, tmp_path, kind):
    # Which step is the first without an error depends on the CPU's rounding: the best model
    # counts, and the run ends when it has stayed the best for a while.
    model = run(directory, kind, tmp_path / kind, 960, every=40, patience=280) / "model-best"
    meta = json.loads((model / "meta.json").read_text())
    assert meta["performance"]["ents_f"] == 1.0
    assert set(meta["labels"]["gner"]) == {"person", "city"}
    sentences = [[t.text for t in eg.reference] for eg in twenty_sentences()]
    gold = [[(e.start, e.end, e.label_) for e in eg.reference.ents] for eg in twenty_sentences()]
    result = subprocess.run(
        [sys.executable, "-c", IN_A_NEW_PROCESS, str(model), json.dumps(sentences)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [[tuple(e) for e in ents] for ents in json.loads(result.stdout)] == gold


def test_train_resumes_from_a_saved_pipeline(directory, tmp_path):
    first = run(directory, "causal", tmp_path / "first", 50) / "model-last"
    base = (tmp_path / "first.base").read_text()
    # The saved component instead of a new one.
    start = base.index("[components.gner]")
    end = base.index("[corpora]")
    resumed = base[:start] + f'[components.gner]\nsource = "{first}"\n\n' + base[end:]
    (tmp_path / "second.base").write_text(resumed)
    fill_config(tmp_path / "second.cfg", tmp_path / "second.base")
    train(tmp_path / "second.cfg", tmp_path / "second")
    before, after = (
        json.loads((tmp_path / name / "model-last" / "meta.json").read_text())["performance"]
        for name in ("first", "second")
    )
    # A run of 50 steps from scratch ends where this one begins.
    assert after["gner_loss"] < before["gner_loss"] / 2
    assert after["ents_f"] > before["ents_f"]
    nlp = spacy.load(tmp_path / "second" / "model-last")
    assert nlp.evaluate(nlp_examples(nlp))["ents_f"] == pytest.approx(after["ents_f"])


def nlp_examples(nlp):
    for eg in twenty_sentences():
        words = [token.text for token in eg.reference]
        reference = Doc(nlp.vocab, words=words)
        reference.ents = [
            Span(reference, e.start, e.end, label=e.label_) for e in eg.reference.ents
        ]
        yield Example(Doc(nlp.vocab, words=words), reference)
