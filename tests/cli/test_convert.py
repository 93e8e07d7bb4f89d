import json

import pytest
import spacy
from spacy.training import Corpus
from typer.testing import CliRunner

from spacy_gner.cli import app
from spacy_gner.corpora.corpus import BIOCorpus, InlineCorpus
from spacy_gner.corpora.labels import get_inventory

NLP = spacy.blank("en")
BIO_LINES = [
    {"words": ["Ada", "met", "Bob"], "labels": ["B-person", "O", None]},
    {"words": ["don't", "Rome"], "labels": ["O", "B-city"]},
]
INLINE = "[Ada](person) paid [USD](currency)5 in  [Rome](city).\nNo one (here).\n"


def convert(*arguments):
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def bio_file(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, BIO_LINES)))
    return path


def annotation(example):
    doc = example.reference
    return (
        [token.text for token in doc],
        [(ent.start, ent.end, ent.label_) for ent in doc.ents],
        [token.ent_iob for token in doc],
        get_inventory(example),
        doc.user_data.get("gner_dataset"),
    )


def test_convert_bio_is_read_back_by_spacy(tmp_path):
    path, output = bio_file(tmp_path), tmp_path / "new" / "a.spacy"
    result = convert(path, output, "--dataset", "mine")
    assert result.exit_code == 0, result.output
    expected = [annotation(eg) for eg in BIOCorpus(path, dataset="mine")(NLP)]
    examples = list(Corpus(output)(spacy.blank("en")))
    assert [annotation(eg) for eg in examples] == expected
    assert expected[0][2] == [3, 2, 0]  # the missing annotation is still missing
    # Words are kept as they are, "don't" too.
    assert [len(eg.predicted) for eg in examples] == [3, 2]
    assert "2 passages with 2 entities" in result.output


def test_convert_inline_is_read_back_by_spacy(tmp_path):
    path, output = tmp_path / "a.txt", tmp_path / "a.spacy"
    path.write_text(INLINE)
    result = convert(path, output, "--format", "inline")
    assert result.exit_code == 0, result.output
    expected = [annotation(eg) for eg in InlineCorpus(path)(NLP)]
    examples = list(Corpus(output)(spacy.blank("en")))
    assert [annotation(eg) for eg in examples] == expected
    assert examples[0].reference.text == "Ada paid USD5 in  Rome."
    assert [eg.reference._.gner_labels for eg in examples] == [("person", "currency", "city"), ()]


def test_convert_pile_ner_reports_what_is_lost(tmp_path):
    turns = [
        ("human", "Text: Roman Bath"),
        ("gpt", "I've read this text."),
        ("human", "What describes city in the text?"),
        ("gpt", '["Bath", "Rom"]'),
    ]
    item = {"conversations": [{"from": sender, "value": value} for sender, value in turns]}
    path, output = tmp_path / "pile.json", tmp_path / "pile.spacy"
    path.write_text(json.dumps([item]))
    result = convert(path, output, "-f", "pile-ner")
    assert result.exit_code == 0, result.output
    (example,) = Corpus(output)(spacy.blank("en"))
    assert example.get_aligned_ner() == [None, "U-city"]
    lines = [line.split() for line in result.output.splitlines()]
    assert "entities not aligned with the text or its words 1".split() in lines
    assert "'Rom' (city) is not aligned" in " ".join(result.output.split())


def test_convert_conll_with_options(tmp_path):
    path, output = tmp_path / "a.conll", tmp_path / "a.spacy"
    path.write_text("Rome B-LOC\nis O\n\nOslo X-LOC\n\nAda B-PER\n\nfoo B-MISC\n")
    arguments = ["--rename", "LOC=place", "--rename", "PER=person", "--ignore", "MISC"]
    arguments += ["--labels", "person, place, film", "--on-error", "skip", "--limit", "2"]
    result = convert(path, output, "--format", "conll", *arguments)
    assert result.exit_code == 0, result.output
    examples = list(Corpus(output)(NLP))
    assert [[e.label_ for e in eg.reference.ents] for eg in examples] == [["place"], ["person"]]
    assert get_inventory(examples[0]) == ["person", "place", "film"]
    assert "[GNER-E207]" in result.output


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["--format", "xml"], "E203"),
        (["--on-error", "stop"], "E203"),
        (["--to", "xml"], "E203"),
        (["--encoding", "latin-99"], "E221"),
        (["--rename", "PER"], "E218"),
        (["--labels", "film"], "E210"),
    ],
)
def test_convert_bad_options(tmp_path, arguments, code):
    output = tmp_path / "a.spacy"
    result = convert(bio_file(tmp_path), output, *arguments)
    assert result.exit_code == 1 and f"[GNER-{code}]" in result.output
    assert not output.exists()


