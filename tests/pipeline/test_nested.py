"""Nested and overlapping entities: one question for each label."""

from dataclasses import replace

import pytest
import spacy

from spacy_gner.decoding.request import Generation
from spacy_gner.formats import BIO, LabelSet, MultiRound, SingleRound
from spacy_gner.pipeline.assembly import merge_spans
from spacy_gner.pipeline.predictions import Entity
from spacy_gner.planning.words import DocWords

from ..models import SHORT, build_tiny_causal, overfit, save_tiny

WORDS = "The Bank of China grew".split()
LABELS = ["organization", "country"]
NESTED = [(1, 4, "organization"), (3, 4, "country")]
TEXTS = ["The Bank of China grew", "[Bank of China](organization) [China](country)", *LABELS]


def spans_of(spans):
    return [(span.start, span.end, span.label_) for span in spans]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model that knows by heart what each label is in the sentence."""
    backbone = build_tiny_causal(hidden=64, texts=TEXTS)
    pairs = []
    for label in LABELS:
        spans = [span for span in NESTED if span[2] == label]
        pieces = [piece.text for piece in BIO().target(WORDS, spans, [label])]
        pairs.append((BIO(**SHORT).prompt(WORDS, [label]).text, pieces))
    overfit(backbone, pairs, steps=150)
    return save_tiny(backbone, tmp_path_factory.mktemp("nested"))


def test_one_label_per_prompt_finds_nested_entities(model):
    nlp = spacy.blank("en")
    config = {
        "labels": LABELS,
        "model": {"name": str(model), "device": "cpu"},
        "format": {"@misc": "spacy_gner.BIO.v1", "labels_per_prompt": 1, **SHORT},
        "spans_key": "entities",
    }
    gner = nlp.add_pipe("gner", config=config)
    (doc,) = nlp.pipe([" ".join(WORDS)])
    group = doc.spans["entities"]
    assert spans_of(group) == NESTED
    assert all(0.5 < score <= 1 for score in group.attrs["scores"])
    # The best one of those that overlap.
    best = max(range(2), key=lambda i: group.attrs["scores"][i])
    assert spans_of(doc.ents) == [NESTED[best]]
    assert doc.ents[0]._.gner_score == pytest.approx(group.attrs["scores"][best])
    # All prompts of a sentence ask for one label, and share the instruction.
    (prediction,) = gner.predict([nlp.make_doc(" ".join(WORDS))])
    assert [window.wordings for window in prediction.windows] == [(label,) for label in LABELS]
    gner.threshold = 1.0
    assert not nlp(" ".join(WORDS)).spans["entities"]


class _Answers:
    """A decoder that gives fixed answers."""

    format_type = SingleRound

    def __init__(self, text):
        self.text = text

    def __call__(self, backbone, requests, batch_tokens):
        answers = []
        for request in requests:
            parts = request.format.parse(self.text, request.wordings)
            scores = tuple(0.9 - 0.1 * i for i in range(len(parts)))
            answers.append(Generation(self.text, tuple(parts), scores))
        return answers


def test_answers_with_mentions_become_spans(model):
    nlp = spacy.blank("en")
    config = {
        "labels": {"GPE": "country", "ORG": "organization"},
        "model": {"name": str(model), "device": "cpu"},
        "format": {"@misc": "spacy_gner.SingleRound.v1"},
        "decoder": {"@misc": "spacy_gner.BeamSearch.v1"},
        "spans_key": "entities",
        "decoys": ["bank"],
    }
    gner = nlp.add_pipe("gner", config=config)
    gner.decoder = _Answers(
        "country: China; organization: Bank of China; organization: Bank; bank: Bank; x: y"
    )
    doc = nlp("The Bank of China, China, the Bank")
    # Where the decoy is the more probable one, the entity stays out; here it is not.
    assert spans_of(doc.spans["entities"]) == [
        (1, 4, "ORG"), (3, 4, "GPE"), (5, 6, "GPE"), (8, 9, "ORG"),
    ]  # fmt: skip
    assert spans_of(doc.ents) == [(3, 4, "GPE"), (5, 6, "GPE"), (8, 9, "ORG")]
    with pytest.raises(ValueError, match="E025"):
        exact = {"@misc": "spacy_gner.ExactSearch.v1"}
        spacy.blank("en").add_pipe("gner", config={**config, "decoder": exact})


def test_merge_spans_keeps_all_but_what_is_a_decoy():
    one, other = Entity(0, 2, "a", 0.5), Entity(1, 3, "b", 0.6)
    better = replace(one, score=0.9)
    decoy = Entity(1, 3, "decoy", 0.7)
    labels = LabelSet.make(["a", "b"])
    assert merge_spans([[one], [other, better]], labels) == (better, other)
    assert merge_spans([[one, decoy], [other]], labels) == (one,)


def test_multi_round_prompts_of_a_doc_ask_for_each_label(model):
    nlp = spacy.blank("en")
    config = {
        "labels": {"GPE": "country", "ORG": "organization"},
        "model": {"name": str(model), "device": "cpu"},
        "format": {"@misc": "spacy_gner.MultiRound.v1", "max_new_tokens": 7},
        "decoder": {"@misc": "spacy_gner.BeamSearch.v1", "num_beams": 1},
    }
    gner = nlp.add_pipe("gner", config=config)
    words = ("In", "China")

    planned = gner.planner.plan(
        DocWords.from_doc(spacy.tokens.Doc(nlp.vocab, words)), gner.label_set
    )
    assert [p.request.prompt for p in planned] == [
        MultiRound().prompt(words, [wording]) for wording in ("country", "organization")
    ]
    assert all(p.request.n_output == 7 for p in planned)
    codec = gner.planner.codec
    (ids,) = codec.prompt_ids([planned[0].request.prompt.input])
    assert ids.count(codec.eos_id) == 1 and ids[0] == codec.tokenizer.bos_token_id
    assert ids[-1] != codec.eos_id
    # An end token in the text is text.
    odd = MultiRound().prompt(("</s>",), ["country"])
    (odd_ids,) = codec.prompt_ids([odd.input])
    assert odd_ids.count(codec.eos_id) == 1
