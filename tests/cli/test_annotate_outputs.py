"""What `annotate` writes, and what it leaves when it is interrupted."""

import csv
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_gner.cli import app
from spacy_gner.cli.progress import CountingDecoder, Progress
from spacy_gner.corpora.writers import WRITERS

from .annotating import FILES, RUN, annotate, make_file, records
from .dictionary import make_pipeline

pytestmark = pytest.mark.usefixtures("model")

# --- Formats of outputs -----------------------------------------------------------------


def test_annotate_writes_tsv_by_name(tmp_path):
    path, output = make_file(tmp_path / "a.jsonl", "jsonl"), tmp_path / "x.tsv"
    result = annotate(path, "-o", output)
    assert result.exit_code == 0, result.output
    with output.open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["entity"], row["label"]) for row in rows] == [
        ("Ada", "person"),
        ("Paris", "city"),
        ("Zürich", "city"),
    ]


def test_annotate_html_shows_short_fields_in_headings(tmp_path):
    path, output = tmp_path / "a.jsonl", tmp_path / "x.html"
    fields = {"id": 7, "note": "a<b", "long": "x" * 99, "none": None}
    path.write_text(json.dumps({"text": "Ada left.", **fields}))
    assert annotate(path, "-o", output).exit_code == 0
    page = output.read_text(encoding="utf8")
    assert "a.jsonl:1 · id: 7 · note: a&lt;b</h2>" in page and "xxx" not in page


@pytest.mark.parametrize("name", ["x.xlsx", "x.jsonl.gz"])
def test_annotate_refuses_an_output_whose_ending_says_nothing(tmp_path, model, name):
    path, output = make_file(tmp_path / "a.txt", "lines"), tmp_path / name
    result = annotate(path, "-o", output)
    assert result.exit_code == 2 and "E216" in result.stderr and "--format" in result.stderr
    assert model["n_loads"] == 0 and not output.exists()
    assert annotate(path, "-o", output, "-f", "jsonl").exit_code == 0
    assert annotate(path, "-o", tmp_path / "x").exit_code == 0
    assert len(records((tmp_path / "x").read_text(encoding="utf8"))) == 2


@pytest.mark.parametrize("format, n_said", [("inline", 1), ("words", 0), ("jsonl", 0)])
def test_annotate_says_once_what_a_format_has_no_place_for(tmp_path, format, n_said):
    path = make_file(tmp_path / "a.jsonl", "jsonl")
    result = annotate(path, "-f", format)
    assert result.exit_code == 0 and result.stderr.count("other fields of a text (id)") == n_said
    result = RUN.invoke(app, ["convert", str(FILES / "doccano.jsonl"), str(tmp_path / "a.txt")])
    assert result.exit_code == 0 and "jsonl keeps them" in result.output


# --- Nothing is destroyed --------------------------------------------------------------


def test_annotate_refuses_to_write_to_its_input(tmp_path):
    path = make_file(tmp_path / "a.jsonl", "jsonl")
    before = path.read_bytes()
    for arguments in ([path], [tmp_path], [tmp_path / "*.jsonl"], [path, "--overwrite"]):
        result = annotate(*arguments, "-o", tmp_path / "b" / ".." / "a.jsonl")
        assert result.exit_code == 2 and "E236" in result.stderr, arguments
    assert path.read_bytes() == before


def test_annotate_refuses_an_existing_output_and_replaces_it_when_told(tmp_path, model):
    path, output = make_file(tmp_path / "a.txt", "lines"), tmp_path / "out.jsonl"
    output.write_text("before")
    result = annotate(path, "-o", output)
    assert result.exit_code == 2 and "E235" in result.stderr and "--overwrite" in result.stderr
    assert annotate(tmp_path / "missing.txt", "-o", output, "--overwrite").exit_code == 2
    assert output.read_text() == "before" and model["n_loads"] == 0
    assert annotate(path, "-o", output, "--overwrite").exit_code == 0
    assert len(records(output.read_text())) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "out.jsonl"]


def interrupted(tmp_path, model, n_done, *arguments):
    path, output = tmp_path / "a.txt", tmp_path / "out"
    path.write_text("Ada one.\nRome two.\nParis three.\nAda one.\n")
    model["nlp"] = make_pipeline(fails_after=n_done)
    result = annotate(path, "-o", output, *arguments)
    assert result.exit_code == 130, result.output
    assert f"Interrupted: {n_done} document(s) are kept" in result.stderr
    assert "1 more were at work and will be done again" in result.stderr
    assert "out.part" in result.stderr and "--resume" in result.stderr
    assert not output.exists()
    model["nlp"] = make_pipeline()
    return path, output


