"""The component as spaCy's training commands and loops use it."""

import json

import pytest
import spacy
import torch
from spacy.cli._util import app
from spacy.cli.init_config import fill_config
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import load_config
from typer.testing import CliRunner

from spacy_gner.corpora.passage import Passage, make_example
from spacy_gner.formats import LabelSet
from spacy_gner.pipeline.shim import get_shim
from spacy_gner.training.augmentation import Augmentation
from spacy_gner.training.inventory import collect_labels
from spacy_gner.training.pairs import gold_pair

from ..models import SHORT, build_tiny_causal, save_tiny
from .examples import LABELS, doc_of, example_of, examples

FORMAT = {"@misc": "spacy_gner.BIO.v1", **SHORT}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return save_tiny(build_tiny_causal(), tmp_path_factory.mktemp("causal"))


def make_nlp(source, **config):
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gner.Transformer.v1", "name": str(source), "device": "cpu"}
    decoder = {"@misc": "spacy_gner.ExactSearch.v1"}
    settings = {"model": model, "format": FORMAT, "decoder": decoder}
    nlp.add_pipe("gner", config={**settings, **config})
    return nlp


@pytest.fixture
def nlp(source):
    return make_nlp(source)


def adapted(nlp, egs=None):
    """RETURNS (list[Example]): The same examples for the vocab of a pipeline."""
    found = []
    for eg in egs or examples():
        words = [token.text for token in eg.reference]
        ents = [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type else "O" for t in eg.reference]
        doc = spacy.tokens.Doc(nlp.vocab, words=words)
        found.append(Example.from_dict(doc, {"words": words, "entities": _biluo(ents)}))
    return found


def _biluo(tags):
    from spacy.training import iob_to_biluo

    return iob_to_biluo(tags)


def weights(nlp):
    return {k: v.clone() for k, v in backbone(nlp).model.state_dict().items()}


def backbone(nlp):
    return get_shim(nlp.get_pipe("gner").model).backbone


def changed(before, after):
    return any(not torch.equal(before[name], after[name]) for name in before)


def test_python_loop_learns(nlp):
    egs = adapted(nlp)
    optimizer = nlp.initialize(lambda: egs)
    assert set(nlp.get_pipe("gner").labels) == set(LABELS)
    seen = []
    for _ in range(4):
        losses = nlp.update(egs, sgd=optimizer)
        seen.append(losses["gner"])
        optimizer.learn_rate = 0.01
    assert seen[-1] < seen[0]


def test_update_counts_a_loss_before_anything_can_return(nlp):
    gner = nlp.get_pipe("gner")
    assert gner.update([]) == {"gner": 0.0}
    unannotated = Example(doc_of("a b"), doc_of("a b"))
    assert gner.update([unannotated], losses={"gner": 1.5, "x": 2.0}) == {"gner": 1.5, "x": 2.0}
    assert not get_shim(gner.model).modified


def test_update_refuses_what_it_cannot_learn(nlp):
    gner = nlp.get_pipe("gner")
    gner.set_labels(["person"])
    with pytest.raises(ValueError, match="E501.*city"):
        gner.update([example_of("in Paris", "O B-city", labels=None)])
    with pytest.raises(TypeError):
        gner.update([doc_of("a b")])


def test_initialize_labels(nlp):
    gner = nlp.get_pipe("gner")
    gner.set_labels({"award": "prize"})
    gner.initialize(examples, nlp=nlp)
    assert gner.label_data == {"award": "prize", "person": "person", "city": "city"}
    gner.initialize(examples, nlp=nlp, labels=["only"])
    assert gner.labels == ("only",)
    nlp.initialize()
    assert gner.labels == ("only",)
    plain = [example_of("a b", "O O", labels=None)]
    gner.set_labels([])
    with pytest.raises(ValueError, match="E507"):
        gner.initialize(lambda: plain, nlp=nlp)
    gner.initialize(lambda: plain, nlp=nlp, labels=["named"])
    assert gner.labels == ("named",)


def test_initialize_takes_over_the_wordings_of_docs(nlp):
    """Else the component would ask for "PER" what it was trained to find as "person"."""
    gner = nlp.get_pipe("gner")
    gner.set_labels([])
    wordings = {"PER": "person", "LOC": "place"}
    example = make_example(nlp, Passage(["Ada"], [(0, 1, "PER")], wordings))
    gner.initialize(lambda: [example], nlp=nlp)
    assert gner.label_data == wordings
    assert gold_pair(example.reference, gner.label_set).wordings == ("person", "place")


