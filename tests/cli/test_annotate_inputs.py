"""What `annotate` reads: nothing is lost."""

import gzip
import json
import os
import threading
from pathlib import Path

import pytest

from spacy_gner.cli import app, notices
from spacy_gner.cli.splitting import guess_split
from spacy_gner.corpora.source import Source
from spacy_gner.pipeline import loading

from .annotating import KINDS, RUN, annotate, found, make_file, records
from .dictionary import make_pipeline

pytestmark = pytest.mark.usefixtures("model")


# --- Kinds of inputs -------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_gzipped", [False, True])
def test_annotate_reads_every_kind_by_name(tmp_path, kind, is_gzipped):
    if kind == "parquet" and is_gzipped:
        pytest.skip("Parquet compresses by itself")
    path = make_file(tmp_path / f"a{KINDS[kind]}", kind)
    if is_gzipped:
        packed = tmp_path / f"{path.name.upper()}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path = packed
    result = annotate(path)
    assert result.exit_code == 0, result.output
    first, second = records(result.stdout)
    assert (first["text"], found(first)) == ("Ada left.", [("Ada", "person")])
    assert found(second) == [("Paris", "city"), ("Zürich", "city")]
    assert second["source"] == str(path)
    fields = [record["meta"].get("id") for record in (first, second)]
    expected = {"lines": [None] * 2, "docbin": [None] * 2, "csv": ["1", "2"], "tsv": ["1", "2"]}
    assert fields == expected.get(kind, [1, 2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_gzipped", [False, True])
def test_annotate_tells_kinds_of_standard_input_by_content(tmp_path, kind, is_gzipped):
    data = make_file(tmp_path / "a", kind).read_bytes()
    data = gzip.compress(data) if is_gzipped else data
    result = annotate("-", input=data)
    assert result.exit_code == 0, result.output
    assert [record["text"] for record in records(result.stdout)] == [
        "Ada left.",
        "In Paris, with Zürich.",
    ]
    said = "Text files read: 1 as lines" if kind == "lines" else "Told by content: 1 as "
    assert said in result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_annotate_tells_kinds_of_other_names_by_content(tmp_path, kind):
    path = make_file(tmp_path / "data", kind)
    result = annotate(path)
    assert result.exit_code == 0 and len(records(result.stdout)) == 2, result.output


@pytest.mark.parametrize("text, said", [("Ada\nRome\n", "Text files"), ("text,n\nAda,1\n", "csv")])
def test_annotate_says_what_it_guessed_about_a_stream_before_its_first_text(model, text, said):
    model["nlp"] = make_pipeline(fails_after=0)
    result = annotate("-", input=text)
    assert result.exit_code == 130 and said in result.stderr
    model["nlp"] = make_pipeline()
    result = annotate("-", input=text)
    assert result.exit_code == 0 and result.stderr.count(said) == 1


@pytest.mark.parametrize("header", ["id,body", "id;Text", "word\ttag"])
def test_annotate_refuses_a_table_without_a_column_of_texts(tmp_path, model, header):
    path = tmp_path / "data"
    row = "1" + next(c for c in header if c in ",;\t") + "Ada left."
    path.write_text(f"{header}\n{row}\n")
    result = annotate(path)
    assert result.exit_code == 2 and "E251" in result.stderr and model["n_loads"] == 0
    assert "--text-column" in result.stderr and "--input-format" in result.stderr
    result = annotate("-", input=path.read_bytes())
    assert result.exit_code == 1 and result.stdout == "" and "E251" in result.stderr
    column = header.replace(";", ",").replace("\t", ",").split(",")[1]
    (record,) = records(annotate(path, "--text-column", column).stdout)
    assert found(record) == [("Ada", "person")]
    assert len(records(annotate(path, "--input-format", "text").stdout)) == 2


def test_annotate_knows_a_table_whose_last_row_is_out_of_sight(tmp_path):
    path = tmp_path / "data"
    path.write_text("id,body\n" + "".join(f'{n},"{"word " * 4000}"\n' for n in range(9)))
    result = annotate(path)
    assert result.exit_code == 2 and "E251" in result.stderr


@pytest.mark.parametrize(
    "text",
    [
        "Name, please.\nAda, of course.\n",
        "name,date\n",
        "name,date\nAda was born in London, in 1815\nParis\nRome is old\n",
        "name,date\nAda, who left\nParis, in spring\nRome, once\n",
        "Ada,Rome,text about the rest of a very long line that is no name of a column\nParis\n",
        "<anna> Ada left.\n<ben> To Rome?\n",
        "<p1> Ada\n<p2> hi\n",
    ],
)
def test_annotate_takes_what_only_resembles_a_table_or_markup_as_text(tmp_path, text):
    path = tmp_path / "data"
    path.write_text(text)
    result = annotate(path)
    assert result.exit_code == 0, result.output
    assert [record["text"] for record in records(result.stdout)] == text.splitlines()


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7 ...",
        b"\x89PNG\r\n",
        b"\xfd7zXZ\0",
        b"PK\x03\x04...",
        b"<!DOCTYPE html><p>Rome",
        b"<?xml version",
        b"<p>Rome",
        b"<note><to>Ada</to></note>",
        b'<TEI xmlns="x">Rome',
    ],
)
def test_annotate_refuses_what_it_cannot_tell_and_names_the_option(tmp_path, model, content):
    path = tmp_path / "data.xyz"
    path.write_bytes(content)
    result = annotate(path)
    assert result.exit_code == 2 and "E241" in result.stderr and "--input-format" in result.stderr
    assert model["n_loads"] == 0
    if content.startswith(b"<"):
        assert annotate(path, "--input-format", "text").exit_code == 0


