import json

import pytest
import spacy

from spacy_gner.formats import BIO, LabelSet, Shot
from spacy_gner.planning.guidance import check_definitions, make_shots, read_examples
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import DocWords, Windower

from ..models import SHORT, build_tiny_causal, save_tiny

CODEC = build_tiny_causal().codec
WORDS = DocWords(("London", "won"), (0, 1), (0,))
LABELS = LabelSet.make({"PER": "person", "LOC": "city"})
EXAMPLES = [{"text": "Ann Lee left Paris.", "entities": {"PER": ["Ann Lee"], "LOC": ["Paris"]}}]
SHOT = "Sentence: Ann Lee left Paris .\nAnn(B-person) Lee(I-person) left(O) Paris(B-city) .(O)\n"


def prompts(planner, labels=LABELS):
    return [planned.request.prompt for planned in planner.plan(WORDS, labels)]


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", 3, None])
def test_definitions_are_one_line(text):
    with pytest.raises(ValueError, match="E007.*'dish'"):
        check_definitions({"dish": text})


def test_definitions_go_by_label_or_by_wording():
    definitions = check_definitions({"LOC": " A town. ", "person": "A human."})
    (prompt,) = prompts(Planner(CODEC, BIO(**SHORT), Windower(), definitions))
    assert "and O.\nperson: A human.\ncity: A town.\nSentence: " in prompt.text
    assert prompt.shared in prompt.text and "city: A town." in prompt.shared
    (plain,) = prompts(Planner(CODEC, BIO(**SHORT), Windower()))
    assert plain == BIO(**SHORT).prompt(WORDS.texts, LABELS.wordings)


def test_examples_stand_in_the_prompt_in_the_wordings_of_the_labels():
    (prompt,) = prompts(Planner(CODEC, BIO(**SHORT), Windower(), {}, EXAMPLES))
    assert prompt.text.endswith(f"and O.\n{SHOT}Sentence: London won")
    (prompt,) = prompts(Planner(CODEC, BIO(**SHORT), Windower(), {}, EXAMPLES), LABELS.subset([1]))
    assert "Ann(O) Lee(O) left(O) Paris(B-city) .(O)" in prompt.text


def test_examples_that_do_not_fit_are_left_out_with_a_warning():
    planner = Planner(CODEC, BIO(**SHORT), Windower(max_tokens=260), {}, EXAMPLES * 5)
    with pytest.warns(UserWarning, match="W008.* 5 examples .*260 tokens") as caught:
        (prompt,) = prompts(planner)
        prompts(planner)
    assert len(caught) == 1 and 0 < prompt.text.count(SHOT) < 5


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".yml"])
def test_examples_are_read_from_files(tmp_path, suffix):
    path = tmp_path / f"examples{suffix}"
    path.write_text(json.dumps(EXAMPLES[0] if suffix == ".jsonl" else EXAMPLES))
    assert read_examples(path) == EXAMPLES
    assert read_examples(str(path)) == EXAMPLES


@pytest.mark.parametrize(
    "examples",
    ["no.json", "no.txt", [{"text": "a"}], [{"text": "a", "entities": {"x": "a"}}], ["a"], 3],
)
def test_examples_of_another_form_are_refused(examples):
    with pytest.raises(ValueError, match="E008"):
        read_examples(examples)


def test_shots_hold_all_places_of_a_mention_and_the_longest_of_two_that_overlap():
    entities = {"org": ["Bank of China"], "country": ["China"]}
    (shot,) = make_shots([{"text": "The Bank of China, China", "entities": entities}])
    assert shot == Shot(
        ("The", "Bank", "of", "China", ",", "China"), ((1, 4, "org"), (5, 6, "country"))
    )
    with pytest.raises(ValueError, match="E008.*'Chin'"):
        make_shots([{"text": "In China", "entities": {"country": ["Chin"]}}])


def test_guidance_is_saved_with_the_pipeline(tmp_path):
    source = save_tiny(build_tiny_causal(), tmp_path / "model")
    path = tmp_path / "examples.json"
    path.write_text(json.dumps(EXAMPLES))
    nlp = spacy.blank("en")
    config = {
        "labels": {"PER": "person", "LOC": "city"},
        "model": {"name": str(source), "device": "cpu"},
        "label_definitions": {"LOC": "A town."},
        "examples": str(path),
    }
    nlp.add_pipe("gner", config=config)
    nlp.to_disk(tmp_path / "pipeline")
    path.unlink()
    gner = spacy.load(tmp_path / "pipeline").get_pipe("gner")
    (prompt,) = prompts(gner.planner, gner.label_set)
    assert f"\ncity: A town.\n{SHOT}Sentence: London won" in prompt.text
    with pytest.raises(ValueError, match="E008"):
        spacy.blank("en").add_pipe("gner", config=config)
    changed = {"components.gner.label_definitions": {"LOC": "A city."}}
    gner = spacy.load(tmp_path / "pipeline", config=changed).get_pipe("gner")
    assert "city: A city." in prompts(gner.planner, gner.label_set)[0].text
