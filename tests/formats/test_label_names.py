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


GROUP = "nationality or religious or political group"
ONTONOTES = {
    "PERSON": "person",
    "NORP": GROUP,
    "FAC": "facility",
    "ORG": "organization",
    "GPE": "country or city",
    "LOC": "location",
    "PRODUCT": "product",
    "EVENT": "event",
    "WORK_OF_ART": "work of art",
    "LAW": "law",
    "LANGUAGE": "language",
    "DATE": "date",
    "TIME": "time",
    "PERCENT": "percentage",
    "MONEY": "amount of money",
    "QUANTITY": "quantity",
    "ORDINAL": "ordinal number",
    "CARDINAL": "number",
}
CONLL = {
    "PER": "person",
    "LOC": "location",
    "ORG": "organization",
    "MISC": "miscellaneous",
}
# The names of annotation schemes and of all trained pipelines of spaCy, by language.
SCHEMES = {
    "OntoNotes 5 (en, zh, nl, fi, mk; el and lt have some of them)": ONTONOTES,
    "CoNLL-2003 and WikiNER (ca, da, de, es, fr, it, pt, ru, uk, xx)": CONLL,
    "ACE": {
        "PER": "person",
        "ORG": "organization",
        "LOC": "location",
        "GPE": "country or city",
        "FAC": "facility",
        "VEH": "vehicle",
        "WEA": "weapon",
    },
    "sv": {
        "EVN": "event",
        "LOC": "location",
        "MSR": "quantity",
        "OBJ": "object",
        "ORG": "organization",
        "PRS": "person",
        "TME": "time",
        "WRK": "work of art",
    },
    "nb": {
        **CONLL,
        "DRV": "word derived from a name",
        "EVT": "event",
        "GPE_LOC": "country or city",
        "GPE_ORG": "government",
        "PROD": "product",
    },
    "pl": {
        "date": "date",
        "geogName": "geographical feature",
        "orgName": "organization",
        "persName": "person",
        "placeName": "country or city",
        "time": "time",
    },
    "ro": {
        "DATETIME": "date or time",
        "EVENT": "event",
        "FACILITY": "facility",
        "GPE": "country or city",
        "LANGUAGE": "language",
        "LOC": "location",
        "MONEY": "amount of money",
        "NAT_REL_POL": GROUP,
        "NUMERIC_VALUE": "number",
        "ORDINAL": "ordinal number",
        "ORGANIZATION": "organization",
        "PERIOD": "period of time",
        "PERSON": "person",
        "PRODUCT": "product",
        "QUANTITY": "quantity",
        "WORK_OF_ART": "work of art",
    },
    "ja": {
        **ONTONOTES,
        "MOVEMENT": "movement",
        "PET_NAME": "pet",
        "PHONE": "phone number",
        "TITLE_AFFIX": "title",
    },
    "ko": {
        "DT": "date",
        "LC": "location",
        "OG": "organization",
        "PS": "person",
        "QT": "quantity",
        "TI": "time",
    },
    "hr, sl": {**CONLL, "DERIV_PER": "word derived from the name of a person"},
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_names_of_schemes_and_of_pipelines_of_all_languages(scheme):
    expected = SCHEMES[scheme]
    assert {name: readable(name) for name in expected} == expected
    # In one scheme no two names share a wording, which would leave one of them as it is.
    assert LabelSet.make(list(expected), readable=True).to_dict() == expected


def test_short_names_of_pipelines_are_known_alone():
    assert readable("PS") == "person" and readable("PS_VERSION") == "PS version"
    assert readable("OBJ") == "object" and readable("OBJ_ID") == "OBJ ID"


def test_every_wording_of_known_names_can_stand_in_a_prompt():
    from spacy_gner.formats.label_names import _KNOWN, _OF_PIPELINES

    for name, wording in {**_KNOWN, **_OF_PIPELINES}.items():
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
