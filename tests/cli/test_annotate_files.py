"""What `annotate` reads and writes; nothing is lost. A dictionary stands in for the model."""

import csv
import gzip
import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_gner.cli import app, notices
from spacy_gner.cli.annotate import _Run
from spacy_gner.cli.progress import CountingDecoder, Progress
from spacy_gner.cli.splitting import guess_split
from spacy_gner.corpora.source import Source
from spacy_gner.corpora.writers import WRITERS
from spacy_gner.pipeline import loading

from .dictionary import make_pipeline

RUN = CliRunner()
FILES = Path(__file__).parents[1] / "corpora" / "files"


@pytest.fixture(autouse=True)
def model(monkeypatch):
    """What the command loads; a test may replace the component."""
    made = {"nlp": make_pipeline(), "n_loads": 0}

    def load(*arguments, **options):
        made["n_loads"] += 1
        return made["nlp"][0]

    monkeypatch.setattr(loading, "load", load)
    monkeypatch.setattr(loading, "find_component", lambda nlp: made["nlp"][1])
    # A dictionary has no decoder, whose windows could be counted.
    monkeypatch.setattr(_Run, "_count_words", lambda run, bar: None)
    return made


def annotate(*arguments, **kwargs):
    if "-l" not in arguments:
        arguments = ("-l", "person,city", *arguments)
    return RUN.invoke(app, ["annotate", *map(str, arguments)], **kwargs)


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def found(record):
    return [(e["text"], e["label"]) for e in record["entities"]]


# --- Kinds of inputs -------------------------------------------------------------------


def parquet(path, rows):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)


def make_file(path, kind):
    """Write a file with two texts and a field beside them, where the kind has fields."""
    rows = [{"text": "Ada left.", "id": 1}, {"text": "In Paris, with Zürich.", "id": 2}]
    if kind == "lines":
        path.write_text("Ada left.\n\nIn Paris, with Zürich.\n", encoding="utf8")
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    elif kind == "json":
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf8")
    elif kind in ("csv", "tsv"):
        with path.open("w", newline="", encoding="utf8") as file:
            writer = csv.DictWriter(file, ["id", "text"], delimiter="\t" if kind == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "docbin":
        nlp = spacy.blank("en")
        DocBin(docs=[nlp(row["text"]) for row in rows], store_user_data=True).to_disk(path)
    elif kind == "parquet":
        parquet(path, rows)
    return path


KINDS = {
    "lines": ".txt",
    "jsonl": ".jsonl",
    "json": ".json",
    "csv": ".csv",
    "tsv": ".tsv",
    "docbin": ".spacy",
    "parquet": ".parquet",
}


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
