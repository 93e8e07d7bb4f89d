"""Tiny models learn every format by heart, through `spacy train` with a config file."""

import json
from typing import NamedTuple

import pytest
import spacy
from spacy.cli.init_config import fill_config
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin

from spacy_gner.formats import (
    BIO,
    EntityCentric,
    Guidelines,
    LabelSet,
    MultiRound,
    SingleRound,
    Slimer,
)
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.training.encoding import PairEncoder
from spacy_gner.training.pairs import gold_pair
from spacy_gner.training.weights import TokenWeights

from ..models import SHORT, TEXTS, build_tiny_causal, build_tiny_seq2seq, save_tiny
from .examples import LABELS, examples
from .nested import GROUP, NESTED_LABELS, nested_docs

BUILDERS = {"causal": build_tiny_causal, "seq2seq": build_tiny_seq2seq}
# With short instructions, where the format has a field for them.
FORMATS = [
    BIO(**SHORT),
    EntityCentric(context=1, **SHORT),
    SingleRound(instruction="List.\n"),
    MultiRound(system="", question="{label}?"),
    Slimer(),
    Guidelines(),
]
CONFIG = """
[nlp]
lang = "en"
pipeline = ["gner"]

[components]

[components.gner]
factory = "gner"
labels = {labels}
spans_key = {spans_key}
scorer = {{"@scorers":"spacy_gner.ner_scorer.v1","spans_key":{spans_key}}}

[components.gner.model]
@architectures = "spacy_gner.Transformer.v1"
name = "{directory}/tiny"
device = "cpu"

[components.gner.format]
@misc = "spacy_gner.{format}.v1"
{options}

[components.gner.decoder]
@misc = "spacy_gner.BeamSearch.v1"
num_beams = 1
max_new_tokens = 120

[components.gner.augmentation]
@misc = "spacy_gner.Augmentation.v1"

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = "{directory}/gold.spacy"

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = "{directory}/gold.spacy"

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
max_steps = 900
max_epochs = 0
eval_frequency = 60
patience = 240
dropout = 0.0

[training.batcher]
@batchers = "spacy.batch_by_sequence.v1"
size = 8

[training.optimizer]
@optimizers = "Adam.v1"
use_averages = false
grad_clip = 1.0
L2 = 0.0

[training.optimizer.learn_rate]
@schedules = "spacy_gner.warmup_cosine.v1"
peak = 0.005
total_steps = 600
warmup = 0.05
minimum = 0.0002

[training.score_weights]
{score} = 1.0
"""


class Gold(NamedTuple):
    """What is learned: Docs, their labels, and the span group that holds their entities."""

    docs: list[Doc]
    labels: tuple[str, ...]
    spans_key: str | None = None


def learn(format, kind, gold, directory):
    """Train a tiny model with `spacy train` until it knows the Docs.

    RETURNS (dict): The scores of the best model."""
    pairs = [gold_pair(d, LabelSet.make(gold.labels), spans_key=gold.spans_key) for d in gold.docs]
    # The tokenizers of the tiny models know the marks of the format.
    written = [format.write(p.words, p.flat_spans(), p.wordings) for p in pairs]
    prompts = [format.prompt(p.words, p.wordings).text for p in pairs]
    backbone = BUILDERS[kind](hidden=64, texts=[*TEXTS, *written, *prompts])
    save_tiny(backbone, directory / "tiny")
    DocBin(docs=gold.docs, store_user_data=True).to_disk(directory / "gold.spacy")
    defaults = vars(type(format)())
    options = {key: value for key, value in vars(format).items() if value != defaults[key]}
    text = CONFIG.format(
        directory=directory,
        labels=json.dumps(gold.labels),
        spans_key=json.dumps(gold.spans_key),
        format=type(format).__name__,
        options="\n".join(f"{key} = {json.dumps(value)}" for key, value in options.items()),
        score="ents_f" if gold.spans_key is None else f"spans_{gold.spans_key}_f",
    )
    (directory / "base.cfg").write_text(text, encoding="utf8")
    fill_config(directory / "train.cfg", directory / "base.cfg")
    train(directory / "train.cfg", directory / "trained")
    best = directory / "trained" / "model-best"
    assert spacy.load(best).get_pipe("gner").format == format
    return json.loads((best / "meta.json").read_text(encoding="utf8"))["performance"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_format_is_learned_by_heart(format, kind, tmp_path):
    gold = Gold([eg.reference for eg in examples()], LABELS)
    assert learn(format, kind, gold, tmp_path)["ents_f"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "format, kind",
    [
        (BIO(labels_per_prompt=1, **SHORT), "causal"),
        (SingleRound(instruction="List.\n"), "causal"),
        (MultiRound(system="", question="{label}?"), "seq2seq"),
        (Guidelines(), "causal"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_nested_entities_are_learned_by_heart(format, kind, tmp_path):
    gold = Gold(nested_docs(), NESTED_LABELS, GROUP)
    assert learn(format, kind, gold, tmp_path)[f"spans_{GROUP}_f"] == 1.0


def test_one_question_for_each_label_is_trained_with_answers_that_name_nothing():
    codec = build_tiny_causal().codec
    pair = gold_pair(examples()[1].reference, LabelSet.make(LABELS))  # a person, a city, no award
    for format in (MultiRound(), Slimer()):
        encoder = PairEncoder(Planner(codec, format, Windower()), TokenWeights(outside=0.5))
        encoded = encoder(pair)
        answers = [codec.decode(item.target) for item in encoded]
        assert answers == ['["Angela Merkel"]', '["Paris"]', "[]"]
        assert {w for w in encoded[2].weights} == {0.5} and 1.0 in encoded[0].weights
        prompts = codec.prompt_ids([format.prompt(pair.words, [label]).input for label in LABELS])
        assert [item.prompt for item in encoded] == prompts
