"""Annotation with Ray Data: a pool of actors with one model each, results in shards, and a
checkpoint by document, so that a run that was cut off goes on where it stopped."""

import logging
import math
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.data.checkpoint import CheckpointConfig

from ..errors import Errors
from ..pipeline.annotator import Annotator
from .annotation import annotate_table
from .attempts import Attempts
from .checkpoint import IdsManager
from .records import ID, add_results, digests
from .run import RunDirectory, Summary, add_up, count_shard
from .sink import JsonLinesSink
from .source import TextSource, list_files

FORMATS = ("parquet", "jsonl")
# Reading, writing and filtering need hardly any time of a CPU; the workers need all of theirs.
_LITTLE = 0.5
_REPORT_SECONDS = 10.0
_CONTEXT = (
    "checkpoint_config",
    "target_max_block_size",
    "enable_progress_bars",
)


class Worker:
    """One model in a process of its own. Ray makes it, and makes it anew where it dies."""

    def __init__(
        self, annotator: Annotator, batch_size: int, attempts: Attempts, progress: Any
    ) -> None:
        """Load the model.

        annotator (Annotator): What is to be done.
        batch_size (int): Documents to annotate at once.
        attempts (Attempts): Knows what killed workers before.
        progress (ActorHandle): Is told what was done.
        """
        self._annotator = annotator
        self._attempts = attempts
        self._batch_size = batch_size
        self._progress = progress
        self._name = ray.get_runtime_context().get_actor_id() or "local"
        _ = annotator.nlp

    def __call__(self, table: pa.Table) -> pa.Table:
        """RETURNS (pa.Table): The documents of a part with their results."""
        if not len(table):
            return add_results(table, [], [])
        name = f"part-{table.column(ID)[0].as_py()}-{len(table)}"
        with self._attempts.at(name) as may_try:
            if may_try:
                return annotate_table(self._annotator, table, self._batch_size, self._note)
        # One of these documents kills its worker: which one?
        rows = [self._annotate_one(table.slice(row, 1)) for row in range(len(table))]
        return pa.concat_tables(rows)

    def _annotate_one(self, row: pa.Table) -> pa.Table:
        with self._attempts.at(f"document-{row.column(ID)[0].as_py()}") as may_try:
            if may_try:
                return annotate_table(self._annotator, row, 1, self._note)
        return add_results(row, [[]], [Errors.E710.format(tries=self._attempts.most)])

    def _note(self, documents: int, words: int, seconds: float) -> None:
        self._progress.add.remote(self._name, documents, words, seconds)


@ray.remote(num_cpus=0)
class Progress:
    """Adds up what the workers have done in this start of the run."""

    def __init__(self) -> None:
        self._done: dict[str, list[float]] = {}

    def add(self, worker: str, documents: int, words: int, seconds: float) -> None:
        """Note a batch."""
        totals = self._done.setdefault(worker, [0, 0, 0.0])
        for i, value in enumerate((documents, words, seconds)):
            totals[i] += value

    def get(self) -> dict[str, list[float]]:
        """RETURNS (dict[str, list[float]]): Worker -> documents, words, seconds at work."""
        return self._done


def annotate_files(
    paths: Sequence[str],
    output: str,
    annotator: Annotator,
    *,
    output_format: str = "parquet",
    id_column: str | None = None,
    address: str | None = None,
    workers: int = 1,
    cpus_per_worker: float = 1,
    gpus_per_worker: float = 0,
    batch_size: int = 64,
    part_bytes: int = 256 * 1024,
    tries: int = 3,
    quiet: bool = False,
) -> Summary:
    """Annotate files on a cluster of Ray. If the output has an unfinished run over the same
    files with the same options, that run goes on: no document is lost or written twice.

    paths (Sequence[str]): Files and directories, local or as URIs, that every node reaches.
    output (str): A directory that every node reaches, see `RunDirectory`.
    annotator (Annotator): Finds the entities; each worker loads its model once.
    output_format (str): "parquet" or "jsonl".
    id_column (str | None): See `TextSource`.
    address (str | None): Of a cluster; None starts one on this machine.
    workers (int): Processes with a model each.
    cpus_per_worker, gpus_per_worker (float): What each of them occupies.
    batch_size (int): Documents that a worker gets at once.
    part_bytes (int): About how much text becomes one shard: what is done anew after a failure.
    tries (int): How often a part is tried whose worker dies. After that its documents are
        tried one by one, and those that still kill their workers get an error (E710).
    quiet (bool): Whether to leave out the lines about progress on standard error.
    RETURNS (Summary): Of the whole run, over all its starts.
    RAISES (ValueError): E028, E701 to E706, E713 to E715 for what cannot be read or written. What
        `spacy_gner.load` raises.
    RAISES (RuntimeError): E708 when the run ended early, E709 when documents are missing.
    """
    files = list_files(paths)
    directory = RunDirectory(output)
    directory.check_outside(paths)
    source = TextSource(files, annotator.text_column, id_column, part_bytes)
    # A model that is not there is said before anything starts, and leaves no run behind.
    _ = annotator.nlp
    options = {**annotator.options, "text_column": annotator.text_column}
    options |= {"id_column": id_column, "format": output_format}
    options |= {"part_bytes": part_bytes, "batch_size": batch_size}
    goes_on = directory.begin(files, options)
    if (summary := directory.finished()) is not None:
        return summary
    if goes_on and not quiet:
        print(f"Going on with the run in {output}.", file=sys.stderr)
    started_here = not ray.is_initialized()
    if started_here:
        _start(address, workers * cpus_per_worker)
    # There are reports of our own.
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context = DataContext.get_current()
    before = {name: getattr(context, name) for name in _CONTEXT}
    checkpoint = CheckpointConfig(
        ID,
        directory.checkpoint,
        delete_checkpoint_on_success=False,
        checkpoint_manager_cls=IdsManager,
    )
    # One process filters out what is done, and takes the memory that the ids need.
    checkpoint.checkpoint_actor_pool_max_size = 1
    checkpoint.checkpoint_actor_memory_bytes = 160 * 1024**2
    context.checkpoint_config = checkpoint
    # A part stays together, from reading to writing.
    context.target_max_block_size = None
    context.enable_progress_bars = False
    progress = Progress.remote()  # type: ignore[attr-defined]
    worker = annotator, batch_size, Attempts(directory, tries), progress
    pool = {
        "compute": ActorPoolStrategy(size=workers),
        "num_cpus": cpus_per_worker,
        "num_gpus": gpus_per_worker or None,
    }
    try:
        try:
            expected = _count_source(source, id_column)
        except ValueError:
            # The files can be mended, and the run begun anew.
            directory.withdraw()
            raise
        with nullcontext() if quiet else _Reports(progress):
            _write(source, worker, pool, directory, output_format)
        summary = _count(directory, annotator.text_column)
        if summary.documents != expected:
            found = summary.documents
            raise RuntimeError(Errors.E709.format(read=expected, found=found, path=output))
        directory.finish(summary)
        return summary
    except (ray.exceptions.RayError, OSError) as error:
        failure = _reason(error)
    finally:
        for name, value in before.items():
            setattr(context, name, value)
        if started_here:
            ray.shutdown()
    # Raised without its cause, whose frames would keep the workers, and what they occupy of the
    # cluster, for as long as somebody looks at the error.
    raise RuntimeError(Errors.E708.format(reason=failure))


