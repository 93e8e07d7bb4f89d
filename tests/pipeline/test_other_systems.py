"""The formats of other systems in a pipeline: what the model is given, how long it may answer,
batches, and Docs that fail."""

import pytest
import spacy

from spacy_gner.formats import Guidelines, MultiRound, SingleRound, Slimer
from spacy_gner.planning.words import DocWords

from ..models import build_tiny_causal, build_tiny_seq2seq, save_tiny

FORMATS = [SingleRound(), MultiRound(), Slimer(), Guidelines()]
LABELS = ["person", "city"]
TEXTS = ["Marie met IBM", "the city of Paris", "she lives in London since 1995", "Nobel"]
pytestmark = pytest.mark.filterwarnings("ignore:.*W002")


@pytest.fixture(scope="module", params=[build_tiny_causal, build_tiny_seq2seq])
def model(request, tmp_path_factory):
    # The characters of all prompts are in the vocabulary.
    prompts = [form.prompt(["Marie"], LABELS).text for form in FORMATS]
    backbone = request.param(texts=[*prompts, *TEXTS])
    return str(save_tiny(backbone, tmp_path_factory.mktemp("model")))


@pytest.fixture(params=FORMATS, ids=lambda form: form.name)
def form(request):
    return request.param


def make_pipeline(model, form, **options):
    nlp = spacy.blank("en")
    config = {
        "labels": LABELS,
        "model": {"name": model, "device": "cpu", "max_length": 1024},
        "format": {"@misc": f"spacy_gner.{type(form).__name__}.v1", **options},
        "decoder": {"@misc": "spacy_gner.BeamSearch.v1", "num_beams": 1},
    }
    nlp.add_pipe("gner", config=config)
    return nlp


def plan(nlp, text):
    gner = nlp.get_pipe("gner")
    return gner.planner.plan(DocWords.from_doc(nlp.make_doc(text)), gner.label_set)


def answers(nlp, texts):
    """RETURNS (list[list[str]]): What the model writes for each text, one for each prompt."""
    predictions = nlp.get_pipe("gner").predict(list(map(nlp.make_doc, texts)))
    return [[window.generation.text for window in found.windows] for found in predictions]


def test_the_model_is_given_the_prompt_in_the_wrapping_of_its_system(model, form):
    nlp = make_pipeline(model, form)
    codec = nlp.get_pipe("gner").planner.codec
    for planned in plan(nlp, "Marie lives"):
        prompt = planned.request.prompt
        (ids,) = codec.prompt_ids([prompt.input])
        if codec.is_causal:
            # Only InstructUIE's, whose model is a T5, has no wrapping of its own.
            text = f"[INST] {prompt.text} [/INST]" if form.name == "single-round" else prompt.text
            assert codec.tokenizer.decode(ids[1:]) == text
            assert ids[0] == codec.tokenizer.bos_token_id and ids[-1] != codec.eos_id
        else:
            assert ids[-1] == codec.eos_id
        assert ids.count(codec.eos_id) == max(0, len(prompt.turns) - 1) + (not codec.is_causal)


def test_an_answer_is_as_long_as_its_format_says(model, form):
    given = {request.request.n_output for request in plan(make_pipeline(model, form), TEXTS[0])}
    if form.max_new_tokens is None:
        # Derived from the sentence: longer for longer ones, and enough for every word.
        (short,) = given
        nlp = make_pipeline(model, form)
        (longer,) = {p.request.n_output for p in plan(nlp, " ".join(TEXTS))}
        assert longer > short >= len(nlp.get_pipe("gner").planner.codec.target_ids(["Marie"])[0])
    else:
        assert given == {form.max_new_tokens}
    nlp = make_pipeline(model, form, max_new_tokens=5)
    assert {request.request.n_output for request in plan(nlp, TEXTS[0])} == {5}
    longer = make_pipeline(model, form, max_new_tokens=9)
    for short, long in zip(answers(nlp, TEXTS[:1])[0], answers(longer, TEXTS[:1])[0], strict=True):
        assert long.startswith(short)


def test_batches_do_not_matter_and_failing_docs_go_to_the_error_handler(model, form):
    nlp = make_pipeline(model, form, max_new_tokens=4)
    together = answers(nlp, TEXTS)
    assert together == [answers(nlp, [text])[0] for text in TEXTS]
    assert all(len(own) == (1 if form.labels_per_prompt is None else 2) for own in together)
    docs, failed = list(map(nlp.make_doc, TEXTS)), []
    nlp.set_error_handler(lambda name, proc, docs, error: failed.append(docs[0].text))
    docs[2]._.gner_labels = ["not", "not"]
    assert [doc.text for doc in nlp.pipe(docs)] == [TEXTS[0], TEXTS[1], TEXTS[3]]
    assert failed == [TEXTS[2]]
