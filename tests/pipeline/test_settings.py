"""What a config says is what runs: settings that are set, shown, saved, overridden."""

import json
import pickle
import re
import warnings

import pytest
import spacy
from thinc.api import ConfigValidationError

from ..models import build_tiny_causal, save_tiny
from .conftest import LABELS, TEXTS


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    return save_tiny(build_tiny_causal(), tmp_path_factory.mktemp("untrained"))


@pytest.fixture
def make(untrained):
    """Pipelines around a model that knows nothing, and that is not saved with them."""

    def make(config=None):
        nlp = spacy.blank("en")
        architecture = {"@architectures": "spacy_gner.Transformer.v1", "name": str(untrained)}
        model = {**architecture, "save_weights": False}
        nlp.add_pipe("gner", config={"labels": LABELS, "model": model, **(config or {})})
        return nlp

    return make


def config_of(nlp, name="gner"):
    return nlp.config["components"][name]


@pytest.mark.parametrize(
    "field, value",
    [
        ("threshold", 0.25),
        ("threshold", None),
        ("batch_size", 77),
        ("overwrite", True),
        ("spans_key", "sc"),
        ("labels", ["city", "person"]),
        ("labels", ["award", "person", "city"]),
        ("decoys", ["stadium"]),
        ("readable_labels", False),
    ],
)
def test_overrides_win_over_what_was_saved(make, tmp_path, field, value):
    make({"threshold": 0.5, "labels": ["person", "city", "award"]}).to_disk(tmp_path)
    nlp = spacy.load(tmp_path, config={f"components.gner.{field}": value})
    component = nlp.get_pipe("gner")
    found = list(component.labels) if field == "labels" else getattr(component, field)
    assert found == value == config_of(nlp)[field]
    if field == "labels":
        assert all(label in nlp.vocab.strings for label in value)
    # The others are as they were saved.
    assert component.threshold == (value if field == "threshold" else 0.5)
    nlp.to_disk(tmp_path / "again")
    again = spacy.load(tmp_path / "again").get_pipe("gner")
    assert again.cfg == component.cfg


def test_edited_config_file_wins(make, tmp_path):
    make({"threshold": 0.5}).to_disk(tmp_path)
    path = tmp_path / "config.cfg"
    text = path.read_text(encoding="utf8")
    text, n_thresholds = re.subn("threshold = .*", "threshold = 0.75", text)
    text, n_labels = re.subn("\nlabels = .*", '\nlabels = ["film"]', text)
    assert n_thresholds == n_labels == 1
    path.write_text(text, encoding="utf8")
    component = spacy.load(tmp_path).get_pipe("gner")
    assert component.threshold == 0.75 and component.labels == ("film",)


def test_mapping_of_labels_can_be_overridden_by_a_list_and_by_pairs(make, tmp_path):
    make({"labels": {"P": "person"}}).get_pipe("gner")
    nlp = make({"labels": ["person"]})
    nlp.get_pipe("gner").set_labels({"P": "person"})
    nlp.to_disk(tmp_path)
    for value in (["film"], [["F", "film"], ["D", "director"]]):
        loaded = spacy.load(tmp_path, config={"components.gner.labels": value})
        expected = dict(value) if isinstance(value[0], list) else {"film": "film"}
        assert loaded.get_pipe("gner").label_data == expected


def test_config_tells_the_truth_about_live_changes(make, tmp_path):
    nlp = make()
    gner = nlp.get_pipe("gner")
    gner.threshold = 0.5
    gner.spans_key = "sc"
    gner.set_ents = False
    gner.set_labels({"P": "person", "X:Y": "city"})
    gner.add_label("film")
    expected = [["P", "person"], ["X:Y", "city"], ["film", "film"]]
    assert config_of(nlp)["labels"] == expected
    assert config_of(nlp)["threshold"] == 0.5 and config_of(nlp)["set_ents"] is False
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe("gner").cfg == gner.cfg
    assert config_of(loaded)["labels"] == expected
    # An override back to what the first config said wins as well.
    loaded = spacy.load(tmp_path, config={"components.gner.labels": LABELS})
    assert loaded.get_pipe("gner").labels == tuple(LABELS)
    gner.threshold = {"X:Y": 0.5}  # no warning: it is looked for
    assert config_of(nlp)["threshold"] == [["X:Y", 0.5]]
    gner.set_labels(["award", "person"])
    assert config_of(nlp)["labels"] == ["award", "person"]


