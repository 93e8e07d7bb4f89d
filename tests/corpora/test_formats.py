"""Every format that people have, each by a file of its form."""

import gzip
import json
import re
import shutil
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

from spacy_gner.cli import app
from spacy_gner.corpora.corpus import Corpus
from spacy_gner.corpora.read_report import CorpusError
from spacy_gner.corpora.readers import FORMAT_NAMES, FORMATS, guess_format
from spacy_gner.corpora.source import Source
from spacy_gner.evaluation.data import read_dataset

FILES = Path(__file__).parent / "files"
NLP = spacy.blank("en")
CODED = [("Ada Lovelace", "PER"), ("Turin", "LOC")]
SPOKEN = [("Ada Lovelace", "person"), ("Turin", "place")]
NAMES = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]

# File, format that is told, entities of each passage.
CASES = [
    ("conll2003.conll", "conll", [CODED, [("Turin", "LOC")], [("Rome", "LOC")]]),
    ("bioes.tsv", "conll", [[*CODED, ("the Royal Society", "ORG")]]),
    ("bilou.conll", "conll", [CODED]),
    ("bmes.txt", "conll", [[("阿 达 去", "PER"), ("都 灵", "LOC"), ("罗", "LOC")]]),
    ("ud.conllu", "conllu", [[("Ada", "PER"), ("Turin", "LOC")]]),
    (
        "ontonotes.v4_gold_conll",
        "ontonotes",
        [[("Ada Lovelace", "PERSON"), ("Turin", "GPE")], [("Turin", "GPE")]],
    ),
    ("doccano.jsonl", "json", [CODED, []]),
    ("doccano_relations.jsonl", "json", [CODED]),
    ("prodigy.jsonl", "json", [CODED]),
    ("train_data.json", "json", [CODED, []]),
    ("annotator_for_spacy.json", "json", [CODED]),
    ("label_studio.json", "json", [CODED]),
    ("label_studio_min.json", "json", [CODED]),
    ("words.json", "json", [CODED]),
    ("hugging_face.parquet", "json", [CODED]),
    ("gner.json", "json", [SPOKEN]),
    ("gliner.json", "json", [SPOKEN]),
    ("pile_ner.json", "json", [SPOKEN]),
    (
        "articles.pubtator",
        "pubtator",
        [
            [("Ada Lovelace", "Person"), ("fever", "Disease"), ("fever", "Disease")],
            [("gout", "Disease")],
        ],
    ),
    ("words.csv", "csv", [[("Ada Lovelace", "per"), ("Turin", "geo")], []]),
    ("entities.csv", "csv", [CODED, []]),
    ("texts.csv", "csv", [CODED, []]),
    ("inline.txt", "inline", [SPOKEN, []]),
    (
        "brat/a.ann",
        "brat",
        [
            [
                ("Ada Lovelace", "Person"),
                ("visited", "Org"),
                ("Turin\nUniversity", "Place"),
                ("lung failure", "Disease"),
            ]
        ],
    ),
    ("docs.spacy", "docbin", [CODED]),
]
# Some of their words are not annotated, so that nothing can be measured on them.
INCOMPLETE = ("brat/a.ann",)
IDS = [name for name, _, _ in CASES]


def entities(corpus):
    return [[(ent.text, ent.label_) for ent in example.reference.ents] for example in corpus(NLP)]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name, format, expected", CASES, ids=IDS)
def test_formats_are_told_and_read(name, format, expected):
    pytest.importorskip("pyarrow") if name.endswith(".parquet") else None
    assert guess_format(Source(FILES / name)) == format
    assert entities(Corpus(FILES / name)) == expected
    assert entities(Corpus(FILES / name, format=format)) == expected


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name, format, expected", CASES, ids=IDS)
def test_formats_are_told_by_content_where_the_name_says_nothing(tmp_path, name, format, expected):
    if format == "brat":
        pytest.skip("told by the name alone")
    pytest.importorskip("pyarrow") if name.endswith(".parquet") else None
    data = (FILES / name).read_bytes()
    (tmp_path / "data").write_bytes(data)
    assert guess_format(Source(tmp_path / "data")) == format
    assert entities(Corpus(tmp_path / "data")) == expected
    if not name.endswith(".parquet"):
        (tmp_path / "packed.gz").write_bytes(gzip.compress(data))
        assert entities(Corpus(tmp_path / "packed.gz")) == expected


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name, format, expected", CASES, ids=IDS)
def test_formats_are_evaluated_on_and_converted(tmp_path, name, format, expected):
    """`evaluate --data` and `convert` find in every file what the reader of corpora finds."""
    pytest.importorskip("pyarrow") if name.endswith(".parquet") else None
    result = CliRunner().invoke(app, ["convert", str(FILES / name), str(tmp_path / "a.spacy")])
    assert result.exit_code == 0, result.output
    assert entities(Corpus(tmp_path / "a.spacy")) == expected
    if name in INCOMPLETE:
        with pytest.raises(CorpusError, match="E306"):
            read_dataset("x", FILES / name)
        return
    found = [
        [(" ".join(sentence.words[m.start : m.end]), m.label) for m in sentence.gold]
        for sentence in read_dataset("x", FILES / name).sentences
    ]
    assert found == expected


