"""Equal weights are in memory once; training changes them in a copy."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import spacy
import torch
from spacy.training import Example

from spacy_gner.pipeline.shim import get_shim

from ..models import build_tiny_causal, save_tiny
from .conftest import FORMAT

TEXT = "Marie Curie won the Nobel Prize in Paris"
LABELS = ["person", "city"]
pytestmark = pytest.mark.filterwarnings("ignore:.*W002")


@pytest.fixture
def source(tmp_path):
    return save_tiny(build_tiny_causal(), tmp_path / "source")


def make(name, nlp=None, component="gner", **model):
    nlp = nlp or spacy.blank("en")
    architecture = {"@architectures": "spacy_gner.Transformer.v1", "name": str(name), **model}
    config = {"labels": LABELS, "format": FORMAT, "model": architecture}
    nlp.add_pipe("gner", name=component, config=config)
    return nlp


def backbone_of(nlp, component="gner"):
    return get_shim(nlp.get_pipe(component).model).backbone


def scores(nlp):
    gner = nlp.get_pipe("gner")
    (prediction,) = gner.predict([nlp.make_doc(TEXT)])
    return [s for window in prediction.windows for s in window.generation.scores]


def train(nlp):
    doc = nlp.make_doc(TEXT)
    example = Example.from_dict(doc, {"entities": [(0, 11, "person")]})
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.1
    nlp.update([example], sgd=optimizer)


def test_pipelines_and_components_share_weights(source):
    nlp, other = make(source), make(source)
    make(source, nlp, "second")
    first = backbone_of(nlp)
    assert backbone_of(nlp, "second") is first
    assert backbone_of(other) is first


def test_saved_pipelines_share_weights(source, tmp_path):
    make(source).to_disk(tmp_path / "saved")
    first, second = spacy.load(tmp_path / "saved"), spacy.load(tmp_path / "saved")
    assert backbone_of(first) is backbone_of(second)
    assert scores(first) == scores(second)


@pytest.mark.parametrize(
    "model", [{"dtype": "bfloat16"}, {"max_length": 99}, {"cache_bytes": 7}, {"tag_tokens": True}]
)
def test_other_settings_are_not_shared(source, model):
    nlp, other = make(source), make(source, **model)
    assert backbone_of(nlp) is not backbone_of(other)


def test_files_that_changed_are_loaded(source):
    nlp = make(source)
    before = scores(nlp)
    # As a download does. Written over, a file that torch has mapped would change the first as well.
    shutil.rmtree(source)
    save_tiny(build_tiny_causal(seed=1), source)
    other = make(source)
    assert backbone_of(nlp) is not backbone_of(other)
    assert scores(other) != before
    assert scores(nlp) == before


@pytest.mark.parametrize("lora", [None, {"@misc": "spacy_gner.Lora.v1", "rank": 2}])
def test_training_changes_its_own_weights(source, lora):
    first, second = make(source, lora=lora), make(source, lora=lora)
    before = scores(first)
    assert backbone_of(first) is backbone_of(second)
    train(first)
    assert backbone_of(first) is not backbone_of(second)
    assert scores(first) != before
    assert scores(second) == before
    # What has been trained is nobody else's, what has not is.
    third = make(source, lora=lora)
    assert backbone_of(third) is backbone_of(second)
    assert scores(third) == before


def test_the_only_holder_trains_without_a_copy(source):
    nlp = make(source)
    weight = next(backbone_of(nlp).model.parameters())
    train(nlp)
    assert next(backbone_of(nlp).model.parameters()) is weight


def test_initialize_after_training_begins_with_the_shared_weights(source):
    first, second = make(source), make(source)
    before = scores(second)
    train(first)
    doc = first.make_doc(TEXT)
    first.initialize(lambda: [Example.from_dict(doc, {"entities": [(0, 11, "person")]})])
    assert backbone_of(first) is backbone_of(second)
    assert scores(second) == before


def test_weights_that_somebody_changed_by_hand_are_not_handed_on(source):
    first = make(source)
    before = scores(first)
    with torch.no_grad():
        backbone_of(first).model.get_output_embeddings().weight.mul_(3.0)
    second = make(source)
    assert backbone_of(second) is not backbone_of(first)
    assert scores(second) == before


def test_moving_a_pipeline_leaves_others_where_they_are(source):
    first, second = make(source), make(source)
    assert backbone_of(first) is backbone_of(second)
    first.get_pipe("gner").model.to_cpu()
    assert backbone_of(first) is not backbone_of(second)


def test_threads_that_load_the_same_share_it(source):
    pipelines = [make(source) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(scores, pipelines))
    assert found == [scores(make(source))] * 4
    assert len({id(backbone_of(nlp)) for nlp in pipelines}) == 1


def test_threads_that_load_different_models(tmp_path):
    """Models that transformers loads in two threads at once have weights without data."""
    sources = [save_tiny(build_tiny_causal(seed=i), tmp_path / str(i)) for i in range(4)]
    pipelines = [make(path) for path in sources]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(scores, pipelines))
    assert found == [scores(make(path)) for path in sources]
