import warnings

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_gner.formats import BIO, BIOES
from spacy_gner.pipeline import learned
from spacy_gner.pipeline.learned import learned_format, warn_of_other_format, warn_of_script

from .conftest import TEXTS


@pytest.mark.parametrize("name", ["gner-smollm2-135m", "dyyyyyyyy/GNER-T5-base"])
def test_published_models_know_bio(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_other_format(BIO(), learned_format(name))
    for other in (BIOES(), BIO(guideline="Mark them.")):
        with pytest.warns(UserWarning, match=f"W010.*'{other.name}'"):
            warn_of_other_format(other, learned_format(name))
    assert learned_format("some/model") is None


def test_weights_know_the_format_that_they_were_trained_with(make_nlp, tmp_path):
    nlp = make_nlp()
    reference = nlp.make_doc(TEXTS[4])
    reference.ents = [Span(reference, 0, 1, label="city")]
    example = Example(nlp.make_doc(TEXTS[4]), reference)
    nlp.get_pipe("gner").update([example], sgd=nlp.create_optimizer())
    nlp.to_disk(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spacy.load(tmp_path)(TEXTS[0])
    other = spacy.load(tmp_path, config={"components.gner.format.description": "Find names."})
    with pytest.warns(UserWarning, match="W010"):
        other(TEXTS[0])


def test_models_that_nobody_knows_are_asked_in_any_format(make_nlp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_nlp()(TEXTS[0])


def test_text_that_the_tokenizer_cannot_cut():
    nlp = spacy.blank("en")
    chinese = "\u5c45\u91cc\u592b\u4eba\u5728\u534e\u6c99\u51fa\u751f\u540e\u6765\u53bb\u4e86"
    with pytest.warns(UserWarning, match="W011.*'en'"):
        warn_of_script(nlp.make_doc(chinese))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_script(nlp.make_doc("Marie Curie visited \u6771\u4eac and wrote " + "x" * 50))
        warn_of_script(Doc(nlp.vocab, words=list(chinese)))
        warn_of_script(nlp.make_doc("\u041c\u0430\u0440\u0438\u044f \u041a\u044e\u0440\u0438"))
    assert learned.learned_format("x") is None