def content(path):
    """RETURNS (bytes | dict[str, bytes]): What stands in an output, or in each file of a folder."""
    if path.is_dir():
        return {file.name: file.read_bytes() for file in path.iterdir()}
    return path.read_bytes()


@pytest.mark.parametrize("format", WRITERS)
def test_annotate_goes_on_where_it_was_interrupted(tmp_path, model, format):
    pytest.importorskip("pyarrow") if format == "parquet" else None
    path, output = interrupted(tmp_path, model, 2, "-f", format)
    result = annotate(path, "-o", output, "-f", format)
    assert result.exit_code == 2 and "E242" in result.stderr and "--resume" in result.stderr
    result = annotate(path, "-o", output, "-f", format, "--resume")
    assert result.exit_code == 0, result.output
    # The text of the first line stands there twice, and is annotated twice.
    assert model["nlp"][1].texts == ["Paris three.", "Ada one."]
    whole = tmp_path / "whole"
    assert annotate(path, "-o", whole, "-f", format).exit_code == 0
    if format == "docbin":
        docs = [
            list(DocBin().from_disk(p).get_docs(spacy.blank("en").vocab)) for p in (output, whole)
        ]
        first, second = ([(d.text, [e.label_ for e in d.ents]) for d in group] for group in docs)
        assert first == second and len(first) == 4
    else:
        assert content(output) == content(whole)
    assert not (tmp_path / "out.part").exists()
    result = annotate(path, "-o", output, "-f", format, "--resume")
    assert result.exit_code == 0 and "is complete" in result.stderr


def test_annotate_goes_on_after_a_kill_in_the_middle_of_a_line(tmp_path, model):
    path, output = interrupted(tmp_path, model, 3, "-f", "jsonl")
    journal = tmp_path / "out.part"
    journal.write_bytes(journal.read_bytes()[:-20])
    result = annotate(path, "-o", output, "-f", "jsonl", "--resume")
    assert result.exit_code == 0, result.output
    texts = [record["text"] for record in records(output.read_text())]
    assert texts == ["Ada one.", "Rome two.", "Paris three.", "Ada one."]


def test_annotate_does_not_mix_runs_of_other_settings(tmp_path, model):
    path, output = interrupted(tmp_path, model, 2, "-f", "jsonl")
    result = annotate(path, "-o", output, "-f", "jsonl", "--resume", "-l", "film")
    assert result.exit_code == 2 and "E244" in result.stderr and "film" in result.stderr
    (tmp_path / "other.part").write_text("something else\n")
    for option in ("--resume", "--overwrite"):
        result = annotate(path, "-o", tmp_path / "other", "-f", "jsonl", option)
        assert result.exit_code == 2 and "E245" in result.stderr
    assert (tmp_path / "other.part").read_text() == "something else\n"
    assert annotate(path, "-o", output, "-f", "jsonl", "--overwrite").exit_code == 0
    assert len(records(output.read_text())) == 4


def test_annotate_says_after_an_interruption_how_many_were_written_to_standard_output(model):
    model["nlp"] = make_pipeline(fails_after=2)
    result = annotate("-", input="Ada\nRome\nParis\n")
    assert result.exit_code == 130 and "after 2 document(s)" in result.stderr
    assert len(records(result.stdout)) == 2


