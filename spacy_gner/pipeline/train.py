"""spaCy's training loop for several processes, with checkpoints to go on from."""

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training.loop import (
    create_before_to_disk_callback,
    create_evaluation_callback,
    create_train_batches,
    update_meta,
)
from spacy.util import registry, resolve_dot_names
from thinc.api import fix_random_seed

from ..errors import Errors
from ..training.processes import Processes
from ..training.sharding import own_part
from ..training.trainer import Trainer, trainable_parameters
from .gner import GNER
from .shim import get_shim

CHECKPOINT = "checkpoint"


class TrainingState:
    """All that an update depends on, beside the data and torch's random numbers.

    trainers (dict[str, Trainer]): By component.
    augmentations (dict[str, Any]): Likewise; None where there is none.
    optimizer (Optimizer): thinc's.
    """

    def __init__(
        self, trainers: dict[str, Trainer], augmentations: dict[str, Any], optimizer: Any
    ) -> None:
        self._trainers = trainers
        self._augmentations = augmentations
        self._optimizer = optimizer
        self.step = 0
        self.results: list[tuple[float, int]] = []
        self.losses: dict[str, float] = {}

    def state_dict(self) -> dict[str, Any]:
        """RETURNS (dict): Plain values."""
        augmented = {
            name: augmentation.random_state()
            for name, augmentation in self._augmentations.items()
            if augmentation is not None
        }
        return {
            "step": self.step,
            "results": self.results,
            "losses": self.losses,
            "n_trained": {name: trainer.n_trained for name, trainer in self._trainers.items()},
            "augmented": augmented,
        }

    def tensors(self) -> dict[str, Any]:
        """RETURNS (dict): What is trained, and the optimizer's state. Of a model that is cut up,
        the part of this process."""
        found: dict[str, Any] = {}
        for name, trainer in self._trainers.items():
            own = dict(trainable_parameters(trainer.backbone.model))
            optimizer = trainer.optimizer
            state = None if optimizer is None else optimizer.torch_optimizer.state_dict()
            if state is not None:
                state["state"] = {
                    number: {key: own_part(value) for key, value in moments.items()}
                    for number, moments in state["state"].items()
                }
            found[name] = {
                "parameters": {key: own_part(value.detach()) for key, value in own.items()},
                "optimizer": state,
            }
        return found

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        self.step = state["step"]
        self.results = [(float(score), int(step)) for score, step in state["results"]]
        self.losses = dict(state["losses"])
        for _ in range(self.step):
            self._optimizer.step_schedules()
        for name, trainer in self._trainers.items():
            trainer.n_trained = state["n_trained"][name]
        for name, saved in state["augmented"].items():
            self._augmentations[name].restore_random_state(saved)

    def load_tensors(self, found: dict[str, Any]) -> None:
        """Go back to what `tensors` gave."""
        for name, trainer in self._trainers.items():
            saved = found[name]
            trainer.prepare()
            own = dict(trainable_parameters(trainer.backbone.model))
            if own.keys() != saved["parameters"].keys():
                raise ValueError("other parameters are trained")
            with torch.no_grad():
                for key, parameter in own.items():
                    own_part(parameter.detach()).copy_(saved["parameters"][key])
            trainer.backbone.version += 1
            if saved["optimizer"] is not None:
                trainer.load_optimizer(self._optimizer, saved["optimizer"])


