"""What the writers write, the readers read: text, entities, source, line and metadata."""

import json
from functools import partial

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_gner.cli.targets import write_documents
from spacy_gner.corpora.corpus import Corpus
from spacy_gner.corpora.document import Document, TextSpan
from spacy_gner.corpora.read_report import ReadReport
from spacy_gner.corpora.readers import guess_format
from spacy_gner.corpora.source import Source
from spacy_gner.corpora.writers import WRITERS
from spacy_gner.evaluation.data import read_dataset

NLP = spacy.blank("en")
LABELS = ["person", "place name", "place_name", "B-52", "Ort"]
# How a file is called, and what it is told to be.
NAMES = {
    "jsonl": ("a.jsonl", "json"),
    "csv": ("a.csv", "csv"),
    "tsv": ("a.tsv", "csv"),
    "docbin": ("a.spacy", "docbin"),
    "conll": ("a.conll", "conll"),
    "brat": ("a", "brat"),
    "label-studio": ("a.json", "json"),
    "prodigy": ("a.jsonl", "json"),
    "doccano": ("a.jsonl", "json"),
    "parquet": ("a.parquet", "json"),
    "words": ("a.jsonl", "json"),
    "inline": ("a.txt", "inline"),
}
SCORED = ("jsonl", "csv", "tsv", "docbin", "brat", "label-studio", "prodigy", "parquet")
# CoNLL and lists of words keep words, not the white space between them.
ONLY_WORDS = ("conll", "words")
WITHOUT_ORIGIN = ("inline",)

TEXTS = st.text(
    st.one_of(
        st.sampled_from("ab.,-[](\\) '\"\n\t|#*é😀_O"),
        st.characters(codec="utf-8", exclude_characters="\0\r"),
    ),
    min_size=1,
    max_size=40,
)
META = st.dictionaries(
    st.sampled_from(["id", "source", "line", "text", "entities", "labels", "ü", "answer", "data"]),
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 2**40) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)


@st.composite
def documents(draw):
    """A document whose entities start and end with words, and do not overlap."""
    doc = NLP.make_doc(draw(TEXTS))
    words = [token for token in doc if not token.is_space]
    entities = []
    position = 0
    while position < len(words) and draw(st.booleans()):
        start = draw(st.integers(position, len(words) - 1))
        end = draw(st.integers(start, min(start + 2, len(words) - 1)))
        label = draw(st.sampled_from(LABELS))
        score = draw(st.none() | st.integers(0, 10000).map(lambda n: n / 10000))
        last = words[end]
        entities.append(TextSpan(words[start].idx, last.idx + len(last), label, score))
        position = end + 1
    return Document(
        doc.text,
        entities,
        words=[token.text for token in doc],
        spaces=[bool(token.whitespace_) for token in doc],
        source=draw(st.sampled_from(["a.txt", "ä b/c.jsonl", "-"])),
        line=draw(st.integers(1, 9)),
        meta=draw(META),
    )


def key(document, format):
    entities = sorted(document.entities)
    if format not in SCORED:
        entities = [span[:3] for span in entities]
    text = document.text
    if format in ONLY_WORDS:
        words = ["_".join(word.split()) for word in document.words if word.strip()]
        mentions = [
            ("".join(text[span[0] : span[1]].split()).replace("_", ""), span[2])
            for span in entities
        ]
        text, entities = words, mentions
    origin = () if format in WITHOUT_ORIGIN else (document.source, document.line)
    meta = "" if format in WITHOUT_ORIGIN else json.dumps(document.meta, sort_keys=True)
    return text, entities, origin, meta


def keeps(document, format):
    """Whether a format can hold a document at all."""
    words = [word for word in document.words if word.strip()]
    if format in ONLY_WORDS:
        # A word that is the mark between documents, and no words at all.
        return bool(words) and "-DOCSTART-" not in words
    if format == "inline":
        # A line a document, so without line ends; and no entity without brackets around it.
        return bool(document.text.strip()) and "\n" not in document.text
    return True


