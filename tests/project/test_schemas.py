import json
import sys
from pathlib import Path

import pytest

from ..models import build_tiny_causal, save_tiny

sys.path.insert(0, str(Path(__file__).parents[2] / "project" / "scripts"))

import schemas


@pytest.mark.slow
def test_comparison_of_formats_measures_each_before_and_after(tmp_path, capsys):
    save_tiny(build_tiny_causal(), tmp_path / "model")
    few = {"examples": 4, "updates": 1, "limit": 1, "max_words": 12, "max_new_tokens": 4}
    paths = {"model": str(tmp_path / "model"), "output": tmp_path}
    schemas.main(**paths, **few, dtype="float32", only=["GNER", "multi-round"])
    rows = json.loads((tmp_path / "schemas.json").read_text(encoding="utf8"))["rows"]
    assert [(row["format"], row["updates"]) for row in rows] == [
        ("GNER", 0),
        ("GNER", 1),
        ("multi-round", 0),
        ("multi-round", 1),
    ]
    assert all(0 <= row[key] <= 1 for row in rows for key in ("f", *schemas.SHARES))
    assert "1 updates of 4 of 4 examples" in capsys.readouterr().out

    # A second run takes what was measured, and only adds what was not.
    schemas.main(**paths, **few, dtype="float32", only=["GNER", "single-round"])
    again = json.loads((tmp_path / "schemas.json").read_text(encoding="utf8"))["rows"]
    assert again[:4] == rows and [row["format"] for row in again[4:]] == ["single-round"] * 2
