import pytest

from spacy_gner.evaluation.paper import REFERENCE_MODELS, load_paper, reference_scores


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
