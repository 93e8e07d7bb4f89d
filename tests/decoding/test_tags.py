import gc
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.decoding.tags import TagTable, TagTrie, tag_table
from spacy_gner.formats import BIO, BIOES

from ..models import LABELS, TEXTS, WORDS, build_tiny_causal, build_tiny_seq2seq

# Vocabularies in which tokens do reach over the parenthesis of a tag.
GLUED = [*TEXTS, *["x.(O) y.(B-city) (((O) 1995(I-city) w(O w(B end(I-person)"] * 40]
BUILDERS = {
    "causal": lambda: build_tiny_causal(),
    "seq2seq": lambda: build_tiny_seq2seq(),
    "seq2seq-glued": lambda: build_tiny_seq2seq(texts=GLUED),
    "causal-glued": lambda: build_tiny_causal(texts=GLUED),
}
any_word = st.one_of(
    st.sampled_from([*WORDS, "(O)", "(", "((", "x.", "x(B", "w(", "漢", "é", "😀", "（", "Ｏ"]),
    st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=8),
    st.text("(B-IO).x", min_size=1, max_size=6),
)


@pytest.fixture(scope="module", params=BUILDERS)
def backbone(request):
    return BUILDERS[request.param]()


@settings(max_examples=50)
@given(st.lists(any_word, min_size=1, max_size=5), st.sampled_from([BIO(), BIOES()]))
def test_pieces_are_those_of_whole_tokenization(backbone, words, format):
    table = tag_table(backbone, format, LABELS)
    for word, tokens in zip(words, table.words(words), strict=True):
        whole = {t: tuple(backbone.codec.target_ids([f"{word}({t})"])[0]) for t in table.tags}
        seen = set()
        for tag in table.tags:
            if tag in tokens.trie.suffixes:
                assert tokens.piece(tag) == whole[tag]
                assert tokens.trie.find(tokens.trie.suffixes[tag]).tag == tag
                seen.add(whole[tag])
        # Left out is only what cannot be told from a tag that is there.
        for tag in set(table.tags) - set(tokens.trie.suffixes):
            assert any(
                whole[tag][: len(s)] == s or s[: len(whole[tag])] == whole[tag] for s in seen
            )


def test_one_tokenization_serves_all_tags_where_it_may(backbone):
    table = TagTable(backbone.codec, BIO(), LABELS)
    tries = {id(word.trie) for word in table.words(["London", "Paris", "lives", "1995"])}
    assert len(tries) == 1


def test_tables_are_cached_by_labels_and_scheme():
    backbone = build_tiny_causal()
    table = tag_table(backbone, BIO(), ["a", "b"])
    assert tag_table(backbone, BIO(), ["a", "b"]) is table
    assert tag_table(backbone, BIO(), ["b", "a"]) is not table
    assert tag_table(backbone, BIOES(), ["a", "b"]) is not table
    assert tag_table(build_tiny_causal(), BIO(), ["a", "b"]) is not table
    backbone.cache.max_bytes = backbone.cache.n_bytes
    tag_table(backbone, BIO(), ["another label"])
    assert tag_table(backbone, BIO(), ["a", "b"]) is not table


def test_tables_know_about_how_large_they_are(backbone):
    """Within a factor of three of what Python takes for them."""
    table = TagTable(backbone.codec, BIO(), LABELS)
    words = [f"{a}{b}" for a in "abcdefghij" for b in range(100)]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    start = table.n_bytes
    for word in table.words(words):
        for previous in ("", "O", "B-person"):
            table.allowed(word, previous, False)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken / 3 < table.n_bytes - start < taken * 3


def test_tables_forget_words_but_not_what_they_are(monkeypatch):
    monkeypatch.setattr("spacy_gner.decoding.tags._MAX_WORDS", 10)
    backbone = build_tiny_causal()
    table = TagTable(backbone.codec, BIO(), ["a"])
    words = [f"w{i}" for i in range(25)]
    first = table.words(words)
    again = table.words(words)
    assert [w.stem for w in first] == [w.stem for w in again]
    assert len(table._words) <= 25


@pytest.mark.parametrize("format", [BIO(), BIOES()])
def test_allowed_tags_are_those_of_the_scheme(format):
    backbone = build_tiny_causal()
    table = TagTable(backbone.codec, format, ["x", "y"])
    (word,) = table.words(["London"])
    for previous in ["", *table.tags]:
        for is_last in (False, True):
            expected = [t for t in table.tags if format.may_follow(previous, t)]
            if is_last:
                expected = [t for t in expected if format.may_end(t)]
            assert sorted(table.allowed(word, previous, is_last).suffixes) == sorted(expected)


def test_trie_leaves_out_what_cannot_be_told_apart():
    trie = TagTrie(
        {"O": [1, 2], "B-a": [3, 4, 5], "B-b": [3, 4, 5], "I-a": [3, 4], "I-b": [1, 2, 7]}
    )
    assert list(trie.suffixes) == ["O", "B-a"]
    assert trie.root.children[1].only_path() == [2]
    assert trie.choices("B-a") == [(0, [1, 3], 1)]
    assert trie.find([9]) is None and trie.find([1, 2, 3]) is None
    assert list(trie.within(["B-a", "I-b"]).suffixes) == ["B-a"]
