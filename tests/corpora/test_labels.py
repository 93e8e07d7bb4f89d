import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_gner.corpora.labels import get_inventory, is_usable_label

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