def test_labels_of_a_sourced_component_survive(make, tmp_path):
    source = make()
    nlp = spacy.blank("en")
    nlp.add_pipe("gner", name="names", source=source)
    nlp.get_pipe("names").set_labels(["film"])
    nlp.get_pipe("names").threshold = 0.5
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert loaded.get_pipe("names").labels == ("film",)
    assert config_of(loaded, "names")["labels"] == ["film"]
    assert config_of(loaded, "names")["threshold"] == 0.5


def test_bytes_and_pickle_take_everything_over(make):
    nlp = make({"threshold": 0.5})
    nlp.get_pipe("gner").set_labels({"P": "person"})
    other = make({"labels": [], "threshold": 0.9}).from_bytes(nlp.to_bytes())
    assert other.get_pipe("gner").cfg == nlp.get_pipe("gner").cfg
    assert config_of(other)["labels"] == [["P", "person"]]
    again = pickle.loads(pickle.dumps(nlp.get_pipe("gner")))
    again.threshold = 0.1
    assert again.label_data == {"P": "person"} and config_of(nlp)["threshold"] == 0.5


@pytest.mark.parametrize(
    "field, value",
    [
        ("threshold", 50),
        ("threshold", "0.5"),
        ("threshold", True),
        ("threshold", {"person": 2}),
        ("batch_size", 0),
        ("batch_size", "many"),
        ("batch_size", 1.5),
        ("overwrite", "yes"),
        ("set_ents", False),
        ("set_ents", 1),
        ("spans_key", ""),
        ("spans_key", 3),
        ("decoys", {"a": "b"}),
        ("readable_labels", None),
    ],
)
def test_bad_values_are_refused_wherever_they_come_from(make, tmp_path, field, value):
    with pytest.raises(ValueError, match="GNER-E017"):
        make({field: value})
    nlp = make()
    before = dict(nlp.get_pipe("gner").cfg)
    with pytest.raises(ValueError, match="GNER-E017"):
        setattr(nlp.get_pipe("gner"), field, value)
    assert nlp.get_pipe("gner").cfg == before
    nlp.to_disk(tmp_path)
    path = tmp_path / "gner" / "cfg"
    saved = json.loads(path.read_text(encoding="utf8"))
    path.write_text(json.dumps({**saved, field: value}), encoding="utf8")
    with pytest.raises(ValueError, match="GNER-E033.*E017"):
        spacy.load(tmp_path)


@pytest.mark.parametrize(
    "examples",
    ["nothing.json", {"text": "Ada", "entities": {"person": ["Bob"]}}, [{"text": 5}], 5, [None]],
)
def test_bad_examples_are_refused_at_once(make, examples):
    with pytest.raises(ValueError, match="GNER-E008"):
        make({"examples": examples})
    gner = make().get_pipe("gner")
    with pytest.raises(ValueError, match="GNER-E008"):
        gner.examples = examples
    assert gner.examples is None


@pytest.mark.parametrize(
    "saved",
    [
        *([], "x", {"labels": 3}, {"labels": {"a": ""}}, {"config": 1}),
        *({"threshold": [[[1], 0.5]]}, {"label_definitions": [[{}, "a town"]]}),
        *({"config": {"threshold": [[None, 0.5]]}}, {"labels": [[["a"], "b"]]}),
    ],
)
def test_saved_settings_of_another_shape_are_refused(make, tmp_path, saved):
    make().to_disk(tmp_path)
    (tmp_path / "gner" / "cfg").write_text(json.dumps(saved), encoding="utf8")
    with pytest.raises(ValueError, match="GNER-E033"):
        spacy.load(tmp_path)


