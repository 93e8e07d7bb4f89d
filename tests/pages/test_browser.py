import re

import pytest

from spacy_gner.evaluation.metrics import build_metrics

from ..evaluation.results import sentence
from .browser import open_page
from .hostile import SCRIPT, STRINGS
from .test_annotations import make_page


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
def test_no_script_of_the_data_runs(page, with_policy, tmp_path):
    html = PAGES[page]()
    if not with_policy:
        # The policy of the page is the second lock: the first one, escaping, has to hold alone.
        html, n = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
        assert n == 1
    title, document = open_page(html, tmp_path)
    assert "good" in title and title != "broken"
    if page == "report":
        # The page's own script has run: its policy allows it.
        assert "7 of 7 sentences" in document


def test_the_browser_would_notice(tmp_path):
    """What the test above rests on: a script that gets out does change the title."""
    title, _ = open_page(f"<html><title>good</title><p>{SCRIPT}</p></html>", tmp_path)
    assert title == "broken"


def test_the_policy_stops_a_script_that_gets_out(tmp_path):
    for number, make in enumerate(PAGES.values()):
        html = make().replace("</body>", f"{SCRIPT}</body>")
        (tmp_path / str(number)).mkdir()
        title, _ = open_page(html, tmp_path / str(number))
        assert title != "broken"
