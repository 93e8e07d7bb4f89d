import gzip
import json

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_gner.corpora.passage import Passage, make_example
from spacy_gner.evaluation.data import Selection, read_dataset
from spacy_gner.evaluation.records import Mention, ScoredSentence

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
    dataset = read_dataset("x", _write(tmp_path / name), Selection(drop_labels=("miscellaneous",)))
    assert dataset.labels == ("city", "person")
    assert [sentence.gold for sentence in dataset.sentences] == [
        (Mention(0, 2, "person"),),
        (Mention(1, 2, "city"),),
        (),
    ]


def test_read_dataset_takes_a_split_of_a_directory(tmp_path):
    _write(tmp_path / "dev.jsonl", ROWS[:1])
    _write(tmp_path / "test.jsonl.gz")
    assert len(read_dataset("x", tmp_path).sentences) == 3
    assert len(read_dataset("x", tmp_path, Selection("dev")).sentences) == 1
    with pytest.raises(ValueError, match=r"\[GNER-E305\].*train.jsonl"):
        read_dataset("x", tmp_path, Selection("train"))


def test_read_dataset_draws_by_seed_and_keeps_all_labels(tmp_path):
    rows = [{"words": [f"w{i}"], "labels": [f"B-l{i}"]} for i in range(50)]
    path = _write(tmp_path / "x.jsonl", rows)
    first = read_dataset("x", path, Selection(limit=10, seed=1))
    assert first == read_dataset("x", path, Selection(limit=10, seed=1))
    assert first != read_dataset("x", path, Selection(limit=10, seed=2))
    assert len(first.labels) == 50
    drawn = [int(sentence.words[0][1:]) for sentence in first.sentences]
    assert len(drawn) == 10 and drawn == sorted(drawn)


@pytest.mark.parametrize(
    "content, code",
    [
        ("", "E303"),
        ("\n\n", "E303"),
        ("{not json\n", "E249"),
        ('{"words": ["a"], "labels": []}\n', "E206"),
        ('{"words": ["a"], "labels": ["O", "O"]}\n', "E206"),
        ('{"words": ["a", "b"], "labels": ["B-x", "X-x"]}\n', "E207"),
        ('{"words": ["a", "b"], "labels": ["B-x", null]}\n', "E306"),
        ('{"words": ["a"], "labels": ["O"]}\n', "E307"),
        ('{"words": ["a"], "labels": ["B-miscellaneous"]}\n', "E307"),
    ],
)
def test_read_dataset_names_what_is_wrong(tmp_path, content, code):
    path = tmp_path / "x.jsonl"
    path.write_text(content)
    with pytest.raises(ValueError, match=rf"\[GNER-{code}\]"):
        read_dataset("x", path, Selection(drop_labels=("miscellaneous",)))


def test_read_dataset_names_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"\[GNER-E305\].*no such file: .*no\.jsonl\.$"):
        read_dataset("x", tmp_path / "no.jsonl")


def test_read_dataset_asks_open_passages_for_their_own_types(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text(
        "\n[Ada](person) saw [Rome](city).\n\nNobody saw.\n[O](letter) [Oslo](city) O\n"
    )
    dataset = read_dataset("x", path, Selection(drop_labels=("letter",)))
    first, _second, third = dataset.sentences
    assert first.words == ("Ada", "saw", "Rome", ".")
    assert first.gold == (Mention(0, 1, "person"), Mention(2, 3, "city"))
    assert [s.labels for s in dataset.sentences] == [("person", "city"), (), ("city",)]
    assert third.gold == (Mention(1, 2, "city"),)
    assert dataset.labels == ("city", "person")


def test_read_dataset_takes_text_for_columns_where_lines_end_with_a_tag(tmp_path):
    path = tmp_path / "test.txt"
    path.write_text("[a](b)\tB-programming language\nis\tO\n\nin\tO\n")
    dataset = read_dataset("x", tmp_path)
    first, second = dataset.sentences
    assert first.words == ("[a](b)", "is")
    assert first.gold == (Mention(0, 1, "programming language"),)
    assert first.labels == second.labels == ("programming language",)


def test_read_dataset_reads_docs_and_passes_over_white_space(tmp_path):
    passage = Passage(["New", "\n", "York", " ", "is"], [(0, 3, "city")], ["city", "person"])
    reference = make_example(spacy.blank("en"), passage).reference
    DocBin(docs=[reference], store_user_data=True).to_disk(tmp_path / "x.spacy")
    (sentence,) = read_dataset("x", tmp_path / "x.spacy").sentences
    assert sentence == ScoredSentence(
        ("New", "York", "is"), ("city", "person"), (Mention(0, 2, "city"),)
    )


def test_read_dataset_wants_all_words_of_docs_annotated(tmp_path):
    passage = Passage(["New", "York"], [(0, 1, "city")], ["city"], missing=[1])
    reference = make_example(spacy.blank("en"), passage).reference
    DocBin(docs=[reference], store_user_data=True).to_disk(tmp_path / "x.spacy")
    with pytest.raises(ValueError, match=r"\[GNER-E306\].*x.spacy, Doc 1"):
        read_dataset("x", tmp_path / "x.spacy")


def test_read_dataset_looks_at_more_than_the_first_line_of_a_text(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("Nobody was there, said O\n[Ada](person) left.\nGone\n")
    assert len(read_dataset("x", path).sentences) == 3


def test_read_dataset_names_a_doc_with_a_label_outside_its_inventory(tmp_path):
    passage = Passage(["Ada"], [(0, 1, "person")], ["city"])
    reference = make_example(spacy.blank("en"), passage).reference
    DocBin(docs=[reference], store_user_data=True).to_disk(tmp_path / "x.spacy")
    with pytest.raises(ValueError, match=r"\[GNER-E304\].*person"):
        read_dataset("x", tmp_path / "x.spacy")