def test_convert_needs_files_and_a_spacy_name(tmp_path):
    result = convert(tmp_path / "nothing.jsonl", tmp_path / "a.spacy")
    assert result.exit_code == 1 and "[GNER-E202]" in result.output
    result = convert(bio_file(tmp_path), tmp_path / "a.bin")
    assert result.exit_code == 1 and "[GNER-E216]" in result.output


def test_convert_writes_nothing_when_all_is_skipped(tmp_path):
    path, output = tmp_path / "a.jsonl", tmp_path / "a.spacy"
    path.write_text("{broken\n")
    result = convert(path, output, "--on-error", "skip")
    assert result.exit_code == 1 and "[GNER-E228]" in result.output
    path.write_text("{broken\n{broken\n" + json.dumps(BIO_LINES[0]))
    result = convert(path, output, "--on-error", "skip")
    assert result.exit_code == 1 and "[GNER-E228]" in result.output
    assert not output.exists()


def test_convert_reads_standard_input_and_writes_other_formats(tmp_path):
    output = tmp_path / "a.conll"
    data = '{"text": "Ada met Bob in Rome.", "label": [[0, 3, "PER"], [15, 19, "LOC"]]}\n'
    result = CliRunner().invoke(app, ["convert", "-", str(output)], input=data)
    assert result.exit_code == 0, result.output
    lines = output.read_text().splitlines()
    assert lines == [
        "# source = -",
        "# line = 1",
        "Ada\tB-PER",
        "met\tO",
        "Bob\tO",
        "in\tO",
        "Rome\tB-LOC",
        ".\tO",
        "",
    ]
    result = convert(output, tmp_path / "b.json")
    assert result.exit_code == 0 and "2 entities" in result.output
    (task,) = json.loads((tmp_path / "b.json").read_text())
    values = [r["value"] for r in task["predictions"][0]["result"]]
    spans = [(value["start"], value["end"], value["labels"]) for value in values]
    assert spans == [(0, 3, ["PER"]), (15, 19, ["LOC"])]


def test_convert_destroys_nothing(tmp_path):
    path, output = bio_file(tmp_path), tmp_path / "a.spacy"
    before = path.read_bytes()
    result = convert(path, path, "--to", "jsonl", "--overwrite")
    assert result.exit_code == 1 and "[GNER-E236]" in result.output and path.read_bytes() == before
    output.write_text("before")
    result = convert(path, output)
    assert result.exit_code == 1 and "[GNER-E235]" in result.output
    (tmp_path / "broken.jsonl").write_text(json.dumps(BIO_LINES[0]) + "\n{broken\n")
    result = convert(tmp_path / "broken.jsonl", output, "--overwrite")
    assert result.exit_code == 1 and "[GNER-E249]" in result.output
    assert output.read_text() == "before"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.txt").write_text("ten years of work")
    result = convert(path, folder, "--to", "brat", "--overwrite")
    assert result.exit_code == 1 and "[GNER-E238]" in result.output
    assert convert(path, output, "--overwrite").exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.jsonl",
        "a.spacy",
        "broken.jsonl",
        "folder",
    ]
    for _ in range(2):  # what an earlier run wrote may be replaced
        assert convert(path, tmp_path / "brat", "--to", "brat", "--overwrite").exit_code == 0


def test_convert_takes_the_columns_and_names_that_it_asks_for(tmp_path):
    path, output = tmp_path / "a.tsv", tmp_path / "a.spacy"
    path.write_text("1\tAda\tB-PER\t-\n2\tleft\tO\t-\n")
    result = convert(path, output)
    assert result.exit_code == 1 and "--word-column" in result.output
    result = convert(path, output, "--word-column", "1", "--tag-column", "2")
    assert result.exit_code == 0 and "1 entities" in result.output
    path = tmp_path / "a.jsonl"
    path.write_text('{"tokens": ["Ada", "left"], "ner_tags": [1, 0]}')
    result = convert(path, output, "--overwrite")
    assert result.exit_code == 1 and "--tag-names" in result.output
    result = convert(path, output, "--overwrite", "--tag-names", "O, B-PER")
    assert result.exit_code == 0 and "1 entities" in result.output


def test_convert_keeps_all_entities_where_no_words_are_needed(tmp_path):
    path, output = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    spans = [[0, 2, "part"], [0, 8, "whole"], [4, 8, "inner"]]
    path.write_text(json.dumps({"text": "Ada left", "label": spans, "id": 7}))
    result = convert(path, output)
    assert result.exit_code == 0, result.output
    record = json.loads(output.read_text())
    assert [[e["start"], e["end"], e["label"]] for e in record["entities"]] == spans
    assert record["meta"] == {"id": 7}
