import pytest

from spacy_gner.evaluation.comparison import (
    compare_metrics,
    compare_runs,
    comparison_sections,
    count_sentences,
    mark_entities,
    runs_table,
)
from spacy_gner.evaluation.records import Mention
from spacy_gner.evaluation.text import render_markdown, render_plain

from .results import SCRIPT, make_metrics


def test_compare_metrics_agrees_with_the_metrics():
    first, second = make_metrics(), make_metrics(better=True)
    found = compare_metrics(first, second)["bootstrap"]
    assert found["sets"]["mine"]["first"] == pytest.approx(first["datasets"][1]["strict"]["f"])
    assert found["average"]["second"] == pytest.approx(second["average"]["strict"]["f"])
    uniner = compare_metrics(first, second, "uniner")["bootstrap"]
    assert uniner["average"]["first"] == pytest.approx(first["average"]["uniner"]["f"])


def test_compare_metrics_lists_the_sentences_that_changed():
    changed = compare_metrics(make_metrics(["x"]), make_metrics(["x"], better=True))["changed"]["x"]
    assert (changed["better"], changed["worse"], changed["other"]) == (1, 0, 0)
    (sentence,) = changed["sentences"]
    assert sentence["number"] == 2
    assert sentence["gain"] == 3  # a hit more, a false alarm and a miss less
    back = compare_metrics(make_metrics(["x"], better=True), make_metrics(["x"]))["changed"]["x"]
    assert (back["better"], back["worse"]) == (0, 1)


def test_compare_metrics_names_sets_that_only_one_has():
    comparison = compare_metrics(make_metrics(["x", "y"]), make_metrics(["x", "z"]))
    assert comparison["unpaired"] == ["y", "z"]
    assert "Only in one of them: y, z" in render_markdown(
        comparison_sections(comparison, ("A", "B"))
    )


def test_compare_metrics_refuses_other_data():
    with pytest.raises(ValueError, match=r"\[GNER-E314\] left and right .*no data set in common"):
        compare_metrics(make_metrics(["x"]), make_metrics(["y"]), names=("left", "right"))
    other = make_metrics(["x"])
    other["datasets"][0]["sentences"][0]["words"] = ("at", "Paris")
    with pytest.raises(ValueError, match=r"\[GNER-E314\].*sentences of x differ"):
        compare_metrics(make_metrics(["x"]), other)
    with pytest.raises(ValueError, match=r"\[GNER-E312\]"):
        count_sentences([], "accuracy")


def test_render_comparison_escapes_the_data():
    comparison = compare_metrics(make_metrics(["x"]), make_metrics(["x"], better=True))
    text = render_markdown(comparison_sections(comparison, ("A", "B")))
    assert SCRIPT not in text and "&lt;script&gt;" in text
    assert "«New York: city»" in text
    assert "Sentence 2 (+3)" in text


def test_mark_entities():
    mentions = [Mention(0, 1, "a"), Mention(1, 3, "b")]
    assert mark_entities(["x", "y", "z"], mentions) == "«x: a» «y z: b»"


def test_runs_table_shows_speed_and_size():
    table = runs_table({"A": make_metrics(["x"])})
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row["parameters"] == "135M"
    assert row["sentences/s"] == "10.00"
    assert row["forward passes per sentence"] == "2.00"
    assert row["strict F1"] == "40.00"
    assert row["ECE"] == "30.00"


def test_three_runs_are_each_compared_with_the_first():
    runs = {name: make_metrics(["x"], better=name != "a") for name in ("a", "b", "c")}
    comparison = compare_runs(runs)
    assert comparison.values["first"] == "a" and set(comparison.values["against"]) == {"b", "c"}
    text = render_plain(comparison.sections)
    assert "b against a" in text and "c against a" in text and "+" in text
    assert "&lt;" not in text and "\\" not in text
    assert SCRIPT in text  # as it is: a terminal runs nothing