def test_initialize_leaves_open_types_to_the_augmentation(nlp):
    passage = Passage(["in", "Paris"], [(1, 2, "city")], ["city"], is_open=True)
    augmentation = Augmentation(external_labels=[1, 1])
    found = collect_labels(
        lambda: [make_example(nlp, passage), example_of("a b", "O B-x", ["x", "y"])],
        LabelSet.make([]),
        augmentation,
    )
    assert found == {"x": "x", "y": "y"}
    other = Passage(["Marie", "won"], [(0, 1, "person")], ["person"], is_open=True)
    gner = nlp.get_pipe("gner")
    gner.augmentation = augmentation
    gner.initialize(lambda: [make_example(nlp, p) for p in (passage, other)], nlp=nlp)
    assert gner.labels == ()
    # A sentence without entities is asked for some type of the others.
    nothing = Passage(["who", "knows"], [], [], is_open=True)
    assert gner.update([make_example(nlp, nothing)])["gner"] > 0


def test_accumulation_through_the_pipeline(source):
    whole, parts = make_nlp(source, augmentation=None), make_nlp(source, augmentation=None)
    for nlp, size in ((whole, 8), (parts, 2)):
        egs = adapted(nlp)
        optimizer = nlp.initialize(lambda egs=egs: egs)
        for start in range(0, 8, size):
            nlp.update(egs[start : start + size], sgd=False)
        nlp.get_pipe("gner").finish_update(optimizer)
    for name, value in weights(whole).items():
        torch.testing.assert_close(value, weights(parts)[name], rtol=1e-4, atol=2e-4)


def test_seeds_make_training_repeatable(source):
    runs = []
    for seed in (1, 1, 2):
        augmentation = {"@misc": "spacy_gner.Augmentation.v1", "seed": seed, "label_dropout": 0.3}
        nlp = make_nlp(source, augmentation=augmentation)
        egs = adapted(nlp)
        optimizer = nlp.initialize(lambda egs=egs: egs)
        for _ in range(3):
            nlp.update(egs, sgd=optimizer)
        runs.append(weights(nlp))
    assert not changed(runs[0], runs[1])
    assert changed(runs[0], runs[2])


def test_predictions_follow_the_weights(nlp):
    egs = adapted(nlp)
    optimizer = nlp.initialize(lambda: egs)
    doc = nlp.make_doc("Marie Curie met Angela Merkel in New York")
    before = nlp.get_pipe("gner").predict([doc])[0].windows[0].generation.scores
    nlp.update(egs, sgd=optimizer)
    after = nlp.get_pipe("gner").predict([doc])[0].windows[0].generation.scores
    assert before != after
    assert not backbone(nlp).model.training


def test_sourced_component_keeps_labels_and_weights(nlp, source):
    egs = adapted(nlp)
    optimizer = nlp.initialize(lambda: egs)
    nlp.update(egs, sgd=optimizer)
    other = spacy.blank("en")
    other.add_pipe("gner", source=nlp)
    assert other.get_pipe("gner").labels == nlp.get_pipe("gner").labels
    text = "Marie Curie met Angela Merkel in New York"
    assert [(e.text, e.label_) for e in other(text).ents] == [
        (e.text, e.label_) for e in nlp(text).ents
    ]


def test_sourced_component_takes_a_new_label_in_the_ways_that_the_error_names(config, tmp_path):
    """A new label of the corpus, first unknown, then named for the reader, then for the component.
    spaCy does not initialize a sourced component, so what is named there has no effect."""
    one = {"training.max_steps": 1, "training.eval_frequency": 1}
    train(config('frozen_components = ["gner"]', ["person"]), tmp_path / "out", overrides=one)

    def go_on(**reader):
        saved = tmp_path / "out" / "model-last"
        settings = load_config(config())
        settings["nlp"]["pipeline"] = ["gner"]
        settings["components"] = {"gner": {"source": str(saved)}}
        settings["initialize"]["components"]["gner"] = {"labels": LABELS}
        if reader:
            path = settings["corpora"]["train"]["path"]
            settings["corpora"]["train"] = {"path": path, **reader}
        settings.to_disk(tmp_path / "next.cfg")
        train(tmp_path / "next.cfg", tmp_path / "next", overrides=one)

    with pytest.raises(ValueError, match="E501.*`labels` in the block.*sourced"):
        go_on()
    go_on(**{"@readers": "spacy_gner.Corpus.v1", "labels": LABELS})
    saved = spacy.load(tmp_path / "out" / "model-last")
    for label in LABELS:
        saved.get_pipe("gner").add_label(label)
    saved.to_disk(tmp_path / "out" / "model-last")
    go_on()