@pytest.mark.parametrize("format", NAMES)
@given(documents=st.lists(documents(), min_size=1, max_size=3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path_factory, format, documents):
    pytest.importorskip("pyarrow") if format == "parquet" else None
    documents = [document for document in documents if keeps(document, format)]
    # So that the content tells what it is: a document with an entity.
    first = Document(
        "Ada left.", [TextSpan(0, 3, "person", 0.5)], words=["Ada", "left", "."],
        spaces=[True, False, False], source="s", line=3, meta={"a": [1]},
    )  # fmt: skip
    documents = [first, *documents]
    name, told = NAMES[format]
    path = tmp_path_factory.mktemp("trip") / name
    write_documents(documents, format, path)
    corpus = Corpus(path)
    if format == "brat":
        assert {guess_format(Source(file)) for file in corpus.files()} == {told}
        # The order of the files is that of their names.
        order = partial(sorted, key=repr)
    else:
        assert guess_format(Source(path)) == told
        order = list
    read = list(corpus.documents(ReadReport()))
    if format in ONLY_WORDS:
        assert [key(d, format)[1:] for d in read] == [key(d, format)[1:] for d in documents]
        assert [list(d.words) for d in read] == [key(d, format)[0] for d in documents]
    else:
        expected = order(key(document, format) for document in documents)
        assert order(key(document, format) for document in read) == expected


def test_every_format_but_the_page_is_tested():
    assert set(NAMES) == set(WRITERS) - {"html"}


@pytest.mark.parametrize("format", [name for name in NAMES if name not in WITHOUT_ORIGIN])
def test_annotated_entities_become_examples(tmp_path, format):
    pytest.importorskip("pyarrow") if format == "parquet" else None
    document = Document(
        "Ada saw\nNew York.",
        [TextSpan(0, 3, "person", 0.5), TextSpan(8, 16, "city", 0.75)],
        words=["Ada", "saw", "\n", "New", "York", "."],
        spaces=[True, False, False, True, False, False],
        source="a.txt",
        line=1,
    )
    path = tmp_path / NAMES[format][0]
    write_documents([document], format, path)
    (example,) = Corpus(path)(NLP)
    assert [(e.text, e.label_) for e in example.reference.ents] == [
        ("Ada", "person"),
        ("New York", "city"),
    ]
    assert example.reference._.gner_labels == ["city", "person"]


def test_label_studio_task_has_what_its_import_asks_for(tmp_path):
    document = Document("😀 Ada left.", [TextSpan(2, 5, "person", 0.5)], source="a", line=1)
    write_documents([document], "label-studio", tmp_path / "a.json")
    (task,) = json.loads((tmp_path / "a.json").read_text(encoding="utf8"))
    assert task["data"]["text"] == "😀 Ada left."
    (prediction,) = task["predictions"]
    (result,) = prediction["result"]
    assert (result["from_name"], result["to_name"], result["type"]) == ("label", "text", "labels")
    assert result["value"] == {"start": 2, "end": 5, "text": "Ada", "labels": ["person"]}
    assert result["score"] == prediction["score"] == 0.5 and result["id"]


def test_prodigy_task_has_the_tokens_that_its_spans_are_made_of(tmp_path):
    document = Document(
        "Ada left.", [TextSpan(0, 3, "person")], words=["Ada", "left", "."],
        spaces=[True, False, False], source="a", line=1,
    )  # fmt: skip
    write_documents([document], "prodigy", tmp_path / "a.jsonl")
    task = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf8"))
    assert task["tokens"][1] == {"text": "left", "start": 4, "end": 8, "id": 1, "ws": False}
    assert task["spans"] == [
        {"start": 0, "end": 3, "label": "person", "token_start": 0, "token_end": 0}
    ]


def test_brat_types_have_no_blanks_and_keep_their_labels_apart(tmp_path):
    document = Document(
        "Ada saw\nNew\nYork.",
        [TextSpan(0, 3, "place name"), TextSpan(8, 16, "place_name")],
        source="x/my notes.txt",
        line=2,
        meta={"id": 7},
    )
    write_documents([document], "brat", tmp_path / "out")
    lines = (tmp_path / "out" / "my_notes-2.ann").read_text().splitlines()
    assert lines == ["T1\tplace_name 0 3\tAda", "T2\tplace_name_2 8 11;12 16\tNew York"]
    assert "place_name | place name" in (tmp_path / "out" / "visual.conf").read_text()
    assert "place_name_2" in (tmp_path / "out" / "annotation.conf").read_text()


@pytest.mark.parametrize("format", NAMES)
def test_what_is_written_can_be_evaluated_on(tmp_path, format):
    pytest.importorskip("pyarrow") if format == "parquet" else None
    document = Document(
        "Ada saw New York.",
        [TextSpan(0, 3, "person", 0.5), TextSpan(8, 16, "city", 0.75)],
        words=["Ada", "saw", "New", "York", "."],
        spaces=[True, True, True, False, False],
        source="a.txt",
        line=1,
    )
    path = tmp_path / NAMES[format][0]
    write_documents([document], format, path)
    dataset = read_dataset("x", path)
    assert sorted(dataset.labels) == ["city", "person"]
    (sentence,) = dataset.sentences
    assert sentence.words == ("Ada", "saw", "New", "York", ".")
    mentions = [(m.start, m.end, m.label) for m in sentence.gold]
    assert mentions == [(0, 1, "person"), (2, 4, "city")]


def test_doccano_counts_as_browsers_do(tmp_path):
    document = Document("😀 Ada left.", [TextSpan(2, 5, "person")], source="a", line=1)
    write_documents([document], "doccano", tmp_path / "a.jsonl")
    record = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf8"))
    assert record["label"] == [[3, 6, "person"]]


@pytest.mark.parametrize("format", WRITERS)
def test_halves_of_characters_in_fields_can_be_written(tmp_path, format):
    """JSON can hold half of a surrogate pair in any field; other files cannot."""
    pytest.importorskip("pyarrow") if format == "parquet" else None
    half = "a\ud83d"
    document = Document(
        "Ada left.", [TextSpan(0, 3, "person", 0.5)], words=["Ada", "left", "."],
        spaces=[True, False, False], source=half, line=3, dataset=half, meta={half: [half]},
    )  # fmt: skip
    path = tmp_path / "out"
    write_documents([document], format, path)
    written = [path] if path.is_file() else list(path.iterdir())
    assert written and all(file.stat().st_size for file in written)
    if format == "docbin":
        (read,) = Corpus(path.rename(tmp_path / "out.spacy")).documents(ReadReport())
        assert (read.source, read.meta) == ("a?", {"a?": ["a?"]})
