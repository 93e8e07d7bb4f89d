"""Wordings for label names that were made for programs: PERSON, GPE, WORK_OF_ART, dateOfBirth.

A model has learned what words mean; what a corpus abbreviates it has to guess.
"""

import re

# Names of OntoNotes 5, ACE and CoNLL-2003, which most trained pipelines of spaCy have. The wordings
# are names of types in the annotated data that models of this kind are trained on.
_KNOWN = {
    "PERSON": "person",
    "PER": "person",
    "PERS": "person",
    "ORG": "organization",
    "LOC": "location",
    "GPE": "country or city",
    "MISC": "miscellaneous",
    "NORP": "nationality or religious or political group",
    "FAC": "facility",
    "PRODUCT": "product",
    "PROD": "product",
    "EVENT": "event",
    "EVT": "event",
    "WORK_OF_ART": "work of art",
    "LAW": "law",
    "LANGUAGE": "language",
    "LANG": "language",
    "DATE": "date",
    "TIME": "time",
    "PERCENT": "percentage",
    "MONEY": "amount of money",
    "QUANTITY": "quantity",
    "ORDINAL": "ordinal number",
    "CARDINAL": "number",
    "VEH": "vehicle",
    "WEA": "weapon",
    "ORGANIZATION": "organization",
    "LOCATION": "location",
    "FACILITY": "facility",
}
# Names that other trained pipelines of spaCy have beside these. They are known as whole names only:
# in names of several words PS or TI is somebody else's acronym.
_OF_PIPELINES = {
    # Swedish (SUC 3)
    "PRS": "person",
    "TME": "time",
    "EVN": "event",
    "WRK": "work of art",
    "MSR": "quantity",
    "OBJ": "object",
    # Norwegian (NorNE); a DRV is a word made of a name, as "Swedish"
    "DRV": "word derived from a name",
    "GPE_LOC": "country or city",
    "GPE_ORG": "government",
    # Polish (NKJP)
    "persName": "person",
    "geogName": "geographical feature",
    "placeName": "country or city",
    "orgName": "organization",
    # Romanian (RONEC)
    "NAT_REL_POL": "nationality or religious or political group",
    "DATETIME": "date or time",
    "NUMERIC_VALUE": "number",
    "PERIOD": "period of time",
    # Japanese (OntoNotes with types of Sekine's hierarchy)
    "PET_NAME": "pet",
    "MOVEMENT": "movement",
    "PHONE": "phone number",
    "TITLE_AFFIX": "title",
    # Korean (KLUE)
    "DT": "date",
    "LC": "location",
    "OG": "organization",
    "PS": "person",
    "QT": "quantity",
    "TI": "time",
    # Croatian and Slovenian
    "DERIV_PER": "word derived from the name of a person",
}
# An upper-case word without a vowel, or a short one, is taken for an acronym (DNA, API, HTML).
_SHORTEST_WORD = 4
_SHORT_WORDS = frozenset("OF OR AND IN ON TO FOR BY THE AT AGE DAY JOB CAR".split())
_VOWEL = re.compile("[AEIOUY]")
# Where a name in camel case is cut: workOfArt, HTTPServer.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def readable(name: str) -> str:
    """Write a label name in words, if it was made for programs.

    name (str): The label, as in `ent.label_`.
    RETURNS (str): The wording of well-known names (`GPE`); the words of names with
        underscores, in camel case or in capitals (`DATE_OF_BIRTH`, `dateOfBirth`); any other
        name as it is.
    """
    known = _KNOWN.get(name) or _OF_PIPELINES.get(name)
    if known is not None:
        return known
    words = [word for part in name.split("_") for word in part.split()]
    if not words:
        return name
    if "_" not in name and not name.isupper() and (" " in name or not _is_camel_case(name)):
        return name
    return " ".join(_lower(hump) for word in words for hump in _humps(word))


def _humps(word: str) -> list[str]:
    return [word] if word.isupper() else _HUMP.split(word)


def _is_camel_case(name: str) -> bool:
    # "LaTeX", "McDonald" and "iPhone" are words; two humps in letters alone make a name.
    humps = _HUMP.split(name)
    return name.isalpha() and len(humps) > 1 and all(len(hump) > 1 for hump in humps)


def _lower(word: str) -> str:
    if word in _KNOWN:
        return _KNOWN[word]
    if word in _SHORT_WORDS:
        return word.lower()
    if word.isupper():
        is_acronym = len(word) < _SHORTEST_WORD or not _VOWEL.search(word)
        return word if is_acronym else word.lower()
    # A capital at the beginning is the writer's, one further in is the word's.
    return word.lower() if word[1:] == word[1:].lower() else word