def test_settings_that_are_refused_change_nothing(make, tmp_path):
    """Also those that are fine alone, and do not go with what the component has."""
    gner = make({"set_ents": False, "spans_key": "sc"}).get_pipe("gner")
    saved = {"batch_size": 7, "spans_key": None, "trained_format": "x"}
    (tmp_path / "cfg").write_text(json.dumps({**saved, "config": {}}), encoding="utf8")
    before = dict(gner.cfg)
    with pytest.raises(ValueError, match="GNER-E017.*set_ents"):
        gner.from_disk(tmp_path, exclude=["model", "vocab"])
    assert dict(gner.cfg) == before and gner._trained_format is None


@pytest.mark.parametrize("labels", ["person", {"a": 1}, 3, None, [[1, 2]], {"person": None}])
def test_labels_of_another_type_are_refused(make, labels):
    with pytest.raises(ValueError, match="GNER-E00"):
        make({"labels": labels})


def test_labels_may_be_a_tuple(make):
    assert make({"labels": ("person", "city")}).get_pipe("gner").labels == ("person", "city")


@pytest.mark.parametrize("key", ["a:b", "a=b", "#a", "[a]", "; a", "a\nb", ""])
def test_keys_that_a_config_file_would_read_otherwise_are_refused(make, key):
    with pytest.raises(ValueError, match="GNER-E034|GNER-E001"):
        make({"labels": {key: "person"}})
    if key.strip():
        with pytest.raises(ValueError, match="GNER-E034"):
            make({"threshold": {key: 0.5}})
    if key.strip() and "\n" not in key:
        assert make({"labels": [[key, "person"]]}).get_pipe("gner").labels == (key,)


def test_settings_cannot_be_changed_behind_the_back_of_the_component(make):
    gner = make().get_pipe("gner")
    with pytest.raises(TypeError):
        gner.cfg["threshold"] = 50
    with pytest.raises(ValueError, match="E035.*treshold.*threshold"):
        gner.change_settings(treshold=0.5)
    gner.change_settings(spans_key="sc", set_ents=False)
    with pytest.raises(ValueError, match="E017"):
        gner.spans_key = None


def test_threshold_by_label(make_nlp):
    scores = {ent.label_: ent._.gner_score for ent in make_nlp()(TEXTS[0]).ents}
    nlp = make_nlp({"threshold": {"person": 1.0, "city": 0.0}})
    nlp.get_pipe("gner").threshold = {"person": min(1.0, scores["person"] + 1e-4), "city": 0.0}
    assert [ent.label_ for ent in nlp(TEXTS[0]).ents] == ["award", "city"]


def test_decoys_are_asked_for_but_not_written(make_nlp):
    nlp = make_nlp({"labels": ["person"], "decoys": ["city", "award"]})
    doc = nlp.make_doc(TEXTS[0])
    (prediction,) = nlp.get_pipe("gner").predict([doc])
    # The prompt is the one that the model knows, so that it finds all three.
    assert prediction.windows[0].wordings == ("person", "city", "award")
    assert len(prediction.windows[0].found) == 3
    assert [(ent.text, ent.label_) for ent in nlp(TEXTS[0]).ents] == [("Marie Curie", "person")]
    doc._.gner_decoys = ["award", "city", "person"]
    asked = nlp.get_pipe("gner").predict([doc])[0].windows[0].wordings
    assert asked == ("person", "award", "city")
    doc._.gner_decoys = "award"
    with pytest.raises(ValueError, match="E026"):
        nlp.get_pipe("gner").predict([doc])


