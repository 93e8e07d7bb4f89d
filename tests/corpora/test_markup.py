import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.corpora.markup import parse_inline, render_inline
from spacy_gner.corpora.read_report import CorpusError
from spacy_gner.corpora.readers import guess_format
from spacy_gner.corpora.source import Source


def mentions(line):
    text, spans = parse_inline(line, "file:1")
    return text, [(text[start:end], label) for start, end, label in spans]


@pytest.mark.parametrize(
    "line, text, found",
    [
        ("[Ada](person) left.", "Ada left.", [("Ada", "person")]),
        ("[A](x)[B](y)", "AB", [("A", "x"), ("B", "y")]),
        ("in ([1871](year)–[1944](year))", "in (1871–1944)", [("1871", "year"), ("1944", "year")]),
        (
            "[C++ (2020)](programming language)",
            "C++ (2020)",
            [("C++ (2020)", "programming language")],
        ),
        ("[Complex [I]](enzyme) in", "Complex [I] in", [("Complex [I]", "enzyme")]),
        ("[ Rome ](city)!", " Rome !", [("Rome", "city")]),
    ],
)
def test_markup_entities(line, text, found):
    assert mentions(line) == (text, found)


@pytest.mark.parametrize(
    "line, text, found",
    [
        ("He [sic] said (twice) so", "He [sic] said (twice) so", []),
        ("a[0] (b)", "a[0] (b)", []),
        ("[Rome] (city)", "[Rome] (city)", []),
        ("[1] [Rome](city) [2", "[1] Rome [2", [("Rome", "city")]),
        ("] [ [Rome](city) ]", "] [ Rome ]", [("Rome", "city")]),
        ("[a [Rome](city)", "[a Rome", [("Rome", "city")]),
        ("[a](b", "[a](b", []),
        ("](x)", "](x)", []),
        (r"C:\dir\[x\](y)", r"C:\dir[x](y)", []),
        (r"\[Rome](city)", "[Rome](city)", []),
        (r"\\[Rome](city)", "\\Rome", [("Rome", "city")]),
        (r"[a\]b](x)", "a]b", [("a]b", "x")]),
        ("", "", []),
    ],
)
def test_markup_other_brackets_are_text(line, text, found):
    assert mentions(line) == (text, found)


@pytest.mark.parametrize(
    "line, error",
    [
        ("[](city)", "a blank mention"),
        ("[ ](city)", "a blank mention"),
        ("[Rome]()", "the type ''"),
        ("[Rome]( )", "the type ' '"),
        ("[Rome](city, capital)", "cannot stand in a prompt"),
        ("[Rome](city (capital))", "cannot stand in a prompt"),
        ("[Bank of [England](country)](bank)", "nested"),
    ],
)
def test_markup_broken(line, error):
    with pytest.raises(CorpusError) as caught:
        parse_inline(f"In {line}.", "dir/file.txt:7")
    assert str(caught.value).startswith("[GNER-E212] dir/file.txt:7: ") and error in str(
        caught.value
    )


CHUNKS = st.text(st.one_of(st.sampled_from("[]()\\ab ,"), st.characters(codec="utf-8")), max_size=8)
MENTIONS = CHUNKS.filter(lambda mention: mention.strip() and mention == mention.strip())
LABELS = st.sampled_from(["person", "average ratings", "x-y", "[odd]", "a\\"])


@given(st.lists(st.tuples(CHUNKS, MENTIONS, LABELS), max_size=4), CHUNKS)
@settings(deadline=None, max_examples=200)
def test_markup_rendered_is_parsed_back(parts, tail):
    text, spans = "", []
    for before, mention, label in parts:
        text += before
        spans.append((len(text), len(text) + len(mention), label))
        text += mention
    text += tail
    assert parse_inline(render_inline(text, spans), "file:1") == (text, spans)


@pytest.mark.parametrize(
    "pattern", ["[", "](", "[](", "\\", "[a](", "[a](b", "[[]]", "](b)"], ids=repr
)
def test_markup_time_grows_with_the_length_and_not_with_its_square(tmp_path, pattern):
    def seconds(n):
        text = pattern * n + "["
        (tmp_path / "a.txt").write_text(text)
        times = []
        for _ in range(3):
            start = time.process_time()
            for read in (
                lambda: parse_inline(text, "a:1"),
                lambda: guess_format(Source(tmp_path / "a.txt")),
                lambda: render_inline(text, []),
            ):
                with contextlib.suppress(CorpusError):
                    read()
            times.append(time.process_time() - start)
        return min(times)

    # Eight times the length: 8 if linear, 64 if quadratic.
    assert seconds(80_000) < 30 * max(seconds(10_000), 1e-4)