def test_formats_numbers_that_python_cannot_read(tmp_path):
    digits = "9" * 5000
    (tmp_path / "a.conll").write_text(f"# source = a\n# line = {digits}\nAda B-person\n")
    (tmp_path / "b.csv").write_text(
        f"document,source,line,text,start,end,label\n1,a,{digits},Ada,0,3,person\n"
    )
    for name in ("a.conll", "b.csv"):
        assert entities(Corpus(tmp_path / name)) == [[("Ada", "person")]]
    value = '{"start": 1e999, "end": 3, "labels": ["person"], "text": "Ada"}'
    task = '[{"data": {"text": "Ada"}, "annotations": [{"result": [{"value": VALUE}]}]}]'
    (tmp_path / "c.json").write_text(task.replace("VALUE", value))
    with pytest.raises(CorpusError, match="E232"):
        entities(Corpus(tmp_path / "c.json"))


@pytest.mark.parametrize("end", ["x", "", "-1", "9" * 5000])
def test_formats_pubtator_offset_that_is_no_number(tmp_path, end):
    path = tmp_path / "a.pubtator"
    path.write_text(f"1|t|Ada\n1\t0\t{end}\tAda\tperson\n")
    with pytest.raises(CorpusError, match=r"E232.*a\.pubtator:2"):
        entities(Corpus(path))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_formats_of_a_folder_are_told_file_by_file(tmp_path):
    for name in ("conll2003.conll", "doccano.jsonl", "texts.csv", "brat/a.txt", "brat/a.ann"):
        shutil.copy(FILES / name, tmp_path)
    corpus = Corpus(tmp_path)
    assert [path.name for path in corpus.files()] == [
        "a.ann",
        "conll2003.conll",
        "doccano.jsonl",
        "texts.csv",
    ]
    assert [len(found) for found in entities(corpus)] == [4, 2, 1, 1, 2, 0, 2, 0]


def test_formats_inventories():
    def inventory(name):
        return next(iter(Corpus(FILES / name)(NLP))).reference._.gner_labels

    assert inventory("doccano.jsonl") == ["LOC", "PER"]
    assert inventory("gner.json") == ["person", "place", "award"]  # its label_list
    assert inventory("gliner.json") == ["person", "place", "award"]  # asked, though absent
    assert inventory("pile_ner.json") == ["person", "place", "award"]


def test_formats_integer_tags_need_names():
    path = FILES / "hugging_face.jsonl"
    with pytest.raises(CorpusError, match=r"E231.*hugging_face\.jsonl:1.*--tag-names"):
        entities(Corpus(path))
    assert entities(Corpus(path, tag_names=NAMES)) == [CODED]
    with pytest.raises(CorpusError, match="E231.*there are 3 names"):
        entities(Corpus(path, tag_names=NAMES[:3]))


def test_formats_columns_that_leave_open_what_is_meant():
    path = FILES / "germeval.tsv"
    with pytest.raises(CorpusError, match=r"E230.*germeval\.tsv:2.*counts.*--word-column"):
        entities(Corpus(path))
    with pytest.raises(CorpusError, match="E230.*column 2 holds entity tags too"):
        entities(Corpus(path, word_column=1))
    outer = Corpus(path, word_column=1, tag_column=2)
    assert entities(outer) == [[("Ada Lovelace", "PER"), ("Turin University", "ORG")]]
    inner = Corpus(path, word_column=1, tag_column=-1)
    assert entities(inner) == [[("Turin", "LOC")]]
    with pytest.raises(CorpusError, match="E229.*no column 9"):
        entities(Corpus(path, word_column=9, tag_column=2))


def columns(tmp_path, text):
    path = tmp_path / "a.conll"
    path.write_bytes(text.encode())
    return Corpus(path)


