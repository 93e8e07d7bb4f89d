"""What is not public in torch and transformers may go: each use has something to fall back on."""

import sys

import pytest
import torch
from transformers.models.auto import modeling_auto

from spacy_gner.backbones.backbone import count_changes
from spacy_gner.backbones.families import family_names
from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.shim import get_shim

from ..models import build_tiny_causal, save_tiny


def test_families_are_told_apart():
    assert "llama" in family_names("causal") and "t5" not in family_names("causal")
    assert "t5" in family_names("seq2seq") and "llama" not in family_names("seq2seq")


def test_models_load_where_the_list_of_types_has_gone(tmp_path, monkeypatch):
    save_tiny(build_tiny_causal(), tmp_path)
    monkeypatch.delattr(modeling_auto, "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES")
    assert "anything" in family_names("causal")
    assert get_shim(build_transformer(str(tmp_path), device="cpu")).backbone.codec.is_causal


def test_changes_in_place_are_counted():
    model = torch.nn.Linear(2, 2)
    before = count_changes(model)
    with torch.no_grad():
        model.weight.add_(1.0)
    assert count_changes(model) > before


def test_changes_are_not_counted_where_torch_does_not_tell():
    class Parameter:
        def is_inference(self):
            return False

    class Model:
        def parameters(self):
            return [Parameter()]

    assert count_changes(Model()) == 0


@pytest.mark.parametrize("error", [ImportError, AttributeError])
def test_objects_without_spacy_transformers(monkeypatch, error):
    """It is not installed, or breaks beside a later transformers."""

    class Broken:
        def __getattr__(self, name):
            raise error(name)

    monkeypatch.setitem(sys.modules, "spacy_transformers.data_classes", Broken())
    monkeypatch.delitem(sys.modules, "spacy_gner.backbones.hf_objects")
    from spacy_gner.backbones.hf_objects import HFObjects

    objects = HFObjects("tokenizer", "model", None)
    assert (objects.tokenizer, objects.transformer) == ("tokenizer", "model")
    assert HFObjects.__module__ == "spacy_gner.backbones.hf_objects"
