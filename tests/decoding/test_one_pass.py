import math
import random

import pytest
import torch

from spacy_gner.decoding.exact_search import ExactSearch
from spacy_gner.decoding.one_pass import OnePass
from spacy_gner.formats import BIO, BIOES, EntityCentric

from ..models import (
    WORDS,
    build_tiny_causal,
    build_tiny_seq2seq,
    half_train,
    keeps_cache,
    make_backbone,
    request_of,
    sentencepiece_tokenizer,
)
from .brute_force import best_tagging, word_log_probs

BUILDERS = {"causal": build_tiny_causal, "seq2seq": build_tiny_seq2seq}
FORMATS = {"BIO": BIO(), "BIOES": BIOES()}


def make_requests(rng, n_words, format, n=4):
    labels = ("person", "city")
    return [
        request_of([rng.choice(WORDS) for _ in range(n_words)], labels, format) for _ in range(n)
    ]


@pytest.fixture(scope="module", params=BUILDERS)
def opinionated(request):
    return half_train(BUILDERS[request.param](seed=3))


@pytest.fixture(scope="module", params=BUILDERS)
def forgetful(request):
    """A model that looks at nothing but the last token: its tags do not depend on one another."""
    backbone = BUILDERS[request.param](seed=4, hidden=64)
    with torch.no_grad():
        for name, parameter in backbone.model.named_parameters():
            if name.endswith(("o_proj.weight", "Attention.o.weight")):
                parameter.zero_()
            elif parameter.dim() > 1:
                parameter.mul_(2)
    return backbone


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("n_words", [1, 2, 3])
def test_one_pass_is_exact_where_tags_do_not_depend_on_one_another(forgetful, format, n_words):
    requests = make_requests(random.Random(n_words), n_words, FORMATS[format])
    for verify in (False, True):
        answers = OnePass(verify)(forgetful, requests, 10_000)
        for request, answer in zip(requests, answers, strict=True):
            tags, log_probs = best_tagging(forgetful, request)
            assert tuple(part.tag for part in answer.parts) == tags
            assert answer.scores == pytest.approx([math.exp(p) for p in log_probs], abs=1e-4)


def test_one_pass_reads_labels_at_their_places_in_models_with_absolute_positions():
    from transformers import BartConfig, BartForConditionalGeneration

    tokenizer = sentencepiece_tokenizer()
    config = BartConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, pad_token_id=0, eos_token_id=1, bos_token_id=None,
        decoder_start_token_id=1, forced_eos_token_id=None, init_std=0.3,
    )  # fmt: skip
    torch.manual_seed(0)
    model = BartForConditionalGeneration(config).eval()
    with torch.no_grad():
        # It looks at nothing but the last token and its place.
        for name, parameter in model.named_parameters():
            if ".out_proj." in name:
                parameter.zero_()
    backbone = make_backbone(model, tokenizer, "seq2seq")
    requests = make_requests(random.Random(0), 3, FORMATS["BIO"])
    if not keeps_cache(model):
        with pytest.raises(ValueError, match="E402"):
            OnePass()(backbone, requests, 10_000)
        return
    for request, answer in zip(requests, OnePass(False)(backbone, requests, 10_000), strict=True):
        tags = [part.tag for part in answer.parts]
        log_probs = word_log_probs(backbone, request, tags)
        # Behind an entity words stand elsewhere than where they were read.
        n_known = next((n for n, tag in enumerate(tags, start=1) if tag != "O"), len(tags))
        expected = [math.exp(p) for p in log_probs[:n_known]]
        assert answer.scores[:n_known] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("format", FORMATS)
def test_one_pass_that_verifies_has_the_scores_of_its_tagging(opinionated, format):
    backbone = opinionated
    requests = make_requests(random.Random(0), 5, FORMATS[format], n=8)
    read, verified = (OnePass(verify)(backbone, requests, 10_000) for verify in (False, True))
    assert [a.text for a in read] == [a.text for a in verified]
    assert any("(B-" in a.text or "(S-" in a.text for a in read)
    assert [a.scores for a in read] != [a.scores for a in verified]
    for request, answer in zip(requests, verified, strict=True):
        log_probs = word_log_probs(backbone, request, [part.tag for part in answer.parts])
        assert answer.scores == pytest.approx([math.exp(p) for p in log_probs], abs=1e-4)
        assert answer.log_prob == pytest.approx(math.fsum(log_probs), abs=1e-3)


def test_one_pass_gives_the_same_in_every_batch(opinionated):
    backbone = opinionated
    rng = random.Random(5)
    requests = [r for n in range(1, 7) for r in make_requests(rng, n, FORMATS["BIO"], n=2)]
    for batch_tokens in (1, 10**6):
        for request, answer in zip(
            requests, OnePass()(backbone, requests, batch_tokens), strict=True
        ):
            (alone,) = OnePass()(backbone, [request], batch_tokens)
            assert answer.text == alone.text
            assert answer.scores == pytest.approx(alone.scores, abs=1e-4)


def test_one_pass_is_never_better_than_the_exact_search(opinionated):
    backbone = opinionated
    requests = make_requests(random.Random(1), 4, FORMATS["BIO"])
    exact = ExactSearch(None, None)(backbone, requests, 10_000)
    for one, best in zip(OnePass()(backbone, requests, 10_000), exact, strict=True):
        assert one.log_prob <= best.log_prob + 1e-4


def test_one_pass_refuses_formats_that_leave_words_out():
    with pytest.raises(ValueError, match="E025"):
        OnePass()(build_tiny_causal(), [request_of(["a"], format=EntityCentric())], 10_000)


@pytest.mark.parametrize("share", [None, 0.04])
def test_unsure_texts_are_left_to_one_pass(share):
    backbone = half_train(build_tiny_causal(seed=3))
    rng = random.Random(6)
    requests = [r for n in (3, 12, 40) for r in make_requests(rng, n, FORMATS["BIO"], n=3)]
    one_pass = OnePass()(backbone, requests, 10_000)
    bounded = ExactSearch(one_pass_above=share)(backbone, requests, 10_000)
    left = [i for i, answer in enumerate(bounded) if answer.cut_short and not answer.forks]
    assert bool(left) == (share is not None)
    for i in left:
        # A short text is searched, however unsure it is.
        assert len(requests[i].words) > 5
        assert bounded[i].cut_short
        assert bounded[i].text == one_pass[i].text
        assert bounded[i].scores == pytest.approx(one_pass[i].scores, abs=1e-5)
        alone = ExactSearch(one_pass_above=share)(backbone, [requests[i]], 10_000)[0]
        assert alone.text == bounded[i].text
        assert alone.scores == pytest.approx(bounded[i].scores, abs=1e-5)


def test_exact_search_leaves_nothing_to_one_pass():
    backbone = half_train(build_tiny_causal(seed=3))
    requests = make_requests(random.Random(6), 40, FORMATS["BIO"], n=2)
    settings = {"approximate_after": None, "max_forks_per_word": 0.25}
    bounded = ExactSearch(one_pass_above=0.0, **settings)(backbone, requests, 10_000)
    searched = ExactSearch(**settings)(backbone, requests, 10_000)
    assert [a.text for a in bounded] == [a.text for a in searched]