@pytest.mark.parametrize(
    "text, code, line",
    [
        ("Ann NNP B-PER\nNew York NNP B-LOC\n", "E229", 2),  # four columns after three
        ("Ann NNP B-PER\n NNP B-LOC\n", "E229", 2),  # an empty first column, by blanks
        ("Ann\tNNP\tB-PER\n\tNNP\tB-LOC\n", "E208", 2),  # and by tabs
        ("Ann\tB-PER\nlonely\n", "E229", 2),
        ("1 Ann NNP I-NP B-PER\n2 left VBD O O\n", "E230", 1),
        ("0\tAnn\tB-PER\n1\tleft\tO\n", "E230", 1),
    ],
)
def test_formats_wrong_columns_are_refused_with_the_line(tmp_path, text, code, line):
    with pytest.raises(CorpusError, match=rf"{code}\] .*a\.conll:{line}: "):
        entities(columns(tmp_path, text))


def test_formats_docstart_ends_a_passage_without_a_blank_line(tmp_path):
    text = (
        "-DOCSTART- -X- O O\nParis NNP O I-LOC\n-DOCSTART- -X- O O\nRome NNP O I-LOC\nis VBZ O O\n"
    )
    assert entities(columns(tmp_path, text)) == [[("Paris", "LOC")], [("Rome", "LOC")]]


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_formats_line_ends(tmp_path, end):
    text = end.join(["Ann B-PER", "left O", "", "Rome B-LOC", ""])
    assert entities(columns(tmp_path, text)) == [[("Ann", "PER")], [("Rome", "LOC")]]


def test_formats_words_that_look_like_counts_or_comments(tmp_path):
    text = "1 O\n2 O\n# O\n#1 B-x\n"
    assert entities(columns(tmp_path, text)) == [[("#1", "x")]]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_formats_brat_entity_of_separate_parts_is_left_out_and_not_annotated():
    corpus = Corpus(FILES / "brat" / "a.txt")
    (example,) = corpus(NLP)
    assert corpus.report.discontinuous == 1
    missing = [token.text for token in example.reference if not token.ent_iob]
    assert missing == ["heart"]  # "failure" belongs to another entity too
    assert corpus.report.to_dict()["dropped"] == {
        "entities of separate parts": 1,
        "words without annotation": 1,
    }


@pytest.mark.parametrize(
    "line",
    [
        "#1\tAnnotatorNotes T1\tscore=0.1.2",
        "#1\tAnnotatorNotes T1\tscore=.",
        "T2\tcity 0 " + 5000 * "9" + "\tAda",
        "T2\tcity 0 1;2 " + 5000 * "9" + "\tAda",
    ],
    ids=["two points", "a point", "long", "long part"],
)
def test_formats_brat_numbers_that_are_none(tmp_path, line):
    (tmp_path / "a.txt").write_text("Ada left.", encoding="utf8")
    (tmp_path / "a.ann").write_text(f"T1\tperson 0 3\tAda\n{line}\n", encoding="utf8")
    with pytest.raises(CorpusError, match=r"E232.*a\.ann:2"):
        entities(Corpus(tmp_path / "a.ann"))


def test_formats_brat_parts_in_no_order_are_separate(tmp_path):
    """Not joined to one entity over the text between the first and the last."""
    (tmp_path / "a.txt").write_text("Ada left Rome.", encoding="utf8")
    (tmp_path / "a.ann").write_text("T1\tcity 9 13;0 3\tRome Ada\n", encoding="utf8")
    corpus = Corpus(tmp_path / "a.ann", labels=["city"])
    list(corpus(NLP))
    assert corpus.report.discontinuous == 1


def test_formats_brat_names_of_types_in_a_line_of_blanks(tmp_path):
    """Square time in the length of the line would be minutes."""
    (tmp_path / "a.txt").write_text("Ada left.", encoding="utf8")
    (tmp_path / "a.ann").write_text("T1\tperson 0 3\tAda\n", encoding="utf8")
    lines = ["[labels]", "person | human being  ", "x | " + 500_000 * " " + "| y"]
    (tmp_path / "visual.conf").write_text("\n".join(lines), encoding="utf8")
    assert entities(Corpus(tmp_path / "a.ann")) == [[("Ada", "human being")]]


def test_formats_brat_without_text(tmp_path):
    shutil.copy(FILES / "brat" / "a.ann", tmp_path)
    with pytest.raises(CorpusError, match=r"E233.*a\.ann"):
        entities(Corpus(tmp_path))


