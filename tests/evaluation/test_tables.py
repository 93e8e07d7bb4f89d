import re

import pytest

from spacy_gner.evaluation.tables import Table, build_tables, number, percent, size_text
from spacy_gner.evaluation.text import (
    Section,
    escape,
    printable,
    render_markdown,
    render_plain,
    report_sections,
)

from .results import SCRIPT, make_metrics


def _by_title(metrics):
    return {table.title: table for table in build_tables(metrics)}


def test_every_table_is_rectangular():
    for table in build_tables(make_metrics(seen=["city"])):
        assert all(len(row) == len(table.columns) for row in table.rows), table.title


def test_tables_show_all_measures():
    tables = _by_title(make_metrics(seen=["city"]))
    assert {
        "Scores",
        "Scores in the style of UniNER",
        "Mistakes",
        "Raw outputs",
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


def test_numbers_as_text():
    assert percent(0.12345) == "12.35" and percent(None) == "–"
    assert number(1234.5, 0) == "1,234" and number(None) == "–"
    assert (size_text(None), size_text(248e6), size_text(3.1e9)) == ("–", "248M", "3.1B")


def test_markdown_has_no_markup_from_the_data():
    text = render_markdown(report_sections(make_metrics()))
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


def test_plain_text_has_no_markup_and_no_control_characters():
    table = Table("x", ["name", "n"], [["a_b|c <d> & e*", "1"], ["\x1b[31mred\a", "22"]], "note_")
    text = render_plain([Section("A_B", 1, ["one_two"], table)])
    for part in ("A_B", "one_two", "a_b|c <d> & e*", "note_"):
        assert part in text
    assert "\\" not in text and "&amp;" not in text and "&lt;" not in text
    assert "\x1b" not in text and printable("\x1b\n") == "\ufffd\ufffd"


def test_plain_tables_are_aligned_and_not_cut():
    long = "x" * 200
    text = render_plain([Section("", table=Table("x", ["name", "n"], [[long, "1"], ["y", "22"]]))])
    lines = text.strip().splitlines()
    assert long in text and lines[-1].endswith("22") and lines[-2].endswith(" 1")
    assert len(lines[-1]) == len(lines[-2])


def test_a_table_of_zeros_is_told_by_its_figures():
    def table(*cells):
        return Table("x", ["name", "a", "b"], [["1.00", *cells]])

    assert table("0.00", "–").is_zero and table("0", "0.0").is_zero
    assert not table("0.00", "0.10").is_zero and not table("0", "text").is_zero
    assert "All figures are zero." in render_markdown([Section("", table=table("0", "0"))])
