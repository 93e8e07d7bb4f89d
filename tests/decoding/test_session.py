import random
import threading

import pytest
import torch

from spacy_gner.decoding.beam_search import BeamSearch
from spacy_gner.decoding.cache import read_layers
from spacy_gner.decoding.drafted_greedy import DraftedGreedy
from spacy_gner.decoding.exact_search import ExactSearch
from spacy_gner.decoding.forward import ModelView
from spacy_gner.decoding.one_pass import OnePass
from spacy_gner.decoding.packed import PackedRow
from spacy_gner.decoding.prefix_cache import Prefix, shared_length
from spacy_gner.decoding.session import Session
from spacy_gner.formats import BIO

from ..models import (
    WORDS,
    add_noise,
    build_tiny_causal,
    keeps_cache,
    make_backbone,
    sentencepiece_tokenizer,
)
from .conftest import BUILDERS, make_request

MANY = 10**6
pytestmark = pytest.mark.filterwarnings("ignore:.*W002")


@pytest.fixture(scope="module", params=BUILDERS)
def backbone(request):
    return BUILDERS[request.param](seed=2)


@torch.inference_mode()
def expected_logits(backbone, prompt, output):
    """The logits after each token of the output, in one pass without any cache."""
    if backbone.codec.is_causal:
        return backbone.model(input_ids=torch.tensor([prompt + output])).logits[0, len(prompt) :]
    start = [backbone.codec.decoder_start_id, *output]
    logits = backbone.model(
        input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([start])
    ).logits
    return logits[0, 1:]


@torch.inference_mode()
@pytest.mark.parametrize("seed", range(6))
def test_rows_stay_what_they_are(backbone, seed):
    """Whatever is fed, taken back, copied and put aside: each row sees its own tokens."""
    rng = random.Random(seed)
    requests = [make_request(rng.choices(WORDS, k=rng.randint(1, 9))) for _ in range(4)]
    # Two label sets, so that prefixes differ in length.
    requests[2] = make_request(["London"], labels=("a rather long label", "x"))
    prompts = backbone.codec.prompt_ids([request.prompt.text for request in requests])
    view = ModelView(backbone)
    session = Session(backbone, view, requests, prompts)
    rows = [(prompt, []) for prompt in prompts]
    starts = [len(p) if backbone.codec.is_causal else 1 for p in prompts]
    for step in range(8):
        new = [[rng.randrange(3, 100) for _ in range(rng.randint(1, 5))] for _ in rows]
        todo = [list(t) for t in session.unfed]
        fed = [[*t, *n] for t, n in zip(todo, new, strict=True)]
        wanted = [range(len(t), len(f)) for t, f in zip(todo, fed, strict=True)]
        logits = session.feed(fed, wanted)
        at = 0
        for (prompt, output), tokens in zip(rows, new, strict=True):
            expected = expected_logits(backbone, prompt, output + tokens)[len(output) :]
            torch.testing.assert_close(
                logits[at : at + len(tokens)], expected, atol=1e-4, rtol=1e-3
            )
            at += len(tokens)
        keep = [rng.randint(0, len(n)) for n in new]
        session.keep([len(t) + k for t, k in zip(todo, keep, strict=True)])
        rows = [(p, o + n[:k]) for (p, o), n, k in zip(rows, new, keep, strict=True)]
        if step % 3 == 1:
            order = [rng.randrange(len(rows)) for _ in range(rng.randint(1, 5))]
            session.select(order)
            rows = [rows[i] for i in order]
            starts = [starts[i] for i in order]
        if step == 5:
            session.settle()
            snapshots = [session.snapshot(i) for i in range(len(rows))]
            cuts = [rng.randint(0, len(output)) for _, output in rows]
            lengths = [s + c for s, c in zip(starts, cuts, strict=True)]
            session = Session.resume(backbone, view, snapshots, lengths)
            rows = [(p, o[:c]) for (p, o), c in zip(rows, cuts, strict=True)]


def prefixes(backbone):
    return [v for v in backbone.cache._values.values() if isinstance(v, Prefix | PackedRow)]


@pytest.mark.parametrize("decoder", [DraftedGreedy(max_new_tokens=4), ExactSearch()])
def test_prefix_is_computed_once_per_label_set(decoder):
    backbone = build_tiny_causal()
    requests = [make_request([word, "in", "Paris"]) for word in WORDS[:6]]
    other = make_request(["London"], labels=("other",))
    decoder(backbone, requests, MANY)
    (first,) = prefixes(backbone)
    decoder(backbone, [*requests, other], MANY)
    assert len(prefixes(backbone)) == 2
    assert prefixes(backbone)[0] is first
    prompt = backbone.codec.prompt_ids([requests[0].prompt.text])[0]
    shared = shared_length(backbone, requests[0], prompt)
    assert 0 < shared < len(prompt)
    n_slots = first.length if isinstance(first, PackedRow) else first.layers[0][0].shape[2]
    assert n_slots == shared