def test_resume_and_rehearse(nlp):
    egs = adapted(nlp)
    nlp.initialize(lambda: egs)
    optimizer = nlp.resume_training()
    before = weights(nlp)
    nlp.rehearse(egs, sgd=optimizer)
    assert not changed(before, weights(nlp))
    nlp.update(egs, sgd=optimizer)
    assert changed(before, weights(nlp))


CONFIG = """
[nlp]
lang = "en"
pipeline = ["gner","textcat"]

[components]

[components.gner]
factory = "gner"
labels = {labels}

[components.gner.model]
@architectures = "spacy_gner.Transformer.v1"
name = "{model}"
device = "cpu"

[components.gner.format]
@misc = "spacy_gner.BIO.v1"
description = "Tag the words."
guideline = "B- I- O"

[components.gner.decoder]
@misc = "spacy_gner.ExactSearch.v1"

[components.textcat]
factory = "textcat"

[components.textcat.model]
@architectures = "spacy.TextCatBOW.v3"
exclusive_classes = true
ngram_size = 1
no_output_layer = false
length = 1024

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = "{corpus}"

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = "{corpus}"

[training]
max_steps = 4
eval_frequency = 2
{training}

[training.logger]
@loggers = "spacy_gner.ConsoleLogger.v1"
"""


@pytest.fixture
def config(source, tmp_path):
    docs = []
    for i, eg in enumerate(examples()):
        eg.reference.cats = {"a": float(i % 2), "b": float(not i % 2)}
        eg.reference._.gner_labels = None
        docs.append(eg.reference)
    DocBin(docs=docs).to_disk(tmp_path / "docs.spacy")

    def write(training="", labels=()):
        base = tmp_path / "base.cfg"
        corpus = tmp_path / "docs.spacy"
        text = CONFIG.format(
            model=source, corpus=corpus, training=training, labels=json.dumps(list(labels))
        )
        base.write_text(text)
        fill_config(tmp_path / "config.cfg", base)
        return tmp_path / "config.cfg"

    return write


def test_train_beside_another_component_with_log(config, tmp_path, source, capsys):
    train(config('annotating_components = ["gner"]'), tmp_path / "out")
    assert "target tokens/s" in capsys.readouterr().out
    nlp = spacy.load(tmp_path / "out" / "model-last")
    assert isinstance(nlp, Language) and nlp.pipe_names == ["gner", "textcat"]
    assert changed(weights(make_nlp(source)), weights(nlp))


def test_log_begins_before_the_first_evaluation(config, tmp_path, capsys, monkeypatch):
    seen = []
    evaluate = Language.evaluate

    def watched(self, *args, **kwargs):
        seen.append(capsys.readouterr().out)
        return evaluate(self, *args, **kwargs)

    monkeypatch.setattr(Language, "evaluate", watched)
    train(config(), tmp_path / "out")
    assert "evaluation on the dev corpus" in seen[0]
    first_row = "\n  0       0  "
    assert first_row not in seen[0] and first_row in "\n" + seen[1]


def test_model_takes_docs(nlp):
    """A row of logits for each token of the texts and their ends, none for cut-off ones."""
    gner = nlp.get_pipe("gner")
    codec = backbone(nlp).codec
    texts = ["Marie lives in Paris", "", "York " * 2 * codec.max_length]
    logits = gner.model.predict([nlp.make_doc(text) for text in texts])
    n_first, n_second, n_third = (len(ids) + 1 for ids in codec.target_ids(texts))
    assert n_third > codec.max_length // 2
    assert len(logits) == n_first + n_second + codec.max_length // 2
    assert gner.model.predict([]).shape[1] == logits.shape[1]


def test_train_frozen(config, tmp_path, source):
    train(config('frozen_components = ["gner"]', LABELS), tmp_path / "out")
    nlp = spacy.load(tmp_path / "out" / "model-last")
    assert not changed(weights(make_nlp(source)), weights(nlp))


