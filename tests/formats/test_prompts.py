import pytest

from spacy_gner.formats import BIO, BIOES, Guidance, Shot

# The published checkpoints depend on every character of this.
INSTRUCTION = (
    "Please analyze the sentence provided, identifying the type of entity for each word on a "
    "token-by-token basis.\n"
    "Output format is: word_1(label_1), word_2(label_2), ...\n"
    "We'll use the BIO-format to label the entities, where:\n"
    "1. B- (Begin) indicates the start of a named entity.\n"
    "2. I- (Inside) is used for words within a named entity but are not the first word.\n"
    "3. O (Outside) denotes words that are not part of a named entity.\n"
    "\n"
    "Use the specific entity tags: actor, average ratings and O.\n"
)
SENTENCE = "Sentence: did george clooney make a musical"
WORDS = "did george clooney make a musical".split()
LABELS = ["actor", "average ratings"]


def test_prompt_to_the_character():
    prompt = BIO().prompt(WORDS, LABELS)
    assert prompt.text == INSTRUCTION + SENTENCE
    assert prompt.text.startswith(prompt.shared)
    assert prompt.shared.endswith("\nSentence: ")


def test_prompt_dataset_line_stands_before_the_sentence():
    prompt = BIO().prompt(["a"], ["actor"], dataset="mit-movie")
    assert prompt.text.endswith(
        "Use the specific entity tags: actor and O.\nDataset: mit-movie.\nSentence: a"
    )


def test_prompt_definitions_follow_the_labels_in_their_order():
    guidance = Guidance({"average ratings": "How good it is.", "actor": "Who plays a part."})
    prompt = BIO().prompt(WORDS, LABELS, guidance)
    lines = "actor: Who plays a part.\naverage ratings: How good it is.\n"
    assert prompt.text == INSTRUCTION + lines + SENTENCE
    assert prompt.text.startswith(prompt.shared) and lines in prompt.shared
    only = BIO().prompt(WORDS, LABELS, Guidance({"actor": "Who plays a part."}))
    assert only.text == INSTRUCTION + "actor: Who plays a part.\n" + SENTENCE


def test_prompt_examples_stand_before_the_sentence():
    shots = (Shot(("Tom", "Hanks", "films"), ((0, 2, "actor"),)), Shot(("x",), ()))
    prompt = BIO().prompt(WORDS, LABELS, Guidance(shots=shots))
    lines = "Sentence: Tom Hanks films\nTom(B-actor) Hanks(I-actor) films(O)\nSentence: x\nx(O)\n"
    assert prompt.text == INSTRUCTION + lines + SENTENCE
    assert lines in prompt.shared


def test_prompt_braces_in_words_and_labels_stay():
    prompt = BIO().prompt(["{labels}", "{sentence}"], ["{dataset}"], dataset="{labels}")
    assert prompt.text.endswith(
        "tags: {dataset} and O.\nDataset: {labels}.\nSentence: {labels} {sentence}"
    )


def test_prompt_own_wording():
    format = BIOES(description="Tag it.", guideline="Use IOB2.", sentence_line="<<{sentence}>>")
    prompt = format.prompt(["x", "y"], ["city"])
    assert prompt.text == "Tag it.\nUse IOB2.\n\nUse the specific entity tags: city and O.\n<<x y>>"
    assert prompt.shared.endswith("<<")


@pytest.mark.parametrize("field", ["labels_line", "dataset_line", "sentence_line"])
def test_prompt_lines_need_their_placeholder(field):
    with pytest.raises(ValueError, match=f"E017.*format.{field}"):
        BIO(**{field: "nothing"})


def test_prompt_takes_guideline_of_its_tags():
    assert "BIOES-format" in BIOES().prompt(["x"], ["city"]).text