@pytest.mark.parametrize("is_packed", [True, False])
def test_prompts_for_one_label_each_share_the_instruction(is_packed, monkeypatch):
    if not is_packed:
        monkeypatch.setattr("spacy_gner.decoding.packed_session.can_pack", lambda model: False)
    backbone = build_tiny_causal()
    words = ["Marie", "in", "Paris"]
    labels = [("person",), ("city",), ("award",)]
    requests = [make_request(words, own, BIO(labels_per_prompt=1)) for own in labels]
    answers = ExactSearch()(backbone, requests, MANY)
    sizes = sorted(
        row.length if isinstance(row, PackedRow) else row.layers[0][0].shape[2]
        for row in prefixes(backbone)
    )
    assert all(isinstance(row, PackedRow) == is_packed for row in prefixes(backbone))
    # The instruction, and that with each label behind it.
    instruction, *others = sizes
    assert len(others) == 3
    for request in requests:
        (prompt,) = backbone.codec.prompt_ids([request.prompt.text])
        assert shared_length(backbone, request, prompt, instruction=True) == instruction
        assert shared_length(backbone, request, prompt) in others
    # The same as where each is computed alone.
    alone = [make_request(words, own) for own in labels]
    assert [r.prompt.text for r in alone] == [r.prompt.text for r in requests]
    for answer, other in zip(answers, ExactSearch()(backbone, alone, MANY), strict=True):
        assert answer.text == other.text
        assert answer.log_prob == pytest.approx(other.log_prob, abs=1e-4)
    # Formats with one question do not pay for it.
    assert not alone[0].prompt.instruction


@pytest.mark.parametrize("counted", [True, False])
def test_prefix_is_computed_anew_when_weights_change(counted):
    backbone = build_tiny_causal()
    request = make_request(["London", "lives", "in", "Paris"])
    decoder = ExactSearch(0)
    before = decoder(backbone, [request], MANY)[0].log_prob
    add_noise(backbone, 1.0)
    if not counted:
        backbone.version -= 1
    assert len(prefixes(backbone)) == 1
    after = decoder(backbone, [request], MANY)[0].log_prob
    fresh = build_tiny_causal()
    add_noise(fresh, 1.0)
    assert after == pytest.approx(decoder(fresh, [request], MANY)[0].log_prob, abs=1e-5)
    assert after != pytest.approx(before, abs=1e-5)


def test_backbones_are_not_kept_alive():
    import gc
    import weakref

    backbone = build_tiny_causal()
    ExactSearch()(backbone, [make_request(["London"])], MANY)
    gone = weakref.ref(backbone)
    del backbone
    gc.collect()
    assert gone() is None


def test_threads_share_a_model():
    backbone = build_tiny_causal(seed=4)
    decoders = [ExactSearch(), DraftedGreedy(max_new_tokens=20)]
    requests = [make_request(list(WORDS[i : i + 5])) for i in range(0, 20, 5)]
    expected = [[g.text for g in d(backbone, requests, MANY)] for d in decoders]
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        answers = decoders[number % 2](backbone, requests, MANY)
        found[number] = [g.text for g in answers]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: expected[i % 2] for i in range(6)}


def test_models_without_keys_and_values_are_refused():
    from transformers import MambaConfig, MambaForCausalLM

    backbone = build_tiny_causal()
    config = MambaConfig(vocab_size=400, hidden_size=16, num_hidden_layers=1, state_size=4)
    backbone.model = MambaForCausalLM(config).eval()
    with pytest.raises(ValueError, match="E402"):
        DraftedGreedy()(backbone, [make_request(["London"])], MANY)


def bart(causal: bool):
    from transformers import BartConfig, BartForCausalLM, BartForConditionalGeneration

    tokenizer = sentencepiece_tokenizer()
    config = BartConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32, pad_token_id=0, eos_token_id=1, bos_token_id=None,
        decoder_start_token_id=1, forced_eos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(0)
    model = (BartForCausalLM if causal else BartForConditionalGeneration)(config).eval()
    # Positions are to matter.
    for name, parameter in model.named_parameters():
        if "embed_positions" in name:
            parameter.data *= 20
    return make_backbone(model, tokenizer, "causal" if causal else "seq2seq")


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    "decoder", [ExactSearch(0.5, None), DraftedGreedy(20), OnePass(), BeamSearch(2, 20)]
)
def test_models_that_count_positions_from_the_first_slot_are_decoded_row_by_row(decoder, causal):
    backbone = bart(causal)
    requests = [make_request(list(WORDS[i : i + 3 + i])) for i in range(4)]
    if not keeps_cache(backbone.model) and not isinstance(decoder, BeamSearch):
        with pytest.raises(ValueError, match="E402"):
            decoder(backbone, requests, MANY)
        return
    together = decoder(backbone, requests, MANY)
    alone = [decoder(backbone, [r], MANY)[0] for r in requests]
    assert [a.text for a in together] == [a.text for a in alone]
    assert [a.log_prob for a in together] == pytest.approx([a.log_prob for a in alone], abs=1e-4)


def test_caches_read_what_the_model_made():
    backbone = build_tiny_causal()
    cache = ModelView(backbone).fill_cache(torch.tensor([[1, 2, 3]]))
    layers = read_layers(cache)
    assert len(layers) == 2
    assert layers[0][0].shape == layers[0][1].shape == (1, 2, 3, 8)
