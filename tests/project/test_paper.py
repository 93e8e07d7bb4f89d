import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_gner.cli import app
from spacy_gner.evaluation.outputs import Reading
from spacy_gner.evaluation.records import Mention, ScoredSentence, raw_output

sys.path.insert(0, str(Path(__file__).parents[2] / "project" / "benchmarks"))

from paper import (
    REFERENCE_MODELS,
    beams_table,
    load_paper,
    main,
    match_by_position,
    reference_scores,
    score_matching,
    scores_table,
)

LABELS = ("person", "city")


def test_the_averages_of_table_2_follow_from_its_columns():
    for row in load_paper()["table2_zero_shot"]:
        columns = [value for name, value in row["f1"].items() if name != "Avg"]
        assert len(columns) == 7
        assert sum(columns) / 7 == pytest.approx(row["f1"]["Avg"], abs=0.06)


@pytest.mark.parametrize("setting, n_sets", [("zero_shot_f1", 7), ("supervised_f1", 18)])
def test_the_averages_of_table_11_follow_from_its_columns(setting, n_sets):
    for row in load_paper()["table11_details"]:
        columns = [value for name, value in row[setting].items() if name != "Avg"]
        assert len(columns) == n_sets
        assert sum(columns) / n_sets == pytest.approx(row[setting]["Avg"], abs=0.011)


def test_tables_agree_with_one_another():
    paper = load_paper()
    details = {row["model"]: row for row in paper["table11_details"]}
    for row in paper["table4_speed"]:
        if row["model"] in details:
            assert row["zero_shot_f1"] == pytest.approx(
                details[row["model"]]["zero_shot_f1"]["Avg"], abs=0.051
            )
    for row in paper["table7_beam_size"]:
        if row["model"] in details:
            assert row["f1_by_beam_size"]["1"] == details[row["model"]]["zero_shot_f1"]["Avg"]


def test_reference_scores_use_the_names_of_the_data_sets():
    zero_shot = reference_scores()
    assert zero_shot["GNER-T5-base"]["crossner_ai"] == 56.83
    assert zero_shot["UniNER-7B"]["mit_movie"] == 42.4
    assert zero_shot["GNER-LLaMA"]["average"] == 66.07
    assert reference_scores("supervised")["UniNER-7B"]["mit_movie"] == 90.17
    assert set(REFERENCE_MODELS) <= set(zero_shot)


# --- beside measured figures --------------------------------------------------------------


def _run(folder, names=("mit_movie", "mine"), text="Marie(B-person) in(O) Paris(B-city)"):
    """The output directory of an evaluation of another system's outputs."""
    instance = {"words": ["Marie", "in", "Paris"], "labels": ["B-person", "O", "B-city"]}
    line = {"label_list": list(LABELS), "instance": instance, "prediction": text}
    folder.mkdir()
    path = folder / "outputs.jsonl"
    path.write_text("".join(json.dumps({**line, "dataset": name}) + "\n" for name in names))
    arguments = ["evaluate", "--predictions", str(path), "--output", str(folder), "--no-html"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return folder


def test_scores_stand_beside_the_papers(tmp_path):
    table = scores_table({"a": _run(tmp_path / "a"), "b": _run(tmp_path / "b", ["mit_movie"], "")})
    (row,) = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    # "mine" is not in the paper, and the paper's average is over other sets than these.
    assert row["data set"] == "mit_movie"
    assert (row["a"], row["b"]) == ("100.00", "0.00")
    assert row["GNER-T5-base"] == f"{reference_scores()['GNER-T5-base']['mit_movie']:.2f}"
    supervised = scores_table({"a": tmp_path / "a"}, "supervised")
    row = dict(zip(supervised.columns, supervised.rows[0], strict=True))
    assert row["UniNER-7B"] == "90.17"


def test_the_papers_average_stands_beside_all_seven_sets_only(tmp_path):
    names = [name for name in reference_scores()["GNER-LLaMA"] if name != "average"]
    whole = scores_table({"a": _run(tmp_path / "a", names)})
    assert whole.rows[-1][:2] == ["average", "100.00"] and "66.07" in whole.rows[-1]
    part = scores_table({"b": _run(tmp_path / "b", names[:6])})
    assert [row[0] for row in part.rows] == names[:6]


def test_beams_stand_beside_the_papers(tmp_path):
    runs = {}
    for n in (1, 4):
        runs[str(n)] = _run(tmp_path / str(n))
        file = tmp_path / str(n) / "metrics.json"
        metrics = json.loads(file.read_text())
        metrics["system"]["num_beams"] = n
        file.write_text(json.dumps(metrics))
    table = beams_table(runs)
    assert table.columns == ["system", "1", "2", "3", "4"]
    assert [cell == "–" for cell in table.rows[0]] == [False, False, True, True, False]
    assert ["GNER-T5-base (paper)", "59.46", "60.32", "60.40", "60.44"] in table.rows


@pytest.mark.parametrize("table", ["scores", "speed", "matching", "beams"])
def test_each_table_is_one_command(table, tmp_path, capsys):
    main([table, str(_run(tmp_path / "a"))])
    printed = capsys.readouterr().out
    assert "aper" in printed and len(printed.splitlines()) > 4


# --- Table 6 ------------------------------------------------------------------------------


def _sentence(words, text, gold, prompt_words=None):
    output = raw_output(tuple(prompt_words or words), LABELS, text)
    return ScoredSentence(tuple(words), LABELS, gold, outputs=(output,))


def test_score_matching_shows_what_the_lcs_is_worth():
    words = ["in", "the", "old", "Paris"]
    # "the" is lost: by position alone, everything after it is lost too.
    sentence = _sentence(words, "in(O) old(O) Paris(B-city)", (Mention(3, 4, "city"),))
    scores = score_matching([sentence], Reading())
    assert scores["strict"]["full"] == scores["affected"]["full"] == 1.0
    assert scores["strict"]["without_lcs"] == scores["uniner"]["without_lcs"] == 0.0
    assert scores["unmatched"] == {
        "full": 0.25,
        "without_back_tokenization": 0.25,
        "without_lcs": 0.75,
    }


def test_score_matching_shows_what_back_tokenization_is_worth():
    def without_accents(words):
        return [word.replace("ë", "") for word in words]

    gold = (Mention(0, 2, "person"),)
    sentence = _sentence(["Anne", "Brontë"], "Anne(B-person) Bront(I-person)", gold)
    scores = score_matching([sentence], Reading(back_tokenizer=without_accents))
    assert scores["strict"]["full"] == 1.0
    assert scores["strict"]["without_back_tokenization"] == 0.0


def test_score_matching_looks_at_sentences_with_one_output():
    assert score_matching([ScoredSentence(("x",), LABELS, ())], Reading()) is None
    clean = _sentence(["in", "Paris"], "in(O) Paris(B-city)", (Mention(1, 2, "city"),))
    assert score_matching([clean], Reading())["affected"]["full"] is None


def test_match_by_position_goes_out_of_step():
    assert match_by_position(["a", "B", "c"], ["A", "b", "x"]) == [0, 1, None]
    assert match_by_position(["a", "b"], ["b"]) == [None, None]
