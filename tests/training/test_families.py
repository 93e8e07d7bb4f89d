"""Causal models of other families: their caches and arguments differ."""

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM

from spacy_gner.decoding.beam_search import BeamSearch
from spacy_gner.decoding.drafted_greedy import DraftedGreedy
from spacy_gner.decoding.exact_search import ExactSearch
from spacy_gner.formats import BIO
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.training.encoding import PairEncoder, collate
from spacy_gner.training.forward import forward_batch, get_loss
from spacy_gner.training.pairs import TrainingPair
from spacy_gner.training.trainer import Trainer
from spacy_gner.training.weights import TokenWeights

from ..models import LABELS, SHORT, byte_level_tokenizer, keeps_cache, make_backbone, request_of

# Their sizes, and whether they have keys and values that drafts can be taken back from.
SMALL = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}
FAMILIES = {
    "GPT2Config": ({"n_embd": 32, "n_layer": 2, "n_head": 4}, True),
    "GPTJConfig": ({"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4}, True),
    "GPTNeoXConfig": ({**SMALL, "intermediate_size": 64}, True),
    "BloomConfig": ({"hidden_size": 32, "n_layer": 2, "n_head": 4}, True),
    "FalconConfig": (SMALL, True),
    "Qwen2Config": ({**SMALL, "num_key_value_heads": 2, "intermediate_size": 64}, True),
    "MptConfig": ({"d_model": 32, "n_heads": 4, "n_layers": 2}, True),
    "XGLMConfig": (
        {"d_model": 32, "ffn_dim": 64, "num_layers": 2, "attention_heads": 4},
        True,
    ),
    "MambaConfig": ({"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}, False),
}
TEXTS = ["Marie Curie won the Nobel Prize in Paris .", "London won .", "The company met ."]


@pytest.fixture(params=FAMILIES)
def family(request):
    """A model with random weights, and whether it can be drafted for."""
    sizes, has_cache = FAMILIES[request.param]
    tokenizer = byte_level_tokenizer()
    ids = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
    config = getattr(transformers, request.param)(vocab_size=len(tokenizer), **ids, **sizes)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    return make_backbone(model, tokenizer, "causal"), has_cache and keeps_cache(model)


def test_families_batch_is_trained_as_its_rows_are(family):
    backbone, _ = family
    planner = Planner(backbone.codec, BIO(**SHORT), Windower())
    encoder = PairEncoder(planner, TokenWeights())
    pairs = [TrainingPair(tuple(t.split()), ("O",) * len(t.split()), LABELS) for t in TEXTS]
    encoded = [item for pair in pairs for item in encoder(pair)]
    batch = collate(encoded, backbone.codec)
    trainer = Trainer(backbone)
    assert batch.n_shared > 16
    logits, backprop = forward_batch(trainer, batch, is_train=True)
    loss, gradient = get_loss(batch, logits)
    backprop(gradient)
    assert all(
        p.grad is not None and torch.isfinite(p.grad).all()
        for p in backbone.model.get_output_embeddings().parameters()
    )
    total, weight = 0.0, 0.0
    for item in encoded:
        row = collate([item], backbone.codec)
        one, _ = get_loss(row, forward_batch(trainer, row, is_train=False)[0])
        total += one * float(row.weights.sum())
        weight += float(row.weights.sum())
    assert loss == pytest.approx(total / weight, abs=1e-4)


def test_families_are_decoded_or_refused(family):
    backbone, has_cache = family
    requests = [request_of(t.split()) for t in TEXTS]
    greedy = BeamSearch(num_beams=1, max_new_tokens=40)(backbone, requests, 10**6)
    drafted, exact = DraftedGreedy(max_new_tokens=40), ExactSearch()
    if not has_cache:
        for decoder in (drafted, exact):
            with pytest.raises(ValueError, match="E402"):
                decoder(backbone, requests, 10**6)
        return
    answers = drafted(backbone, requests, 10**6)
    assert [a.text for a in answers] == [g.text for g in greedy]
    together = exact(backbone, requests, 10**6)
    assert [a.text for a in together] == [exact(backbone, [r], 1)[0].text for r in requests]
