import pickle

import numpy
import pytest
import spacy

import spacy_gner.pipeline.annotator as annotator_module
from spacy_gner.pipeline.annotator import Annotator
from spacy_gner.pipeline.loading import find_component, load

from .conftest import FORMAT, LABELS, TEXTS


@pytest.fixture(scope="module")
def saved(make_nlp, tmp_path_factory):
    path = tmp_path_factory.mktemp("annotator") / "pipeline"
    make_nlp({"labels": {"P": "person", "C": "city", "A": "award"}}).to_disk(path)
    return path


@pytest.fixture(scope="module")
def annotate(saved):
    return Annotator(saved)


def records(doc):
    return [
        {
            "start": ent.start_char,
            "end": ent.end_char,
            "label": ent.label_,
            "text": ent.text,
            # The last digits depend on what the caches of the model hold.
            "score": pytest.approx(ent._.gner_score, abs=1e-6),
        }
        for ent in doc.ents
    ]


def test_annotator_gives_what_pipe_gives_and_passes_columns_through(annotate, saved):
    expected = [records(doc) for doc in spacy.load(saved).pipe(TEXTS)]
    assert expected[0][0]["text"] == "Marie Curie" and expected[0][0]["label"] == "P"
    ids = numpy.arange(len(TEXTS))
    result = annotate({"id": ids, "text": numpy.array(TEXTS, dtype=object)})
    assert list(result) == ["id", "text", "entities", "error"]
    assert result["id"] is ids
    assert result["entities"] == expected
    assert result["error"] == [None] * len(TEXTS)


def test_labels_of_a_row_may_be_a_string_as_in_tables(annotate):
    given = ["P,C", '["P", "C"]', "P=person, C=city", '{"P": "person", "C": "city"}', "", "[1"]
    wanted = [["P", "C"], ["P", "C"], *[{"P": "person", "C": "city"}] * 2, None]
    texts = [TEXTS[0]] * len(given)
    found = annotate({"text": texts, "gner_labels": given})
    expected = annotate({"text": texts[:-1], "gner_labels": wanted})
    spans = [
        [[(e["start"], e["end"], e["label"]) for e in row] for row in result["entities"]]
        for result in (found, expected)
    ]
    assert spans[0][:-1] == spans[1] and spans[1][2] and spans[1][4]
    assert found["error"][:-1] == [None] * 5
    assert "GNER-E032" in found["error"][-1] and "JSON" in found["error"][-1]


def test_annotator_errors_are_a_column(annotate):
    texts = [TEXTS[0], None, TEXTS[1], "", "x" * 1_000_001, TEXTS[4]]
    labels = [None, None, ["a", "a"], None, None, ["P", "C", "A"]]
    result = annotate({"text": texts, "gner_labels": labels})
    assert [len(found) for found in result["entities"]] == [3, 0, 0, 0, 0, 1]
    codes = [None if e is None else e[:11] for e in result["error"]]
    assert codes == [None, "[GNER-E032]", "[GNER-E026]", None, "[GNER-E032]", None]
    assert "None" in result["error"][1] and "E088" in result["error"][4]


def test_annotator_labels_of_single_rows(annotate):
    # As Arrow fills a struct up with the keys of other rows.
    arrow = {"P": None, "WHO": "person", "TOWN": "city", "WHAT": "award"}
    labels = [None, numpy.array(["P", "C", "A"]), arrow, [], float("nan")]
    result = annotate({"text": [TEXTS[0]] * 5, "gner_labels": labels})
    found = [[e["label"] for e in row] for row in result["entities"]]
    known = ["P", "A", "C"]
    assert found == [known, known, ["WHO", "WHAT", "TOWN"], [], known]
    assert result["error"] == [None] * 5


def test_annotator_is_small_when_pickled_and_loads_once(annotate, saved, monkeypatch):
    expected = [records(doc) for doc in annotate.nlp.pipe(TEXTS)]
    packed = pickle.dumps(annotate)
    assert len(packed) < 2000
    monkeypatch.setattr(annotator_module, "load", None)  # would raise if it were called again
    assert pickle.loads(packed)({"text": TEXTS})["entities"] == expected


