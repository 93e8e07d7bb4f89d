"""What works with a codec alone needs no torch: plans, tables of tags, training pairs."""

import subprocess
import sys

import pytest

from ..models import LABELS, SHORT, build_tiny_causal, build_tiny_seq2seq

WITHOUT = """
import sys
sys.modules["torch"] = None  # as if it were not installed
from transformers import PreTrainedTokenizerFast
from spacy_gner.backbones.codec import TextCodec
from spacy_gner.decoding.tags import TagTable
from spacy_gner.formats import BIO, LabelSet
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.planning.words import DocWords
from spacy_gner.training.encoding import PairEncoder
from spacy_gner.training.pairs import TrainingPair
from spacy_gner.training.weights import TokenWeights
tokenizer = PreTrainedTokenizerFast.from_pretrained(NAME, clean_up_tokenization_spaces=False)
codec = TextCodec(tokenizer, FAMILY, max_length=256)
planner = Planner(codec, BIO(**SHORT), Windower())
labels = LabelSet.make(LABELS)
(planned,) = planner.plan(DocWords(("Paris", "won"), (0, 1), (0,)), labels)
assert planned.request.words == ("Paris", "won")
(word,) = TagTable(codec, BIO(**SHORT), LABELS).words(["Paris"])
assert codec.decode(word.piece(f"B-{LABELS[0]}")).strip() == f"Paris(B-{LABELS[0]})"
tags = (f"B-{LABELS[0]}", "O")
pair = TrainingPair(("Paris", "won"), tags, labels.wordings)
(encoded,) = PairEncoder(planner, TokenWeights())(pair)
assert encoded.target[-1] == codec.eos_id
"""


@pytest.mark.parametrize("build", [build_tiny_causal, build_tiny_seq2seq])
def test_plans_tables_and_pairs_need_no_torch(build, tmp_path):
    codec = build().codec
    codec.tokenizer.save_pretrained(tmp_path)
    names = {"NAME": str(tmp_path), "FAMILY": codec.family, "SHORT": SHORT, "LABELS": list(LABELS)}
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    subprocess.run([sys.executable, "-c", given + WITHOUT], check=True, timeout=300)
