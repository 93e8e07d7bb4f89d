"""The pages in a real browser: nothing of the data runs, and a phone can show them."""

import re

import pytest

from spacy_gner.evaluation.metrics import build_metrics

from ..browser import Browser, find_browser
from ..evaluation.results import make_metrics, sentence
from .hostile import SCRIPT, STRINGS
from .test_annotations import make_page


@pytest.fixture(scope="module")
def browser():
    find_browser()
    with Browser() as made:
        yield made


@pytest.fixture
def show(browser, tmp_path):
    """Shows a page of a given width; gives the title that it has once its scripts have run."""

    def show_page(html, width=1280):
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf8")
        browser.requests.clear()
        browser.open("about:blank#")
        browser.open(path.as_uri())
        # A handler of an element that fails to load comes later than the page itself.
        browser.run("new Promise(done => setTimeout(done, 100))")
        assert {url for url in browser.requests if not url.startswith("data:")} <= {path.as_uri()}
        return browser.run("document.title")

    return show_page


def _annotations():
    rows = [
        (evil, [{"start": 0, "end": len(evil), "label": evil, "score": 0.5}], evil, evil)
        for evil in STRINGS
    ]
    return make_page(rows, "good")


def _report():
    pytest.importorskip("matplotlib")
    from spacy_gner.evaluation.report import render_html

    words = [evil.replace("\n", " ") for evil in STRINGS]
    gold = [(i, i + 1, label) for i, label in enumerate(STRINGS)]
    predicted = [(i, i + 1, STRINGS[i - 1]) for i in range(len(STRINGS))]
    batch = [sentence(words, gold, predicted, labels=tuple(STRINGS), text=" ".join(STRINGS))]
    system = {"name": "good " + " ".join(STRINGS), "decoder": SCRIPT, SCRIPT: SCRIPT}
    return render_html(build_metrics({evil: batch for evil in STRINGS[:7]}, system, {"a": STRINGS}))


PAGES = {"annotations": _annotations, "report": _report}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("with_policy", [True, False])
def test_no_script_of_the_data_runs(browser, show, page, with_policy):
    html = PAGES[page]()
    if not with_policy:
        # The policy of the page is the second lock: the first one, escaping, has to hold alone.
        html, n = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
        assert n == 1
    title = show(html)
    assert "good" in title and title != "broken"
    if page == "report":
        # The page's own script has run: its policy allows it.
        assert browser.run("document.getElementById('filter-count').textContent") == (
            "7 of 7 sentences"
        )


def test_the_browser_would_notice(show):
    """What the test above rests on: a script that gets out does change the title."""
    assert show(f"<html><title>good</title><p>{SCRIPT}</p></html>") == "broken"


@pytest.mark.parametrize("page", PAGES)
def test_the_policy_stops_a_script_that_gets_out(show, page):
    html = PAGES[page]().replace("</body>", f"{SCRIPT}</body>")
    assert show(html) != "broken"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("width", [420, 1280])
def test_no_page_is_wider_than_the_screen(browser, show, page, width):
    show(PAGES[page](), width)
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_f1_stands_large_at_the_top_of_a_phone(browser, show):
    pytest.importorskip("matplotlib")
    from spacy_gner.evaluation.report import render_html

    show(render_html(make_metrics(seen=["city"])), 420)
    place = "document.querySelector('.main-figure strong')"
    assert browser.run(f"{place}.textContent") == "40.0"
    assert browser.run(f"parseFloat(getComputedStyle({place}).fontSize)") >= 60
    assert browser.run(f"{place}.getBoundingClientRect().bottom") < 300
    # Its column of the table is not cut off either.
    heads = "[...document.querySelectorAll('#scores th')]"
    right = f"{heads}.find(head => head.textContent === 'F1').getBoundingClientRect().right"
    assert browser.run(right) <= 420


def test_a_mark_that_breaks_over_lines_is_closed(browser, show):
    text = "a very long name of an entity " * 12
    show(make_page([(text, [{"start": 0, "end": len(text), "label": "x"}])]), 420)
    assert browser.run("document.querySelector('mark').getClientRects().length") > 3
    style = "getComputedStyle(document.querySelector('mark'))"
    assert browser.run(f"{style}.webkitBoxDecorationBreak || {style}.boxDecorationBreak") == "clone"


def test_the_filters_of_the_errors_work(browser, show):
    pytest.importorskip("matplotlib")
    from spacy_gner.evaluation.report import render_html

    show(render_html(make_metrics(["x", "y"])))

    def choose(name, value):
        browser.run(
            f"(() => {{ const field = document.getElementById('filter-{name}');"
            f"field.value = '{value}'; field.dispatchEvent(new Event('input')); }})()"
        )
        return browser.run("document.getElementById('filter-count').textContent")

    assert choose("set", "") == "4 of 4 sentences"
    assert choose("set", "x") == "2 of 4 sentences"
    assert choose("kind", "noisy") == "1 of 4 sentences"
    assert choose("text", "nowhere") == "0 of 4 sentences"
    shown = "[...document.querySelectorAll('article.error')].filter(a => !a.hidden).length"
    assert browser.run(shown) == 0


@pytest.mark.parametrize("width", range(300, 480, 20))
def test_a_label_stands_on_the_line_of_the_word_before_it(show, browser, width):
    text = "Angela Merkel met the board of Siemens in the city of Munich"
    spans = [(0, 13, "person"), (31, 38, "company"), (54, 60, "city")]
    entities = [{"start": s, "end": e, "label": label, "score": 0.5} for s, e, label in spans]
    show(make_page([(text, entities, "a")]), width)
    apart = browser.run(
        """[...document.querySelectorAll('.text mark')].filter(mark => {
            const range = document.createRange(), words = mark.firstChild;
            range.setStart(words, words.length - 1);
            range.setEnd(words, words.length);
            const word = range.getBoundingClientRect(), label = mark.querySelector('b');
            return label.getBoundingClientRect().top > word.bottom;
        }).length"""
    )
    assert apart == 0
