import io

import pytest

from spacy_gner.pages import AnnotationPage

from .hostile import STRINGS
from .parsed import ParsedPage, check_is_safe


def _entity(start, end, label, score=0.97):
    return {"start": start, "end": end, "label": label, "score": score}


def make_page(rows, title="Entities"):
    stream = io.StringIO()
    page = AnnotationPage(stream, title)
    for row in rows:
        page.add(*row)
    page.close()
    return stream.getvalue()


def test_page_has_titles_a_legend_with_counts_and_scores_on_hover():
    text = "Marie Curie left Paris."
    entities = [_entity(0, 11, "person"), _entity(17, 22, "city", None)]
    page = check_is_safe(
        make_page([(text, entities, "a.txt:1"), ("Rome", [_entity(0, 4, "city", 0.5)])])
    )
    assert page.text_in("h2") == "a.txt:1Text 2"
    assert [mark["title"] for mark in page.all("mark")] == [
        "person, score 0.97",
        "city",
        "city, score 0.50",
    ]
    swatches = {
        mark["class"].removeprefix("swatch ")
        for mark in page.all("span")
        if "swatch" in mark["class"]
    }
    assert swatches == {mark["class"] for mark in page.all("mark")} and len(swatches) == 2
    spans = [text for tag, text in page.texts if tag == "span"]
    assert spans == ["city", "2", "person", "1"]
    assert "2 texts, 3 entities" in page.text_in("p")


def test_page_keeps_every_character_of_a_text():
    text = "  two  spaces\n\n\tand a tab <b>&amp;</b> "
    html = make_page([(text, [_entity(2, 5, "x"), _entity(4, 13, "y")])])
    page = ParsedPage(html)
    written = "".join(found for tag, found in page.texts if tag in {"div", "mark"})
    assert written == text


def test_page_shows_nested_entities_and_errors():
    bank = [_entity(0, 13, "bank"), _entity(8, 13, "country")]
    page = check_is_safe(make_page([("Bank of China", bank), ("x", [], "", "[GNER-E001] no")]))
    assert page.text_in("b") == "countrybank"
    assert "[GNER-E001] no" in page.text_in("p")


def test_page_is_written_as_it_comes():
    stream = io.StringIO()
    page = AnnotationPage(stream)
    page.add("Rome", [_entity(0, 4, "city")])
    assert ">Rome<b>city</b></mark>" in stream.getvalue()


@pytest.mark.parametrize("evil", STRINGS)
def test_nothing_gets_out_of_its_place(evil):
    entity = _entity(0, max(1, len(evil)), evil)
    html = make_page([(evil + " ", [entity], evil, evil)] * 2, evil)
    html.encode("utf8")
    page = check_is_safe(html)
    shown = evil.encode("utf8", "replace").decode().replace("\0", "\ufffd")
    assert page.text_in("title") == page.text_in("h1") == shown
    assert page.text_in("mark") == 2 * shown and page.text_in("b") == 2 * shown
    assert not page.all("script")
