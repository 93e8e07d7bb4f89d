import json

import pytest
import spacy
from thinc.api import Config

from spacy_gner.corpora.corpus import PileNER
from spacy_gner.corpora.read_report import CorpusError

NLP = spacy.blank("en")


def conversation(text, *answers):
    turns = [("human", f"Text: {text}"), ("gpt", "I've read this text.")]
    for label, mentions in answers:
        turns.append(("human", f"What describes {label} in the text?"))
        turns.append(("gpt", json.dumps(mentions)))
    return {"id": "1", "conversations": [{"from": f, "value": v} for f, v in turns]}


def read(tmp_path, *items, as_list=False, **settings):
    path = tmp_path / "pile.json"
    lines = [item if isinstance(item, str) else json.dumps(item) for item in items]
    path.write_text("[" + ", ".join(lines) + "]" if as_list else "\n".join(lines))
    reader = PileNER(path, **settings)
    return reader, list(reader(NLP))


def ents(example):
    return [(e.text, e.label_) for e in example.reference.ents]


@pytest.mark.parametrize("as_list", [True, False])
def test_pile_ner_answers_become_entities(tmp_path, as_list):
    item = conversation(
        "Ada met Bob. Ada left.", ("person", ["Ada", "Bob"]), ("city", []), ("name of a film", [])
    )
    reader, (example,) = read(tmp_path, item, as_list=as_list)
    assert ents(example) == [("Ada", "person"), ("Bob", "person"), ("Ada", "person")]
    assert example.reference._.gner_labels == ["person", "city", "name of a film"]
    assert example.predicted._.gner_labels == ["person", "city", "name of a film"]
    assert example.predicted.text == example.reference.text == "Ada met Bob. Ada left."
    assert reader.labels() == ["city", "name of a film", "person"]
    assert (reader.report.passages, reader.report.entities) == (1, 3)


def test_pile_ner_longest_mention_wins_and_a_type_without_any_left_is_not_prompted(tmp_path):
    item = conversation(
        "The Bank of England in England.",
        ("country", ["England"]),
        ("bank", ["Bank of England"]),
        ("place", ["England"]),
    )
    with pytest.warns(UserWarning, match=r"W202.* 1 overlapped"):
        reader, (example,) = read(tmp_path, item)
    assert ents(example) == [("Bank of England", "bank"), ("England", "country")]
    assert example.reference._.gner_labels == ["country", "bank"]
    assert reader.report.overlapping == 1
    assert reader.report.lost == [f"{tmp_path / 'pile.json'}:1: 'England' (place) overlaps others"]


def test_pile_ner_mention_that_cuts_a_token_is_missing_not_outside(tmp_path):
    item = conversation("The Roman walls of Bath", ("city", ["Rom", "Paris"]), ("town", ["Bath"]))
    with pytest.warns(UserWarning, match=r"W202.* 2 mention"):
        reader, (example,) = read(tmp_path, item)
    assert example.get_aligned_ner() == ["O", None, "O", "O", "U-town"]
    assert example.reference._.gner_labels == ["town"]
    assert reader.report.unaligned == 2 and "'Rom' (city)" in reader.report.lost[0]


def test_pile_ner_types_that_no_prompt_can_name(tmp_path):
    item = conversation("Ada left.", ("person, real", ["Ada"]), ("x (y)", []), ("person", ["Ada"]))
    with pytest.warns(UserWarning, match=r"W202.* 2 type"):
        reader, (example,) = read(tmp_path, item)
    assert example.reference._.gner_labels == ["person"]
    assert reader.report.unusable_types == 2


TURNS = conversation("Ada left.", ("person", ["Ada"]))["conversations"]


@pytest.mark.parametrize(
    "item",
    [
        "{broken",
        "7",
        {"id": "x"},
        {"conversations": []},
        {"conversations": TURNS[:3]},
        {"conversations": TURNS[1:] + TURNS[:1]},
        {"conversations": [{"from": "human", "value": "no text"}, TURNS[1]]},
        {"conversations": [{"from": "human", "value": 3}, TURNS[1]]},
        {"conversations": [*TURNS[:2], {"from": "human", "value": "Who?"}, TURNS[3]]},
        {"conversations": [*TURNS[:3], {"from": "gpt", "value": "Ada"}]},
        {"conversations": [*TURNS[:3], {"from": "gpt", "value": "[1]"}]},
    ],
)
def test_pile_ner_broken_conversation(tmp_path, item):
    good = conversation("Ada left.", ("person", ["Ada"]))
    with pytest.raises(CorpusError, match=r"E(213|249).*pile\.json:2: "):
        read(tmp_path, good, item)
    with pytest.warns(UserWarning, match="W201"):
        reader, examples = read(tmp_path, good, item, good, on_error="skip")
    assert len(examples) == 2 and reader.report.skipped == 1


def test_pile_ner_broken_item_of_a_list_and_broken_list(tmp_path):
    good = conversation("Ada left.", ("person", ["Ada"]))
    with pytest.raises(CorpusError, match=r"E213.*pile\.json, item 2: "):
        read(tmp_path, good, "7", as_list=True)
    with pytest.raises(CorpusError, match=r"E249.*pile\.json: "):
        read(tmp_path, good, "{broken", as_list=True)
    with (
        pytest.warns(UserWarning, match="W201"),
        pytest.raises(ValueError, match="E228.* 1 record.* 0 left"),
    ):
        read(tmp_path, good, "{broken", as_list=True, on_error="skip")


def test_pile_ner_resolves_from_config(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps(conversation("Ada left.", ("person", ["Ada"]))))
    config = Config().from_str(
        f"""
        [corpora]
        [corpora.train]
        @readers = "spacy_gner.PileNER.v1"
        path = "{tmp_path}"
        """
    )
    (example,) = spacy.registry.resolve(config)["corpora"]["train"](NLP)
    assert ents(example) == [("Ada", "person")]
