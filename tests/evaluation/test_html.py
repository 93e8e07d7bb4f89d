import re
import sys
from html.parser import HTMLParser

import pytest

from spacy_gner.evaluation.errors_list import render_errors
from spacy_gner.evaluation.write import write_report

from .results import SCRIPT, make_metrics

pytest.importorskip("matplotlib")


class _Page(HTMLParser):
    """Collects tags; void elements and unclosed tags are told apart."""

    VOID = {"meta", "link", "input", "br", "img", "path", "use", "rect"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page():
    from spacy_gner.evaluation.html import render_html

    return render_html(make_metrics(seen=["city"]))


def test_page_is_well_formed_and_ids_are_unique(page):
    parsed = _Page(page)
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert sum(tag == "svg" for tag, _ in parsed.tags) == 4 + 2


def test_page_needs_nothing_from_outside(page):
    assert "http://" not in page and "https://" not in page and "//www" not in page
    for tag, attributes in _Page(page).tags:
        assert tag not in {"img", "iframe", "object", "embed", "base"}
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,"))
    assert not re.search(r"@import|url\((?!#)", page)
    assert "default-src 'none'" in page


def test_page_escapes_words_and_labels(page):
    assert page.count("<script>") == 1  # the page's own
    assert SCRIPT not in page and "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for _, attributes in _Page(page).tags:
        assert not any(name.startswith("on") for name in attributes if name != "onsubmit")


def test_page_references_inside_svg_resolve(page):
    ids = set(_Page(page).ids)
    targets = re.findall(r"url\(#([^)]+)\)", page)
    targets += re.findall(r'href="#([^"]+)"', page)
    assert targets and set(targets) <= ids


def test_errors_are_listed_with_what_filters_need():
    html, left_out = render_errors(make_metrics(["x"]))
    assert left_out == 0
    assert html.count("<article") == 2  # two of four sentences are right
    kinds = re.findall(r'data-kind="(\w+)" data-gold="(\w+)', html)
    assert ("noisy", "city") in kinds and ("unlabeled", "person") in kinds
    assert ("spurious", "city") in kinds
    assert "score 0.80" in html


def test_errors_beyond_the_limit_are_counted():
    html, left_out = render_errors(make_metrics(["x", "y"]), max_per_set=1)
    assert html.count("<article") == 2 and left_out == 2


def test_write_report_writes_three_files(tmp_path):
    files = write_report(make_metrics(), tmp_path / "new")
    assert [file.name for file in files] == ["metrics.json", "report.md", "report.html"]
    assert all(file.stat().st_size > 1000 for file in files)


def test_write_report_says_that_matplotlib_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # what a missing package looks like
    with pytest.raises(ValueError, match=r"\[GNER-E311\].*spacy-gner\[evaluation\]"):
        write_report(make_metrics(), tmp_path)
    assert (tmp_path / "report.md").is_file()
    write_report(make_metrics(), tmp_path, with_page=False)
