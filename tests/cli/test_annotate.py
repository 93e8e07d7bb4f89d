import json
import subprocess
import sys

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_gner.cli import app

from ..pipeline.conftest import TEXTS, make_nlp, model_dir  # noqa: F401

RUN = CliRunner()


@pytest.fixture(scope="session")
def pipeline_dir(make_nlp, tmp_path_factory):  # noqa: F811
    path = tmp_path_factory.mktemp("pipeline")
    make_nlp().to_disk(path)
    return path


def annotate(*arguments, **kwargs):
    return RUN.invoke(app, ["annotate", *map(str, arguments)], **kwargs)


def test_annotate_text_file(tmp_path, pipeline_dir):
    source = tmp_path / "texts.txt"
    source.write_text("\n".join([TEXTS[0], "", TEXTS[1]]) + "\n", encoding="utf8")
    output = tmp_path / "out.jsonl"
    result = annotate(source, "--model", pipeline_dir, "--output", output)
    assert result.exit_code == 0, result.output
    first, second = map(json.loads, output.read_text(encoding="utf8").splitlines())
    assert first["text"] == TEXTS[0]
    assert first["ents"][0]["text"] == "Marie Curie" and first["ents"][0]["label"] == "person"
    assert 0 <= first["ents"][0]["score"] <= 1
    assert second["meta"] == {"source": str(source), "line": 3}


def test_annotate_stdin_with_own_labels(pipeline_dir):
    labels = "P=person,C=city,A=award"
    result = annotate("--model", pipeline_dir, "--labels", labels, input=TEXTS[0] + "\n")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout.splitlines()[0])
    assert {e["label"] for e in record["ents"]} == {"P", "C", "A"}


def test_annotate_broken_lines_do_not_end_the_run(tmp_path, pipeline_dir):
    source = tmp_path / "texts.jsonl"
    lines = [
        json.dumps({"text": TEXTS[0], "id": 7}).encode(),
        b"{no json",
        b'{"other": 1}',
        b"\xff\xfe",
        json.dumps({"text": TEXTS[0], "labels": ["bad", "bad"]}).encode(),
        json.dumps(
            {"text": TEXTS[1], "labels": {"W": "person", "x": "city", "y": "award"}}
        ).encode(),
    ]
    source.write_bytes(b"\n".join(lines))
    output = tmp_path / "out.jsonl"
    result = annotate(source, tmp_path / "missing.txt", "--model", pipeline_dir, "--output", output)
    assert result.exit_code == 1
    for place in ("line 2", "line 3", "line 4", "line 5", "missing.txt"):
        assert place in result.stderr, result.stderr
    first, last = map(json.loads, output.read_text().splitlines())
    assert first["meta"]["id"] == 7
    assert last["ents"][0]["label"] == "W"


def test_annotate_docbin_and_html(tmp_path, pipeline_dir):
    source = tmp_path / "texts.txt"
    source.write_text(TEXTS[0] + "\n<script>alert(1)</script>\n", encoding="utf8")
    result = annotate(
        source, "--model", pipeline_dir, "--format", "docbin", "--output", tmp_path / "out.spacy"
    )
    assert result.exit_code == 0, result.output
    docs = list(DocBin().from_disk(tmp_path / "out.spacy").get_docs(Vocab()))
    assert [e.label_ for e in docs[0].ents] == ["person", "award", "city"]
    result = annotate(
        source, "--model", pipeline_dir, "--format", "html", "--output", tmp_path / "out.html"
    )
    page = (tmp_path / "out.html").read_text(encoding="utf8")
    assert result.exit_code == 0 and "person" in page
    assert "<script" not in page and "&lt;" in page
    assert "http://" not in page and "https://" not in page


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--labels", "a,a"], "E002"),
        (["--labels", "a", "--model", "/no/such/model"], "E010"),
        (["--labels", "a", "--device", "cuda:77"], "E014"),
        (["--labels", "a", "--format", "xml"], "--format"),
        (["--labels", "a", "--threshold", "7"], "E017"),
    ],
)
def test_annotate_bad_options(arguments, message):
    result = annotate(*arguments, input="x\n")
    assert result.exit_code == 2
    assert message in result.stderr


def test_annotate_checks_settings_of_a_saved_pipeline_too(make_nlp, tmp_path):  # noqa: F811
    make_nlp().to_disk(tmp_path)
    result = annotate("--model", tmp_path, "--threshold", "5", input="x\n")
    assert result.exit_code == 2 and "E017" in result.stderr


def test_annotate_pipeline_without_gner(tmp_path):
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path)
    result = annotate("--model", tmp_path, input="x\n")
    assert result.exit_code == 2 and "E029" in result.stderr


def test_info_in_a_new_process():
    command = [sys.executable, "-m", "spacy_gner", "info", "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout)
    assert found["default model"] == "gner-smollm2-135m"
    assert found["device"] == "cpu"
    assert {"torch", "spacy", "transformers", "base weights"} <= set(found)


def test_annotate_makes_the_folder_of_its_output(tmp_path, pipeline_dir):
    source = tmp_path / "texts.txt"
    source.write_text(TEXTS[0] + "\n", encoding="utf8")
    output = tmp_path / "new" / "out.spacy"
    result = annotate(source, "--model", pipeline_dir, "--format", "docbin", "--output", output)
    assert result.exit_code == 0, result.output
    (doc,) = DocBin().from_disk(output).get_docs(Vocab())
    assert doc.text == TEXTS[0] and len(doc.ents) == 3


def test_annotate_odd_json(tmp_path, pipeline_dir):
    source, output = tmp_path / "texts.jsonl", tmp_path / "out.jsonl"
    deep = '{"text": "a", "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    half = '{"text": "London won .", "note": "\\ud800"}'
    source.write_text("\n".join([deep, half]) + "\n", encoding="utf8")
    result = annotate(source, "--model", pipeline_dir, "--output", output)
    assert result.exit_code == 1 and "E027" in result.output
    (record,) = map(json.loads, output.read_text(encoding="utf8").splitlines())
    assert record["text"] == "London won ." and record["meta"]["note"] == "\ud800"


def test_annotate_keeps_an_earlier_output_when_there_is_no_model(tmp_path):
    source, output = tmp_path / "texts.txt", tmp_path / "out.jsonl"
    for path in (source, output):
        path.write_text("before\n", encoding="utf8")
    result = annotate(source, "--labels", "city", "--model", "no/model", "--output", output)
    assert result.exit_code == 2 and "E01" in result.output
    assert output.read_text(encoding="utf8") == "before\n"
