"""Label Studio's and Prodigy's JSON, as their documentation defines it."""

import json

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")

from starlette.testclient import TestClient

from spacy_gner.serving.app import create_app
from spacy_gner.serving.label_studio import read_interface
from spacy_gner.serving.prodigy import prodigy_stream

from .helpers import Capitals

INTERFACE = """<View>
  <!-- from the template Named Entity Recognition -->
  <Labels name="label" toName="text">
    <Label value="Person" background="red"/>
    <Label value="Place"/>
  </Labels>
  <Text name="text" value="$passage"/>
</View>"""


def body(tasks, interface=INTERFACE):
    return {
        "tasks": tasks,
        "project": "1.1600000000",
        "label_config": interface,
        "params": {"login": None, "password": None, "context": None},
    }


def test_label_studio_gets_regions_it_can_show():
    annotate = Capitals()
    tasks = [
        {"id": 1, "data": {"passage": "😀 Ann met B"}},
        {"id": 2, "data": {"passage": "nobody"}},
        {"id": 3, "data": {}},
    ]
    with TestClient(create_app(annotate)) as http:
        assert http.get("/label-studio/health").json()["status"] == "UP"
        setup = http.post("/label-studio/setup", json={"project": "1", "schema": INTERFACE})
        answer = http.post("/label-studio/predict", json=body(tasks))
        assert http.post("/label-studio/webhook", json={"action": "x"}).status_code == 201
    assert answer.status_code == 200
    first, second, third = answer.json()["results"]
    assert first["model_version"] == setup.json()["model_version"]
    assert first["score"] == 0.5
    assert first["result"][0] == {
        "id": "gner-0",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "score": 0.75,
        "value": {"start": 2, "end": 5, "text": "Ann", "labels": ["Person"]},
    }
    assert len({region["id"] for region in first["result"]}) == 2
    assert second["result"] == third["result"] == []
    assert annotate.batches[0]["gner_labels"] == [["Person", "Place"]] * 3


@pytest.mark.parametrize(
    "interface",
    [
        "",
        "<View>",
        "<View><Text name='text' value='$text'/></View>",
        "<View><Labels name='l' toName='t'><Label value='x'/></Labels>"
        "<Image name='t' value='$image'/></View>",
        '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + INTERFACE,
        "<View><Labels name='l' toName='t'><Label value='a(b'/></Labels>"
        "<Text name='t' value='$text'/></View>",
    ],
)
def test_label_studio_is_told_what_is_wrong_with_its_interface(interface):
    with TestClient(create_app(Capitals())) as http:
        answer = http.post("/label-studio/predict", json=body([{"data": {}}], interface))
    assert answer.status_code == 422
    assert "GNER-E612" in answer.text or "GNER-E003" in answer.text


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": ["a"]}, {"data": {"passage": 3}}])
def test_label_studio_gets_nothing_for_tasks_of_another_shape(data):
    with TestClient(create_app(Capitals())) as http:
        answer = http.post("/label-studio/predict", json=body([data, {"data": {"passage": "Ann"}}]))
    first, second = answer.json()["results"]
    assert first["result"] == [] and len(second["result"]) == 1


def test_label_studio_sends_no_unicode():
    with TestClient(create_app(Capitals())) as http:
        for asked in (body([{}], "\ud800"), body([{"data": {"passage": "\ud800"}}])):
            headers = {"Content-Type": "application/json"}
            answer = http.post("/label-studio/predict", content=json.dumps(asked), headers=headers)
            assert answer.status_code == 422 and "[GNER-E6" in answer.text


def test_label_studio_without_tasks_gets_nothing():
    with TestClient(create_app(Capitals())) as http:
        assert http.post("/label-studio/predict", json=body([])).json()["results"] == []


def test_interface_is_read_whatever_its_names():
    found = read_interface(INTERFACE.replace('"text"', '"t"').replace('"label"', '"l"'))
    assert (found.from_name, found.to_name, found.key) == ("l", "t", "passage")
    assert found.labels == ("Person", "Place")


def test_prodigy_gets_its_tasks_with_spans_in_order():
    tasks = [{"text": f"A{i} Ann", "meta": {"page": i}} for i in range(5)] + [{"text": "poison"}]
    annotate = Capitals()

    def annotate_with_labels(batch):
        return annotate({**batch, "gner_labels": [["PER"]] * len(batch["text"])})

    made = list(prodigy_stream(iter(tasks), annotate_with_labels, batch_size=4))
    assert [len(batch["text"]) for batch in annotate.batches] == [4, 2]
    assert made[0] == {
        "text": "A0 Ann",
        "spans": [
            {"start": 0, "end": 2, "label": "PER", "text": "A0", "score": 0.75},
            {"start": 3, "end": 6, "label": "PER", "text": "Ann", "score": 0.75},
        ],
        "meta": {"source": "spacy-gner", "page": 0, "lowest score": 0.75},
    }
    assert [task["meta"].get("page") for task in made] == [0, 1, 2, 3, 4, None]
    assert made[5]["spans"] == [] and "GNER-E017" in made[5]["meta"]["error"]
    with pytest.raises(ValueError, match="GNER-E017"):
        next(prodigy_stream(tasks, annotate, batch_size=0))
