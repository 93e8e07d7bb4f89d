"""The server's app under Ray Serve, on the nodes of a cluster."""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("ray", reason="needs the extra ray: make test-scale")
pytest.importorskip("fastapi", reason="needs the extra serve")

from ray import serve

pytestmark = pytest.mark.scale
PORT = 8765


@pytest.fixture(scope="module")
def serving(cluster):
    serve.start(http_options={"host": "127.0.0.1", "port": PORT})
    try:
        yield
    finally:
        serve.shutdown()


def ask(path, question=None):
    body = None if question is None else json.dumps(question).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=600) as response:
        return response.status, dict(response.headers), response.read()


def test_app_answers_as_it_does_alone(serving, model, annotator):
    from spacy_gner.distributed.ray_serve import build

    serve.run(build({"model": model, "labels": "person,city"}))
    texts = [f"Marie met {i}" for i in range(8)]
    status, _, body = ask("/ents", {"texts": texts})
    assert status == 200
    answers = json.loads(body)["results"]
    assert [answer["error"] for answer in answers] == [None] * 8
    info = json.loads(ask("/info")[2])
    assert info["labels"] == {"person": "person", "city": "city"}
    # All of them in one call of the model.
    assert info["queue"] == {"waiting_tokens": 0, "batches": 1, "texts": 8}
    page = ask("/")
    assert b"<title>spacy-gner</title>" in page[2]
    assert (
        "default-src 'none'"
        in {k.lower(): v for k, v in page[1].items()}["content-security-policy"]
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask("/ents", {"texts": ["a"], "labels": ["a(b"]})
    assert refused.value.code == 422


def test_load_makes_a_second_replica(serving, model):
    from spacy_gner.distributed.ray_serve import Deployment

    quick = {
        "min_replicas": 1,
        "max_replicas": 2,
        "target_ongoing_requests": 1,
        "upscale_delay_s": 0.5,
        "metrics_interval_s": 0.2,
        "look_back_period_s": 0.5,
    }
    serve.run(Deployment.options(autoscaling_config=quick).bind(model, "person,city", None))
    assert n_replicas() == 1
    end = time.monotonic() + 1200
    with ThreadPoolExecutor(8) as clients:
        while n_replicas() < 2:
            assert time.monotonic() < end, "there is still one replica"
            asked = [
                clients.submit(ask, "/ents", {"texts": [f"Marie met {i} {j}" for j in range(8)]})
                for i in range(8)
            ]
            assert [answer.result()[0] for answer in asked] == [200] * 8


def n_replicas():
    deployment = serve.status().applications["default"].deployments["Deployment"]
    return deployment.replica_states.get("RUNNING", 0)


def test_batches_have_a_size_and_a_bound_in_tokens(serving):
    from .probe import Probe

    probe = serve.run(Probe.bind(), name="probe", route_prefix=None)
    seen = probe.sizes.remote().result(timeout_s=600)
    assert seen["texts"] == [f"Ann {i}" for i in range(7)] and seen["found"] == [1] * 7
    assert sum(seen["sizes"]) == 7 and max(seen["sizes"]) == 2
    assert seen["most_running"] == 1
    assert seen["counted"] == (len(seen["sizes"]), 7, 0)
    seen = probe.bound.remote().result(timeout_s=600)
    assert seen == {
        "before": "QueueClosed",
        "full": "QueueFull",
        "waiting": 4000,
        "followed": 1,
        "after": "QueueClosed",
        "computed": 2,
        "left": 0,
    }
