import gzip

import pytest

from spacy_gner.corpora.corpus import Corpus
from spacy_gner.corpora.files import find_files
from spacy_gner.corpora.read_report import CorpusError
from spacy_gner.corpora.source import Source


def test_files_directory_takes_the_known_suffixes_in_order(tmp_path):
    (tmp_path / "deeper").mkdir()
    for name in ["b.jsonl", "a.JSONL.gz", "deeper/c.jsonl", "notes.md", ".hidden.jsonl"]:
        (tmp_path / name).write_bytes(b"")
    names = [path.name for path in find_files(tmp_path, [".jsonl"])]
    assert names == ["a.JSONL.gz", "b.jsonl", "c.jsonl"]


def test_files_glob_and_single_file_take_any_name(tmp_path):
    for name in ["x1.dat", "x2.dat", "y.dat"]:
        (tmp_path / name).write_bytes(b"")
    assert [p.name for p in find_files(tmp_path / "x*.dat", [".txt"])] == ["x1.dat", "x2.dat"]
    assert find_files(tmp_path / "y.dat", [".txt"]) == [tmp_path / "y.dat"]


def test_files_name_with_pattern_characters_is_a_file_first(tmp_path):
    path = tmp_path / "data[1].txt"
    path.write_bytes(b"")
    assert find_files(path, [".txt"]) == [path]


@pytest.mark.parametrize("path", [None, ""])
def test_files_without_path(path):
    with pytest.raises(ValueError, match="E201"):
        Corpus(path)


def test_files_none_found(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    with pytest.raises(ValueError, match=r"\[GNER-E202\].*\.txt"):
        find_files(tmp_path, [".txt"])
    with pytest.raises(ValueError, match="E202"):
        find_files(tmp_path / "nothing.txt", [".txt"])


@pytest.mark.parametrize("opener, name", [(open, "a.txt"), (gzip.open, "a.txt.gz")])
def test_files_lines_end_at_newlines_only(tmp_path, opener, name):
    with opener(tmp_path / name, "wb") as file:
        file.write("\ufeffone\u2028more\r\n\ntwo\x0cmore".encode())
    lines = [(number, line.decode()) for number, line in Source(tmp_path / name).lines()]
    assert lines == [(1, "one\u2028more"), (2, ""), (3, "two\x0cmore")]


@pytest.mark.parametrize(
    "content",
    [b"not gzip", gzip.compress(b"x" * 1000, mtime=0)[:-12]],
    ids=["other", "cut off"],  # the same in every process that collects it
)
def test_files_names_a_broken_archive(tmp_path, content):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=r"\[GNER-E220\].*a\.jsonl\.gz"):
        list(Source(path).lines())