def test_annotator_other_columns(saved):
    annotate = Annotator(saved, labels=LABELS, text_column="body", labels_column="wanted")
    own = {"TOWN": "city", "WHO": "person", "WHAT": "award"}
    result = annotate({"body": [TEXTS[4]] * 2, "wanted": [None, own]})
    assert [[e["label"] for e in row] for row in result["entities"]] == [["city"], ["TOWN"]]
    assert annotate({"body": []}) == {"body": [], "entities": [], "error": []}


@pytest.mark.parametrize(
    "batch",
    [
        {"body": ["a"]},
        {"text": ["a"], "entities": [1]},
        {"text": ["a"], "error": [1]},
        {"text": ["a"], "id": [1, 2]},
    ],
)
def test_annotator_batches_that_cannot_be_read(annotate, batch):
    with pytest.raises(ValueError, match="E031"):
        annotate(batch)


def test_annotator_reads_span_groups(make_nlp, tmp_path):
    make_nlp({"spans_key": "sc", "set_ents": False}).to_disk(tmp_path)
    (found,) = Annotator(tmp_path)({"text": [TEXTS[0]]})["entities"]
    assert [e["label"] for e in found] == ["person", "award", "city"]
    assert all(0 <= e["score"] <= 1 for e in found)


def test_annotator_model_that_is_not_there_is_no_fault_of_a_row():
    annotate = Annotator("no-such/model", ["person"])
    with pytest.raises(ValueError, match="E010"):
        annotate({"text": ["Marie Curie ."]})


def test_load_builds_a_pipeline_around_a_model(model_dir):
    settings = {"format": FORMAT, "threshold": 0.25}
    decoder = {"@misc": "spacy_gner.BeamSearch.v1", "num_beams": 1}
    nlp = load(model_dir, LABELS, device="cpu", decoder=decoder, settings=settings)
    assert nlp.pipe_names == ["sentencizer", "gner"]
    assert [ent.label_ for ent in nlp(TEXTS[0]).ents] == ["person", "award", "city"]
    assert nlp.config["components"]["gner"]["decoder"]["num_beams"] == 1
    assert nlp.config["components"]["gner"]["threshold"] == 0.25


def test_load_reads_the_weights_of_a_saved_pipeline_once(saved, monkeypatch):
    import spacy_gner.backbones.loading as loading

    calls = []
    original = loading.load_pretrained
    monkeypatch.setattr(
        loading, "load_pretrained", lambda *args: calls.append(args) or original(*args)
    )
    nlp = load(saved, LABELS, device="cpu", decoder="spacy_gner.DraftedGreedy.v1")
    assert len(calls) == 1
    component = find_component(nlp)
    assert type(component.decoder).__name__ == "DraftedGreedy"
    assert component.labels == tuple(LABELS)
    assert [(ent.text, ent.label_) for ent in nlp(TEXTS[4]).ents] == [("London", "city")]


def test_load_says_when_a_pipeline_has_no_gner(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path)
    with pytest.raises(ValueError, match="E029.*sentencizer"):
        load(tmp_path)
    with pytest.raises(ValueError, match="E029.*sentencizer"):
        find_component(nlp)


@pytest.mark.parametrize(
    "settings",
    [{"treshold": 0.5}, {"window": {"@misc": "spacy_gner.Window.v1", "max_tokns": 3}}],
)
def test_load_says_which_field_is_wrong(saved, model_dir, settings):
    field = "treshold" if "treshold" in settings else "max_tokns"
    for model in (model_dir, saved):
        with pytest.raises(ValueError, match=f"GNER-E037.*{field}") as caught:
            load(model, settings=settings)
        assert len(str(caught.value)) < 300
        assert ("did you mean threshold?" in str(caught.value)) == (field == "treshold")


def test_load_changes_settings_and_blocks_of_a_saved_pipeline(saved):
    window = {"@misc": "spacy_gner.Window.v1", "max_tokens": 333}
    component = find_component(load(saved, settings={"window": window, "threshold": 0.5}))
    assert component.window.max_tokens == 333 and component.threshold == 0.5
