import gzip
import json
import warnings

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from thinc.api import Config

from spacy_gner.corpora.corpus import BIOCorpus
from spacy_gner.corpora.read_report import CorpusError
from spacy_gner.corpora.readers import guess_format
from spacy_gner.corpora.source import Source
from spacy_gner.formats.tagged_words import encode_bio

NLP = spacy.blank("en")
CURIE = {"words": ["Marie", "Curie", "left"], "labels": ["B-person", "I-person", "O"]}
PARIS = {"words": ["Paris"], "labels": ["B-city"]}


def jsonl(path, *records):
    lines = [r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf8")
    return path


def ents(example):
    return [(e.start, e.end, e.label_) for e in example.reference.ents]


def test_bio_columns_are_cut_at_blanks_and_tabs_only(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("10\u00a0km  B-distance\n", encoding="utf8")
    with pytest.raises(CorpusError, match=r"\[GNER-E208\].*10"):
        list(BIOCorpus(path)(NLP))


def test_bio_jsonl_gives_words_entities_and_inventory(tmp_path):
    reader = BIOCorpus(jsonl(tmp_path / "a.jsonl", CURIE, "", PARIS))
    first, second = reader(NLP)
    assert [t.text for t in first.reference] == [t.text for t in first.predicted] == CURIE["words"]
    assert ents(first) == [(0, 2, "person")] and ents(second) == [(0, 1, "city")]
    assert not first.predicted.ents
    for doc in (first.reference, first.predicted, second.reference, second.predicted):
        assert doc._.gner_labels == ["city", "person"]
    assert first.get_aligned_ner() == ["B-person", "L-person", "O"]
    assert (reader.report.passages, reader.report.entities) == (2, 2)
    assert reader.report.labels == {"person": 1, "city": 1}


def test_bio_inventories_are_not_shared(tmp_path):
    first, second = BIOCorpus(jsonl(tmp_path / "a.jsonl", CURIE, PARIS))(NLP)
    first.reference._.gner_labels.append("other")
    assert second.reference._.gner_labels == first.predicted._.gner_labels == ["city", "person"]


CONLL = """-DOCSTART- -X- O O

# id 7 domain=en
# # # O
U.N. NNP I-NP I-ORG
official NN I-NP O

Ekeus\tNNP\tI-NP\tI-PER
"""
TABS = """# text = C-3 or I-5
Python\tB-programming language
3\tI-programming language
maybe\t-
"""


def test_bio_conll(tmp_path):
    (tmp_path / "a.conll").write_text(CONLL)
    (tmp_path / "b.conll").write_text(TABS)
    examples = list(BIOCorpus(tmp_path)(NLP))
    assert [[t.text for t in eg.reference] for eg in examples] == [
        ["#", "U.N.", "official"],
        ["Ekeus"],
        ["Python", "3", "maybe"],
    ]
    assert [ents(eg) for eg in examples] == [
        [(1, 2, "ORG")],
        [(0, 1, "PER")],
        [(0, 2, "programming language")],
    ]
    assert examples[2].reference[2].ent_iob == 0
    assert examples[2].get_aligned_ner() == [
        "B-programming language",
        "L-programming language",
        None,
    ]


def test_bio_missing_annotation_stays_missing(tmp_path):
    data = {"words": ["a", "b", "c"], "labels": [None, "B-x", "-"]}
    reader = BIOCorpus(jsonl(tmp_path / "a.jsonl", data))
    (example,) = reader(NLP)
    assert [t.ent_iob for t in example.reference] == [0, 3, 0]
    assert example.get_aligned_ner() == [None, "U-x", None]
    assert reader.report.missing_words == 2


BROKEN = {
    "E249": ["{not json", "[" * 100_000],
    "E205": [
        "[1]",
        '{"words": ["a"]}',
        '{"words": [], "labels": []}',
        '{"words": "a", "labels": "O"}',
    ],
    "E206": [{"words": ["a", "b"], "labels": ["O"]}, {"words": ["a"], "labels": ["O", "O"]}],
    "E207": [
        {"words": ["a"], "labels": ["B-"]},
        {"words": ["a"], "labels": ["X-person"]},
    ],
    "E231": [{"words": ["a"], "labels": [1]}],
    "E208": [
        {"words": [""], "labels": ["O"]},
        {"words": ["a b"], "labels": ["O"]},
        {"words": ["a\u00a0b"], "labels": ["O"]},
        {"words": [None], "labels": ["O"]},
    ],
    "E209": [
        {"words": ["a"], "labels": ["B-x (y)"]},
        {"words": ["a"], "labels": ["B-x, y"]},
        {"words": ["a"], "labels": ["B- x"]},
    ],
}
CASES = [(code, record) for code, records in BROKEN.items() for record in records]


@pytest.mark.parametrize("code, record", CASES)
def test_bio_broken_line_stops_with_file_and_line(tmp_path, code, record):
    path = jsonl(tmp_path / "a.jsonl", CURIE, "", record, PARIS)
    with pytest.raises(CorpusError) as error:
        list(BIOCorpus(path)(NLP))
    assert str(error.value).startswith(f"[GNER-{code}] {path}:3: ")


@pytest.mark.parametrize("code, record", CASES)
def test_bio_broken_line_is_skipped_and_counted(tmp_path, code, record):
    path = jsonl(tmp_path / "a.jsonl", CURIE, record, PARIS, record)
    reader = BIOCorpus(path, on_error="skip")
    with pytest.warns(UserWarning) as caught:
        examples = list(reader(NLP))
    assert [len(eg.reference) for eg in examples] == [3, 1]
    assert reader.report.skipped == 2
    (warning,) = [str(w.message) for w in caught]
    assert warning.startswith("[GNER-W201] 2 ") and f"[GNER-{code}] {path}:2: " in warning
    assert examples[0].reference._.gner_labels == ["city", "person"]


def test_bio_broken_conll_names_the_line_of_the_word(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("Paris B-city\nis O\n\nRome B-city\nlonely\n\nBonn B-city\nis X-what\n")
    with pytest.raises(CorpusError, match=r"E229.*a\.conll:5: "):
        list(BIOCorpus(path)(NLP))
    reader = BIOCorpus(path, on_error="skip")
    with pytest.warns(UserWarning, match="W201"):
        with pytest.raises(ValueError, match="E228"):  # more is broken than read
            list(reader(NLP))
    assert f"[GNER-E207] {path}:8: " in reader.report.messages[1]


def test_bio_line_that_is_not_utf8(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps(PARIS).encode() + b'\n{"words": ["\xff"], "labels": ["O"]}\n')
    with pytest.raises(CorpusError, match=r"E204.*a\.jsonl:2"):
        list(BIOCorpus(path)(NLP))


def test_bio_given_inventory_rules(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", CURIE, PARIS)
    (example, _) = BIOCorpus(path, labels=["person", "film", "city"])(NLP)
    assert example.reference._.gner_labels == ["person", "film", "city"]
    with pytest.raises(CorpusError, match=r"E210.*:2.*'city'"):
        list(BIOCorpus(path, labels=["person"])(NLP))
    with pytest.raises(ValueError, match="E209"):
        BIOCorpus(path, labels=["person", " "])


def test_bio_ignored_labels_become_outside(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", CURIE, PARIS)
    reader = BIOCorpus(path, ignore=["city"])
    examples = list(reader(NLP))
    assert reader.labels() == ["person"]
    assert examples[1].get_aligned_ner() == ["O"]


def test_bio_renamed_labels(tmp_path):
    data = {"words": ["A9", "Rome"], "labels": ["B-road, highway", "B-LOC"]}
    path = jsonl(tmp_path / "a.jsonl", data)
    reader = BIOCorpus(path, rename={"road, highway": "road", "LOC": "place"})
    (example,) = reader(NLP)
    assert ents(example) == [(0, 1, "road"), (1, 2, "place")]
    assert reader.labels() == ["place", "road"]


@pytest.mark.parametrize("setting", [{"format": "xml"}, {"on_error": "ignore"}])
def test_bio_unknown_choice(tmp_path, setting):
    with pytest.raises(ValueError, match="E203.*must be one of"):
        BIOCorpus(tmp_path, **setting)


def test_bio_without_path():
    with pytest.raises(ValueError, match="E201"):
        BIOCorpus(None)


def test_bio_corpus_without_entities(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", {"words": ["a"], "labels": ["O"]})
    with pytest.raises(ValueError, match="E211"):
        list(BIOCorpus(path)(NLP))
    with pytest.warns(UserWarning, match="W203"):
        assert len(list(BIOCorpus(path, on_error="skip")(NLP))) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(BIOCorpus(path, labels=["city"])(NLP))) == 1


def test_bio_limit_and_max_words(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", CURIE, PARIS, CURIE)
    reader = BIOCorpus(path, limit=1)
    assert [len(eg.reference) for eg in reader(NLP)] == [3]
    assert reader.labels() == ["city", "person"]  # of the data set, not of the part
    reader = BIOCorpus(path, max_words=2)
    assert [len(eg.reference) for eg in reader(NLP)] == [1]
    assert reader.report.too_long == 2


def test_bio_limit_reads_no_further(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", CURIE, "{broken")
    assert len(list(BIOCorpus(path, limit=1)(NLP))) == 1


def test_bio_shuffle_is_repeatable_and_changes_between_calls(tmp_path):
    records = [{"words": [f"w{i}"], "labels": ["B-x"]} for i in range(30)]
    path = jsonl(tmp_path / "a.jsonl", *records)

    def orders(seed):
        reader = BIOCorpus(path, shuffle=True, seed=seed)
        return [[eg.reference[0].text for eg in reader(NLP)] for _ in range(2)]

    first, second = orders(1)
    assert first != second and sorted(first) == sorted(second)
    assert orders(1) == [first, second]
    assert orders(2)[0] != first


def test_bio_directory_mixes_formats_and_gzip(tmp_path):
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write(json.dumps(CURIE))
    (tmp_path / "b.iob").write_text("Rome B-city")
    examples = list(BIOCorpus(tmp_path)(NLP))
    assert [len(eg.reference) for eg in examples] == [3, 1]
    assert len(list(BIOCorpus(tmp_path, format="conll")(NLP))) == 1


@pytest.mark.parametrize(
    "content, expected", [(' {"words"', "json"), ("{ O\n", "conll"), ("a O", "conll")]
)
def test_bio_format_of_unknown_names_is_guessed_from_content(tmp_path, content, expected):
    (tmp_path / "data").write_text(content)
    assert guess_format(Source(tmp_path / "data")) == expected


def test_bio_resolves_from_config(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", CURIE)
    config = Config().from_str(
        f"""
        [corpora]
        [corpora.train]
        @readers = "spacy_gner.BIOCorpus.v1"
        path = "{path}"
        on_error = "skip"
        """
    )
    reader = spacy.registry.resolve(config)["corpora"]["train"]
    assert [ents(eg) for eg in reader(NLP)] == [[(0, 2, "person")]]


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=6)
WORDS = WORDS.filter(lambda word: not any(char.isspace() for char in word))


@st.composite
def tagged_sentences(draw):
    words = draw(st.lists(WORDS, min_size=1, max_size=8))
    tags = draw(
        st.lists(
            st.sampled_from(["O", None, "B-a", "I-a", "B-b c", "I-b c"]),
            min_size=len(words),
            max_size=len(words),
        )
    )
    return words, tags


def as_iob2(tags):
    previous, result = None, []
    for tag in tags:
        opens = tag and tag.startswith("I-") and (not previous or previous[2:] != tag[2:])
        result.append("B" + tag[1:] if opens else tag)
        previous = tag
    return result


@given(tagged_sentences())
@settings(max_examples=200)
def test_bio_words_and_tags_survive_the_example(tmp_path_factory, sentence):
    words, tags = sentence
    path = tmp_path_factory.mktemp("bio") / "a.jsonl"
    jsonl(path, {"words": words, "labels": tags}, PARIS)
    example = next(iter(BIOCorpus(path)(NLP)))
    assert [t.text for t in example.reference] == words
    missing = [t.i for t in example.reference if t.ent_iob == 0]
    written = enumerate(encode_bio(len(words), ents(example)))
    assert [None if i in missing else tag for i, tag in written] == as_iob2(tags)
