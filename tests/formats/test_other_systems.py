"""The formats of the systems that the paper compares GNER with. Their prompts are those of the
authors' repositories, to the character."""

import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spacy_gner.formats import (
    BIO,
    BIOES,
    EntityCentric,
    Guidance,
    Guidelines,
    MultiRound,
    Shot,
    SingleRound,
    Slimer,
)
from spacy_gner.formats.guidelines import class_names, python_string
from spacy_gner.matching import LCSMatcher, Matching

GOLDEN = json.loads((Path(__file__).parent / "golden_prompts.json").read_text(encoding="utf8"))
WORDS = "did george clooney make a musical in the 1980s".split()
SPANS = [(1, 3, "actor"), (5, 6, "genre"), (8, 9, "year")]
LABELS = ["actor", "genre", "year"]
MATCHING = Matching(LCSMatcher())
ALL = [SingleRound(), MultiRound(), Slimer(), Guidelines()]


@pytest.fixture(params=ALL, ids=lambda format: format.name)
def format(request):
    return request.param


def guidance_of(name):
    shots = []
    for label, mentions in GOLDEN[name]["examples"].items():
        for words in map(str.split, mentions):
            shots.append(Shot(tuple(words), ((0, len(words), label),)))
    return Guidance(GOLDEN[name]["definitions"], tuple(shots))


def test_single_round_prompt_to_the_character():
    prompt = SingleRound().prompt(WORDS, LABELS)
    assert prompt.text == GOLDEN["single-round"]["prompt"]
    assert prompt.input == prompt.text and prompt.text.startswith(prompt.shared)
    assert SingleRound().write(WORDS, SPANS, LABELS) == GOLDEN["single-round"]["answer"]
    assert SingleRound().write(WORDS, [], LABELS) == "None"


def test_multi_round_prompts_to_the_character():
    for label in LABELS:
        prompt = MultiRound().prompt(WORDS, [label])
        assert prompt.text == GOLDEN["multi-round"]["prompt"].replace("LABEL", label)
        assert len(prompt.turns) == 2 and "</s>" not in "".join(prompt.turns)
        spans = [span for span in SPANS if span[2] == label]
        assert MultiRound().write(WORDS, spans, [label]) == GOLDEN["multi-round"]["answers"][label]
    assert MultiRound().write(WORDS, [], ["actor"]) == "[]"


def test_multi_round_definition_stands_in_the_place_of_the_label():
    guidance = Guidance({"actor": "a person who acts in films"})
    plain = MultiRound().prompt(WORDS, ["actor"], guidance)
    assert plain == MultiRound().prompt(WORDS, ["actor"])
    defined = MultiRound(use_definitions=True).prompt(WORDS, ["actor"], guidance)
    assert "What describes a person who acts in films in the text? ASSISTANT:" in defined.text


def test_multi_round_names_the_data_set_before_the_text():
    prompt = MultiRound().prompt(["a"], ["actor"], dataset="mit-movie")
    assert "USER: Dataset: mit-movie\nText: a ASSISTANT:" in prompt.text


def test_slimer_prompt_to_the_character():
    golden = GOLDEN["slimer"]
    format = Slimer(guidelines=golden["guidelines"])
    prompt = format.prompt(WORDS, ["actor"], Guidance(golden["definitions"]))
    assert prompt.text == golden["prompt"] and prompt.turns == (prompt.text,)
    assert Slimer().prompt(WORDS, ["actor"]).text == golden["prompt without definition"]


def test_guidelines_prompt_to_the_character():
    guidance = guidance_of("guidelines")
    prompt = Guidelines().prompt(WORDS, LABELS, guidance)
    assert prompt.text == GOLDEN["guidelines"]["prompt"]
    assert prompt.turns == (prompt.text,) and prompt.text.startswith(prompt.shared)
    assert f" {Guidelines().write(WORDS, SPANS, LABELS)}" == GOLDEN["guidelines"]["answer"]
    assert Guidelines().write(WORDS, [], LABELS) == "[]"


def test_solved_examples_stand_before_the_text():
    guidance = Guidance(shots=(Shot(("Tom", "Hanks"), ((0, 2, "actor"),)), Shot(("x",), ())))
    text = SingleRound().prompt(["y"], ["actor"], guidance).text
    assert text.endswith(
        "Option: actor \nText: Tom Hanks \nAnswer: actor: Tom Hanks \n"
        "Text: x \nAnswer: None \nText: y \nAnswer:"
    )
    read_it, question = "ASSISTANT: I've read this text.", "What describes actor in the text?"
    assert MultiRound(system="").prompt(["y"], ["actor"], guidance).turns == (
        f"USER: Text: Tom Hanks {read_it}",
        f'USER: {question} ASSISTANT: ["Tom Hanks"]',
        f"USER: Text: x {read_it}",
        f"USER: {question} ASSISTANT: []",
        f"USER: Text: y {read_it}",
        f"USER: {question} ASSISTANT:",
    )
    plain = Slimer().prompt(["Tom", "Hanks"], ["actor"]).text
    first, second, third = Slimer().prompt(["y"], ["actor"], guidance).turns
    assert first == f'{plain}["Tom Hanks"]' and second.endswith("[/INST]\n[]")
    assert third == Slimer().prompt(["y"], ["actor"]).text


