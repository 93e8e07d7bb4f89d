"""Decoders with a model that has a token for each opening of a tag."""

import math
import random

import pytest

from spacy_gner.backbones.tag_tokens import add_tag_tokens
from spacy_gner.decoding.beam_search import BeamSearch
from spacy_gner.decoding.drafted_greedy import DraftedGreedy
from spacy_gner.decoding.exact_search import ExactSearch
from spacy_gner.decoding.one_pass import OnePass
from spacy_gner.decoding.tags import tag_table
from spacy_gner.formats import BIO

from ..models import (
    WORDS,
    build_tiny_causal,
    half_train,
    make_backbone,
    overfit,
    pieces_of,
    prompt_of,
    request_of,
)
from .brute_force import best_tagging

SENTENCE = ("George", "Smith-Jones", "lives", "in", "New", "York", "(U.S.)")
TAGS = ("B-person", "I-person", "O", "O", "B-city", "I-city", "O")
LABELS = ("person", "city")


def with_tag_tokens(seed: int):
    made = build_tiny_causal(seed=seed, hidden=64)
    add_tag_tokens(made.codec.tokenizer, made.model, BIO().tag_tokens)
    return make_backbone(made.model, made.codec.tokenizer, "causal")


@pytest.fixture(scope="module")
def undecided():
    return half_train(with_tag_tokens(3))


def test_each_tag_is_one_choice_and_then_its_label(undecided):
    table = tag_table(undecided, BIO(), LABELS)
    ids = undecided.codec.tokenizer.convert_tokens_to_ids(["(O)", "(B-", "(I-"])
    for word in table.words(SENTENCE):
        assert list(word.trie.root.children) == ids
        assert word.trie.suffixes["O"] == (ids[0],)


@pytest.mark.parametrize("n_words", [1, 2, 3])
def test_exact_search_is_exact(undecided, n_words):
    rng = random.Random(n_words)
    requests = [request_of([rng.choice(WORDS) for _ in range(n_words)], LABELS) for _ in range(4)]
    answers = ExactSearch(None, None)(undecided, requests, 10_000)
    for request, answer in zip(requests, answers, strict=True):
        tags, log_probs = best_tagging(undecided, request)
        assert tuple(part.tag for part in answer.parts) == tags
        assert answer.log_prob == pytest.approx(math.fsum(log_probs), abs=1e-4)


@pytest.mark.parametrize("decoder", [ExactSearch(), OnePass(), DraftedGreedy(), BeamSearch()])
def test_decoders_write_what_was_learned(decoder):
    made = with_tag_tokens(0)
    text = prompt_of(SENTENCE, LABELS).text
    overfit(made, [(text, pieces_of(SENTENCE, TAGS))], steps=80)
    (answer,) = decoder(made, [request_of(SENTENCE, LABELS)], 10_000)
    assert tuple((part.word, part.tag) for part in answer.parts) == tuple(
        zip(SENTENCE, TAGS, strict=True)
    )
    assert all(score > 0.5 for score in answer.scores)


def test_drafts_do_not_change_what_is_written(undecided):
    requests = [request_of(SENTENCE[:n], LABELS) for n in (2, 5, 7)]
    drafted = DraftedGreedy()(undecided, requests, 10_000)
    written = BeamSearch(num_beams=1)(undecided, requests, 10_000)
    assert [answer.text for answer in drafted] == [answer.text for answer in written]
