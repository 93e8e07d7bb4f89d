"""`annotate` with a model. What it does with files is in test_annotate_inputs and
test_annotate_outputs."""

import json
import re
import signal
import subprocess
import sys
import time

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
    result = annotate(source, "-m", pipeline_dir, "-o", output)
    assert result.exit_code == 0, result.output
    first, second = map(json.loads, output.read_text(encoding="utf8").splitlines())
    assert first["text"] == TEXTS[0]
    entity = first["entities"][0]
    assert entity["text"] == "Marie Curie" and entity["label"] == "person"
    assert 0 <= entity["score"] <= 1
    assert (second["source"], second["line"], second["meta"]) == (str(source), 3, {})


def test_annotate_stdin_with_own_labels(pipeline_dir):
    labels = "P=person,C=city,A=award"
    result = annotate("-m", pipeline_dir, "-l", labels, input=TEXTS[0] + "\n")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout.splitlines()[0])
    assert {e["label"] for e in record["entities"]} == {"P", "C", "A"}


def test_annotate_broken_lines_do_not_end_the_run(tmp_path, pipeline_dir):
    source = tmp_path / "texts.jsonl"
    own = {"W": "person", "x": "city", "y": "award"}
    lines = [
        json.dumps({"text": TEXTS[0], "id": 7}).encode(),
        b"{no json",
        b'{"other": 1}',
        b"\xff\xfe",
        json.dumps({"text": TEXTS[0], "gner_labels": ["bad", "bad"]}).encode(),
        json.dumps({"text": TEXTS[1], "gner_labels": own}).encode(),
    ]
    source.write_bytes(b"\n".join(lines))
    output = tmp_path / "out.jsonl"
    result = annotate(source, "-m", pipeline_dir, "-o", output)
    assert result.exit_code == 1
    for place in ("jsonl:2", "jsonl:3", "jsonl:4", "line 5"):
        assert place in result.stderr, result.stderr
    assert "4 text(s) could not be annotated" in result.stderr
    first, last = map(json.loads, output.read_text().splitlines())
    assert first["meta"] == {"id": 7}
    assert last["entities"][0]["label"] == "W" and last["meta"] == {"gner_labels": own}


def test_annotate_docbin_keeps_scores_and_metadata(tmp_path, pipeline_dir):
    source = tmp_path / "texts.jsonl"
    meta = {"id": 7, "tags": ["a", {"b": None}], "source": "the wire", "line": "third"}
    source.write_text(json.dumps({"text": TEXTS[0], **meta}), encoding="utf8")
    output = tmp_path / "new" / "out.spacy"
    result = annotate(source, "-m", pipeline_dir, "-o", output)
    assert result.exit_code == 0, result.output
    (doc,) = DocBin().from_disk(output).get_docs(Vocab())
    assert [e.label_ for e in doc.ents] == ["person", "award", "city"]
    assert all(0 < e._.gner_score <= 1 for e in doc.ents)
    origin = doc.user_data["gner_origin"]
    assert (origin["source"], origin["line"]) == (str(source), 1)
    assert json.loads(json.dumps(origin["meta"])) == meta


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--labels", "a,a"], "E002"),
        (["--labels", "person,"], "E246"),
        (["--labels", "a,,b"], "E001"),
        (["--labels", "a", "--model", "/no/such/model"], "E010"),
        (["--labels", "a", "--device", "cuda:77"], "E014"),
        (["--labels", "a", "--format", "xml"], "E203"),
        (["--labels", "a", "--format", "brat"], "E237"),
        (["--labels", "a", "--split", "words"], "E203"),
        (["--labels", "a", "--input-format", "pdf"], "E203"),
        (["--labels", "a", "--encoding", "latin-99"], "E221"),
        (["--labels", "a", "--resume"], "E243"),
        (["--labels", "a", "--threshold", "7"], "E017"),
        (["--labels", "a", "/no/such/file.txt"], "E028"),
        (["--labels", "a", "--decoder", "BeamSearch"], 'E203.*"spacy_gner.BeamSearch.v1"'),
        (["--labels", "a", "--workers", "2"], "E252"),
        (["--labels", "a", "--id-column", "id"], "E252"),
        (["--labels", "a", "--engine", "ray", "--split", "lines"], "E252"),
        (["--labels", "a", "--engine", "ray", "--overwrite"], "E252"),
    ],
)
def test_annotate_bad_options(arguments, message):
    result = annotate(*arguments, input="x\n")
    assert result.exit_code == 2
    assert re.search(message, result.stderr), result.stderr


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


def test_annotate_keeps_an_earlier_output_when_there_is_no_model(tmp_path):
    source, output = tmp_path / "texts.txt", tmp_path / "out.jsonl"
    for path in (source, output):
        path.write_text("before\n", encoding="utf8")
    part = tmp_path / "out.jsonl.part"
    part.write_text('{"annotate": {}}\n', encoding="utf8")
    arguments = [source, "--labels", "city", "--model", "no/model", "--output", output]
    result = annotate(*arguments, "--overwrite")
    assert result.exit_code == 2 and "E01" in result.output
    assert output.read_text(encoding="utf8") == "before\n"
    assert part.read_text(encoding="utf8") == '{"annotate": {}}\n'


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_annotate_keeps_after_ctrl_c_what_it_says(tmp_path, pipeline_dir):
    """However many documents a piece has: what is named is what stands in the file."""
    n_texts = 400
    source, output = tmp_path / "texts.txt", tmp_path / "out.jsonl"
    source.write_text("\n".join(f"{TEXTS[i % 2]} {i}" for i in range(n_texts)), encoding="utf8")
    command = [sys.executable, "-m", "spacy_gner", "annotate", source, "-m", pipeline_dir]
    command = [*map(str, command), "-o", str(output)]
    part = tmp_path / "out.jsonl.part"
    # In the background of a shell the interrupt is ignored, also by children.
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while process.poll() is None and not (part.is_file() and part.read_bytes().count(b"\n") > 1):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate()
    assert process.returncode == 130, message
    n_kept = len(part.read_text(encoding="utf8").splitlines()) - 1
    assert 0 < n_kept < n_texts
    assert f"Interrupted: {n_kept} document(s) are kept in {part}." in message
    result = annotate(source, "-m", pipeline_dir, "-o", output, "--resume")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line)["line"] for line in output.read_text(encoding="utf8").splitlines()]
    assert lines == list(range(1, n_texts + 1))
