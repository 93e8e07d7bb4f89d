import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.corpora import markup, readers
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
@settings(max_examples=200)
def test_markup_rendered_is_parsed_back(parts, tail):
    text, spans = "", []
    for before, mention, label in parts:
        text += before
        spans.append((len(text), len(text) + len(mention), label))
        text += mention
    text += tail
    assert parse_inline(render_inline(text, spans), "file:1") == (text, spans)


class Watched(str):
    """A text that counts the characters which are searched and copied."""

    n = 0

    def find(self, part, start=0):
        found = super().find(part, start)
        self.n += (len(self) if found < 0 else found + 1) - start
        return found

    def __getitem__(self, key):
        part = super().__getitem__(key)
        self.n += len(part)
        return part


class WatchedPattern:
    def __init__(self, pattern):
        self.pattern = pattern

    def search(self, line, position=0):
        match = self.pattern.search(line, position)
        line.n += (match.end() if match else len(line)) - position
        return match


@pytest.mark.parametrize(
    "pattern", ["[", "](", "[](", "\\", "[a](", "[a](b", "[[]]", "](b)", "[a](b) "], ids=repr
)
def test_the_work_on_markup_grows_with_the_length_and_not_with_its_square(pattern, monkeypatch):
    monkeypatch.setattr(markup, "_BRACKET", WatchedPattern(markup._BRACKET))

    def work(n):
        text = Watched(pattern * n + "[")
        with contextlib.suppress(CorpusError):
            parse_inline(text, "a:1")
        return text.n

    assert work(100) <= work(800) <= 8.1 * work(100)


def test_a_search_never_begins_within_a_run_of_backslashes():
    # Else each backslash of a long run would have a search of its own through all the rest.
    assert markup._BRACKET.match("\\\\[", 0) is not None
    assert markup._BRACKET.match("\\\\[", 1) is None


def test_the_tag_of_a_long_line_is_looked_for_at_its_end(tmp_path, monkeypatch):
    seen = []
    searched = readers._TAG_AT_END.search

    class Pattern:
        def search(self, line):
            seen.append(len(line))
            return searched(line)

    monkeypatch.setattr(readers, "_TAG_AT_END", Pattern())
    path = tmp_path / "a.txt"
    path.write_text(" B-" * 10_000 + "\tword\n" + "word\tB-average rating" + " " * 500)
    assert guess_format(Source(path)) == "conll"
    assert len(seen) == 2 and max(seen) == 100
