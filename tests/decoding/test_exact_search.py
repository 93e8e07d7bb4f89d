import math
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.decoding.exact_search import ExactSearch
from spacy_gner.formats import BIO, BIOES, EntityCentric

from ..models import (
    WORDS,
    build_tiny_causal,
    build_tiny_seq2seq,
    half_train,
    overfit,
    pieces_of,
    prompt_of,
    request_of,
)
from .brute_force import best_tagging, word_log_probs

BUILDERS = {"causal": build_tiny_causal, "seq2seq": build_tiny_seq2seq}
FORMATS = {"BIO": BIO(), "BIOES": BIOES()}


def make_request(words, labels=("person", "city"), format=FORMATS["BIO"]):
    return request_of(words, labels, format)


def random_words(rng, n_words):
    return [rng.choice(WORDS) for _ in range(n_words)]


@pytest.fixture(scope="module", params=BUILDERS)
def backbone(request):
    """A model with an opinion: half trained, so that its first choice is often not
    the best one."""
    return half_train(BUILDERS[request.param](seed=3))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("n_words", [1, 2, 3])
def test_exact_search_finds_best_tagging(backbone, format, n_words):
    rng = random.Random(n_words)
    requests = [make_request(random_words(rng, n_words), format=FORMATS[format]) for _ in range(4)]
    decoder = ExactSearch(None, None)
    for request, found in zip(requests, decoder(backbone, requests, 10_000), strict=True):
        tags, log_probs = best_tagging(backbone, request)
        assert found.cut_short == 0
        assert tuple(pair.tag for pair in found.parts) == tags
        assert found.scores == pytest.approx([math.exp(p) for p in log_probs], abs=1e-4)
        assert found.log_prob == pytest.approx(math.fsum(log_probs), abs=1e-4)


@pytest.mark.parametrize("max_forks", [0, 1, 3])
def test_exact_search_says_when_it_hit_the_limit(backbone, max_forks):
    rng = random.Random(9)
    requests = [make_request(random_words(rng, 5)) for _ in range(5)]
    full = ExactSearch(None, None)(backbone, requests, 10_000)
    cut = ExactSearch(max_forks / 5, None)(backbone, requests, 10_000)
    for request, one, other in zip(requests, full, cut, strict=True):
        assert other.forks <= max_forks
        assert other.log_prob <= one.log_prob + 1e-4
        if not other.cut_short:
            assert other.text == one.text
        tags = [pair.tag for pair in other.parts]
        assert other.log_prob == pytest.approx(
            math.fsum(word_log_probs(backbone, request, tags)), abs=1e-4
        )
    if not max_forks:
        assert any(answer.cut_short for answer in cut)


@pytest.mark.parametrize("batch_tokens", [1, 400, 10**6])
def test_exact_search_gives_the_same_in_every_batch(backbone, batch_tokens):
    rng = random.Random(4)
    requests = [make_request(random_words(rng, 1 + i % 4)) for i in range(16)]
    decoder = ExactSearch(None, None)
    for request, answer in zip(requests, decoder(backbone, requests, batch_tokens), strict=True):
        (alone,) = decoder(backbone, [request], batch_tokens)
        assert answer.text == alone.text
        assert answer.scores == pytest.approx(alone.scores, abs=1e-4)


# With the causal seeds a search once ended early when it was alone. With the other one, what a fork
# expected depended on how far its parent had been computed, but not in every process.
@pytest.mark.parametrize(("kind", "seed"), [("causal", 6), ("causal", 14), ("seq2seq", 45)])
@pytest.mark.parametrize(
    ("max_forks", "approximate_after"), [(1, None), (3, None), (8, None), (3, 1), (8, 2)]
)
def test_exact_search_that_is_cut_short_gives_the_same_in_every_batch(
    kind, seed, max_forks, approximate_after
):
    """Which forks are followed up, and how far, must not depend on how many are computed together.
    The model is so wild that the limit is hit, and that forks have promising forks."""
    made = BUILDERS[kind](seed=0, hidden=64)
    # Unlike torch, numpy draws the same weights on every processor.
    weights = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in made.model.parameters():
            if parameter.dim() > 1:
                values = weights.standard_normal(parameter.shape, dtype=np.float32)
                parameter.copy_(torch.from_numpy(values) * 2 * parameter.std())
    rng = random.Random(seed)
    labels = ("person", "city", "organization")
    requests = [make_request(random_words(rng, 8 + i % 3), labels) for i in range(8)]
    decoder = ExactSearch(max_forks / 10, approximate_after)
    alone = [decoder(made, [request], 10**6)[0] for request in requests]
    assert sum(answer.cut_short for answer in alone) >= 4 or approximate_after is not None
    for batch_tokens in (600, 10**6):
        answers = decoder(made, requests, batch_tokens)
        assert [a.text for a in answers] == [a.text for a in alone]
        for name in ("forks", "cut_short"):
            assert [getattr(a, name) for a in answers] == [getattr(a, name) for a in alone]


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=15)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=8),
            min_size=1,
            max_size=10,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_exact_search_keeps_words_and_writes_valid_tags(backbone, format, lists):
    kind = FORMATS[format]
    requests = [make_request(words, format=kind) for words in lists]
    answers = ExactSearch(2, None)(backbone, requests, 10_000)
    for request, answer in zip(requests, answers, strict=True):
        tags = [pair.tag for pair in answer.parts]
        assert tuple(pair.word for pair in answer.parts) == request.words
        assert set(tags) <= set(kind.tags(request.wordings))
        assert all(map(kind.may_follow, ["", *tags], tags)) and kind.may_end(tags[-1])
        assert answer.text == kind.tagged(request.words, tags)[0]
        assert all(answer.text[p.start : p.end] == p.tag for p in answer.parts)
        assert all(0 <= score <= 1 for score in answer.scores)


def test_exact_search_corrects_itself():
    """The first choice is B-city, but what follows is improbable then."""
    made = build_tiny_causal(hidden=64)
    words = ["London", "lives"]
    prompt = prompt_of(words, ("person", "city")).text
    follow = ["O", "B-person", "B-city", "I-city"]
    mixed = [("B-city", tag) for tag in follow for _ in range(3)] + [("B-person", "O")] * 9
    overfit(made, [(prompt, pieces_of(words, tags)) for tags in mixed], steps=120)
    request = make_request(words)
    (greedy,) = ExactSearch(0)(made, [request], 10_000)
    (best,) = ExactSearch()(made, [request], 10_000)
    assert greedy.text.startswith("London(B-city)")
    assert best.text == "London(B-person) lives(O)"


def test_exact_search_of_a_long_sentence_that_does_not_fit_is_an_error():
    made = build_tiny_causal(max_positions=200)
    with pytest.raises(ValueError, match="E401"):
        ExactSearch()(made, [make_request(["London"] * 100)], 10_000)


def test_exact_search_refuses_schemes_that_leave_words_out(backbone):
    format = EntityCentric()
    with pytest.raises(ValueError, match="E025"):
        ExactSearch()(backbone, [make_request(["a"], format=format)], 10_000)


@pytest.mark.parametrize(
    "options",
    [
        {"max_forks_per_word": -1},
        {"approximate_after": 0},
        {"max_draft": -1},
        {"pass_overhead": -1},
    ],
)
def test_exact_search_refuses_bad_settings(options):
    with pytest.raises(ValueError, match="E017"):
        ExactSearch(**options)
