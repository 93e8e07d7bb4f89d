import warnings
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_gner.formats import BIO, BIOES
from spacy_gner.pipeline import learned
from spacy_gner.pipeline.languages import foreign_words
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


CHINESE = "\u5c45\u91cc\u592b\u4eba\u5728\u534e\u6c99\u51fa\u751f\u540e\u6765\u53bb\u4e86"
CYRILLIC = "\u041c\u0430\u0440\u0438\u044f \u041a\u044e\u0440\u0438"


def test_text_that_the_tokenizer_cannot_cut():
    nlp = spacy.blank("en")
    with pytest.warns(UserWarning, match="W011.*'en'"):
        warn_of_script(nlp.make_doc(CHINESE))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_script(nlp.make_doc("Marie Curie visited \u6771\u4eac and wrote " + "x" * 50))
        warn_of_script(Doc(nlp.vocab, words=list(CHINESE)))
        warn_of_script(nlp.make_doc(CYRILLIC))
    assert learned.learned_format("x") is None


def warnings_of(nlp, texts):
    """RETURNS (list[str]): The codes of all warnings, of which Python's filter drops none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for text in texts:
            nlp(text)
        list(nlp.pipe(texts))
    messages = [str(warning.message) for warning in caught]
    return [message[6:10] for message in messages if message.startswith("[GNER-")]


@pytest.fixture
def english(model_dir, monkeypatch):
    """Declares that the tiny model has learned English, as the default has."""
    monkeypatch.setattr(learned, "_ENGLISH", frozenset({str(model_dir)}))


OTHER_SCRIPTS = {
    "cyrillic": CYRILLIC,
    "arabic": "\u0645\u0627\u0631\u064a \u0643\u0648\u0631\u064a",
    "greek": "\u039c\u03b1\u03c1\u03af \u039a\u03b9\u03c5\u03c1\u03af",
    "hebrew": "\u05de\u05d0\u05e8\u05d9 \u05e7\u05d9\u05e8\u05d9",
    "cjk": "\u5c45\u91cc \u592b\u4eba \u5728",
    "hangul": "\ub9c8\ub9ac \ud034\ub9ac\ub294",
    "devanagari": "\u092e\u0947\u0930\u0940 \u0915\u094d\u092f\u0942\u0930\u0940",
    "mixed": CYRILLIC + " in Paris",
}


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize("text", OTHER_SCRIPTS.values(), ids=OTHER_SCRIPTS)
def test_script_that_an_english_model_has_not_learned_is_told_once(make_nlp, text):
    assert warnings_of(make_nlp(), [TEXTS[0], text, text, CYRILLIC]) == ["W013"]


@pytest.mark.usefixtures("english")
def test_text_in_another_language_is_told_once(make_nlp):
    text = "Marie Curie ist nicht in Paris und auch London bekannt ."
    with pytest.warns(
        UserWarning, match=r"W013.*another language \(its words: auch, ist, nicht, und"
    ):
        make_nlp()(text)
    assert warnings_of(make_nlp(), [TEXTS[0], text, text, CYRILLIC]) == ["W013"]


@pytest.mark.parametrize(
    "text",
    [
        "Der Minister ist nach Wien gereist und wird dort auch mit den Abgeordneten sprechen.",
        "Elle est née dans un village qui se trouve sur la côte, avec ses deux frères.",
        "La ciudad está en la costa y es muy conocida por el puerto, pero también por la playa.",
        "La città è conosciuta anche per il porto, che una volta era della famiglia Doria.",
        "O presidente não foi à reunião, mas enviou uma carta para os ministros.",
        "Het huis werd niet verkocht, maar ook de tuin is nog voor de familie.",
        "Hon är född i Lund och det var där som hon inte ville bo.",
        "Ona nie była w domu, ale jest to miasto, które się zmienia.",
    ],
)
def test_sentences_of_other_languages_are_told(text):
    assert len(foreign_words(text)) >= 3


MESSY = sorted((Path(__file__).parents[2] / "project" / "assets" / "messy").glob("*.txt"))


@pytest.mark.parametrize(
    "text",
    [
        "Ursula von der Leyen, Max van den Berg, Carlos de los Santos, Maria del Mar, Jan ten Have",
        "Und der Haifisch, der hat Zähne is the first line of a song by Brecht and Weill.",
        "SELECT a.id, b.con FROM a JOIN b ON a.id = b.se WHERE b.por IS NOT NULL",
        "São Paulo, Côte d'Ivoire, Región de Murcia, Baden-Württemberg, Île-de-France",
        "Müller und Söhne GmbH, Société Générale SA, Banco de Crédito e Inversiones",
        *(path.read_text(encoding="utf8") for path in MESSY),
    ],
)
def test_english_with_foreign_names_is_no_text_in_another_language(text):
    for part in (text, *text.splitlines()):
        assert foreign_words(part) == []


def test_every_module_of_the_package_passes_for_english():
    for path in (Path(__file__).parents[2] / "spacy_gner").rglob("*.py"):
        if path.name != "languages.py":
            assert foreign_words(path.read_text(encoding="utf8")) == [], path


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize("lang", ["de", "sv"])
def test_pipeline_of_another_language_is_told_once(make_nlp, lang):
    nlp = make_nlp(lang=lang)
    with pytest.warns(UserWarning, match=f"W013.*'gner'.*English.*pipeline is '{lang}'"):
        nlp(TEXTS[0])
    assert warnings_of(nlp, TEXTS) == []


@pytest.mark.usefixtures("english")
def test_sentence_in_one_token_is_told_once(make_nlp):
    assert warnings_of(make_nlp(), [CHINESE, CHINESE, CYRILLIC]) == ["W011"]


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize("lang", ["en", "xx"])
def test_english_text_is_not_warned_of(make_nlp, lang):
    nlp = make_nlp(lang=lang)
    texts = [
        *TEXTS,
        "Zo\u00eb and \u0141ukasz met \u041c\u0430\u0440\u0438\u044f .",
        "\u03b1 \u03b2 \u03b3 .",
    ]
    assert warnings_of(nlp, texts) == []


def test_nothing_is_said_of_a_model_that_nobody_knows(make_nlp):
    assert warnings_of(make_nlp(), [CYRILLIC, TEXTS[0]]) == []
    nlp = make_nlp(lang="de")
    assert warnings_of(nlp, TEXTS) == []


@pytest.mark.usefixtures("english")
def test_model_that_was_trained_since_may_know_the_language(make_nlp):
    nlp = make_nlp()
    reference = nlp.make_doc(CYRILLIC)
    reference.ents = [Span(reference, 0, 2, label="person")]
    example = Example(nlp.make_doc(CYRILLIC), reference)
    nlp.get_pipe("gner").update([example], sgd=nlp.create_optimizer())
    assert "W013" not in warnings_of(nlp, [CYRILLIC])


def test_the_default_is_known_to_have_learned_english():
    assert frozenset({"gner-smollm2-135m"}) == learned._ENGLISH
    for lang, expected in (("en", False), ("xx", False), ("ru", True)):
        doc = Doc(spacy.blank(lang).vocab, words=["Paris"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert learned.warn_of_language([doc], "gner", "gner-smollm2-135m") is expected
