import pytest

from spacy_gner.formats import LabelSet
from spacy_gner.formats.label_names import readable


@pytest.mark.parametrize(
    "name, wording",
    [
        ("PERSON", "person"),
        ("PER", "person"),
        ("ORG", "organization"),
        ("WORK_OF_ART", "work of art"),
        ("DATE_OF_BIRTH", "date of birth"),
        ("dateOfBirth", "date of birth"),
        ("HTTPServer", "HTTP server"),
        ("US_STATE", "US state"),
        ("Average_Ratings", "average ratings"),
        ("DISH", "dish"),
        ("ORG_NAME", "organization name"),
        ("PHONE NUMBER", "phone number"),
        # Acronyms, brands and ordinary words stay as they are.
        ("DNA", "DNA"),
        ("HTML", "HTML"),
        ("B2B", "B2B"),
        ("LaTeX", "LaTeX"),
        ("iPhone", "iPhone"),
        ("Person", "Person"),
        ("programming language", "programming language"),
        ("Programming Language", "Programming Language"),
        ("e-mail", "e-mail"),
        ("drug:dose", "drug:dose"),
        ("C++", "C++"),
        ("__", "__"),
        ("город", "город"),
    ],
)
def test_readable(name, wording):
    assert readable(name) == wording


def test_every_wording_of_known_names_can_stand_in_a_prompt():
    from spacy_gner.formats.label_names import _KNOWN

    for name, wording in _KNOWN.items():
        assert LabelSet.make([name], readable=True).wordings == (wording,)
        assert wording == readable(wording)


def test_two_names_never_share_a_wording():
    labels = LabelSet.make(["PER", "PERSON", "person"], readable=True)
    assert labels.wordings == ("PER", "PERSON", "person")
    assert LabelSet.make(["PER", "PERSON"], readable=True).wordings == ("person", "PERSON")
    adopted = LabelSet.make({"X": "person"}).adopt(["X", "PER"], readable=True)
    assert adopted.to_dict() == {"X": "person", "PER": "PER"}


def test_pairs_are_labels_with_wordings():
    expected = LabelSet.make({"P": "person", "C": "city"})
    assert LabelSet.make([["P", "person"], ("C", "city")]) == expected
    with pytest.raises(ValueError, match="E001"):
        LabelSet.make([["P", "person"], "city"])


def test_decoys_have_names_of_their_own():
    labels = LabelSet.make({"decoy: city": "town", "P": "person"})
    asked = labels.with_decoys(["city", "person"])
    assert asked.wordings == ("town", "person", "city")
    assert len(set(asked.names)) == 3 and asked.names[:2] == labels.names
