import gzip
import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .oracle import check_alignment

SCRIPT = Path(__file__).parents[2] / "project" / "benchmarks" / "matching.py"


def load_script():
    spec = importlib.util.spec_from_file_location("benchmark_of_matching", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


benchmark = load_script()
QUICK = ["--samples", "2", "--repeat", "1"]
few = st.lists(st.sampled_from("aAbc"), max_size=12)


@pytest.mark.parametrize("method", ["table", "hunt_szymanski", "ours"])
@settings(max_examples=100)
@given(words=few, predicted=few)
def test_benchmark_compares_right_methods(method, words, predicted):
    alignment = benchmark.METHODS[method](words, predicted)
    check_alignment(words, predicted, alignment, lambda x, y: x.casefold() == y.casefold())


def test_benchmark_writes_its_figures(tmp_path, capsys):
    figures = benchmark.main([*QUICK, "--json", str(tmp_path / "figures.json")])
    assert json.loads((tmp_path / "figures.json").read_text()) == figures
    assert [row["words"] for row in figures["buckets"]] == [
        [1, 60],
        [60, 100],
        [100, 200],
        [400, 800],
    ]
    assert all(row["table_over_ours"] > 0 for row in figures["buckets"])
    assert len(figures["reached"]) == 3
    printed = capsys.readouterr().out
    assert printed.lower().count("reached") == 3


def test_benchmark_reads_data(tmp_path):
    path = tmp_path / "data.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf8") as file:
        file.write('{"words": ["Only", "these", "words"], "labels": ["O", "O", "O"]}\n\n')
    figures = benchmark.main([*QUICK, "--data", str(path)])
    assert figures["settings"]["data"] == ["data.jsonl.gz"]
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(SystemExit, match="no words"):
        benchmark.main([*QUICK, "--data", str(path)])


def test_benchmark_damages_at_the_rate_and_mix():
    rng = benchmark.random.Random(0)
    words = [str(i) for i in range(10_000)]
    omitted = benchmark.damage(words, rng, 0.1, [1.0, 0.0, 0.0])
    assert len(omitted) == 9_000 and set(omitted) < set(words)
    added = benchmark.damage(words, rng, 0.1, [0.0, 1.0, 0.0])
    assert len(added) == 11_000 and set(added) == set(words)
    replaced = benchmark.damage(words, rng, 0.1, [0.0, 0.0, 1.0])
    assert sum(a != b for a, b in zip(words, replaced, strict=True)) == 1_000
    assert benchmark.damage(["a"], rng, 0.01, [0.0, 0.0, 1.0]) == ["~"]