def test_guidelines_without_examples_leave_a_bare_comment():
    text = Guidelines().prompt(WORDS, ["actor"], Guidance({"actor": "Acts."})).text
    assert (
        '@dataclass\nclass Actor(Entity):\n    """Acts."""\n\n    span: str  #\n\n\n# This' in text
    )


@pytest.mark.parametrize(
    "text, literal",
    [
        ("a", '"a"'),
        ("it's", '"it\'s"'),
        ('say "hi"', "'say \"hi\"'"),
        ('it\'s "x"', "'it\\'s \"x\"'"),
    ],
)
def test_guidelines_strings_have_the_quotes_of_black(text, literal):
    assert python_string(text) == literal


@pytest.mark.parametrize("length, is_wrapped", [(79, False), (80, True), (82, True), (83, False)])
def test_guidelines_texts_are_wrapped_where_black_does(length, is_wrapped):
    text = Guidelines().prompt(["x" * length], ["actor"]).text
    assert ('text = (\n    "xxx' in text) == is_wrapped


def test_guidelines_long_calls_are_broken():
    mention = "x" * 70
    written = Guidelines().write([mention], [(0, 1, "musical artist")], ["musical artist"])
    assert written == f'[\n    MusicalArtist(\n        span="{mention}"\n    ),\n]'


def test_guidelines_class_names_are_unique_identifiers():
    wordings = ["musical artist", "Musical-Artist", "class", "3D model", "entity", "ünï", "+"]
    names = class_names(wordings)
    assert names == {
        "musical artist": "MusicalArtist",
        "Musical-Artist": "MusicalArtist2",
        "class": "Class",
        "3D model": "Label3DModel",
        "entity": "LabelEntity",
        "ünï": "Ünï",
        "+": "Label",
    }
    assert all(name.isidentifier() for name in names.values())


def read(format, text, words=WORDS, labels=LABELS):
    return [found[:3] for found in format.read(text, words, labels, MATCHING)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("None", []),
        ("", []),
        ("Actor:George Clooney;genre :musical", [(1, 3, "actor"), (5, 6, "genre")]),
        ("actor: george clooney; actor: george clooney; ", [(1, 3, "actor")]),
        ("director: george clooney; year: 1980s", [(8, 9, "year")]),
        ("actor: george clooney, a; b; year 1980s", []),
        ("actor: george clooney; b; year 1980s", [(1, 3, "actor")]),
        ("actor: brad pitt", []),
        ("george clooney; actor: george clooney; x", [(1, 3, "actor")]),
    ],
)
def test_single_round_is_read_as_far_as_it_can_be(text, expected):
    assert read(SingleRound(), text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("[]", []),
        ('["george clooney"]', [(1, 3, "actor")]),
        ('  ["George Clooney", "brad pitt"] and more', [(1, 3, "actor")]),
        ('["george clooney", "musi', [(1, 3, "actor")]),
        ("['george clooney']", [(1, 3, "actor")]),
        ('["george clooney", null, 3, ["musical"]]', [(1, 3, "actor"), (5, 6, "actor")]),
        ('["musical] x"]', []),
        ("george clooney", []),
    ],
)
def test_multi_round_is_read_as_far_as_it_can_be(text, expected):
    assert read(MultiRound(), text, labels=["actor"]) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        (" []", []),
        ('[Actor(span="george clooney"), Year(span="1980s")]', [(1, 3, "actor"), (8, 9, "year")]),
        ("[Actor(\"George Clooney\"), Genre(span = 'musical')", [(1, 3, "actor"), (5, 6, "genre")]),
        ('[Actor(span="george clooney"), Genre(span="musi', [(1, 3, "actor")]),
        ('[Director(span="george clooney"), Year(span="1980s")]', [(8, 9, "year")]),
        ('__import__("os").system("ls"); Year(span="1980s")', [(8, 9, "year")]),
    ],
)
def test_guidelines_are_read_as_far_as_they_can_be(text, expected):
    assert read(Guidelines(), text) == expected


def test_what_cannot_be_read_is_kept_without_a_label():
    assert [p.label for p in SingleRound().parse("x y; director: a", LABELS)] == [None, None]
    assert [p.label for p in MultiRound().parse("no idea", ["actor"])] == [None]
    assert [p.label for p in Guidelines().parse('[Foo(span="a")]', LABELS)] == [None]