def _write(
    source: TextSource,
    worker: tuple[Any, ...],
    pool: dict[str, Any],
    directory: RunDirectory,
    output_format: str,
) -> None:
    # As many blocks as there are parts: with its own number, Ray would cut parts into pieces.
    dataset = ray.data.read_datasource(
        source, num_cpus=_LITTLE, override_num_blocks=max(1, len(source.parts()))
    ).map_batches(
        Worker, fn_constructor_args=worker, batch_size=None, batch_format="pyarrow", **pool
    )
    remote = {"num_cpus": _LITTLE}
    if output_format == "parquet":
        dataset.write_parquet(directory.shards, ray_remote_args=remote)
    else:
        dataset.write_datasink(JsonLinesSink(directory.shards), ray_remote_args=remote)


def _count_source(source: TextSource, id_column: str | None) -> int:
    """Read all documents once.

    RETURNS (int): How many there are.
    RAISES (ValueError): E702 and the like for files that cannot be read to the end; E715 for an id
        that two documents have: after a restart one of them would be taken for done.
    """

    def count(part: Any) -> tuple[int, Any]:
        table = source.read(part)
        return len(table), None if id_column is None else digests(table)

    def ids_of(part: Any, wanted: set[int]) -> list[str]:
        table = source.read(part)
        pairs = zip(digests(table).tolist(), table.column(ID).to_pylist(), strict=True)
        return [str(own) for digest, own in pairs if digest in wanted]

    counted = _for_each_part(source, count)
    if id_column is not None and counted:
        seen, times = np.unique(np.concatenate([own for _, own in counted]), return_counts=True)
        twice = set(seen[times > 1].tolist())
        ids: Counter[str] = Counter()
        if twice:
            ids.update(chain(*_for_each_part(source, ids_of, twice)))
        if repeated := [own for own, n in ids.items() if n > 1]:
            raise ValueError(Errors.E715.format(column=id_column, id=repeated[0], n=len(repeated)))
    return sum(n for n, _ in counted)


def _for_each_part(source: TextSource, function: Any, *arguments: Any) -> list[Any]:
    task: Any = ray.remote(num_cpus=_LITTLE)(function)
    try:
        return list(ray.get([task.remote(part, *arguments) for part in source.parts()]))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ValueError):
            raise error.cause from None
        raise


def _start(address: str | None, cpus: float) -> None:
    if address is not None:
        ray.init(address, log_to_driver=False, logging_level=logging.WARNING)
    else:
        # Readers and writers get a share beside the workers.
        ray.init(
            # Not a cluster that happens to run here.
            "local",
            num_cpus=math.ceil(cpus) + 2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )


def _reason(error: BaseException) -> str:
    """RETURNS (str): What was wrong on the worker, without the stack that led to it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # The text of Ray's errors holds those of the workers, and advice behind them.
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b.*: ", line)]
    said = (named or lines or ["no reason given"])[-1]
    return said if named else f"{type(error).__name__}: {said}"


def _count(directory: RunDirectory, text_column: str) -> Summary:
    count = ray.remote(num_cpus=_LITTLE)(count_shard)
    pending = [count.remote(directory.filesystem, p, text_column) for p in directory.shard_paths()]
    return add_up(ray.get(pending))


class _Reports:
    """Writes a line about progress now and then, while it is open."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._started = time.monotonic()
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join()
        if error[0] is None:
            self._report()

    def _run(self) -> None:
        while not self._end.wait(_REPORT_SECONDS):
            self._report()

    def _report(self) -> None:
        try:
            done = ray.get(self._progress.get.remote(), timeout=5)
        except ray.exceptions.RayError:
            return  # a line less
        documents, words = (sum(d[i] for d in done.values()) for i in (0, 1))
        seconds = time.monotonic() - self._started
        rates = [f"{d[1] / d[2]:.0f}" for d in done.values() if d[2]]
        print(
            f"{seconds:.0f} s: {documents:.0f} documents, {words:.0f} words, "
            f"{words / seconds:.0f} words/s; words/s at work, by worker: {', '.join(rates)}",
            file=sys.stderr,
        )
