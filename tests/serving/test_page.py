"""The page in a real browser: entities, settings to copy, hostile texts and labels."""

import json

import pytest
import spacy
from spacy import util

pytest.importorskip("fastapi", reason="needs the extra serve")
pytest.importorskip("uvicorn", reason="needs the extra serve")

from spacy_gner.serving.app import create_app
from tests.browser import Browser, find_browser

from .helpers import Capitals, running_server

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>document.title='owned'</script>",
    "javascript:alert(1)",
    "'\"><svg onload=alert(1)>",
    "__proto__",
    "${paths.train} $x 100$",
    "\\u0041 \u2028 \u00e9 😀",
)
INFO = {"labels": {"PER": "person", "CITY": "CITY"}}


@pytest.fixture(scope="module")
def page():
    find_browser()
    with running_server(create_app(Capitals(), INFO)) as port, Browser() as browser:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.until("document.querySelectorAll('#labels li').length")
        yield browser
        assert browser.complaints == []
        assert {url.partition(":")[2] for url in browser.requests} <= {
            *(f"//127.0.0.1:{port}/{path}" for path in ("", "info", "ents")),
            ",",  # the empty icon
        }


def set_up(page, text, labels, wordings=()):
    page.run("document.querySelectorAll('#labels li button').forEach((b) => b.click())")
    for i, label in enumerate(labels):
        wording = wordings[i] if i < len(wordings) else ""
        page.run(f"void addLabel({json.dumps(label)}, {json.dumps(wording)})")
    page.run(
        f"""(() => {{
            document.getElementById("text").value = {json.dumps(text)};
            document.getElementById("form").dispatchEvent(new Event("input"));
        }})()"""
    )


def find(page):
    page.run("void (document.getElementById('count').textContent = '')")
    page.run("document.getElementById('find').click()")
    page.until("document.getElementById('count').textContent || $('message').textContent")


def text_of(page, name):
    return page.run(f"document.getElementById({name!r}).textContent")


def test_page_starts_with_the_labels_of_the_server(page):
    names = page.run("[...document.querySelectorAll('#labels input')].map((i) => i.value)")
    assert names == ["PER", "person", "", "CITY", "", ""]
    assert "default model" in text_of(page, "facts")


def test_entities_stand_at_their_characters(page):
    set_up(page, "😀 Ann met\nBob 🧪 B.", ["person"])
    find(page)
    marks = page.run("[...document.querySelectorAll('mark')].map((m) => m.firstChild.data)")
    assert marks == ["Ann", "Bob", "B."]
    rows = page.run("[...document.querySelectorAll('tbody tr')].map((r) => r.innerText)")
    assert rows[0].split("\t") == ["Ann", "person", "2–5", "0.750"]
    # Without the notes, the text stands there as it was typed.
    shown = page.run(
        """(() => {
            const copy = document.getElementById("shown").cloneNode(true);
            copy.querySelectorAll("small").forEach((note) => note.remove());
            return copy.textContent;
        })()"""
    )
    assert shown == "😀 Ann met\nBob 🧪 B."
    assert text_of(page, "count") == "3 entities."


def test_hostile_texts_and_labels_stay_text(page):
    for thing in HOSTILE:
        # A label cannot carry parentheses and the like; its name can.
        set_up(page, f"Ann {thing} Bob", [thing], ["person"])
        find(page)
        assert text_of(page, "message") == ""
        assert text_of(page, "shown").startswith(f"Ann{thing} 0.750 {thing} Bob")
        assert page.run("document.querySelectorAll('main img, main svg, main script').length") == 0
    assert page.run("document.title") == "spacy-gner"


def test_config_and_code_say_what_the_page_asked_for(page):
    labels = [label for label in HOSTILE if label != "__proto__"]
    set_up(page, 'He said "Ann" \\ 😀', labels, [f"wording {i}" for i in range(len(labels))])
    page.run("void (document.getElementById('threshold').value = '0.25')")
    page.run("void $('form').dispatchEvent(new Event('input'))")
    wanted = {label: f"wording {i}" for i, label in enumerate(labels)}
    text = "[components]\n" + text_of(page, "config")
    config = util.load_config_from_str(text, interpolate=True)
    assert config["components"]["gner"] == {
        "factory": "gner",
        "labels": wanted,
        "threshold": 0.25,
    }
    calls = []

    class Recorder:
        def load(self, *args, **kwargs):
            calls.append((args, kwargs))
            return lambda text: calls.append(text) or spacy.blank("en")("")

    code = text_of(page, "python").replace("import spacy_gner\n", "")
    exec(compile(code, "page", "exec"), {"spacy_gner": Recorder()})
    assert calls == [
        ((), {"labels": wanted, "settings": {"threshold": 0.25}}),
        'He said "Ann" \\ 😀',
    ]
    page.run("void (document.getElementById('threshold').value = '0')")


def test_errors_are_shown_as_text(page):
    set_up(page, "Ann", ["<b>a(b</b>"])
    find(page)
    assert text_of(page, "message").startswith("[GNER-E003]")
    assert page.run("document.querySelectorAll('#message *').length") == 0
    # The browser itself notes every answer that is no success.
    page.complaints[:] = [c for c in page.complaints if "status of 422" not in c]
    set_up(page, "poison <i>x</i>", ["person"])
    find(page)
    assert text_of(page, "message").startswith("[GNER-E017]")


def test_copy_reports_what_it_did(page):
    set_up(page, "Ann", ["person"])
    page.run("document.querySelector('[data-copy=python]').click()")
    page.until("$('copied').textContent")
    assert text_of(page, "copied") in ("Copied.", "Selected: press Ctrl+C.")


def test_key_is_asked_for_and_used():
    find_browser()
    app = create_app(Capitals(), INFO, api_key="secret")
    with running_server(app) as port, Browser() as browser:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.until("!document.getElementById('key-field').hidden")
        assert "GNER-E604" in text_of(browser, "facts")
        browser.run("void ($('key').value = 'secret', $('key').dispatchEvent(new Event('change')))")
        browser.until("$('facts').textContent.includes('default model')")
        set_up(browser, "Ann", ["person"])
        find(browser)
        assert text_of(browser, "count") == "1 entity."
