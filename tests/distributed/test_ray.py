"""Annotation on a cluster of several nodes: the results of one process, whatever breaks."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="needs the extra ray: make test-scale")

import pyarrow as pa
import pyarrow.parquet as pq

from spacy_gner.distributed.ray_data import annotate_files
from spacy_gner.pipeline.annotator import Annotator

from .conftest import (
    BATCH_SIZE,
    DECODER,
    LABELS,
    N_DOCUMENTS,
    PART_BYTES,
    add_node,
    by_number,
    read_shards,
)
from .faulty import DeadlyAnnotator, SlowAnnotator

pytestmark = pytest.mark.scale
SMALL = {"workers": 2, "batch_size": BATCH_SIZE, "part_bytes": PART_BYTES, "quiet": True}


def slow(model, tmp_path, seconds=0.4):
    notes = tmp_path / "notes"
    notes.mkdir(exist_ok=True)
    return SlowAnnotator(
        model, LABELS, device="cpu", decoder=DECODER, notes=str(notes), seconds=seconds
    ), notes


def shards(output):
    return list((output / "shards").glob("*")) if (output / "shards").is_dir() else []


def until(condition, seconds=1200):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition was never met"
        time.sleep(0.05)


@pytest.mark.parametrize("output_format", ["parquet", "jsonl"])
def test_results_are_those_of_one_process(
    cluster, annotator, corpus, expected, tmp_path, output_format
):
    output = tmp_path / "out"
    summary = annotate_files(
        [str(corpus)], str(output), annotator, output_format=output_format, **SMALL
    )
    rows = read_shards(output)
    # Equal to the last digit of each score.
    assert by_number(rows) == expected
    assert len(shards(output)) > 3
    assert len({row["id"] for row in rows}) == N_DOCUMENTS
    assert summary.documents == N_DOCUMENTS and summary.errors == {}
    assert summary.entities == sum(map(len, expected.values()))
    assert not (output / "checkpoint").exists()
    # Asked again, it says so and does nothing.
    before = {path: path.stat().st_mtime_ns for path in shards(output)}
    again = annotate_files(
        [str(corpus)], str(output), annotator, output_format=output_format, **SMALL
    )
    assert again == summary
    assert {path: path.stat().st_mtime_ns for path in shards(output)} == before


def test_output_of_another_run_is_left_alone(cluster, annotator, corpus, tmp_path):
    output = tmp_path / "out"
    annotate_files([str(corpus / "0.jsonl")], str(output), annotator, **SMALL)
    for paths, change in (([str(corpus)], {}), ([str(corpus / "0.jsonl")], {"id_column": "n"})):
        with pytest.raises(ValueError, match="GNER-E706"):
            annotate_files(paths, str(output), annotator, **SMALL, **change)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.docx").touch()
    with pytest.raises(ValueError, match="GNER-E706"):
        annotate_files([str(corpus)], str(other), annotator, **SMALL)


def test_killed_worker_costs_nothing(cluster, model, corpus, expected, tmp_path):
    annotator, notes = slow(model, tmp_path)
    output = tmp_path / "out"
    killed = []

    def kill():
        until(lambda: len(shards(output)) >= 2)
        worker = int(next(notes.iterdir()).name)
        os.kill(worker, signal.SIGKILL)
        killed.append(worker)

    killer = threading.Thread(target=kill)
    killer.start()
    annotate_files([str(corpus)], str(output), annotator, **SMALL)
    killer.join()
    assert killed and len(list(notes.iterdir())) > 2  # another process took its place
    assert by_number(read_shards(output)) == expected


def test_removed_node_costs_nothing(cluster, model, corpus, expected, tmp_path):
    annotator, notes = slow(model, tmp_path)
    output = tmp_path / "out"
    node = add_node(cluster)
    removed = []

    def remove():
        until(lambda: len(shards(output)) >= 2)
        cluster.remove_node(node, allow_graceful=False)
        removed.append(node)

    remover = threading.Thread(target=remove)
    remover.start()
    annotate_files([str(corpus)], str(output), annotator, **{**SMALL, "workers": 3})
    remover.join()
    assert removed and len(list(notes.iterdir())) >= 3
    assert by_number(read_shards(output)) == expected


def test_killed_driver_goes_on_where_it_stopped(cluster, model, corpus, expected, tmp_path):
    annotator, notes = slow(model, tmp_path, seconds=0.5)
    output = tmp_path / "out"
    arguments = [cluster.address, model, str(corpus), str(output), str(notes)]
    root = Path(__file__).parents[2]
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.distributed.faulty", *arguments],
        cwd=root,
        stderr=subprocess.PIPE,
    )
    try:
        until(lambda: len(shards(output)) >= 3 or driver.poll() is not None)
        assert driver.poll() is None, driver.stderr.read().decode()
    finally:
        driver.kill()
        driver.wait()
    assert not (output / "summary.json").exists()
    time.sleep(2)  # the cluster ends what the driver had started
    done = {path.name: path.stat().st_mtime_ns for path in shards(output)}
    done_ids = {row["id"] for row in read_shards_that_count(output)}
    assert 0 < len(done_ids) < N_DOCUMENTS
    summary = annotate_files([str(corpus)], str(output), annotator, **SMALL)
    assert summary.documents == N_DOCUMENTS
    assert by_number(read_shards(output)) == expected
    # What was done stayed as it was.
    kept = [path for path in shards(output) if done.get(path.name) == path.stat().st_mtime_ns]
    assert len(kept) >= 2


def read_shards_that_count(output):
    committed = {
        path.name.removesuffix(".parquet")
        for path in (output / "checkpoint").iterdir()
        if not path.name.endswith(".pending.parquet")
    }
    copy = output.with_name("counted")
    (copy / "shards").mkdir(parents=True)
    for path in shards(output):
        if any(path.name.startswith(name) for name in committed):
            shutil.copy(path, copy / "shards")
    return read_shards(copy)


def test_poison_is_an_error_of_its_own_document(cluster, model, annotator, tmp_path):
    lines = [
        '{"text": "Marie Curie met Angela Merkel .", "n": 0}',
        "{",
        '{"text": 7, "n": 2}',
        '{"text": "Paris", "gner_labels": ["a(b"], "n": 3}',
        json.dumps({"text": "x" * 1_100_000, "n": 4}),
        '{"text": "kill me", "n": 5}',
        '{"text": "New York", "n": 6}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    output = tmp_path / "out"
    deadly = DeadlyAnnotator(model, LABELS, device="cpu", decoder=DECODER)
    # Two parts with something in them: the first five documents, the last two.
    options = {**SMALL, "workers": 1, "part_bytes": 1_000_000, "tries": 2}
    summary = annotate_files([str(tmp_path / "a.jsonl")], str(output), deadly, **options)
    rows = sorted(read_shards(output), key=lambda row: row["position"])
    assert summary.documents == len(rows) == 7
    codes = [row["error"] and row["error"].partition("]")[0].lstrip("[") for row in rows]
    assert codes == [
        None, "GNER-E712", "GNER-E712", "GNER-E026", "GNER-E032", "GNER-E710", None,
    ]  # fmt: skip
    assert summary.errors == {
        "GNER-E026": 1, "GNER-E032": 1, "GNER-E710": 1, "GNER-E712": 2,
    }  # fmt: skip
    for row, text in ((rows[0], "Marie Curie met Angela Merkel ."), (rows[6], "New York")):
        alone = annotator({"text": [text]})["entities"][0]
        spans = [
            [(e["start"], e["end"], e["label"]) for e in es] for es in (row["entities"], alone)
        ]
        assert spans[0] == spans[1] and spans[0]


def test_full_disk_ends_the_run_and_the_rest_follows(
    cluster, annotator, corpus, expected, tmp_path
):
    output = tmp_path / "out"
    output.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(output)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"needs a small file system: {mounted.stderr.decode().strip()}")
    try:
        with pytest.raises(RuntimeError, match=r"GNER-E708.*(space|Errno 28)"):
            annotate_files([str(corpus)], str(output), annotator, **SMALL)
        assert not (output / "summary.json").exists()
        subprocess.run(["mount", "-o", "remount,size=50m", str(output)], check=True)
        summary = annotate_files([str(corpus)], str(output), annotator, **SMALL)
        assert summary.documents == N_DOCUMENTS
        assert by_number(read_shards(output)) == expected
    finally:
        subprocess.run(["umount", "-l", str(output)], check=True)


def test_files_that_cannot_be_annotated_leave_no_run_behind(cluster, annotator, tmp_path):
    path, output = tmp_path / "a.jsonl", tmp_path / "out"
    lines = [json.dumps({"text": f"Marie {i}", "key": i % 20, "n": i}) for i in range(21)]
    path.write_text("\n".join(lines))
    named = {**SMALL, "id_column": "key"}
    with pytest.raises(ValueError, match=r"GNER-E715.*1 id.*'0'"):
        annotate_files([str(path)], str(output), annotator, **named)
    path.write_text("\n".join([*lines[:20], '{"text": "no key"}']))
    with pytest.raises(ValueError, match="GNER-E702"):
        annotate_files([str(path)], str(output), annotator, **named)
    # Mended, they can be annotated in the same place.
    path.write_text("\n".join(lines[:20]))
    assert annotate_files([str(path)], str(output), annotator, **named).documents == 20
    assert {row["id"] for row in read_shards(output)} == set(map(str, range(20)))


def test_nothing_is_done_where_there_is_nothing(cluster, annotator, tmp_path):
    (tmp_path / "a.txt").write_text("\n \n")
    summary = annotate_files([str(tmp_path / "a.txt")], str(tmp_path / "out"), annotator, **SMALL)
    assert (summary.documents, summary.errors) == (0, {})
    assert read_shards(tmp_path / "out") == []


def test_labels_of_a_row_that_cannot_be_are_an_error_of_its_own(cluster, annotator, tmp_path):
    labels = ['["person"]', "person,city", "[1", "a(b", None]
    table = pa.table({"text": ["Marie met Angela"] * 5, "gner_labels": labels})
    pq.write_table(table, tmp_path / "a.parquet")
    options = {**SMALL, "batch_size": 8}
    annotate_files([str(tmp_path / "a.parquet")], str(tmp_path / "out"), annotator, **options)
    # Two parts, whose shards have names that tell no order.
    rows = sorted(read_shards(tmp_path / "out"), key=lambda row: row["position"])
    assert [row["error"] and row["error"][:11] for row in rows] == [
        None, None, "[GNER-E032]", "[GNER-E026]", None,
    ]  # fmt: skip


def test_model_that_is_not_there_begins_no_run(corpus, tmp_path):
    missing = Annotator(str(tmp_path / "no"), LABELS, device="cpu")
    with pytest.raises(ValueError, match="GNER-E010"):
        annotate_files([str(corpus)], str(tmp_path / "out"), missing, **SMALL)
    assert not (tmp_path / "out").exists()
