"""A model whose logits are no numbers is one error, whatever decodes."""

import math

import pytest
import torch

from spacy_gner.decoding.beam_search import BeamSearch
from spacy_gner.decoding.drafted_greedy import DraftedGreedy
from spacy_gner.decoding.exact_search import ExactSearch
from spacy_gner.decoding.one_pass import OnePass

from ..models import build_tiny_causal, build_tiny_seq2seq, request_of

DECODERS = [
    BeamSearch(1, max_new_tokens=8),
    BeamSearch(2, max_new_tokens=8),
    DraftedGreedy(max_new_tokens=8),
    ExactSearch(),
    ExactSearch(None, None),
    OnePass(),
    OnePass(verify=False),
]


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("build", [build_tiny_causal, build_tiny_seq2seq])
def test_logits_that_are_no_numbers_are_one_error(build, value, decoder):
    backbone = build()
    with torch.no_grad():
        for parameter in backbone.model.parameters():
            parameter.fill_(value)
    requests = [request_of(["Marie", "lives", "in", "Paris"]), request_of(["London"])]
    with pytest.raises(ValueError, match="GNER-E403"):
        decoder(backbone, requests, 10**6)


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("build", [build_tiny_causal, build_tiny_seq2seq])
def test_scores_of_extreme_logits_are_probabilities(build, decoder):
    backbone = build(seed=1)
    with torch.no_grad():
        for parameter in backbone.model.parameters():
            parameter.mul_(30)
    for answer in decoder(backbone, [request_of(["Marie", "lives", "in", "Paris"])], 10**6):
        assert all(0.0 <= score <= 1.0 for score in answer.scores)
