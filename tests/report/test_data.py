import gzip
import json

import pytest

from spacy_gner.report.data import read_dataset
from spacy_gner.scoring.records import Mention

ROWS = [
    {"words": ["Marie", "Curie"], "labels": ["B-person", "I-person"]},
    {"words": ["in", "Paris"], "labels": ["O", "B-city"]},
    {"words": ["the", "thing"], "labels": ["O", "B-miscellaneous"]},
]


def _write(path, rows=ROWS):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_read_dataset_reads_jsonl(tmp_path, name):
    dataset = read_dataset("x", _write(tmp_path / name), drop_labels=["miscellaneous"])
    assert dataset.labels == ("city", "person")
    assert [sentence.mentions for sentence in dataset.sentences] == [
        (Mention(0, 2, "person"),),
        (Mention(1, 2, "city"),),
        (),
    ]


def test_read_dataset_takes_a_split_of_a_directory(tmp_path):
    _write(tmp_path / "dev.jsonl", ROWS[:1])
    _write(tmp_path / "test.jsonl.gz")
    assert len(read_dataset("x", tmp_path).sentences) == 3
    assert len(read_dataset("x", tmp_path, split="dev").sentences) == 1
    with pytest.raises(ValueError, match=r"\[E305\].*train.jsonl"):
        read_dataset("x", tmp_path, split="train")


def test_read_dataset_draws_by_seed_and_keeps_all_labels(tmp_path):
    rows = [{"words": [f"w{i}"], "labels": [f"B-l{i}"]} for i in range(50)]
    path = _write(tmp_path / "x.jsonl", rows)
    first = read_dataset("x", path, limit=10, seed=1)
    assert first == read_dataset("x", path, limit=10, seed=1)
    assert first != read_dataset("x", path, limit=10, seed=2)
    assert len(first.labels) == 50
    drawn = [int(sentence.words[0][1:]) for sentence in first.sentences]
    assert len(drawn) == 10 and drawn == sorted(drawn)


@pytest.mark.parametrize(
    "content, code",
    [
        ("", "E303"),
        ("\n\n", "E303"),
        ("{not json\n", "E205"),
        ('{"words": ["a"], "labels": []}\n', "E205"),
        ('{"words": ["a"], "labels": ["O", "O"]}\n', "E206"),
        ('{"words": ["a", "b"], "labels": ["B-x", "E-x"]}\n', "E207"),
        ('{"words": ["a", "b"], "labels": ["B-x", null]}\n', "E306"),
        ('{"words": ["a"], "labels": ["O"]}\n', "E307"),
        ('{"words": ["a"], "labels": ["B-miscellaneous"]}\n', "E307"),
    ],
)
def test_read_dataset_names_what_is_wrong(tmp_path, content, code):
    path = tmp_path / "x.jsonl"
    path.write_text(content)
    with pytest.raises(ValueError, match=rf"\[{code}\]"):
        read_dataset("x", path, drop_labels=["miscellaneous"])


def test_read_dataset_names_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"\[E305\]"):
        read_dataset("x", tmp_path / "no.jsonl")
