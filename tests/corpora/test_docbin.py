import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_gner.corpora.corpus import DocBinCorpus
from spacy_gner.corpora.mixture import Mixture
from spacy_gner.corpora.passage import DATASET_KEY, OPEN_LABELS_KEY, Passage, make_example
from spacy_gner.corpora.read_report import CorpusError

NLP = spacy.blank("en")


def write(path, *docs):
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def doc_of(words, *entities, missing=()):
    doc = Doc(NLP.vocab, words=words, spaces=[True] * len(words))
    spans = [Span(doc, start, end, label=label) for start, end, label in entities]
    doc.set_ents(spans, missing=[Span(doc, i, i + 1) for i in missing])
    return doc


def test_docbin_gives_back_what_convert_writes(tmp_path):
    closed = Passage(
        ["Ada", "\n", "here"], [(0, 1, "person")], ["person", "city"], [False] * 3, [2]
    )
    opened = Passage(["Rome"], [(0, 1, "city")], ["city"], is_open=True, dataset="silver")
    written = [make_example(NLP, p).reference for p in (closed, opened)]
    reader = DocBinCorpus(write(tmp_path / "a.spacy", *written))
    first, second = reader(spacy.blank("en"))
    for doc in (first.predicted, first.reference):
        assert [t.text for t in doc] == ["Ada", "\n", "here"] and doc.text == "Ada\nhere"
        assert doc._.gner_labels == ["person", "city"]
        assert OPEN_LABELS_KEY not in doc.user_data
    assert [t.ent_iob for t in first.reference] == [3, 2, 0]
    assert not first.predicted.ents
    assert second.reference.user_data[OPEN_LABELS_KEY]
    assert second.predicted.user_data[DATASET_KEY] == "silver"
    assert reader.labels() == ["city", "person"]


def test_docbin_keeps_the_wordings_of_labels(tmp_path):
    wordings = {"PER": "person", "LOC": "place"}
    written = make_example(NLP, Passage(["Ada"], [(0, 1, "PER")], wordings)).reference
    (example,) = DocBinCorpus(write(tmp_path / "a.spacy", written))(spacy.blank("en"))
    assert example.reference._.gner_labels == example.predicted._.gner_labels == wordings
    (mixed,) = Mixture({"a": DocBinCorpus(tmp_path / "a.spacy")})(spacy.blank("en"))
    assert mixed.reference._.gner_labels == wordings


def test_docbin_docs_without_inventory_share_their_labels(tmp_path):
    write(tmp_path / "a.spacy", doc_of(["Ada"], (0, 1, "PER")), doc_of(["no"]))
    write(tmp_path / "b.spacy", doc_of(["Rome"], (0, 1, "LOC")))
    examples = list(DocBinCorpus(tmp_path)(NLP))
    assert [eg.predicted._.gner_labels for eg in examples] == [["LOC", "PER"]] * 3
    assert [len(eg.reference.ents) for eg in examples] == [1, 0, 1]


def test_docbin_in_a_mixture_keeps_its_own_name(tmp_path):
    named = make_example(NLP, Passage(["Rome"], [(0, 1, "city")], ["city"]), "gazette").reference
    path = write(tmp_path / "a.spacy", named, doc_of(["Oslo"], (0, 1, "city")))
    mixture = Mixture({"other": DocBinCorpus(path)}, shuffle=False)
    names = [eg.reference.user_data[DATASET_KEY] for eg in mixture(NLP)]
    assert names == ["gazette", "other"]


def test_docbin_names_the_file_that_is_none(tmp_path):
    write(tmp_path / "a.spacy", doc_of(["Rome"], (0, 1, "city")))
    (tmp_path / "b.spacy").write_text("not a DocBin")
    with pytest.raises(CorpusError, match=r"\[GNER-E219\].*b\.spacy"):
        list(DocBinCorpus(tmp_path)(NLP))
    with pytest.warns(UserWarning, match=r"\[GNER-W201\] 1 broken"):
        assert len(list(DocBinCorpus(tmp_path, on_error="skip")(NLP))) == 1
