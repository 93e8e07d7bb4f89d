"""The numbers of the paper, for reference columns."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

# Systems of Tables 2 and 11 that a report shows beside the measured figures.
REFERENCE_MODELS = (
    "UniNER-7B",
    "GLiNER-L",
    "GNER-T5-small",
    "GNER-T5-base",
    "GNER-T5-large",
    "GNER-T5-xxl",
    "GNER-LLaMA",
)


@lru_cache(maxsize=1)
def load_paper() -> dict[str, Any]:
    """Load Tables 2, 3, 4, 5, 6, 7 and 11 of the paper.

    RETURNS (dict): `source`, `notes`, `datasets` (names of data sets to the paper's
        column names, `zero_shot` and `supervised`) and one list of rows per table.
        F1 in percent, as printed.
    """
    return json.loads((Path(__file__).parent / "paper.json").read_text(encoding="utf8"))


def reference_scores(setting: str = "zero_shot") -> dict[str, dict[str, float]]:
    """The paper's F1 by system and data set, under this project's names of the sets.

    setting (str): "zero_shot" (Tables 2 and 11) or "supervised" (Tables 3 and 11).
    RETURNS (dict[str, dict[str, float]]): System to data set to F1 in percent; the key
        "average" holds the paper's own average. Where two tables have a figure, that of
        Table 11 is taken: it has more digits.
    """
    paper = load_paper()
    table = "table2_zero_shot" if setting == "zero_shot" else "table3_supervised"
    printed = {row["model"]: dict(row["f1"]) for row in paper[table]}
    for row in paper["table11_details"]:
        printed[row["model"]] = row[f"{setting}_f1"]
    columns = {**paper["datasets"][setting], "average": "Avg"}
    return {
        model: {ours: scores[theirs] for ours, theirs in columns.items() if theirs in scores}
        for model, scores in printed.items()
    }