def test_parts_are_where_they_are_read(format):
    labels = LABELS[: format.labels_per_prompt]
    spans = [span for span in SPANS if span[2] in labels]
    text = format.write(WORDS, spans, labels)
    parts = format.parse(text, labels)
    assert len(parts) == len(spans)
    for part in parts:
        assert part.mention in text[part.start : part.end]


def test_every_place_of_a_mention_is_an_entity_and_a_longer_one_covers_a_shorter_one():
    words = "Mary Smith met Smith and Smith of Smith & Co".split()
    text = '["Mary Smith", "Smith"]'
    assert read(MultiRound(), text, words, ["person"]) == [
        (0, 2, "person"), (3, 4, "person"), (5, 6, "person"), (7, 8, "person"),
    ]  # fmt: skip
    # Unless it stands nowhere else.
    assert read(MultiRound(), text, words[:3], ["person"]) == [(0, 2, "person"), (1, 2, "person")]


def test_nested_entities_of_different_labels_are_all_read():
    words = "The Bank of China grew".split()
    nested = [(1, 4, "organization"), (3, 4, "country")]
    labels = ["organization", "country"]
    for format in (SingleRound(), Guidelines()):
        assert read(format, format.write(words, nested, labels), words, labels) == nested
    assert read(SingleRound(), "country: China; organization: China", words, labels) == [
        (3, 4, "country"), (3, 4, "organization"),
    ]  # fmt: skip


def test_scores_are_those_of_the_best_part():
    text = "actor: george clooney; genre: musical; actor: George Clooney"
    parts = SingleRound().parse(text, LABELS)
    found = SingleRound().locate(parts, [0.25, 0.5, 0.75], WORDS, MATCHING)
    assert [(f.label, f.score) for f in found] == [("actor", 0.75), ("genre", 0.5)]


_characters = st.characters(codec="utf-8", exclude_categories=["Z", "C"])
_words = st.lists(
    st.text(_characters, min_size=1, max_size=8), min_size=1, max_size=10, unique_by=str.casefold
)


@settings(max_examples=200)
@given(st.data(), _words, st.sampled_from(ALL))
def test_what_a_format_writes_it_reads(data, words, format):
    # Entities side by side. (Where a colon ends a label, or a semicolon a mention, cannot always
    # be told.)
    assume(format.name != "single-round" or not {":", ";"} & set("".join(words)))
    labels = LABELS[: format.labels_per_prompt]
    spans, at = [], 0
    while at < len(words):
        end = data.draw(st.integers(at + 1, min(len(words), at + 3)))
        label = data.draw(st.sampled_from([None, *labels]))
        if label is not None:
            spans.append((at, end, label))
        at = end
    found = read(format, format.write(words, spans, labels), words, labels)
    # All that was written is read; a mention that stands elsewhere too is found there as well.
    assert set(spans) <= set(found)
    texts = {("".join(words[s:e]).casefold(), label) for s, e, label in spans}
    assert {("".join(words[s:e]).casefold(), label) for s, e, label in found} == texts


# Of one length: no two words together are a third.
_triples = st.lists(st.text("abcd", min_size=3, max_size=3), min_size=1, max_size=8, unique=True)


@settings(max_examples=200, deadline=None)
@given(st.data(), _triples, st.sampled_from(ALL))
def test_nested_and_overlapping_entities_are_read_as_they_were_written(data, words, format):
    labels = LABELS[: format.labels_per_prompt]
    place = st.integers(0, len(words) - 1)
    drawn = data.draw(st.lists(st.tuples(place, place, st.sampled_from(labels)), max_size=6))
    spans = sorted({(min(a, b), max(a, b) + 1, label) for a, b, label in drawn})
    assert read(format, format.write(words, spans, labels), words, labels) == spans


_answers = st.text(st.sampled_from("[]()\"'\\;:,= \naNo Actor(span=actor:"), max_size=60)


@settings(max_examples=300)
@given(_answers | st.text(max_size=60))
def test_any_text_is_read(text):
    for format in [*ALL, BIO(), BIOES(), EntityCentric()]:
        labels = LABELS[: format.labels_per_prompt]
        found = read(format, text, labels=labels)
        assert all(0 <= s < e <= len(WORDS) and label in labels for s, e, label in found)


@pytest.mark.parametrize("format", [*ALL, BIO(), BIOES(), EntityCentric()], ids=lambda f: f.name)
@pytest.mark.parametrize(
    "unit", ["[", '"', "'", "(", "Actor(", "actor:", ";", "a", "\\", " ", "',", "](", "[a](O) "]
)
def test_long_texts_are_read(format, unit):
    # Time that grows with the square of the text would be hours here.
    text = "[" + unit * (300_000 // len(unit))
    format.parse(text, LABELS[: format.labels_per_prompt])
