"""Logits by hooks, for every sort of model that can be loaded."""

import threading

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

from spacy_gner.backbones.logits import Passes, pick_logits, watch_passes

VOCABULARY = 64
SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
DECODER = {**SMALL, "is_decoder": True}
BART = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}
T5 = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 4}
CAUSAL = {
    "LlamaConfig": SMALL,
    "MistralConfig": {**SMALL, "num_key_value_heads": 2},
    "Qwen2Config": {**SMALL, "num_key_value_heads": 2},
    # Two that change their logits after the output layer.
    "Gemma2Config": {
        **SMALL,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "final_logit_softcapping": 3.0,
    },
    "CohereConfig": {**SMALL, "logit_scale": 0.2},
    "GraniteConfig": {**SMALL, "logits_scaling": 4.0},
    "PhiConfig": SMALL,
    "GPT2Config": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "GPTNeoXConfig": SMALL,
    "GPTJConfig": {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4},
    "OPTConfig": {**SMALL, "ffn_dim": 64, "word_embed_proj_dim": 32},
    "BloomConfig": {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    "FalconConfig": SMALL,
    "MptConfig": {"d_model": 32, "n_heads": 4, "n_layers": 2},
    "MambaConfig": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
    "BertConfig": DECODER,
    "RobertaConfig": DECODER,
    "XLMRobertaConfig": DECODER,
    "XLMRobertaXLConfig": DECODER,
    "ElectraConfig": {**DECODER, "embedding_size": 32},
    "CamembertConfig": DECODER,
    "BigBirdConfig": {**DECODER, "attention_type": "original_full"},
    "BartConfig": {**BART, "is_decoder": True, "is_encoder_decoder": False},
}
SEQ2SEQ = {
    "T5Config": T5,
    "MT5Config": T5,
    "UMT5Config": T5,
    "SwitchTransformersConfig": {
        **T5, "num_sparse_encoder_layers": 0, "num_sparse_decoder_layers": 0, "num_experts": 2
    },
    "BartConfig": BART,
    "MBartConfig": BART,
    "PegasusConfig": BART,
    "MarianConfig": {**BART, "pad_token_id": 2},
    "LEDConfig": {**BART, "attention_window": 4},
    "EncoderDecoderConfig": {},
}  # fmt: skip


def causal(name):
    config = getattr(transformers, name)(vocab_size=VOCABULARY, pad_token_id=2, **CAUSAL[name])
    return AutoModelForCausalLM.from_config(config)


def seq2seq(name):
    if name == "EncoderDecoderConfig":
        part = transformers.BertConfig(vocab_size=VOCABULARY, **SMALL)
        config = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(part, part)
        config.pad_token_id = 2
        config.decoder_start_token_id = 3
    else:
        fields = {"vocab_size": VOCABULARY, "pad_token_id": 2, "decoder_start_token_id": 3}
        config = getattr(transformers, name)(**{**fields, **SEQ2SEQ[name]})
    return AutoModelForSeq2SeqLM.from_config(config)


FAMILIES = [(causal, name) for name in CAUSAL] + [(seq2seq, name) for name in SEQ2SEQ]


@pytest.fixture(params=FAMILIES, ids=lambda pair: f"{pair[0].__name__}-{pair[1]}")
def family(request):
    build, name = request.param
    if not hasattr(transformers, name):
        pytest.skip("not in this version of transformers")
    torch.manual_seed(0)
    model = build(name).eval()
    # Two rows: row 0 is longer than row 1.
    ids = torch.randint(4, VOCABULARY, (2, 6))
    inputs = {"input_ids": ids}
    if build is seq2seq:
        inputs["decoder_input_ids"] = torch.randint(4, VOCABULARY, (2, 5))
    return model, inputs


def n_places(inputs):
    return inputs.get("decoder_input_ids", inputs["input_ids"]).numel()


def flat(logits):
    return logits.reshape(-1, logits.shape[-1])


@torch.inference_mode()
def test_logits_are_those_of_the_whole_model(family):
    model, inputs = family
    expected = flat(model(**inputs).logits)
    positions = torch.tensor([7, 0, 3, 3])
    tokens = torch.tensor([9, 4, 63])
    for chosen, narrow in ((positions, None), (positions, tokens), (None, tokens), (None, None)):
        with pick_logits(model, n_places(inputs), chosen, narrow) as pick:
            logits = pick(model(**inputs).logits)
        wanted = expected if chosen is None else expected[chosen]
        wanted = wanted if narrow is None else wanted[:, narrow]
        torch.testing.assert_close(logits, wanted, atol=1e-5, rtol=1e-4)
    # Outside, nothing is picked.
    torch.testing.assert_close(flat(model(**inputs).logits), expected)


@torch.inference_mode()
def test_modules_stay_the_objects_that_they_are(family):
    model, inputs = family
    before = [(name, id(module), type(module)) for name, module in model.named_modules()]
    names = list(model.state_dict())
    for _ in range(3):
        with pick_logits(model, n_places(inputs), torch.tensor([1]), torch.tensor([5])) as pick:
            pick(model(**inputs).logits)
        passes = Passes()
        with watch_passes(model, passes):
            model(**inputs)
        assert passes.number <= 1 and passes.all_finite()
    assert [(name, id(module), type(module)) for name, module in model.named_modules()] == before
    assert list(model.state_dict()) == names
    head = model.get_output_embeddings()
    if head is not None:
        assert len(head._forward_pre_hooks) == 1


def test_gradients_are_those_of_the_whole_model(family):
    model, inputs = family
    model.eval()
    positions = torch.tensor([2, 7])
    flat(model(**inputs).logits)[positions].sum().backward()
    expected = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    with pick_logits(model, n_places(inputs), positions) as pick:
        pick(model(**inputs).logits).sum().backward()
    found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    assert found.keys() == expected.keys() and found
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-4, rtol=1e-3)


def test_threads_pick_each_their_own():
    torch.manual_seed(0)
    model = causal("LlamaConfig").eval()
    ids = torch.randint(4, VOCABULARY, (1, 8))
    with torch.inference_mode():
        expected = flat(model(input_ids=ids).logits)
    wrong: list[int] = []
    barrier = threading.Barrier(8)

    @torch.inference_mode()
    def work(number: int) -> None:
        barrier.wait()
        for i in range(20):
            if number == 7:
                # One that wants everything.
                logits, wanted = flat(model(input_ids=ids).logits), expected
            else:
                positions, tokens = torch.tensor([number, i % 8]), torch.tensor([number, 10 + i])
                with pick_logits(model, 8, positions, tokens) as pick:
                    logits = pick(model(input_ids=ids).logits)
                wanted = expected[positions][:, tokens]
            if not torch.allclose(logits, wanted, atol=1e-5):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_broken_logits_are_noticed(value):
    model = causal("LlamaConfig").eval()
    with torch.no_grad():
        model.lm_head.weight.fill_(float(value))
    passes = Passes()
    with watch_passes(model, passes), torch.inference_mode():
        model(input_ids=torch.randint(4, VOCABULARY, (1, 8)))
    assert not passes.all_finite()