def test_init_labels_and_debug_commands(config, tmp_path):
    path = config()
    runner = CliRunner()
    result = runner.invoke(app, ["init", "labels", str(path), str(tmp_path / "labels")])
    assert result.exit_code == 0, result.output
    data = json.loads((tmp_path / "labels" / "gner.json").read_text())
    assert set(data) == set(LABELS)
    text = path.read_text() + (
        "\n[initialize.components.gner]\n\n[initialize.components.gner.labels]\n"
        f'@readers = "spacy.read_labels.v1"\npath = "{tmp_path / "labels" / "gner.json"}"\n'
    )
    path.write_text(text)
    result = runner.invoke(app, ["debug", "config", str(path)])
    assert result.exit_code == 0, result.output
    # It finds fault with the eight sentences, not with the pipeline.
    result = runner.invoke(app, ["debug", "data", str(path)])
    assert "Pipeline can be initialized with data" in result.output
    # It predicts bare Docs with the thinc model, which has no labels to make prompts with.
    result = runner.invoke(app, ["debug", "model", str(path), "gner", "-P1", "-P3"])
    assert result.exit_code == 0, result.output
    assert "STEP 3" in result.output and "model looks good" in result.output
    train(path, tmp_path / "out")
    assert set(spacy.load(tmp_path / "out" / "model-last").get_pipe("gner").labels) == set(LABELS)


def test_initialize_begins_afresh(source, tmp_path):
    """What was trained in this process, or before the pipeline was saved, is forgotten."""
    nlp = make_nlp(source)
    optimizer = nlp.initialize(lambda: adapted(nlp))
    before = weights(nlp)
    nlp.update(adapted(nlp), sgd=optimizer)
    assert changed(before, weights(nlp))
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert changed(before, weights(loaded))
    for trained in (nlp, loaded):
        trained.initialize(lambda trained=trained: adapted(trained))
        assert not changed(before, weights(trained))
        trained.update(adapted(trained), sgd=optimizer)
        assert changed(before, weights(trained))


def test_initialize_keeps_what_was_loaded_and_not_trained(source):
    nlp = make_nlp(source)
    model = backbone(nlp).model
    nlp.initialize(lambda: adapted(nlp))
    assert backbone(nlp).model is model


def test_labels_of_docs_by_component_are_read_in_training():
    """Each component learns its own; what the Doc asks of another one is O for it."""
    example = example_of("Marie met in Paris for IBM", "B-PER O O B-city O B-company", labels=None)
    reference = example.reference
    asked = {"gner": {"PER": "person"}, "second": ["city", "company"]}
    reference._.gner_labels = asked
    none = LabelSet.make([])
    first, second = (gold_pair(reference, none, component=c) for c in ("gner", "second"))
    assert first.wordings == ("person",)
    assert first.tags == ("B-person", "O", "O", "O", "O", "O")
    assert second.wordings == ("city", "company")
    assert second.tags == ("O", "O", "O", "B-city", "O", "B-company")
    for component, found in (
        ("gner", {"PER": "person"}),
        ("second", {"city": "city", "company": "company"}),
        ("third", {}),
    ):
        labels = LabelSet.make(["x"])
        collected = collect_labels(lambda: [example], labels, component=component)
        assert collected == {"x": "x", **found}
    # What a component looks for anyway, it learns in a Doc that asks another one for it too.
    reference._.gner_labels = {"gner": ["PER"], "second": None}
    own = gold_pair(reference, LabelSet.make(["PER", "city", "company"]), component="second")
    assert own.tags == ("B-PER", "O", "O", "B-city", "O", "B-company")
    with pytest.raises(ValueError, match="E501.*city"):
        gold_pair(reference, none, component="gner")


def test_update_and_initialize_of_two_components_take_labels_by_component(nlp):
    config = {k: v for k, v in nlp.get_pipe_config("gner").items() if k != "factory"}
    nlp.add_pipe("gner", name="second", config=config)
    example = example_of("Marie met in Paris", "B-person O O B-city", labels=None)
    labels = {"gner": ["person"], "second": ["city"]}
    example.reference._.gner_labels = labels
    nlp.initialize(lambda: [example])
    assert {name: list(nlp.get_pipe(name).labels) for name in labels} == labels
    losses = nlp.update([example], sgd=nlp.create_optimizer())
    assert losses["gner"] > 0 and losses["second"] > 0