def test_labels_of_a_doc_by_component(make_nlp):
    nlp = make_nlp()
    block = {k: v for k, v in config_of(nlp).items() if k != "factory"}
    block = {**block, "spans_key": "two", "set_ents": False}
    second = nlp.add_pipe("gner", name="second", config=block)
    first = nlp.get_pipe("gner")
    doc = nlp.make_doc(TEXTS[0])
    doc._.gner_labels = {"second": {"P": "person", "C": "city", "A": "award"}}
    doc._.gner_decoys = {"gner": ["film"]}
    assert first.labels_of(doc).names == tuple(LABELS)
    assert second.labels_of(doc).names == ("P", "C", "A")
    assert first.decoys_of(doc) == ["film"] and second.decoys_of(doc) == []
    doc = nlp(doc)
    assert {span.label_ for span in doc.spans["two"]} == {"P", "C", "A"}
    doc._.gner_labels = {"gner": ("film",), "second": None}
    assert first.labels_of(doc).names == ("film",)
    assert second.labels_of(doc).names == tuple(LABELS)


def test_names_that_are_code_are_asked_for_in_words(make):
    gner = make({"labels": ["PERSON", "WORK_OF_ART", "dish"]}).get_pipe("gner")
    expected = {"PERSON": "person", "WORK_OF_ART": "work of art", "dish": "dish"}
    assert gner.label_data == expected
    assert gner.add_label("GPE") == 1 and gner.label_data["GPE"] != "GPE"
    gner.set_labels({"PERSON": "PERSON"})  # a mapping always wins
    assert gner.label_data == {"PERSON": "PERSON"}
    off = make({"labels": ["PERSON"], "readable_labels": False}).get_pipe("gner")
    assert off.label_data == {"PERSON": "PERSON"}


def test_names_of_a_doc_are_asked_for_in_words(make):
    nlp = make({"labels": {"PER": "human being"}})
    doc = nlp.make_doc(TEXTS[0])
    doc._.gner_labels = ["PER", "PERSON", "ORG"]
    labels = nlp.get_pipe("gner").labels_of(doc).to_dict()
    assert labels == {"PER": "human being", "PERSON": "person", "ORG": "organization"}


def test_threshold_of_a_label_that_nobody_looks_for_is_named(make):
    with pytest.warns(UserWarning, match="W012.*'persn'") as caught:
        gner = make({"threshold": {"persn": 0.5, "city": 0.5}}).get_pipe("gner")
    assert "'city'" not in str(caught[0].message)
    with pytest.warns(UserWarning, match="W012.*'film'"):
        gner.threshold = {"film": 0.5}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gner.threshold = {"person": 0.5}
        make({"labels": [], "threshold": {"film": 0.5}})


@pytest.mark.parametrize(
    ("config", "place", "field"),
    [
        ({"lables": ["person"]}, "gner", "lables"),
        (
            {"decoder": {"@misc": "spacy_gner.ExactSearch.v1", "max_fork": 1}},
            "gner.decoder",
            "max_fork",
        ),
        ({"model": {"nmae": "x"}}, "gner.model", "nmae"),
        ({"decoder": "greedy"}, "gner", "decoder"),
    ],
)
def test_a_field_that_does_not_exist_is_named_first(config, place, field):
    """spaCy compares a config with the factory before anything of ours is asked: its error, its
    way. The line that people read names the field, and the pipeline is as it was."""
    nlp = spacy.blank("en")
    with pytest.raises(ConfigValidationError) as raised:
        nlp.add_pipe("gner", config=config)
    first = next(line for line in str(raised.value).splitlines() if "->" in line)
    assert first.startswith(f"{place} -> {field}")
    assert nlp.pipe_names == []


def test_settings_that_are_mappings_cannot_be_changed_unseen():
    """A change in place would be neither checked nor shown; some caches would miss it."""
    nlp = spacy.blank("en")
    config = {"labels": ["person"], "threshold": {"person": 0.5}}
    gner = nlp.add_pipe("gner", config={**config, "label_definitions": {"person": "a human being"}})
    for setting in ("label_definitions", "threshold"):
        value = getattr(gner, setting)
        with pytest.raises(TypeError):
            value["person"] = 0.9
        # What was read can be set again, also in another component.
        setattr(gner, setting, value)
        assert getattr(gner, setting) == value
    assert spacy.blank("en").from_config(nlp.config).get_pipe("gner").cfg == gner.cfg
