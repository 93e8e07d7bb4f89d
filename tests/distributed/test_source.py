"""Documents from files: each exactly once, whatever the parts, with the same ids."""

import gzip
import json

import pytest

pytest.importorskip("ray", reason="needs the extra ray")
pytest.importorskip("pyarrow", reason="needs the extra ray")

import pyarrow as pa
import pyarrow.parquet as pq
from ray import cloudpickle

from spacy_gner.distributed.records import add_results, document_id
from spacy_gner.distributed.source import TextSource, list_files


def read(paths, **kwargs):
    source = TextSource(list_files([str(path) for path in paths]), **kwargs)
    tables = [source.read(part) for part in source.parts()]
    return [row for table in tables for row in table.to_pylist()]


@pytest.mark.parametrize("part_bytes", [1, 2, 3, 5, 7, 11, 64, 10_000])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_lines_are_read_once_in_parts_of_any_size(tmp_path, part_bytes, end):
    texts = ["Ann", "", "b" * 20, "é😀x", "  ", "last"]
    path = tmp_path / "a.txt"
    path.write_bytes(("\r\n".join(texts) + end).encode())
    whole = read([path])
    assert [row["text"] for row in whole] == ["Ann", "b" * 20, "é😀x", "last"]
    rows = read([path], part_bytes=part_bytes)
    assert rows == whole
    assert len({row["id"] for row in rows}) == 4
    content = path.read_bytes()
    for row in rows:
        assert content[row["position"] :].decode().startswith(row["text"])


def test_every_kind_of_file_gives_text_and_place(tmp_path):
    lines = [{"text": "Ann", "n": 1, "gner_labels": ["x"]}, {"text": "Bob", "m": {"k": [2]}}]
    jsonl = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "a.jsonl").write_text(jsonl, encoding="utf8")
    (tmp_path / "b.JSONL.gz").write_bytes(gzip.compress(jsonl.encode()))
    (tmp_path / "c.csv").write_text('n,text\n1,"Ann\nB"\n2,Bob\n', encoding="utf-8-sig")
    (tmp_path / "d.txt").write_text("Ann\nBob\n", encoding="utf-8-sig")
    (tmp_path / "e.tsv").write_text("\nn\ttext\n1\tAnn, B\n", encoding="utf8")
    (tmp_path / "f.csv").write_text("n;text\n1;Ann, B\n", encoding="utf8")
    (tmp_path / "ignored.bin").write_text("x")
    rows = read([tmp_path])
    by_file = {}
    for row in rows:
        by_file.setdefault(row["source"].rpartition("/")[2], []).append(row)
    assert list(by_file) == ["a.jsonl", "b.JSONL.gz", "c.csv", "d.txt", "e.tsv", "f.csv"]
    for name in ("a.jsonl", "b.JSONL.gz"):
        first, second = by_file[name]
        assert (first["text"], second["text"]) == ("Ann", "Bob")
        assert json.loads(first["gner_labels"]) == ["x"] and second["gner_labels"] is None
        assert json.loads(first["meta"]) == {"n": 1}
        assert json.loads(second["meta"]) == {"m": {"k": [2]}}
    assert [row["text"] for row in by_file["c.csv"]] == ["Ann\nB", "Bob"]
    assert [row["text"] for row in by_file["d.txt"]] == ["Ann", "Bob"]
    for name in ("e.tsv", "f.csv"):
        assert [(row["text"], row["meta"]) for row in by_file[name]] == [("Ann, B", '{"n": "1"}')]
    assert len({row["id"] for row in rows}) == 10
    # Whoever is named twice is read once.
    assert read([tmp_path, tmp_path / "d.txt"]) == rows
    assert by_file["d.txt"][0]["id"] == document_id(3, 0)


def test_parquet_keeps_its_columns_and_numbers_its_rows(tmp_path):
    table = pa.table({"body": [f"t{i}" for i in range(10)], "n": list(range(10))})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=3)
    rows = read([tmp_path / "a.parquet"], text_column="body", part_bytes=20)
    assert [row["body"] for row in rows] == [f"t{i}" for i in range(10)]
    assert [row["id"] for row in rows] == list(range(10))
    assert [row["n"] for row in rows] == list(range(10))
    named = read([tmp_path / "a.parquet"], text_column="body", id_column="n")
    assert [row["id"] for row in named] == list(range(10)) and "position" not in named[0]


