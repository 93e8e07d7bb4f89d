"""The app over a stand-in for the model: what is asked, answered and refused."""

import base64
import json

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")

from starlette.testclient import TestClient

from spacy_gner.serving.app import create_app
from spacy_gner.serving.limits import Limits, estimate_tokens

from .helpers import Capitals

BASIC = ("Authorization", "Basic " + base64.b64encode("user:sécret".encode()).decode())
INFO = {"model": "tiny", "labels": {"PER": "person"}, "threshold": None}


def client(annotate=None, info=INFO, **kwargs):
    annotate = annotate or Capitals()
    return TestClient(create_app(annotate, info, **kwargs))


def test_texts_are_answered_in_order_with_code_point_offsets():
    with client() as http:
        answer = http.post("/ents", json={"texts": ["😀 Ann", "nobody"], "labels": ["person"]})
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {
                "entities": [
                    {"start": 2, "end": 5, "label": "person", "text": "Ann", "score": 0.75}
                ],
                "error": None,
            },
            {"entities": [], "error": None},
        ]
    }


def test_model_is_asked_with_wordings_and_definitions():
    annotate = Capitals()
    question = {
        "texts": ["Ann"],
        "labels": ["PER", "LOC"],
        "wordings": {"PER": "person"},
        "definitions": {"LOC": "a place"},
    }
    with client(annotate) as http:
        assert http.post("/ents", json=question).status_code == 200
        assert http.post("/ents", json={"texts": ["Ann"]}).status_code == 200
    assert [batch["gner_labels"] for batch in annotate.batches] == [
        [{"PER": "person", "LOC": "LOC"}],
        [None],
    ]
    assert [batch["gner_definitions"] for batch in annotate.batches] == [
        [{"LOC": "a place"}],
        [None],
    ]


def test_threshold_drops_entities_and_one_bad_text_does_not_fail_the_others():
    question = {"texts": ["Ann B", "poison"], "labels": ["x"], "threshold": 0.5}
    with client() as http:
        first, second = http.post("/ents", json=question).json()["results"]
    assert [e["text"] for e in first["entities"]] == ["Ann"]
    assert second["entities"] == [] and second["error"].startswith("[GNER-E017]")