def test_formats_offsets_that_do_not_fit_are_counted_and_not_annotated(tmp_path):
    path = tmp_path / "a.jsonl"
    text = "Ada Lovelaces visited  Turin."
    spans = [[0, 12, "PER"], [22, 29, "LOC"], [23, 28, "LOC"], [14, 28, "TRIP"], [23, 28, "LOC"]]
    path.write_text(json.dumps({"text": text, "label": spans}))
    corpus = Corpus(path)
    with pytest.warns(UserWarning, match="W202.* 1 mention.* 2 overlapped"):
        (example,) = corpus(NLP)
    # White space at the ends of an entity belongs to no word. What occurs twice counts once.
    assert [(e.text, e.label_) for e in example.reference.ents] == [("visited  Turin", "TRIP")]
    report = corpus.report
    assert (report.unaligned, report.overlapping) == (1, 2)
    assert [t.text for t in example.reference if not t.ent_iob] == ["Ada", "Lovelaces"]
    assert "'Ada Lovelace' (PER) is not aligned" in report.lost[0]


EMOJI = "😀 Ada saw 🚒 Turin"


@pytest.mark.parametrize("spans", [[(2, 5), (12, 17)], [(3, 6), (14, 19)]], ids=["chars", "units"])
def test_formats_offsets_behind_emoji_count_what_makes_sense(tmp_path, spans):
    """The same entities as Python counts them, and as browsers do."""
    names = [("Ada", "PER"), ("Turin", "LOC")]
    path = tmp_path / "a.jsonl"
    members = [[*span, label] for span, (_, label) in zip(spans, names, strict=True)]
    path.write_text(json.dumps({"text": EMOJI, "label": members}))
    assert entities(Corpus(path)) == [names]
    results = [
        {"type": "labels", "value": {"start": s, "end": e, "text": text, "labels": [label]}}
        for (s, e), (text, label) in zip(spans, names, strict=True)
    ]
    task = {"data": {"text": EMOJI}, "annotations": [{"result": results}]}
    path.write_text(json.dumps(task))
    assert entities(Corpus(path)) == [names]
    results[0]["value"]["text"] = "Eve"
    path.write_text(json.dumps(task))
    with pytest.raises(CorpusError, match="E232.*'Eve' is not what stands at"):
        entities(Corpus(path))


@pytest.mark.parametrize(
    "line, code",
    [
        ('{"text": "Ada", "label": [[0, 9, "PER"]]}', "E227"),
        ('{"text": "Ada", "label": [[2, 1, "PER"]]}', "E227"),
        ('{"text": "Ada", "label": [[0, "3", "PER"]]}', "E232"),
        ('{"text": "Ada", "label": [[0, 3]]}', "E232"),
        ('{"text": "Ada", "label": [{"start": 0, "label": "PER"}]}', "E232"),
        ('{"text": "Ada", "label": [[0, 3, "PER, real"]]}', "E209"),
        ('{"text": "Ada", "label": ["positive"]}', "E205"),
        ('{"text": "Ada"}', "E205"),
        ('{"text": "Ada", "spans": [{"start": 0, "end": 3, "text": "Eve", "label": "x"}]}', "E232"),
        ('{"tokenized_text": ["Ada"], "ner": [[0, 1, "x"]]}', "E205"),
        ('{"data": {"text": "Ada"}, "annotations": [{"result": [{"value": 1}]}]}', "E232"),
        ('{"data": {"a": "b", "c": "d"}, "annotations": []}', "E232"),
    ],
)
def test_formats_broken_items_are_named_with_their_line(tmp_path, line, code):
    path = tmp_path / "a.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(CorpusError, match=rf"{code}\] .*a\.jsonl:2: "):
        entities(Corpus(path))


def test_formats_an_item_of_no_form_is_answered_with_all_formats(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "Ada"}\n')
    with pytest.raises(CorpusError, match="E205") as caught:
        entities(Corpus(path))
    named = re.findall(r"[a-z-]+", str(caught.value).split("--format")[1].split("): ")[1])
    assert set(named) - {"or"} == set(FORMAT_NAMES)


@pytest.mark.parametrize(
    "name, content, code",
    [
        ("a.pubtator", "1|t|Ada left.\n1\t0\t3\tAdo\tPerson\n", "E232"),
        ("a.csv", "a,b\n1,2\n", "E226"),
        ("a.csv", "Sentence #,Word,Tag\n1,Ada\n", "E226"),
        ("a.conllu", "1\tAda\tB-PER\n", "E229"),
        ("a.ann", "T1 Person 0 3 Ada\n", "E232"),
        ("a.parquet", "no", "E225"),
        ("a.spacy", "no", "E219"),
    ],
)
def test_formats_broken_files_are_named(tmp_path, name, content, code):
    pytest.importorskip("pyarrow") if name.endswith(".parquet") else None
    (tmp_path / "a.txt").write_text("Ada")
    (tmp_path / name).write_text(content)
    with pytest.raises(CorpusError, match=rf"{code}\] .*{name}"):
        entities(Corpus(tmp_path / name))


