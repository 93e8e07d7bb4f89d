"""Tiny models learn every format by heart, through the updates of `spacy train`."""

import pytest
import spacy
from thinc.api import Adam

from spacy_gner.formats import EntityCentric, Guidelines, LabelSet, MultiRound, SingleRound, Slimer
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.training.encoding import PairEncoder
from spacy_gner.training.pairs import gold_pair
from spacy_gner.training.weights import TokenWeights

from ..models import SHORT, TEXTS, build_tiny_causal, build_tiny_seq2seq, save_tiny
from .examples import LABELS, examples

BUILDERS = {"causal": build_tiny_causal, "seq2seq": build_tiny_seq2seq}
# With short instructions, where the format has a field for them.
FORMATS = {
    "entity-centric": ("EntityCentric", EntityCentric, {"context": 1, **SHORT}),
    "single-round": ("SingleRound", SingleRound, {"instruction": "List.\n"}),
    "multi-round": ("MultiRound", MultiRound, {"system": "", "question": "{label}?"}),
    "guidelines": ("Guidelines", Guidelines, {}),
}


def pairs():
    return [gold_pair(eg.reference, LabelSet.make(LABELS)) for eg in examples()]


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("name", FORMATS)
def test_format_is_learned_by_heart(name, kind, tmp_path):
    registered, cls, options = FORMATS[name]
    format = cls(**options)
    # The tokenizers of the tiny models know the marks of the format.
    written = [format.write(p.words, p.spans(), p.wordings) for p in pairs()]
    prompts = [format.prompt(p.words, p.wordings).text for p in pairs()]
    backbone = BUILDERS[kind](hidden=64, texts=[*TEXTS, *written, *prompts])
    nlp = spacy.blank("en")
    config = {
        "labels": LABELS,
        "model": {"name": str(save_tiny(backbone, tmp_path)), "device": "cpu"},
        "format": {"@misc": f"spacy_gner.{registered}.v1", **options},
        "decoder": {"@misc": "spacy_gner.BeamSearch.v1", "num_beams": 1, "max_new_tokens": 90},
    }
    nlp.add_pipe("gner", config=config)
    egs = examples()
    nlp.initialize(lambda: egs)
    for rate in (5e-3, 2e-3, 1e-3):
        sgd = Adam(rate, use_averages=False, grad_clip=1.0, L2=0.0)
        for _ in range(100):
            if nlp.update(egs, sgd=sgd)["gner"] < 0.01:
                break
        scores = nlp.evaluate(egs)
        if scores["ents_f"] == 1.0:
            break
    assert scores["ents_f"] == 1.0


def test_one_question_for_each_label_is_trained_with_answers_that_name_nothing():
    codec = build_tiny_causal().codec
    for format in (MultiRound(), Slimer()):
        encoder = PairEncoder(Planner(codec, format, Windower()), TokenWeights(outside=0.5))
        pair = pairs()[1]  # a person and a city, no award
        encoded = encoder(pair)
        answers = [codec.decode(item.target) for item in encoded]
        assert answers == ['["Angela Merkel"]', '["Paris"]', "[]"]
        assert {w for w in encoded[2].weights} == {0.5} and 1.0 in encoded[0].weights
        prompts = codec.prompt_ids([format.prompt(pair.words, [label]).input for label in LABELS])
        assert [item.prompt for item in encoded] == prompts
