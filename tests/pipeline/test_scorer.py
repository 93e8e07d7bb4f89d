import pytest
import spacy
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_gner.pipeline.scorer import make_ner_scorer

WORDS = ["Marie", "Curie", "left", "Paris", "."]
VOCAB = Vocab()


def _doc(spans, key=None):
    doc = Doc(VOCAB, words=WORDS)
    entities = [Span(doc, start, end, label) for start, end, label in spans]
    if key is None:
        doc.set_ents(entities)
    else:
        doc.spans[key] = entities
    return doc


def test_scorer_scores_ents_as_spacy_does():
    predicted = [(0, 2, "person"), (3, 4, "person")]
    gold = [(0, 2, "person"), (3, 4, "city")]
    examples = [Example(_doc(predicted), _doc(gold))]
    scores = make_ner_scorer()(examples)
    assert scores == get_ner_prf(examples)
    assert scores["ents_p"] == scores["ents_r"] == scores["ents_f"] == 0.5
    assert set(scores["ents_per_type"]) == {"person", "city"}


def test_scorer_scores_a_span_group_that_overlaps():
    predicted = [(0, 2, "person"), (0, 1, "first name"), (3, 4, "person")]
    gold = [(0, 2, "person"), (0, 1, "first name"), (3, 4, "city")]
    examples = [Example(_doc(predicted, "gner"), _doc(gold, "gner"))]
    scores = make_ner_scorer("gner")(examples)
    assert scores["spans_gner_f"] == pytest.approx(2 / 3)
    assert set(scores["spans_gner_per_type"]) == {"person", "first name", "city"}


def test_scorer_gives_none_without_annotation():
    examples = [Example(_doc([]), Doc(VOCAB, words=WORDS))]
    assert make_ner_scorer()(examples)["ents_f"] is None
    assert make_ner_scorer("gner")(examples).get("spans_gner_f") is None


def test_scorer_is_registered():
    scorer = spacy.registry.get("scorers", "spacy_gner.ner_scorer.v1")
    assert scorer is make_ner_scorer


def test_scorer_works_in_a_component_s_score():
    nlp = spacy.blank("en")
    config = {"scorer": {"@scorers": "spacy_gner.ner_scorer.v1"}}
    ruler = nlp.add_pipe("entity_ruler", config=config)
    ruler.add_patterns([{"label": "city", "pattern": "Paris"}])
    example = Example.from_dict(nlp.make_doc("in Paris"), {"entities": [(3, 8, "city")]})
    assert nlp.evaluate([example])["ents_f"] == 1.0


def test_scorer_compares_the_group_of_a_component_that_sets_no_ents():
    config = {"set_ents": False, "spans_key": "gner"}
    predicted = [(0, 2, "person"), (0, 1, "first name"), (3, 4, "person")]
    # A reference with entities only, and one with the group itself.
    plain = Example(_doc(predicted, "gner"), _doc([(0, 2, "person"), (3, 4, "city")]))
    scores = make_ner_scorer()([plain], **config)
    assert (scores["ents_p"], scores["ents_r"]) == (1 / 3, 1 / 2)
    grouped = Example(_doc(predicted, "gner"), _doc(predicted[:2], "gner"))
    scores = make_ner_scorer()([grouped], **config)
    assert (scores["ents_p"], scores["ents_r"]) == (2 / 3, 1.0)
    assert scores["spans_gner_f"] == scores["ents_f"] == pytest.approx(0.8)
    assert set(scores["spans_gner_per_type"]) == {"person", "first name"}
    # A component that sets both is scored by its entities.
    both = make_ner_scorer()([plain], set_ents=True, spans_key="gner")
    assert both["ents_f"] == 0.0
    nothing = Example(_doc(predicted, "gner"), Doc(VOCAB, words=WORDS))
    assert make_ner_scorer()([nothing], **config)["ents_f"] is None
