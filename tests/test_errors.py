"""The catalog of errors: every code is used, and every message can be written."""

import re
import string
from pathlib import Path

import pytest

import spacy_gner
from spacy_gner.errors import Errors, Warnings

CODES = [
    (catalog, name)
    for catalog in (Errors, Warnings)
    for name in vars(catalog)
    if re.fullmatch(r"[EW]\d{3}", name)
]
SOURCE = "\n".join(
    path.read_text(encoding="utf8")
    for path in Path(spacy_gner.__file__).parent.rglob("*.py")
    if path.name != "errors.py"
)


def test_errors_are_there():
    assert len(CODES) > 50


@pytest.mark.parametrize("catalog, name", CODES, ids=[name for _, name in CODES])
def test_errors_message_has_its_code_and_is_used(catalog, name):
    message = getattr(catalog, name)
    assert message.startswith(f"[GNER-{name}] ")
    assert f"{catalog.__name__}.{name}" in SOURCE
    # Every field has a name, so that a caller cannot mix them up.
    assert all(field != "" for _, field, _, _ in string.Formatter().parse(message))


def test_messages_without_fields_have_no_doubled_braces():
    """Nobody formats them."""
    used = re.findall(r"\b(Errors|Warnings)\.([EW]\d+)\b(?!\.format)", SOURCE)
    assert used and not [
        name for catalog, name in used if "{{" in getattr(globals()[catalog], name)
    ]


def test_no_code_is_given_twice():
    """A second definition would replace the first without a word."""
    source = (Path(spacy_gner.__file__).parent / "errors.py").read_text(encoding="utf8")
    codes = re.findall(r"^    ([EW]\d{3}) = ", source, re.MULTILINE)
    assert len(codes) == len(set(codes)) == len(CODES)
