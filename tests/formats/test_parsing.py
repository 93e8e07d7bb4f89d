import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.formats.parsing import ParsedWord, parse_output

LABELS = ["city", "average ratings", "person", "B-side"]


def pairs(text, labels=LABELS, prefixes="BI"):
    return [(p.word, p.tag) for p in parse_output(text, labels, prefixes)]


tricky = st.sampled_from(
    ["(O)", "x(B-average", "a(O)", "ratings)", "(", ")", "()", "(B-city)", "(B-foo)", "city)", "O"]
)
markup = st.text(alphabet="()OBI-aacity", min_size=1, max_size=8)
anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
words = st.one_of(tricky, markup, anything).filter(lambda w: not any(c.isspace() for c in w))


@settings(max_examples=200)
@given(data=st.data(), prefixes=st.sampled_from(["BI", "BIES"]))
def test_parsing_gives_back_every_target(data, prefixes):
    tags = ["O"] + [f"{p}-{label}" for label in LABELS for p in prefixes]
    target = data.draw(st.lists(st.tuples(words, st.sampled_from(tags)), max_size=12))
    text = " ".join(f"{word}({tag})" for word, tag in target)
    parsed = parse_output(text, LABELS, prefixes)
    assert [(p.word, p.tag) for p in parsed] == target
    assert [text[p.start : p.end] for p in parsed] == [tag for _, tag in target]


label_texts = st.text(
    st.characters(exclude_characters="(),\n\r", exclude_categories=["Cs"]), min_size=1, max_size=8
)


@settings(max_examples=100)
@given(data=st.data(), labels=st.lists(label_texts, min_size=1, max_size=4, unique=True))
def test_parsing_gives_back_targets_of_any_labels(data, labels):
    tags = ["O"] + [f"{p}-{label}" for label in labels for p in "BI"]
    target = data.draw(st.lists(st.tuples(words, st.sampled_from(tags)), max_size=8))
    text = " ".join(f"{word}({tag})" for word, tag in target)
    assert pairs(text, labels) == target


@settings(max_examples=200)
@given(text=st.one_of(st.text(max_size=60), st.text(alphabet="ab ()OBI-city\n", max_size=60)))
def test_parsing_never_fails_and_stays_in_the_text(text):
    known = {"O"} | {f"{p}-{label}" for label in LABELS for p in "BI"}
    end = 0
    for parsed in parse_output(text, LABELS):
        assert parsed.tag in known
        assert not any(c.isspace() for c in parsed.word)
        assert parsed.word in text
        assert end <= parsed.end
        assert text[parsed.start - 1] == "(" and text[parsed.end] == ")"
        end = parsed.end


@pytest.mark.parametrize(
    "text,expected",
    [
        ("", []),
        ("no tags at all", []),
        # The paper's example output.
        ("george(B-person) clooney(I-person) a(O)", [("george", "B-person"),
                                                     ("clooney", "I-person"), ("a", "O")]),
        # Tags of unknown labels and of other schemes.
        ("word(B-foo) a(O)", [("word", "O"), ("a", "O")]),
        ("word(B-foo bar) a(O)", [("word", "O"), ("a", "O")]),
        ("Paris(S-city)", [("Paris", "O")]),
        # The case of a label counts.
        ("Paris(B-City)", [("Paris", "O")]),
        # A label without prefix.
        ("Paris(city) is(O)", [("Paris", "O"), ("is", "O")]),
        # Several words before a tag.
        ("New York(B-city)", [("New", "B-city"), ("York", "I-city")]),
        ("to New York(I-city)", [("to", "I-city"), ("New", "I-city"), ("York", "I-city")]),
        ("it is(O)", [("it", "O"), ("is", "O")]),
        ("New York(B-foo)", [("New", "O"), ("York", "O")]),
        # A group that is neither tag nor label is text.
        ("a (very) long(O)", [("a", "O"), ("(very)", "O"), ("long", "O")]),
        # White space before and around.
        ("\n Paris (B-city)\tis(O)\n", [("Paris", "B-city"), ("is", "O")]),
        # A word that the vocabulary cannot spell.
        ("in(O) (B-city) .(O)", [("in", "O"), ("", "B-city"), (".", "O")]),
        # The model stops early.
        ("in(O) Paris(B-ci", [("in", "O")]),
        ("in(O) Paris", [("in", "O")]),
        # The model repeats itself.
        ("in(O) in(O) in(O)", [("in", "O")] * 3),
        # Without white space after it, a tag is a part of the word (see the module).
        ("provinces(O),(O)", [("provinces(O),", "O")]),
        # A label that looks like a tag: the tag of another label wins over it.
        ("x(B-B-side) y(B-side)", [("x", "B-B-side"), ("y", "O")]),
    ],
)  # fmt: skip
def test_parsing_tolerates(text, expected):
    assert pairs(text) == expected


def test_parsing_prefers_tags_over_labels_that_are_spelled_alike():
    assert pairs("x(B-side)", ["side", "B-side"]) == [("x", "B-side")]
    assert pairs("x(O)", ["O"]) == [("x", "O")]


@pytest.mark.parametrize(
    "tag,expected",
    [
        ("B-city", ["B-city", "I-city", "I-city"]),
        ("I-city", ["I-city", "I-city", "I-city"]),
        ("E-city", ["I-city", "I-city", "E-city"]),
        ("S-city", ["B-city", "I-city", "E-city"]),
        ("O", ["O", "O", "O"]),
    ],
)
def test_parsing_spreads_a_tag_as_bioes_does(tag, expected):
    assert [t for _, t in pairs(f"New York City({tag})", prefixes="BIES")] == expected


def test_parsing_gives_the_place_of_tags():
    assert parse_output("New York(B-city) is(O)", ["city"]) == [
        ParsedWord("New", "B-city", 9, 15),
        ParsedWord("York", "I-city", 9, 15),
        ParsedWord("is", "O", 20, 21),
    ]


@pytest.mark.parametrize("prefixes", ["", "BIO", "bi", "B-"])
def test_parsing_rejects_prefixes(prefixes):
    with pytest.raises(ValueError, match="E101"):
        parse_output("a(O)", ["city"], prefixes)


@pytest.mark.parametrize("text", ["(", "a(O", "(B-", "(O)", "a ", "((((O) ", "(B-city) "])
def test_parsing_reads_any_long_text(text):
    # Time that grows with the square of the text would be hours here.
    parsed = parse_output(text * (1_000_000 // len(text)), LABELS)
    assert bool(parsed) == (")" in text)