def test_annotate_reads_folders_and_patterns_once_each(tmp_path):
    (tmp_path / "deeper").mkdir()
    for name in ("b.txt", "a.txt", "deeper/c.txt", "image.png", ".hidden.txt"):
        (tmp_path / name).write_text(f"Ada in {name}\n")
    result = annotate(tmp_path, tmp_path / "*.txt")
    assert result.exit_code == 0, result.output
    texts = [record["text"] for record in records(result.stdout)]
    assert texts == ["Ada in a.txt", "Ada in b.txt", "Ada in deeper/c.txt"]
    assert "1 other file(s) in folders are passed over (1 .png)" in result.stderr


def test_annotate_says_that_it_waits_for_what_is_typed(monkeypatch):
    assert "typed" not in annotate(input="Ada left.\n").stderr
    monkeypatch.setattr(notices, "is_terminal", lambda: True)
    result = annotate(input="Ada left.\n")
    assert result.exit_code == 0 and "Ctrl-D" in result.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of Unix")
def test_annotate_reads_a_named_pipe_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("Ada left.\nIn Rome.\n",))
    writer.start()
    result = annotate(pipe)
    writer.join()
    assert result.exit_code == 0, result.output
    assert [found(record) for record in records(result.stdout)] == [
        [("Ada", "person")],
        [("Rome", "city")],
    ]


@pytest.mark.parametrize("indent", [None, 1])
def test_annotate_reads_a_list_of_texts(tmp_path, indent):
    (tmp_path / "a.json").write_text(json.dumps(["Ada left.", "In Rome."], indent=indent))
    result = annotate(tmp_path / "a.json")
    assert result.exit_code == 0, result.output
    assert [record["text"] for record in records(result.stdout)] == ["Ada left.", "In Rome."]


# --- Encodings -------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
def test_annotate_reads_what_a_byte_order_mark_announces(tmp_path, encoding, name):
    content = {
        "a.txt": "In Zürich.\nAda\n",
        "a.jsonl": '{"text": "In Zürich."}\n{"text": "Ada"}\n',
        "a.csv": "text,n\nIn Zürich.,1\nAda,2\n",
    }
    (tmp_path / name).write_text(content[name], encoding=encoding)
    result = annotate(tmp_path / name)
    assert result.exit_code == 0, result.output
    first, second = records(result.stdout)
    assert first["text"] == "In Zürich." and found(first) == [("Zürich", "city")]
    assert found(second) == [("Ada", "person")]


def test_annotate_refuses_latin_1_and_utf_16_without_mark_with_what_to_do(tmp_path, model):
    path = tmp_path / "a.txt"
    path.write_text("In Zürich.\n", encoding="latin-1")
    result = annotate(path)
    assert result.exit_code == 2 and "E204" in result.stderr
    assert "--encoding cp1252" in result.stderr and model["n_loads"] == 0
    result = annotate(path, "--encoding", "latin-1")
    assert found(records(result.stdout)[0]) == [("Zürich", "city")]
    path.write_text("In Zürich.\n", encoding="utf-16-le")
    result = annotate(path)
    assert result.exit_code == 2 and "E223" in result.stderr and "utf-16-le" in result.stderr
    result = annotate(path, "--encoding", "utf-16-le")
    assert found(records(result.stdout)[0]) == [("Zürich", "city")]


def test_annotate_reads_nul_as_a_blank_and_old_line_ends(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"Ada in Paris\0\rIn Rome\r")
    result = annotate(path)
    first, second = records(result.stdout)
    assert first["text"] == "Ada in Paris " and second["text"] == "In Rome"
    assert "1 NUL" in result.stderr


# --- Splitting -------------------------------------------------------------------------

WRAPPED = """The committee met again last week in the old town hall, where we heard people from New
York University and from the mayors of several towns along the coast, among them Santa
Clara, before they adjourned until the spring without having agreed on anything at all.

The second paragraph was written by Marie Curie and her colleagues, who had been asked to
look into the matter by the board of the institute, and it is somewhat longer than that.
"""


