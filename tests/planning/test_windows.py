import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

import spacy_gner.planning.windows as windows_module
from spacy_gner.planning.windows import DocWords, Windower

NLP = spacy.blank("en")


def one_each(words):
    return [1] * len(words)


def test_windows_white_space_is_no_word():
    doc = Doc(NLP.vocab, words=["a", "\n\n", "b", " ", "New York"], spaces=[False] * 5)
    words = DocWords.from_doc(doc)
    assert words.texts == ("a", "b", "New", "York")
    assert words.tokens == (0, 2, 4, 4)


def test_windows_one_window_when_all_fits():
    words = DocWords.from_doc(NLP.make_doc("one two three"))
    (window,) = Windower()(words, one_each, 3)
    assert window.words == (0, 1, 2)
    assert (window.begin, window.end) == (0, 3)


def sentence_doc():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return nlp("One two three. Four five. Six seven eight nine ten. Eleven.")


def test_windows_cuts_between_sentences():
    words = DocWords.from_doc(sentence_doc())
    assert words.sentences == (0, 4, 7, 13)
    windows = Windower()(words, one_each, 8)
    assert [w.words for w in windows] == [tuple(range(7)), tuple(range(7, 15))]


def test_windows_split_sentences():
    windows = Windower(split_sentences=True)(DocWords.from_doc(sentence_doc()), one_each, 50)
    assert len(windows) == 4


def test_windows_long_sentence_overlaps():
    words = DocWords.from_doc(NLP.make_doc(" ".join("abcdefghij")))
    windows = Windower(overlap=2)(words, one_each, 4)
    assert [w.words[0] for w in windows] == [0, 2, 4, 6]
    assert [(w.begin, w.end) for w in windows] == [(0, 3), (3, 5), (5, 7), (7, 10)]


def test_windows_word_too_long_is_left_out_with_one_warning(monkeypatch):
    monkeypatch.setattr(windows_module, "_warned_long_word", False)
    words = DocWords.from_doc(NLP.make_doc("a bbbbbbbbb c"))
    window = Windower()

    def by_length(texts):
        return [len(t) for t in texts]

    with pytest.warns(UserWarning, match="W001"):
        (found,) = window(words, by_length, 5)
    assert found.words == (0, 2)


@pytest.mark.parametrize("settings_", [{"max_tokens": 0}, {"overlap": -1}])
def test_windows_bad_settings(settings_):
    with pytest.raises(ValueError, match="E017"):
        Windower(**settings_)


@settings(max_examples=200)
@given(
    st.lists(st.integers(1, 6), max_size=60),
    st.lists(st.booleans(), min_size=60, max_size=60),
    st.integers(6, 15),
    st.integers(0, 8),
    st.booleans(),
)
def test_windows_cover_every_word_once(costs, starts, budget, overlap, split):
    sentences = (0, *(i for i in range(1, len(costs)) if starts[i]))
    words = DocWords(tuple(map(str, costs)), tuple(range(len(costs))), sentences)
    found = Windower(overlap=overlap, split_sentences=split)(
        words, lambda texts: [int(t) for t in texts], budget
    )
    decided = [i for w in found for i in range(w.begin, w.end)]
    assert decided == list(range(len(costs)))
    for window in found:
        assert sum(costs[i] for i in window.words) <= budget
        assert set(range(window.begin, window.end)) <= set(window.words)
        assert window.words == tuple(range(window.words[0], window.words[-1] + 1))
