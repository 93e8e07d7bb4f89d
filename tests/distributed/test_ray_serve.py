"""The server's app under Ray Serve, on the nodes of a cluster."""

import json
import urllib.error
import urllib.request

import pytest

pytest.importorskip("ray", reason="needs the extra ray: make test-scale")
pytest.importorskip("fastapi", reason="needs the extra serve")

pytestmark = pytest.mark.scale
PORT = 8765


def ask(path, question=None):
    body = None if question is None else json.dumps(question).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=120) as response:
        return response.status, dict(response.headers), response.read()


def test_app_answers_as_it_does_alone(cluster, model, annotator):
    from ray import serve

    from spacy_gner.distributed.ray_serve import build

    serve.start(http_options={"host": "127.0.0.1", "port": PORT})
    try:
        serve.run(build({"model": model, "labels": "person,city"}))
        texts = ["Marie met Angela", "nobody"]
        status, _, body = ask("/ents", {"texts": texts})
        assert status == 200
        answers = json.loads(body)["results"]
        assert [answer["error"] for answer in answers] == [None, None]
        assert json.loads(ask("/info")[2])["labels"] == {"person": "person", "city": "city"}
        page = ask("/")
        assert b"<title>spacy-gner</title>" in page[2]
        assert (
            "default-src 'none'"
            in {k.lower(): v for k, v in page[1].items()}["content-security-policy"]
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask("/ents", {"texts": ["a"], "labels": ["a(b"]})
        assert refused.value.code == 422
    finally:
        serve.shutdown()