def test_annotate_guesses_wrapped_text_and_says_so(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(WRAPPED)
    result = annotate(path)
    first, second = records(result.stdout)
    assert "New\nYork University" in first["text"] and "Santa\nClara" in first["text"]
    assert found(first) == [("New\nYork", "city")]
    assert (second["line"], found(second)) == (5, [("Marie Curie", "person")])
    assert "1 as paragraphs" in result.stderr and "--split whole or lines" in result.stderr


@pytest.mark.parametrize("split, n_texts", [("whole", 1), ("paragraphs", 2), ("lines", 5)])
def test_annotate_splits_as_told(tmp_path, split, n_texts):
    path = tmp_path / "a.txt"
    path.write_text(WRAPPED)
    result = annotate(path, "--split", split)
    texts = [record["text"] for record in records(result.stdout)]
    assert len(texts) == n_texts
    if split == "whole":
        assert texts == [WRAPPED]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"The {n}th sentence is about Paris and other towns.\n" for n in range(9)),
        "Lamp, brass\nGarden chair, folding, green\nSmall table\nDesk\nBookcase, oak, 3 shelves\n",
        "2026-01-02 10:00:01 INFO started worker 1\n2026-01-02 10:00:02 INFO started worker 2\n"
        "2026-01-02 10:00:03 INFO started worker 3\n2026-01-02 10:00:04 INFO stopped worker 1\n",
    ],
    ids=["sentences", "titles", "log"],
)
def test_annotate_takes_lists_line_by_line(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_text(text)
    assert len(records(annotate(path).stdout)) == text.count("\n")


@pytest.mark.parametrize("name", ["chat", "clinical", "log", "products", "resume", "social"])
def test_annotate_takes_messy_texts_line_by_line(name):
    path = Path(__file__).parents[2] / "project" / "assets" / "messy" / f"{name}.txt"
    assert guess_split(Source(path)) == "lines"


# --- Fields ----------------------------------------------------------------------------


def test_annotate_keeps_all_fields_apart_from_its_own(tmp_path):
    path = tmp_path / "a.jsonl"
    fields = {
        "source": "the wire",
        "line": "third",
        "labels": ["positive"],
        "entities": [[0, 3, "PER"]],
        "meta": {"a": [1]},
    }
    path.write_text(json.dumps({"text": "Ada left.", **fields}))
    (record,) = records(annotate(path).stdout)
    assert record["meta"] == fields
    assert (record["source"], record["line"]) == (str(path), 1)
    assert found(record) == [("Ada", "person")]  # "labels" is data, not what is asked for


def test_annotate_takes_labels_of_single_texts_from_a_field_of_its_own(tmp_path, model):
    path = tmp_path / "a.jsonl"
    own = [["film"], {"F": "film"}]
    path.write_text("\n".join(json.dumps({"text": "Ada", "gner_labels": o}) for o in own))
    asked = []
    component = model["nlp"][1]
    component.pipe = lambda docs, n: (asked.append(doc._.gner_labels) or doc for doc in docs)
    component.labels = ()
    result = RUN.invoke(app, ["annotate", str(path)])  # no --labels is needed then
    assert result.exit_code == 0, result.output
    assert asked == own


@pytest.mark.parametrize("name", ["a.txt", "-"])
def test_annotate_says_once_that_a_model_without_labels_needs_them(tmp_path, model, name):
    (tmp_path / "a.txt").write_text("Ada\nRome\n")
    model["nlp"][1].labels = ()
    path = name if name == "-" else str(tmp_path / name)
    arguments = ["annotate", path, "-m", "some/model"]
    result = RUN.invoke(app, arguments, input="Ada\nRome\n")
    assert result.exit_code == 2 and result.stderr.count("E240") == 1
    assert result.stdout == "" and model["nlp"][1].texts == []


def test_annotate_takes_labels_from_all_options(tmp_path, model, monkeypatch):
    asked = []
    monkeypatch.setattr(
        loading, "load", lambda model_, labels, **_: asked.append(labels) or model["nlp"][0]
    )
    path = make_file(tmp_path / "a.txt", "lines")
    assert annotate(path, "-l", "person", "-l", "C=city,award").exit_code == 0
    assert asked == [{"person": "person", "C": "city", "award": "award"}]


@pytest.mark.parametrize("value, found", [("5", "text: int"), ("null", "text: NoneType")])
def test_annotate_says_that_a_field_is_no_text(tmp_path, value, found):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"text": {value}, "id": 1}}\n')
    result = annotate(path)
    assert result.exit_code == 2 and f"(found: {found})" in result.stderr


def test_annotate_names_the_column_it_misses(tmp_path, model):
    path = tmp_path / "a.csv"
    path.write_text("id,body\n1,Ada left.\n")
    result = annotate(path)
    assert result.exit_code == 2 and "E027" in result.stderr
    assert "id, body" in result.stderr and "--text-column" in result.stderr
    (record,) = records(annotate(path, "--text-column", "body").stdout)
    assert found(record) == [("Ada", "person")] and record["meta"] == {"id": "1"}


def test_annotate_checks_labels_and_inputs_before_the_model_is_loaded(tmp_path, model):
    path = make_file(tmp_path / "a.txt", "lines")
    result = RUN.invoke(app, ["annotate", str(path)])
    assert result.exit_code == 2 and result.stderr.count("E240") == 1
    result = annotate(path, "-l", "person,", "city")
    assert result.exit_code == 2 and "E246" in result.stderr and '"person, city"' in result.stderr
    assert annotate(tmp_path / "missing.txt").exit_code == 2
    assert model["n_loads"] == 0