def test_formats_docs_are_told_by_content(tmp_path):
    path = tmp_path / "docs"
    doc = Doc(spacy.blank("en").vocab, words=["in", "Paris"], ents=["O", "B-city"])
    DocBin(docs=[doc]).to_disk(path)
    assert guess_format(Source(path)) == "docbin"
    assert entities(Corpus(path)) == [[("Paris", "city")]]
    for text in ("x^2 is a power in [Paris](city)\n", "x^\u00e9 in [Paris](city)\n"):
        path.write_text(text, encoding="utf8")
        assert guess_format(Source(path)) == "inline"


@pytest.mark.parametrize("page", ["<!DOCTYPE html>\n<p>a", "<html><p>a", '<?xml version="1.0"?>'])
def test_formats_pages_are_refused(tmp_path, page):
    path = tmp_path / "page"
    path.write_text(page)
    with pytest.raises(CorpusError, match="E234"):
        guess_format(Source(path))


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.4 xxx",
        b"PK\x03\x04aaaa",
        b"{\\rtf1 Ada}",
        b"Ada left.\nThen she came back.\n",
        b"Ada\nRome\n",
        b"name,date\nAda,1815\n",
    ],
)
@pytest.mark.parametrize("name", ["data", "a.txt"])
def test_formats_what_cannot_be_told_is_refused_with_the_option(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    result = CliRunner().invoke(app, ["convert", str(tmp_path / name), str(tmp_path / "a.spacy")])
    said = " ".join(result.output.split())
    assert result.exit_code == 1 and "E234" in said and "convert --format" in said
    with pytest.raises(CorpusError, match="E234"):
        read_dataset("x", tmp_path / name)


def test_formats_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0" + bytes(range(256)))
    with pytest.raises(CorpusError, match=r"E2(23|34)"):
        entities(Corpus(path))


def test_formats_skipping_fails_where_most_or_every_entity_is_lost(tmp_path):
    path = tmp_path / "a.conll"
    # A passage without entities is left of each of three: nothing to learn, nothing to say.
    path.write_text("Ann X-PER\n\nnothing O\n\nBob X-PER\n\nhere O\n\nhere O\n\n")
    with pytest.warns(UserWarning, match="W201"), pytest.raises(ValueError, match="E228.* 0 ent"):
        entities(Corpus(path, on_error="skip"))
    path.write_text("Ann B-PER\n\nBob X-PER\n\nCarl X-PER\n")
    with pytest.warns(UserWarning, match="W201"), pytest.raises(ValueError, match="E228"):
        entities(Corpus(path, on_error="skip"))
    path.write_text("Ann B-PER\n\nBob X-PER\n\nCarl B-PER\n")
    with pytest.warns(UserWarning, match="W201"):
        assert len(entities(Corpus(path, on_error="skip"))) == 2


def test_formats_record_of_what_was_read():
    corpus = Corpus(FILES / "prodigy.jsonl")
    entities(corpus)
    assert corpus.report.to_dict() == {
        "documents": 1,
        "entities": 2,
        "labels": {"PER": 1, "LOC": 1},
        "dropped": {"documents that their annotator rejected": 2},
        "messages": [],
    }


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_formats_labels_are_renamed_and_ignored_in_all_of_them():
    settings = {"rename": {"person": "who", "Person": "who", "PER": "who"}}
    settings["ignore"] = ["place", "LOC", "Disease"]
    for name in ("doccano.jsonl", "inline.txt", "pile_ner.json", "articles.pubtator"):
        found = entities(Corpus(FILES / name, **settings))
        assert found[0] == [("Ada Lovelace", "who")], name
        assert "place" not in Corpus(FILES / name, **settings).labels()
    (example, _) = Corpus(FILES / "inline.txt", labels=["person", "place", "film"])(NLP)
    assert example.reference._.gner_labels == ["person", "place", "film"]
    with pytest.raises(CorpusError, match="E210.*'place'"):
        entities(Corpus(FILES / "pile_ner.json", labels=["person", "award"]))


def test_formats_are_all_documented():
    docs = (Path(__file__).parents[2] / "docs" / "corpora.md").read_text(encoding="utf8")
    assert [name for name in FORMATS if f"`{name}`" not in docs] == []
