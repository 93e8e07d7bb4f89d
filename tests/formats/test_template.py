from spacy_gner.formats import BIO, BIOES, make_template

# The published checkpoints depend on every character of this.
PROMPT = (
    "Please analyze the sentence provided, identifying the type of entity for each word on a "
    "token-by-token basis.\n"
    "Output format is: word_1(label_1), word_2(label_2), ...\n"
    "We'll use the BIO-format to label the entities, where:\n"
    "1. B- (Begin) indicates the start of a named entity.\n"
    "2. I- (Inside) is used for words within a named entity but are not the first word.\n"
    "3. O (Outside) denotes words that are not part of a named entity.\n"
    "\n"
    "Use the specific entity tags: actor, average ratings and O.\n"
    "Sentence: did george clooney make a musical"
)


def test_template_prompt_to_the_character():
    words = "did george clooney make a musical".split()
    prompt = make_template().prompt(words, ["actor", "average ratings"], BIO())
    assert prompt.text == PROMPT
    assert prompt.text.startswith(prompt.shared)
    assert prompt.shared.endswith("\nSentence: ")


def test_template_dataset_line_stands_before_the_sentence():
    prompt = make_template().prompt(["a"], ["actor"], BIO(), dataset="mit-movie")
    assert prompt.text.endswith(
        "Use the specific entity tags: actor and O.\nDataset: mit-movie.\nSentence: a"
    )


def test_template_braces_in_words_and_labels_stay():
    prompt = make_template().prompt(["{labels}", "{sentence}"], ["{dataset}"], BIO(), "{labels}")
    assert prompt.text.endswith(
        "tags: {dataset} and O.\nDataset: {labels}.\nSentence: {labels} {sentence}"
    )


def test_template_own_wording():
    template = make_template("Tag it.", guideline="Use IOB2.", sentence_line="<<{sentence}>>")
    prompt = template.prompt(["x", "y"], ["city"], BIOES())
    assert prompt.text == "Tag it.\nUse IOB2.\n\nUse the specific entity tags: city and O.\n<<x y>>"
    assert prompt.shared.endswith("<<")


def test_template_takes_guideline_of_scheme():
    assert "BIOES-format" in make_template().prompt(["x"], ["city"], BIOES()).text
