import re
import sys

import pytest

from spacy_gner.evaluation.metrics import build_metrics
from spacy_gner.evaluation.report import list_errors, render_html, write_report

from ..pages.hostile import STRINGS
from ..pages.parsed import ParsedPage, check_is_safe
from .results import make_metrics, sentence

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def page():
    return render_html(make_metrics(seen=["city"]))


def test_page_is_safe_and_has_all_plots(page):
    parsed = check_is_safe(page)
    # F1, mistakes and reliability (all sentences are of one length), two confusion matrices
    assert len(parsed.all("svg")) == 3 + 2
    assert "http://" not in page and "https://" not in page
    assert not re.search(r"@import|url\((?!#)", page)


def test_page_references_inside_svg_resolve(page):
    ids = {found["id"] for _, found in ParsedPage(page).tags if "id" in found}
    targets = re.findall(r"url\(#([^)]+)\)", page)
    targets += re.findall(r'href="#([^"]+)"', page)
    assert targets and set(targets) <= ids


def test_f1_stands_first_and_facts_are_folded(page):
    parsed = ParsedPage(page)
    assert parsed.text_in("strong") == "40.0"
    assert page.index("<strong>40.0</strong>") < page.index('<details class="facts">')
    assert page.index("strict F1 in percent, mean of 2 data sets") < page.index("<h2>")


def test_a_table_of_zeros_is_folded():
    forced = sentence(["in", "Rome"], [(1, 2, "city")], [], text="in(O) Rome(O)")
    page = render_html(build_metrics({"x": [forced]}, {"name": "m"}, {}))
    assert "<summary>Raw outputs</summary>" in page and "<h2>Raw outputs</h2>" not in page
    lossy = sentence(["in", "Rome"], [(1, 2, "city")], [], text="in(O)")
    page = render_html(build_metrics({"x": [lossy]}, {"name": "m"}, {}))
    assert "<h2>Raw outputs</h2>" in page


def test_no_plot_is_a_single_bar():
    captions = _captions(make_metrics(["x"]))
    assert captions[:2] == ["F1 by label", "What happened to the gold entities"]
    assert "F1 by data set" not in captions and "F1 by length of the sentence" not in captions
    one = sentence(["Rome"], [(0, 1, "city")], [(0, 1, "city")], score=None)
    captions = _captions(build_metrics({"x": [one]}, {"name": "m"}, {}))
    assert captions == ["What happened to the gold entities"]


def test_a_report_without_any_entity_is_written():
    nothing = sentence(["Rome"], [], [])
    assert "–" in render_html(build_metrics({"x": [nothing]}, {"name": "m"}, {}))


def test_strict_and_uniner_do_not_share_a_table(page):
    for table in re.findall(r"<thead>.*?</thead>", page):
        assert "UniNER" not in table
    assert "<h2>Scores in the style of UniNER</h2>" in page


def test_reliability_shows_how_many_predictions_a_point_stands_for(page):
    figure = page[page.index("Reliability of the scores") :]
    figure = figure[: figure.index("</figure>")]
    # Each data set has 4 predictions, all with the score 0.8.
    assert re.search(r">\s*8\s*</text>", figure)
    assert "8 predictions" in figure


def _captions(metrics):
    page = ParsedPage(render_html(metrics))
    return [text for tag, text in page.texts if tag == "figcaption"]


def test_the_wrong_span_is_marked_in_the_predicted_line():
    errors, left_out = list_errors(make_metrics(["x"]), 200)
    assert left_out == 0
    assert [error["number"] for error in errors] == [2, 3]  # two of four sentences are right
    flags = {(e.opens.label, e.opens.flag) for e in errors[0]["predicted"] if e.opens}
    assert flags == {("city", "wrong"), ("person", "wrong")}
    flags = [(e.opens.label, e.opens.flag) for e in errors[1]["gold"] if e.opens]
    assert flags == [("city", "missed"), ("person", "missed")]
    kinds = [
        (pair["kind"], (pair["gold"] or pair["predicted"])["label"]) for pair in errors[0]["pairs"]
    ]
    assert kinds[:2] == [("spurious", "city"), ("noisy", "city")]
    assert errors[0]["pairs"][0]["score"] == 0.8
    page = check_is_safe(render_html(make_metrics(["x"])))
    assert sum("wrong" in mark["class"].split() for mark in page.all("mark")) == 2
    right = render_html(make_metrics(["x"], better=True))
    assert sum("wrong" in m["class"].split() for m in ParsedPage(right).all("mark")) == 1


def test_overlapping_entities_are_shown():
    nested = sentence(
        ["Bank", "of", "China"], [(0, 3, "bank"), (2, 3, "country")], [(0, 3, "bank")],
        labels=("bank", "country"),
    )  # fmt: skip
    page = check_is_safe(render_html(build_metrics({"x": [nested]}, {"name": "m"}, {})))
    assert len(page.all("mark")) == 3


def test_labels_of_a_page_have_colors_of_their_own():
    labels = tuple(f"label {i}" for i in range(8))
    gold = [(i, i + 1, label) for i, label in enumerate(labels)]
    batch = [sentence(["w"] * 8, gold, [], labels=labels)]
    page = ParsedPage(render_html(build_metrics({"x": batch}, {"name": "m"}, {})))
    assert len({mark["class"] for mark in page.all("mark")}) == 8


def test_errors_beyond_the_limit_are_counted():
    errors, left_out = list_errors(make_metrics(["x", "y"]), 1)
    assert len(errors) == 2 and left_out == 2
    assert "2 more sentences" in render_html(make_metrics(["x", "y"]), 1)


def test_nothing_gets_out_of_its_place(tmp_path):
    words = [evil.replace("\n", " ") for evil in STRINGS]
    labels = tuple(STRINGS)
    gold = [(i, i + 1, label) for i, label in enumerate(labels)]
    predicted = [(i, i + 1, labels[i - 1]) for i in range(len(labels))]
    batch = [sentence(words, gold, predicted, labels=labels)]
    for evil in STRINGS:
        metrics = build_metrics(
            {evil: batch, "x": batch}, {"name": evil, evil: evil}, {evil: {evil: [evil]}}
        )
        files = write_report(metrics, tmp_path)  # every file can be written
        html = files[-1].read_text(encoding="utf8")
        page = check_is_safe(html)
        assert len(page.all("script")) == 1  # the page's own


def test_write_report_writes_three_files(tmp_path):
    files = write_report(make_metrics(), tmp_path / "new")
    assert [file.name for file in files] == ["metrics.json", "report.md", "report.html"]
    assert all(file.stat().st_size > 1000 for file in files)


def test_write_report_says_that_matplotlib_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # what a missing package looks like
    with pytest.raises(ImportError, match=r"\[GNER-E311\].*spacy-gner\[evaluation\]"):
        write_report(make_metrics(), tmp_path)
    assert (tmp_path / "report.md").is_file()
    write_report(make_metrics(), tmp_path, with_page=False)


def test_plots_leave_the_settings_of_the_user_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    render_html(make_metrics(["x"]))
    assert dict(matplotlib.rcParams) == before
