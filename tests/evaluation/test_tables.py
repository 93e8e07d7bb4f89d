import re

import pytest

from spacy_gner.evaluation.cells import number, percent, size_text
from spacy_gner.evaluation.markdown import escape, render_markdown
from spacy_gner.evaluation.paper import reference_scores
from spacy_gner.evaluation.tables import build_tables

from .results import SCRIPT, make_metrics


def _by_title(metrics, reference="zero_shot"):
    return {table.title: table for table in build_tables(metrics, reference)}


def test_every_table_is_rectangular():
    for table in build_tables(make_metrics(seen=["city"])):
        assert all(len(row) == len(table.columns) for row in table.rows), table.title


def test_tables_show_what_the_issue_asks_for():
    tables = _by_title(make_metrics(seen=["city"]))
    assert {
        "Scores",
        "Beside the paper",
        "Mistakes",
        "Raw outputs",
        "Matching: what it saves",
        "Matching: speed",
        "Speed",
        "By length of the sentence",
        "By labels seen in training",
        "Calibration",
        "Labels of crossner_ai",
        "Most frequent confusions of mine",
    } <= set(tables)
    scores = dict(zip(tables["Scores"].columns, tables["Scores"].rows[0], strict=True))
    assert scores["data set"] == "crossner_ai"
    assert (scores["P"], scores["R"], scores["F1"]) == ("50.00", "33.33", "40.00")


def test_reference_columns_are_the_paper_s():
    table = _by_title(make_metrics())["Beside the paper"]
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row["GNER-T5-base"] == "56.83"
    # "mine" is not in the paper, and its average is over other sets than these
    assert [row[0] for row in table.rows] == ["crossner_ai"]
    assert "Beside the paper" not in _by_title(make_metrics(["mine"]))
    assert "Beside the paper" not in _by_title(make_metrics(), None)


def test_the_paper_s_average_stands_beside_all_seven_sets_only():
    names = [name for name in reference_scores()["GNER-LLaMA"] if name != "average"]
    rows = _by_title(make_metrics(names))["Beside the paper"].rows
    assert [row[0] for row in rows][-1] == "average"
    rows = _by_title(make_metrics(names[:6]))["Beside the paper"].rows
    assert "average" not in [row[0] for row in rows]


def test_numbers_as_text():
    assert percent(0.12345) == "12.35" and percent(None) == "–"
    assert number(1234.5, 0) == "1,234" and number(None) == "–"
    assert (size_text(None), size_text(248e6), size_text(3.1e9)) == ("–", "248M", "3.1B")


def test_markdown_has_no_markup_from_the_data():
    text = render_markdown(make_metrics())
    assert text.startswith("# Evaluation of model &lt;script&gt;")
    assert SCRIPT not in text and "<img" not in text


@pytest.mark.parametrize(
    "text", ["a|b", "a\\|b", "a\\\\|b", "[a](http://x)", "*a*", "a_b", "`a`", "a\nb"]
)
def test_escape_keeps_a_cell_a_cell(text):
    escaped = escape(text)
    # What Markdown unescapes is what was given; nothing that stays is markup.
    assert re.sub(r"\\([\\|*_`\[])", r"\1", escaped) == text.replace("\n", " ")
    assert not re.search(r"[|*_`\[]", re.sub(r"\\.", "", escaped))
