"""Everything that reads text from outside gets random text: it may say what is wrong, with a code,
and nothing else may happen. `make fuzz` does this for minutes."""

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_gner.corpora.read_report import CorpusError
from spacy_gner.corpora.readers import FORMAT_NAMES, guess_format, read_file
from spacy_gner.corpora.source import Source
from spacy_gner.formats import BIO, BIOES, EntityCentric, LabelSet
from spacy_gner.matching import LCSMatcher, Matching
from spacy_gner.pipeline.loading import parse_labels

from ..pages.parsed import check_is_safe
from ..pages.test_annotations import make_page
from .conftest import SETTINGS

Fuzz = Callable[..., int]
WORDINGS = ("city", "person", "actor")
WORDS = ("did", "george", "clooney", "(", "make", "a", "musical", "1980s")
CODE = re.compile(r"\[GNER-[EW]\d{3}\]")


@pytest.mark.parametrize(
    "format", [BIO(), BIOES(), EntityCentric(), EntityCentric(context=None)], ids=lambda f: f.name
)
def test_formats_read_anything(format: Any, fuzz: Fuzz):
    matching = Matching(LCSMatcher())

    def check(text: str) -> None:
        parts = format.parse(text, WORDINGS)
        assert all(0 <= part.start <= part.end <= len(text) for part in parts)
        found = format.read(text, WORDS, WORDINGS, matching)
        assert all(0 <= f.start < f.end <= len(WORDS) for f in found)
        assert {f.label for f in found} <= set(WORDINGS)

    assert fuzz(check) > 50


@pytest.mark.parametrize("name", ["auto", *FORMAT_NAMES])
def test_readers_read_or_say_where_they_cannot(name: str, fuzz: Fuzz):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.txt"

        def check(text: str) -> None:
            path.write_bytes(text.encode("utf8", "surrogatepass"))
            if name == "brat":
                # The second half of its pair, and the names of types.
                for other in ("data.ann", "visual.conf", "documents.conf"):
                    shutil.copy(path, path.with_name(other))
            source = Source(path)
            try:
                format = guess_format(source) if name == "auto" else name
                for result in read_file(source, format):
                    if isinstance(result, CorpusError):
                        assert CODE.match(str(result))
            except CorpusError as error:
                assert CODE.match(str(error))

        assert fuzz(check) > 50


def test_labels_are_taken_or_refused_with_a_code(fuzz: Fuzz):
    def check(text: str) -> None:
        try:
            labels = LabelSet.make(parse_labels(text))
        except ValueError as error:
            assert CODE.match(str(error))
            return
        assert all(label.strip() for label in labels.names)

    assert fuzz(check) > 50


def test_pages_hold_any_text_as_text(fuzz: Fuzz):
    def check(text: str) -> None:
        entities = [{"start": 0, "end": len(text) // 2, "label": text, "score": 0.5}]
        page = check_is_safe(make_page([(text, entities, text, text)], text))
        # No tag but those of a page with harmless texts.
        assert {tag for tag, _ in page.tags} <= known

    harmless = [{"start": 0, "end": 2, "label": "city"}]
    known = {tag for tag, _ in check_is_safe(make_page([("abcd", harmless, "t", "e")])).tags}
    assert fuzz(check) > 50


def test_saved_settings_of_any_form_are_refused_with_a_code(fuzz: Fuzz, tmp_path: Path):
    nlp = spacy.blank("en")
    nlp.add_pipe("gner", config={"labels": ["city"], "model": {"save_weights": False}})
    nlp.to_disk(tmp_path)
    cfg = tmp_path / "gner" / "cfg"

    component: Any = nlp.get_pipe("gner")
    saved = component.to_bytes(exclude=["model", "vocab"])

    def check(text: str) -> None:
        cfg.write_text(text, encoding="utf8", errors="surrogatepass")
        before = dict(component.cfg)
        try:
            component.from_disk(tmp_path / "gner", exclude=["model", "vocab"])
        except ValueError as error:
            assert CODE.match(str(error))
            assert dict(component.cfg) == before
            return
        # What was taken can be saved, and taken again.
        component.from_bytes(component.to_bytes(exclude=["model", "vocab"]))
        component.from_bytes(saved)

    assert fuzz(check, SETTINGS) > 50