def test_annotate_reports_a_text_that_fails_and_goes_on(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("Ada\nFAIL here\nRome\n")
    output = tmp_path / "out.jsonl"
    result = annotate(path, "-o", output)
    assert result.exit_code == 1 and "a.txt, line 2: this text fails" in result.stderr
    assert [record["line"] for record in records(output.read_text())] == [1, 3]


@pytest.mark.parametrize("text", ["FAIL\nFAIL\n", "name,date\nAda,1815\n", '{"text": 5}\n'])
def test_annotate_writes_nothing_where_every_text_fails(tmp_path, text):
    output = tmp_path / "out.jsonl"
    result = annotate("-", "-o", output, input=text)
    assert result.exit_code == 2 and "E253" in result.stderr and not output.exists()
    output.write_text("before")
    result = annotate("-", "-o", output, "--overwrite", input=text)
    assert result.exit_code == 2 and output.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.fixture
def steps(monkeypatch):
    """The total of the progress bar, then its steps."""
    steps = []

    class Bar:
        def __init__(self, total, **settings):
            steps.append(total)

        def update(self, n):
            steps.append(n)

        def close(self):
            pass

    monkeypatch.setattr("spacy_gner.cli.progress.tqdm", Bar)
    return steps


def test_annotate_counts_finished_words(tmp_path, steps):
    path = tmp_path / "a.txt"
    path.write_text("Ada went to Rome .\nParis\n")
    assert annotate(path).exit_code == 0
    assert steps == [6, 5, 1]  # all words, then those of each text that is done


def test_progress_moves_within_a_long_document_and_never_too_far(steps):
    with Progress(100) as bar:
        for _ in range(3):
            bar.work(30)
        bar.work(30)  # windows overlap
        bar.finish(90)
        bar.finish(10)
    assert steps == [100, 30, 30, 30, 10]


def test_progress_takes_the_time_that_is_left_from_what_this_run_does():
    with Progress(100) as bar:
        bar.skip(60)
        bar.finish(10)
        assert (bar._bar.n, bar._bar.initial) == (70, 60)


def test_counting_decoder_answers_as_its_decoder_does():
    pieces, counts = [], []

    class Decoder:
        format_type = str

        def __call__(self, backbone, requests, batch_tokens):
            pieces.append(len(requests))
            return [(backbone, request.words, batch_tokens) for request in requests]

    requests = [SimpleNamespace(words=("w",) * n) for n in (2, 3, 4, 9, 1)]
    decoder = CountingDecoder(Decoder(), 5, counts.append)
    assert decoder("model", requests, 7) == Decoder()("model", requests, 7)
    assert (pieces[:-1], counts) == ([2, 2, 1], [5, 13, 1])
    assert decoder("model", [], 7) == []
    assert decoder.format_type is str


def test_annotate_html_cannot_be_broken_by_labels_or_texts(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "Ada <script>alert(1)</script> & co"}))
    monkeypatch.setitem(__import__("tests.cli.dictionary", fromlist=["x"]).ENTITIES, "Ada", "<img>")
    output = tmp_path / "out.html"
    result = annotate(path, "-o", output)
    assert result.exit_code == 0, result.output
    page = output.read_text(encoding="utf8")
    assert "<script>alert" not in page and "<img>" not in page
    assert "&lt;img&gt;" in page and "&lt;script&gt;" in page


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
@pytest.mark.parametrize("format", [f for f in WRITERS if f != "parquet"])
def test_annotate_takes_names_and_metadata_that_are_no_unicode(tmp_path, format):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl"))
    path.write_text('{"text": "Ada left.", "note": "\\udfff"}\n')
    output = tmp_path / "out"
    result = annotate(path, "-o", output, "-f", format)
    assert result.exit_code == 0, result.output
    if format == "jsonl":
        (record,) = records(output.read_text(encoding="utf8"))
        assert record["source"].endswith("/\\xff.jsonl")


@pytest.mark.parametrize("output", ["", ".", "/", "a.txt/out.jsonl"])
def test_annotate_says_that_an_output_cannot_be_written(tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("Ada\n")
    result = annotate("a.txt", "-o", output)
    assert result.exit_code == 2 and "[GNER-E2" in result.stderr and not result.exception.__cause__
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_annotate_leaves_nothing_beside_a_device(tmp_path):
    (tmp_path / "a.txt").write_text("Ada\n")
    before = set(Path("/dev").iterdir())
    assert annotate(tmp_path / "a.txt", "-o", "/dev/null").exit_code == 0
    result = annotate(tmp_path / "a.txt", "-o", "/dev/full")
    assert result.exit_code == 2 and "E250" in result.stderr and "/dev/full" in result.stderr
    assert "--resume" not in result.stderr
    result = annotate(tmp_path / "a.txt", "-o", "/dev/null", "--resume")
    assert result.exit_code == 2 and "E243" in result.stderr
    assert not {path.name for path in set(Path("/dev").iterdir()) - before if ".part" in path.name}


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.json"])
def test_annotate_says_that_there_was_no_text(tmp_path, name):
    (tmp_path / name).write_text("\n" if name == "a.txt" else "")
    result = annotate(tmp_path / name)
    assert result.exit_code == 0 and "no text to annotate" in result.stderr
    assert result.stdout == ""
