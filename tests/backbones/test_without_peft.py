"""peft and accelerate come with extras: models without an adapter do everything without them."""

import subprocess
import sys

import pytest

from spacy_gner.backbones import Lora
from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.shim import get_shim
from spacy_gner.training.trainer import Trainer

from ..models import LABELS, SHORT, build_tiny_causal, build_tiny_seq2seq, save_tiny

WITHOUT = """
import sys
sys.modules.update(peft=None, accelerate=None)  # as if they were not installed
import spacy
from spacy.training import Example
config = {
    "labels": LABELS,
    "model": {"@architectures": "spacy_gner.Transformer.v1", "name": NAME, "device": "cpu"},
    "format": {"@misc": "spacy_gner.BIO.v1", **SHORT},
}
nlp = spacy.blank("en")
nlp.add_pipe("gner", config=config)
doc = nlp("anna ran in rome")
example = Example.from_dict(nlp.make_doc("anna ran"), {"entities": [(0, 4, LABELS[0])]})
assert nlp.update([example], sgd=nlp.initialize())["gner"] > 0
nlp.to_disk(PATH)
assert len(list(spacy.load(PATH).pipe(["anna ran"] * 2))) == 2
"""


@pytest.mark.parametrize("build", [build_tiny_causal, build_tiny_seq2seq])
def test_models_without_an_adapter_need_neither(build, tmp_path):
    source, target = save_tiny(build(), tmp_path / "source"), tmp_path / "target"
    names = {"LABELS": list(LABELS), "NAME": str(source), "SHORT": SHORT, "PATH": str(target)}
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    subprocess.run([sys.executable, "-c", given + WITHOUT], check=True, timeout=300)


def test_an_adapter_without_peft_is_a_coded_error(tmp_path, monkeypatch):
    source = save_tiny(build_tiny_causal(), tmp_path / "source")
    model = build_transformer(str(source), device="cpu", lora=Lora())
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ImportError, match=r"GNER-E038.*spacy-gner\[lora\]"):
        Trainer(get_shim(model).backbone).prepare()
