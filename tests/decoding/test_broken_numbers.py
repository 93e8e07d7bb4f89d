"""Weights that are broken: one coded error in all decoders, never a score that is no number."""

import math

import pytest
import torch

from spacy_gner.decoding.beam_search import BeamSearch
from spacy_gner.decoding.drafted_greedy import DraftedGreedy
from spacy_gner.decoding.exact_search import ExactSearch
from spacy_gner.decoding.one_pass import OnePass
from spacy_gner.decoding.scores import probability

from .conftest import BUILDERS, make_request

DECODERS = {
    "exact": ExactSearch(),
    "one_pass": OnePass(),
    "drafted": DraftedGreedy(max_new_tokens=12),
    "beams": BeamSearch(2, max_new_tokens=12),
    "greedy": BeamSearch(1, max_new_tokens=12),
}
WORDS = ["Marie", "Curie", "won", "in", "Paris"]
pytestmark = pytest.mark.filterwarnings("ignore:.*W002")


@pytest.mark.parametrize("family", BUILDERS)
@pytest.mark.parametrize("decoder", DECODERS.values(), ids=DECODERS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("place", ["output layer", "first layer"])
def test_logits_that_are_no_numbers(family, decoder, value, place):
    backbone = BUILDERS[family]()
    with torch.no_grad():
        if place == "output layer":
            weight = backbone.model.get_output_embeddings().weight
        else:
            weight = next(p for n, p in backbone.model.named_parameters() if "norm" in n)
        weight.fill_(float(value))
    with pytest.raises(ValueError, match="E403"):
        decoder(backbone, [make_request(WORDS)], 10**6)


@pytest.mark.parametrize("family", BUILDERS)
@pytest.mark.parametrize("decoder", DECODERS.values(), ids=DECODERS)
@pytest.mark.parametrize("scale", [1e-6, 50.0, 1e4])
def test_scores_are_probabilities(family, decoder, scale):
    """Also where logits are all alike, or thousands apart."""
    backbone = BUILDERS[family](seed=3)
    with torch.no_grad():
        # Not shared with the input any more.
        head = backbone.model.get_output_embeddings()
        head.weight = torch.nn.Parameter(head.weight * scale)
    (answer,) = decoder(backbone, [make_request(WORDS)], 10**6)
    assert all(math.isfinite(s) and 0.0 <= s <= 1.0 for s in answer.scores)


def test_probability():
    assert probability(0.0) == 1.0 and probability(1e-9) == 1.0
    assert probability(-math.inf) == 0.0
    with pytest.raises(ValueError, match="E403"):
        probability(math.nan)
