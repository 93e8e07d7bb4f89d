import gzip

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from thinc.api import Config

from spacy_gner.corpora.corpus import InlineCorpus
from spacy_gner.corpora.markup import render_inline
from spacy_gner.corpora.read_report import CorpusError
from spacy_gner.corpora.tokenize import tokenize

NLP = spacy.blank("en")


def read(tmp_path, *lines, **settings):
    path = tmp_path / "a.txt"
    path.write_bytes("\n".join(lines).encode())
    reader = InlineCorpus(path, **settings)
    return reader, list(reader(NLP))


def ents(example):
    return [(e.text, e.label_) for e in example.reference.ents]


def test_inline_each_passage_has_its_own_inventory(tmp_path):
    reader, examples = read(
        tmp_path, "[Rome](city) and [Ada](person), not [Oslo](city).", "", "No one."
    )
    first, second = examples
    assert first.reference.text == first.predicted.text == "Rome and Ada, not Oslo."
    assert ents(first) == [("Rome", "city"), ("Ada", "person"), ("Oslo", "city")]
    assert first.reference._.gner_labels == first.predicted._.gner_labels == ["city", "person"]
    assert second.reference._.gner_labels == [] and not second.reference.ents
    assert not first.predicted.ents
    assert reader.labels() == ["city", "person"]


def test_inline_tokens_are_cut_at_the_ends_of_mentions(tmp_path):
    reader, (example,) = read(
        tmp_path, "The [USD](currency)[5](amount)m deal, pro-[French](nation) side"
    )
    words = ["The", "USD", "5", "m", "deal", ",", "pro", "-", "French", "side"]
    assert [t.text for t in example.reference] == [t.text for t in example.predicted] == words
    assert example.reference.text == example.predicted.text == "The USD5m deal, pro-French side"
    assert ents(example) == [("USD", "currency"), ("5", "amount"), ("French", "nation")]
    assert reader.report.split_tokens == 1
    assert None not in example.get_aligned_ner()


def test_inline_broken_line(tmp_path):
    lines = ["[Rome](city)", "", "[Oslo]()", "[Bonn](city)"]
    with pytest.raises(CorpusError, match=r"E212.*a\.txt:3: "):
        read(tmp_path, *lines)
    with pytest.warns(UserWarning, match=r"\[GNER-W201\] 1 .*a\.txt:3"):
        reader, examples = read(tmp_path, *lines, on_error="skip")
    assert [ents(eg) for eg in examples] == [[("Rome", "city")], [("Bonn", "city")]]
    assert reader.report.skipped == 1 and reader.labels() == ["city"]


def test_inline_corpus_without_entities(tmp_path):
    with pytest.raises(ValueError, match="E211"):
        read(tmp_path, "Nobody [sic] here.")


def test_inline_gzip_directory_and_config(tmp_path):
    with gzip.open(tmp_path / "b.txt.gz", "wt") as file:
        file.write("[Rome](city)\n[Oslo](city)\n")
    config = Config().from_str(
        f"""
        [corpora]
        [corpora.train]
        @readers = "spacy_gner.InlineCorpus.v1"
        path = "{tmp_path}"
        limit = 1
        dataset = "mine"
        """
    )
    (example,) = spacy.registry.resolve(config)["corpora"]["train"](NLP)
    assert ents(example) == [("Rome", "city")]
    assert example.reference.user_data["gner_dataset"] == "mine"


def test_inline_tokenizer_that_changes_the_text(tmp_path):
    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: Doc(nlp.vocab, words=text.lower().split())
    (tmp_path / "a.txt").write_text("In [Rome](city)")
    with pytest.raises(CorpusError, match=r"E215.*a\.txt:1"):
        list(InlineCorpus(tmp_path / "a.txt")(nlp))


TEXTS = st.text(
    st.one_of(st.sampled_from("ab.,-[](\\) '"), st.characters(codec="utf-8")), max_size=30
)


@given(TEXTS, st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=200)
def test_tokenize_keeps_the_text_and_every_cut(text, cuts):
    cuts = [cut for cut in cuts if cut <= len(text) and not text[cut - 1 : cut + 1].isspace()]
    tokens = tokenize(NLP, text, "file:1", cuts)
    pieces = [word + " " * space for word, space in zip(tokens.words, tokens.spaces, strict=True)]
    assert "".join(pieces) == text and all(tokens.words)
    for cut in cuts:
        at_start = cut in tokens.word_at_start or text[cut : cut + 1] in ("", " ")
        assert at_start or cut in tokens.word_at_end


@given(TEXTS, st.lists(st.integers(0, 30), min_size=2, max_size=6, unique=True))
@settings(max_examples=100)
def test_inline_rendered_entities_come_back(tmp_path_factory, text, offsets):
    # A file that is full of NUL bytes is refused.
    text = text.replace("\n", " ").replace("\r", " ").replace("\0", " ")
    offsets = sorted(offset for offset in offsets if offset <= len(text))
    bounds = zip(offsets[::2], offsets[1::2], strict=False)
    spans = [(s, e, "a b") for s, e in bounds if text[s:e] == text[s:e].strip()]
    line = render_inline(text, spans)
    path = tmp_path_factory.mktemp("inline") / "a.txt"
    path.write_bytes(f"[Rome](city)\n{line}\n".encode())
    examples = list(InlineCorpus(path)(NLP))
    # Separators such as U+001F are blank as text, not as bytes.
    if not line.encode().strip():
        assert len(examples) == 1
        return
    assert examples[1].reference.text == text
    found = [(e.start_char, e.end_char, e.label_) for e in examples[1].reference.ents]
    assert found == spans
