"""`python -m spacy_gner serve` from its start to its end, with a real model that is tiny."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

pytest.importorskip("fastapi", reason="needs the extra serve")
pytest.importorskip("uvicorn", reason="needs the extra serve")

from spacy_gner.cli import app
from spacy_gner.pipeline.annotator import Annotator

from ..models import build_tiny_causal, save_tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_tiny(build_tiny_causal(seed=2), tmp_path_factory.mktemp("model"))


def test_server_finds_what_the_annotator_finds_and_ends_when_told(model):
    command = [sys.executable, "-m", "spacy_gner", "serve", "--port", "0", "--device", "cpu"]
    environment = {**os.environ, "SPACY_GNER_API_KEY": "secret"}
    server = subprocess.Popen(
        [*command, "--model", str(model), "--labels", "PER=person,city"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        said = []
        for line in server.stderr:
            said.append(line)
            if "running on http://127.0.0.1:" in line:
                break
        else:
            raise AssertionError("".join(said))
        address = line.partition("running on ")[2].split()[0]
        headers = {"Content-Type": "application/json", "Authorization": "Bearer secret"}

        def ask(path, question=None):
            body = None if question is None else json.dumps(question).encode()
            request = urllib.request.Request(address + path, body, headers)
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.loads(response.read())

        info = ask("/info")
        assert info["labels"] == {"PER": "person", "city": "city"}
        # The directory's name, not where it is.
        assert info["model"] == model.name
        (answer,) = ask("/ents", {"texts": ["Marie met Angela"]})["results"]
        annotator = Annotator(model, {"PER": "person", "city": "city"}, device="cpu")
        (alone,) = annotator({"text": ["Marie met Angela"]})["entities"]
        assert alone and answer["error"] is None
        found = [(e["start"], e["end"], e["label"], e["text"]) for e in answer["entities"]]
        assert found == [(e["start"], e["end"], e["label"], e["text"]) for e in alone]
        server.send_signal(signal.SIGTERM)
        rest = server.stderr.read()
        assert server.wait(60) in (0, -signal.SIGTERM)
        assert "Application shutdown complete" in rest and "Traceback" not in rest
    finally:
        server.kill()


def test_options_that_cannot_work_end_before_anything_listens(tmp_path):
    for arguments in (
        ["--model", str(tmp_path / "missing")],
        ["--labels", "a(b"],
        ["--timeout", "0"],
    ):
        result = CliRunner().invoke(app, ["serve", "--port", "0", *arguments])
        assert result.exit_code == 2, arguments
        assert "[GNER-E" in result.output