def test_lines_that_cannot_be_read_are_documents_with_an_error(tmp_path):
    path = tmp_path / "a.jsonl"
    deep = b"[" * 100_000
    lines = (b'{"text": "Ann"}', b"{", b'{"x": 1}', b"\xff", deep, b'{"text": "\\ud800"}')
    path.write_bytes(b"\n".join(lines))
    rows = read([path])
    assert len(rows) == 6 and rows[0]["error"] is None
    assert all(row["error"].startswith("[GNER-E712]") for row in rows[1:])
    results = add_results(
        pa.Table.from_pylist(rows),
        [[] for _ in rows],
        ["later error", None, None, None, None, None],
    )
    errors = results.column("error").to_pylist()
    assert errors[0] == "later error" and errors[1:] == [row["error"] for row in rows[1:]]


def test_rows_that_cannot_be_read_are_documents_with_an_error(tmp_path):
    path = tmp_path / "a.csv"
    long = "x" * 200_000
    rows = ["text,n", "Ann,1", "Bob", "Cid,1,2", "\xff,1", f"{long},1", "Dan,2"]
    path.write_bytes("\n".join(rows).encode("latin1"))
    found = read([path])
    assert [row["error"] is None for row in found] == [True, False, False, False, True, True]
    assert all("GNER-E712" in row["error"] for row in found if row["error"])
    assert [row["text"] for row in found if not row["error"]] == ["Ann", long, "Dan"]


def test_labels_of_a_row_are_as_the_file_has_them(tmp_path):
    (tmp_path / "a.csv").write_text('text,gner_labels\nAnn,"a,b"\nBob,"[""c""]"\nCid,\n')
    (tmp_path / "b.jsonl").write_text('{"text": "Dan", "gner_labels": {"A": "b"}}')
    found = [row["gner_labels"] for row in read([tmp_path])]
    assert found == ["a,b", '["c"]', "", '{"A": "b"}']


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt", "a.csv.gz"])
def test_empty_files_have_no_documents(tmp_path, name):
    (tmp_path / name).write_bytes(gzip.compress(b"\n") if name.endswith(".gz") else b"")
    assert read([tmp_path]) == []


def test_tasks_know_nothing_of_other_files(tmp_path):
    for i in range(200):
        (tmp_path / f"{i}.txt").write_text("Ann")
    tasks = TextSource(list_files([str(tmp_path)])).get_read_tasks(1)
    assert len(tasks) == 200 and len(cloudpickle.dumps(tasks[0])) < 2000


def test_ids_of_the_user_are_strings_from_text_and_must_be_there(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "key": 7}\n{"text": "b", "key": "x"}\n')
    assert [row["id"] for row in read([path], id_column="key")] == ["7", "x"]
    path.write_text('{"text": "a"}\n')
    with pytest.raises(ValueError, match="GNER-E702"):
        read([path], id_column="key")


def test_what_cannot_be_annotated_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("a")
    pq.write_table(pa.table({"text": ["a"], "error": ["b"]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"text": [1]}), tmp_path / "numbers.parquet")
    (tmp_path / "no.parquet").write_text("no")
    (tmp_path / "a.csv").write_text("body\na\n")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"text\na\n" * 99)[:-9])
    (tmp_path / "a.json").write_text("[]")
    for paths, kwargs, code in (
        (["missing.txt"], {}, "E028"),
        (["empty"], {}, "E701"),
        (["b.parquet"], {}, "E703"),
        (["b.parquet"], {"text_column": "body"}, "E703"),
        (["numbers.parquet"], {}, "E703"),
        (["no.parquet"], {}, "E028.*no.parquet"),
        (["a.csv"], {}, "E703"),
        (["cut.csv.gz"], {}, "E028.*cut.csv.gz"),
        (["a.json"], {}, "E713"),
        (["a.txt", "b.parquet"], {}, "E704"),
        (["a.txt"], {"id_column": "id"}, "E705"),
    ):
        with pytest.raises(ValueError, match=code):
            read([tmp_path / path for path in paths], **kwargs)


def test_entities_have_one_type_whatever_was_found():
    table = pa.table({"text": ["a"]})
    entity = {"start": 0, "end": 1, "label": "x", "text": "a", "score": 0.1}
    full = add_results(table, [[entity]], [None])
    empty = add_results(table, [[]], ["failed"])
    assert full.schema == empty.schema
    assert full.column("entities").to_pylist() == [[entity]]
