"""A cluster of several nodes on this machine, a tiny model, and what one process finds."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_DATA_LOG_LEVEL", "WARNING")
# Ray listens to this machine only.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
# Ray's workers stand back by 15 otherwise: beside other programs they hardly get a turn.
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ.setdefault("RAY_prestart_worker_first_driver", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

LABELS = ["person", "city"]
N_DOCUMENTS, BATCH_SIZE, PART_BYTES = 36, 3, 150
# Random weights are unsure of everything: a search would take its time.
DECODER = {"@misc": "spacy_gner.ExactSearch.v1", "max_forks_per_word": 0}
MEGABYTE = 1024**2


_expected: dict[int, list[Any]] = {}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that finds something in most texts, if nothing sensible."""
    from tests.models import build_tiny_causal, save_tiny

    return str(save_tiny(build_tiny_causal(seed=2), tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="session")
def annotator(model: str) -> Any:
    from spacy_gner.pipeline.annotator import Annotator

    return Annotator(model, LABELS, device="cpu", decoder=DECODER)


@pytest.fixture(scope="session")
def documents() -> list[dict[str, Any]]:
    names = ("Marie", "Angela", "IBM", "York", "Paris")
    return [{"text": f"{names[i % 5]} met {i}" * (1 + i % 2), "n": i} for i in range(N_DOCUMENTS)]


@pytest.fixture
def expected(annotator: Any, corpus: Path) -> dict[int, list[Any]]:
    """The entities that one process finds, part by part, by the document's number."""
    if not _expected:
        from spacy_gner.distributed.annotation import annotate_table
        from spacy_gner.distributed.source import TextSource, list_files

        source = TextSource(list_files([str(corpus)]), part_bytes=PART_BYTES)
        for part in source.parts():
            table = annotate_table(annotator, source.read(part), BATCH_SIZE)
            _expected.update(by_number(table.to_pylist()))
        assert len(_expected) == N_DOCUMENTS and sum(map(len, _expected.values())) > 30
    return _expected


@pytest.fixture
def corpus(tmp_path: Path, documents: list[dict[str, Any]]) -> Path:
    path = tmp_path / "corpus"
    path.mkdir()
    for k in range(3):
        lines = [json.dumps(document) + "\n" for document in documents[k::3]]
        (path / f"{k}.jsonl").write_text("".join(lines), encoding="utf8")
    return path


@pytest.fixture(scope="module")
def cluster() -> Any:
    """Two nodes, each with room for one worker and for readers and writers."""
    ray = pytest.importorskip("ray", reason="needs the extra ray: make test-scale")
    from ray.cluster_utils import Cluster

    made = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 2,
            "object_store_memory": 100 * MEGABYTE,
            "include_dashboard": False,
        },
    )
    try:
        add_node(made)
        ray.init(address=made.address, log_to_driver=False, logging_level="WARNING")
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def add_node(cluster: Any) -> Any:
    """RETURNS (Node): A new node."""
    return cluster.add_node(num_cpus=2, object_store_memory=100 * MEGABYTE)


def read_shards(output: Path) -> list[dict[str, Any]]:
    """RETURNS (list[dict]): All rows that a run has written."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for path in sorted((output / "shards").iterdir()):
        if path.suffix == ".parquet":
            rows += pq.read_table(path).to_pylist()
        else:
            rows += [json.loads(line) for line in path.read_text().splitlines()]
    return rows


def by_number(rows: list[dict[str, Any]]) -> dict[int, list[Any]]:
    """RETURNS (dict[int, list]): The entities of each document; it is there only once."""
    found: dict[int, list[Any]] = {}
    for row in rows:
        meta = row["meta"]
        number = (json.loads(meta) if isinstance(meta, str) else meta)["n"]
        assert number not in found, f"document {number} is there twice"
        found[number] = row["entities"]
    return found
