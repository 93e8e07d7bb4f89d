import pytest

from spacy_gner.formats import LabelSet


def test_labels_list_is_its_own_wording():
    labels = LabelSet.make(["person", "average ratings"])
    assert labels.names == labels.wordings == ("person", "average ratings")
    assert labels.to_dict() == {"person": "person", "average ratings": "average ratings"}


def test_labels_mapping_keeps_wording_apart():
    labels = LabelSet.make({"DISH": "dish", "PLACE": "restaurant name"})
    assert labels.names == ("DISH", "PLACE")
    assert labels.name_of("restaurant name") == "PLACE"
    assert labels.subset([1]).names == ("PLACE",)


@pytest.mark.parametrize(
    "labels, code",
    [
        ([""], "E001"),
        (["  "], "E001"),
        ([3], "E001"),
        (["person", "person"], "E002"),
        ({"A": "person", "B": "person"}, "E002"),
        (["a(b"], "E003"),
        (["a)b"], "E003"),
        (["a,b"], "E003"),
        (["a\nb"], "E003"),
        (["a\tb"], "E003"),
        ([" a"], "E003"),
        (["a  b"], "E003"),
        ("person", "E004"),
        (7, "E004"),
        (["O"], "E005"),
    ],
)
def test_labels_bad_input_is_named(labels, code):
    with pytest.raises(ValueError, match=rf"\[GNER-{code}\]"):
        LabelSet.make(labels)


def test_labels_error_says_what_to_write():
    with pytest.raises(ValueError, match="'city Paris'"):
        LabelSet.make(["city (Paris)"])
