import math
import random

import pytest

from spacy_gner.decoding.exact_search import make_exact_search
from spacy_gner.decoding.request import Request
from spacy_gner.schema import BIO, BIOES

from ..models import WORDS, build_tiny_causal, build_tiny_seq2seq, overfit, prompt_of
from .brute_force import best_tagging

BUILDERS = {"causal": build_tiny_causal, "seq2seq": build_tiny_seq2seq}
SCHEMES = {"BIO": BIO(), "BIOES": BIOES()}


def make_request(words, labels=("person", "city"), scheme=SCHEMES["BIO"]):
    return Request(prompt_of(words, labels, scheme), tuple(words), tuple(labels), scheme)


def random_words(rng, n_words):
    return [rng.choice(WORDS) for _ in range(n_words)]


@pytest.fixture(scope="module", params=BUILDERS)
def backbone(request):
    """A model with an opinion: half trained, so that its first choice is often not
    the best one."""
    made = BUILDERS[request.param](seed=3)
    scheme, rng = SCHEMES["BIO"], random.Random(0)
    pairs = []
    for _ in range(12):
        words = random_words(rng, 5)
        tags = [rng.choice(["O", "B-city", "B-person"]) for _ in words]
        pairs.append((prompt_of(words).text, scheme.pieces(words, tags)))
    overfit(made, pairs, steps=40)
    return made


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("n_words", [1, 2, 4])
def test_exact_search_finds_best_tagging(backbone, scheme, n_words):
    rng = random.Random(n_words)
    requests = [make_request(random_words(rng, n_words), scheme=SCHEMES[scheme]) for _ in range(4)]
    decoder = make_exact_search(max_forks=10_000)
    for request, found in zip(requests, decoder(backbone, requests, 10_000), strict=True):
        tags, log_probs = best_tagging(backbone, request)
        assert found.stats["hit_max_forks"] == 0
        assert tuple(pair.tag for pair in found.pairs) == tags
        assert found.scores == pytest.approx([math.exp(p) for p in log_probs], abs=1e-4)
        assert found.stats["log_prob"] == pytest.approx(math.fsum(log_probs), abs=1e-4)