def test_threshold_of_the_server_holds_for_questions_without_one():
    question = {"texts": ["Ann B"], "labels": ["x"]}
    for threshold, expected in ((0.5, 1), (None, 2), ({"x": 0.5}, 1), ({"y": 0.5}, 2)):
        with client(info={**INFO, "threshold": threshold}) as http:
            answer = http.post("/ents", json=question).json()["results"][0]
            assert len(answer["entities"]) == expected
            # A lower one brings more.
            low = http.post("/ents", json={**question, "threshold": 0.0}).json()["results"][0]
            assert len(low["entities"]) == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"labels": []}, "GNER-E603"),
        ({"labels": ["a(b"]}, "GNER-E003"),
        ({"labels": ["a", "a"]}, "GNER-E002"),
        ({"labels": ["O"]}, "GNER-E005"),
        ({"labels": ["x"] * 6}, "GNER-E601"),
        ({"labels": ["x" * 11]}, "GNER-E601"),
        ({"wordings": {"x": "w" * 11}}, "GNER-E601"),
        ({"definitions": {"x": "w" * 21}}, "GNER-E601"),
        ({"definitions": {"y": "w"}}, "GNER-E602"),
        ({"texts": ["a"] * 4}, "GNER-E601"),
        ({"texts": ["a" * 101]}, "GNER-E601"),
        ({"threshold": 1.5}, "threshold"),
        ({"texts": "a"}, "texts"),
        ({"texts": ["\ud800"]}, "GNER-E611"),
        ({"labels": ["\udfff"]}, "GNER-E611"),
        ({"wordings": {"\ud800": "x"}}, "GNER-E611"),
        ({"wordings": {"x": "\ud800"}}, "GNER-E611"),
        ({"definitions": {"\ud800": "x"}}, "GNER-E611"),
        ({"\ud800": "x"}, "unicode"),
        ({"model": "/etc/passwd"}, "model"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(change, code):
    limits = Limits(
        texts=3, characters=100, labels=5, label_characters=10, definition_characters=20
    )
    question = {"texts": ["Ann"], "labels": ["x"], **change}
    annotate = Capitals()
    headers = {"Content-Type": "application/json"}
    with client(annotate, limits=limits) as http:
        answer = http.post("/ents", content=json.dumps(question), headers=headers)
    assert answer.status_code == 422
    assert code in answer.text
    assert not annotate.batches


def test_body_that_is_no_json_is_refused():
    with client() as http:
        headers = {"Content-Type": "application/json"}
        for body in (b"{", b"[" * 100_000, b'{"texts": ["\xff"]}', b""):
            answer = http.post("/ents", content=body, headers=headers)
            assert answer.status_code in (400, 422), body[:10]


def test_large_bodies_are_refused_with_and_without_a_length():
    limits = Limits(body_bytes=1000)
    with client(limits=limits) as http:
        announced = http.post("/ents", json={"texts": ["a" * 1000]})
        chunks = http.post("/ents", content=(b"x" * 300 for _ in range(4)))
    assert (announced.status_code, chunks.status_code) == (413, 413)
    assert "GNER-E601" in announced.text and "GNER-E601" in chunks.text


def test_key_is_needed_where_there_is_one():
    question = {"texts": ["Ann"], "labels": ["x"]}
    with client(api_key="sécret") as http:
        wrong = ("Bearer ", "Basic ?", "Basic")
        for headers in ({}, {"X-API-Key": "secret"}, *({"Authorization": w} for w in wrong)):
            assert http.post("/ents", json=question, headers=headers).status_code == 401
            assert http.get("/info", headers=headers).status_code == 401
            assert http.get("/openapi.json", headers=headers).status_code == 401
        for name, value in (("X-API-Key", "sécret"), ("Authorization", "bearer sécret"), BASIC):
            right = {name: value.encode()}
            assert http.post("/ents", json=question, headers=right).status_code == 200
        assert http.get("/health").status_code == 200
        assert http.get("/").status_code == 200


def test_foreign_host_names_are_refused():
    with client(allowed_hosts=["localhost"]) as http:
        assert http.get("/health", headers={"Host": "localhost:8000"}).status_code == 200
        assert http.get("/health", headers={"Host": "evil.example"}).status_code == 400


def test_info_and_openapi_describe_the_server():
    with client(limits=Limits(texts=7)) as http:
        info = http.get("/info").json()
        api = http.get("/openapi.json").json()
    assert info["model"] == "tiny" and info["labels"] == {"PER": "person"}
    assert info["limits"]["texts"] == 7
    assert info["queue"] == {"waiting_tokens": 0, "batches": 0, "texts": 0}
    assert {"/ents", "/health", "/info", "/label-studio/predict"} <= set(api["paths"])
    assert "Question" in api["components"]["schemas"]


def test_health_says_when_the_server_stops():
    http = client()
    assert http.get("/health").status_code == 503  # not started
    with http:
        assert http.get("/health").json() == {"status": "ok"}
    assert http.get("/health").status_code == 503


def test_failed_batch_is_an_error_of_its_request_only():
    with client() as http:
        broken = http.post("/ents", json={"texts": ["crash"], "labels": ["x"]})
        fine = http.post("/ents", json={"texts": ["Ann"], "labels": ["x"]})
    assert broken.status_code == 500 and "GNER-E609" in broken.text
    assert fine.status_code == 200


def test_request_that_waits_too_long_is_told_so():
    annotate = Capitals()
    annotate.go.clear()
    with client(annotate, limits=Limits(answer_seconds=0.05)) as http:
        late = http.post("/ents", json={"texts": ["Ann"], "labels": ["x"]})
        annotate.go.set()
    assert late.status_code == 504 and "GNER-E606" in late.text


def test_answers_carry_a_policy_that_allows_nothing_foreign():
    with client(api_key="k") as http:
        for answer in (http.get("/"), http.get("/info"), http.get("/health")):
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'sha256-")
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_page_has_no_outside_resources_and_no_html_from_data():
    with client() as http:
        page = http.get("/").text
    for word in ("http://", "https://", "src=", "innerHTML", "insertAdjacent", "outerHTML", "eval"):
        assert word not in page


def test_limits_must_be_positive_and_estimates_grow():
    with pytest.raises(ValueError, match="GNER-E017"):
        Limits(texts=0)
    assert estimate_tokens("") == 1
    assert estimate_tokens("a" * 100) < estimate_tokens("a" * 100, 100)
