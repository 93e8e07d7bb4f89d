import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_gner.corpora.labels import get_inventory, is_usable_label
from spacy_gner.extensions import inventory_of

NLP = spacy.blank("en")


@pytest.mark.parametrize("label", ["person", "average ratings", "C++", "Ort/Stadt", "日付"])
def test_labels_usable(label):
    assert is_usable_label(label)


@pytest.mark.parametrize("label", ["", " ", "a ", "a,b", "a (b)", "a\nb", "a\tb", "a  b", "O"])
def test_labels_unusable(label):
    assert not is_usable_label(label)


def test_labels_without_inventory_are_those_of_the_entities():
    doc = Doc(NLP.vocab, words=["a", "b"], ents=["B-x", "B-x"])
    assert get_inventory(Example(doc.copy(), doc)) == ["x"]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"gner": ["a"], "second": ["b", "a"]}, ["a", "b"]),
        ({"gner": {"P": "person"}, "second": ["b"], "third": None}, {"P": "person", "b": "b"}),
        ({"P": "person"}, {"P": "person"}),
        (["a"], ["a"]),
        ([], []),
        (None, None),
    ],
)
def test_labels_by_component_are_one_inventory_for_corpora(labels, found):
    doc = Doc(NLP.vocab, words=["a"])
    doc._.gner_labels = labels
    assert inventory_of(doc) == found
    assert get_inventory(Example(doc.copy(), doc)) == list(found or [])
