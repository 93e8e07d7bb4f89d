"""Known checkpoints of other systems come with their formats."""

import pytest

import spacy_gner
from spacy_gner.decoding.beam_search import BeamSearch
from spacy_gner.formats import BIO, Guidelines, MultiRound, SingleRound, Slimer
from spacy_gner.formats.checkpoints import CHECKPOINTS
from spacy_gner.pipeline.shim import get_shim

from ..models import build_tiny_causal, build_tiny_seq2seq, save_tiny

FAMILIES = {
    "ZWK/InstructUIE": (build_tiny_seq2seq, SingleRound()),
    "Universal-NER/UniNER-7B-definition": (build_tiny_causal, MultiRound(use_definitions=True)),
    "HiTZ/GoLLIE-7B": (build_tiny_causal, Guidelines()),
    "expertai/SLIMER": (build_tiny_causal, Slimer()),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_checkpoint_gets_its_format(name, tmp_path, monkeypatch):
    build, format = FAMILIES[name]
    (tmp_path / name).mkdir(parents=True)
    save_tiny(build(), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    nlp = spacy_gner.load(name, labels=["person", "city"])
    gner = nlp.get_pipe("gner")
    assert gner.format == format
    assert isinstance(gner.decoder, BeamSearch)
    assert gner.planner.codec.max_length == CHECKPOINTS[name]["model"]["max_length"]
    gner.decoder.max_new_tokens = 5
    with pytest.warns(UserWarning, match="W002"):
        nlp("Marie lives in Paris .")
    settings = {"format": {"@misc": "spacy_gner.BIO.v1"}, "labels": ["person"]}
    other = spacy_gner.load(name, settings=settings)
    assert other.get_pipe("gner").format == BIO()
    other.get_pipe("gner").decoder.max_new_tokens = 5
    with pytest.warns(UserWarning, match="W010.*'BIO'.*spacy_gner.load"):
        other("Marie lives in Paris .")


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoint_blocks_are_what_a_config_takes(name):
    gner = spacy_gner.load(name, labels=["person"]).get_pipe("gner")
    registered = CHECKPOINTS[name]["format"]["@misc"]
    assert registered == f"spacy_gner.{type(gner.format).__name__}.v1"
    settings = get_shim(gner.model).settings
    assert (settings.name, settings.max_length) == (name, CHECKPOINTS[name]["model"]["max_length"])