def train(
    nlp: Language,
    output: Path,
    processes: Processes,
    *,
    resume: bool = False,
    save_every: int = 0,
    report: Callable[[str], Any] = lambda line: None,
) -> None:
    """Train an initialized pipeline as `spacy train` does, in all processes together.

    Each process goes through the same batches and computes its share of each: nothing is seen
    twice, and the order is that of one process. The first process evaluates, saves
    `model-last` and `model-best`, and logs.

    nlp (Language): Initialized, the same in each process.
    output (Path): The directory to save to.
    processes (Processes): The processes.
    resume (bool): Go on from `output / "checkpoint"`: the same updates follow as if the
        training had never stopped.
    save_every (int): Updates between checkpoints; 0 saves one with each evaluation.
    report (Callable[[str], Any]): Gets lines about what happens, in the main process.
    RAISES (ValueError): E511 for a checkpoint that cannot be read.
    RAISES (RuntimeError): E510 when another process has ended.
    """
    config = nlp.config.interpolate()
    settings: Any = registry.resolve(config["training"], schema=ConfigSchemaTraining)
    seed = settings["seed"]
    if seed is not None:
        fix_random_seed(seed)
    train_corpus, dev_corpus = resolve_dot_names(
        config, [settings["train_corpus"], settings["dev_corpus"]]
    )
    optimizer = settings["optimizer"]
    trainers, augmentations = _join(nlp, processes, settings["frozen_components"])
    if seed is not None:
        # Dropout differs from process to process; everything else is the same.
        torch.manual_seed(seed + processes.rank)
    state = TrainingState(trainers, augmentations, optimizer)
    evaluate = create_evaluation_callback(nlp, dev_corpus, settings["score_weights"])
    before_to_disk = create_before_to_disk_callback(settings["before_to_disk"])
    log_step, finish_log = _logger(nlp, settings, processes)
    checkpoint = output / CHECKPOINT
    random_numbers = random.getstate(), np.random.get_state()
    skip = 0
    if resume:
        processes.load(checkpoint, state)
        skip = state.step
        # The batches are drawn again from the beginning; those that were seen are passed over.
        random.setstate(random_numbers[0])
        np.random.set_state(random_numbers[1])
        report(f"Going on after {skip} updates.")
    elif processes.is_main:
        output.mkdir(parents=True, exist_ok=True)
    batches = create_train_batches(nlp, train_corpus, settings["batcher"], settings["max_epochs"])
    dropout = settings["dropout"]
    words = 0
    try:
        for step, (epoch, batch) in enumerate(batches):
            rate = next(dropout) if hasattr(dropout, "__next__") else dropout
            words += sum(map(len, batch))
            if step < skip:
                continue
            _update(nlp, _parts(batch, settings, processes), rate, settings, trainers, state.losses)
            optimizer.step_schedules()
            state.step = step + 1
            info = {
                "epoch": epoch,
                "step": step,
                "score": None,
                "other_scores": None,
                "losses": state.losses,
                "checkpoints": state.results,
                "seconds": 0,
                "words": words,
            }
            is_checkpoint = step % settings["eval_frequency"] == 0
            if is_checkpoint:
                with _whole_models(trainers):
                    score, info["other_scores"] = _evaluate(evaluate, processes)
                    info["score"] = score
                    state.results.append((score, step))
                    if processes.is_main:
                        update_meta(settings, nlp, info)
                        is_best = score == max(state.results)[0]
                        _save(before_to_disk(nlp), output, is_best)
            log_step(info if is_checkpoint else None)
            if is_checkpoint:
                state.losses.clear()
            if (step + 1) % save_every == 0 if save_every else is_checkpoint:
                processes.save(checkpoint, state)
            best_step = -max((score, -at) for score, at in state.results)[1]
            if settings["patience"] and step - best_step >= settings["patience"]:
                break
            if settings["max_steps"] and step >= settings["max_steps"]:
                break
    finally:
        finish_log()
    with _whole_models(trainers):
        if processes.is_main:
            _save(before_to_disk(nlp), output, False)
            shutil.rmtree(checkpoint, ignore_errors=True)
    processes.wait()


@contextmanager
def _whole_models(trainers: dict[str, Trainer]) -> Iterator[None]:
    with ExitStack() as stack:
        for trainer in trainers.values():
            stack.enter_context(trainer.whole_model())
        yield


def _join(
    nlp: Language, processes: Processes, frozen: list[str]
) -> tuple[dict[str, Trainer], dict[str, Any]]:
    """Make the components train together with those of the other processes."""
    trainers: dict[str, Trainer] = {}
    augmentations: dict[str, Any] = {}
    for name, component in nlp.pipeline:
        if isinstance(component, GNER) and name not in frozen:
            trainer = get_shim(component.model).trainer
            trainer.processes = processes
            # What is drawn for an adapter is drawn from the same random numbers.
            trainer.prepare()
            trainers[name] = trainer
            augmentations[name] = component.augmentation
    if not trainers:
        raise ValueError(Errors.E512.format(found=", ".join(nlp.pipe_names)))
    return trainers, augmentations


def _parts(batch: Any, settings: Any, processes: Processes) -> Iterator[list[Any]]:
    """YIELDS (list[Example]): Examples that all processes compute together, each as many as one
    process alone would compute at once."""
    ordered = sorted(batch, key=lambda example: len(example.predicted))
    n_each = max(1, len(ordered) // settings["accumulate_gradient"])
    size = n_each * processes.size
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def _update(
    nlp: Language,
    parts: Iterator[list[Any]],
    dropout: float,
    settings: Any,
    trainers: dict[str, Trainer],
    losses: dict[str, float],
) -> None:
    exclude = settings["frozen_components"]
    found: dict[str, float] = {}
    for part in parts:
        nlp.update(
            part,
            drop=dropout,
            losses=found,
            sgd=False,  # type: ignore[arg-type]
            exclude=exclude,
            annotates=settings["annotating_components"],
        )
    # Into how many parts a batch was cut depends on the number of processes.
    found |= {name: trainer.take_loss() for name, trainer in trainers.items()}
    for name, loss in found.items():
        losses[name] = losses.get(name, 0.0) + loss
    for name, component in nlp.pipeline:
        trains = name not in exclude and getattr(component, "is_trainable", False)
        if trains and component.model not in (True, False, None):  # type: ignore[attr-defined]
            component.finish_update(settings["optimizer"])  # type: ignore[attr-defined]


def _evaluate(evaluate: Callable[[], Any], processes: Processes) -> tuple[float, Any]:
    found = list(evaluate()) if processes.is_main else [None, None]
    score, others = processes.tell_all(found)
    return float(score), others


def _logger(nlp: Language, settings: Any, processes: Processes) -> tuple[Any, Any]:
    if not processes.is_main:
        return (lambda info: None), (lambda: None)
    with nlp.select_pipes(disable=settings["frozen_components"]):
        log_step, finish = settings["logger"](nlp, sys.stdout, sys.stderr)
    return log_step, finish


def _save(nlp: Language, output: Path, is_best: bool) -> None:
    nlp.to_disk(output / "model-last")
    if is_best:
        shutil.rmtree(output / "model-best", ignore_errors=True)
        shutil.copytree(output / "model-last", output / "model-best")
