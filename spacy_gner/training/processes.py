"""Several processes that train one model together: what they add up, and when they meet."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from ..errors import Errors


class Processes:
    """The processes that `accelerate launch` has started, or this one alone.

    Every process has the whole model, computes its share of each batch, and adds up gradients
    with the others: the sum over all target tokens is what one process would have. So
    the number of processes changes nothing but the time.
    """

    def __init__(self, timeout_seconds: float = 6 * 3600) -> None:
        """Join the others.

        timeout_seconds (float): How long one process may wait for another: the first one
            evaluates and saves while the others wait.
        """
        from accelerate import Accelerator
        from accelerate.utils import InitProcessGroupKwargs

        timeout = InitProcessGroupKwargs(timeout=timedelta(seconds=timeout_seconds))
        self._accelerator: Any = Accelerator(kwargs_handlers=[timeout])

    @property
    def rank(self) -> int:
        """RETURNS (int): The number of this process, from 0."""
        return int(self._accelerator.process_index)

    @property
    def size(self) -> int:
        """RETURNS (int): How many there are."""
        return int(self._accelerator.num_processes)

    @property
    def is_main(self) -> bool:
        """RETURNS (bool): Whether this process evaluates, saves and reports."""
        return bool(self._accelerator.is_main_process)

    @property
    def device(self) -> str:
        """RETURNS (str): The device of this process, such as "cuda:1"."""
        return str(self._accelerator.device)

    def add_up(self, values: Sequence[float]) -> list[float]:
        """RETURNS (list[float]): The sums over all processes, in double precision."""
        if self.size == 1:
            return [float(value) for value in values]
        tensor = torch.tensor(list(values), dtype=torch.float64, device=self._meeting_device())
        return [float(value) for value in self._sum(tensor)]

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace gradients with their sums over all processes. A process without a share of the
        batch adds nothing.

        parameters (Iterable[Parameter]): In the same order in each process.
        """
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            parameter.grad.copy_(self._sum(parameter.grad))

    def tell_all(self, values: list[Any]) -> list[Any]:
        """RETURNS (list): The main process's values, in every process."""
        if self.size == 1:
            return values
        from accelerate.utils import broadcast_object_list

        with _Together():
            told: list[Any] = broadcast_object_list(values)
        return told

    def wait(self) -> None:
        """Wait until all processes are here."""
        with _Together():
            self._accelerator.wait_for_everyone()

    def leave(self) -> None:
        """Part from the others at the end. A process whose group still has threads when it
        exits can be aborted."""
        if self.size > 1 and torch.distributed.is_initialized():
            self.wait()
            torch.distributed.destroy_process_group()

    def save(self, path: Path, state: Any) -> None:
        """Save the state of the training with accelerate: `state` and every process's random
        numbers.

        path (Path): A directory. It is written beside and renamed.
        state (Any): With `state_dict` and `load_state_dict`.
        """
        new = path.with_name(f"{path.name}.new")
        self._register(state)
        with _Together():
            self._accelerator.save_state(str(new), safe_serialization=True)
        self.wait()
        if self.is_main:
            _replace(new, path)
        self.wait()

    def load(self, path: Path, state: Any) -> None:
        """Load what `save` has written.

        path (Path): The directory.
        state (Any): Is told the saved state.
        RAISES (ValueError): E511 when it cannot be read, or is of another number of processes.
        """
        self._register(state)
        try:
            self._accelerator.load_state(str(path))
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise ValueError(Errors.E511.format(path=path, reason=error)) from error

    def _register(self, state: Any) -> None:
        if state not in self._accelerator._custom_objects:
            self._accelerator.register_for_checkpointing(state)

    def _meeting_device(self) -> Any:
        return self._accelerator.device

    def _sum(self, tensor: torch.Tensor) -> torch.Tensor:
        with _Together():
            return self._accelerator.reduce(tensor, reduction="sum")  # type: ignore[no-any-return]


class _Together:
    """What all processes do at once fails in the others when one of them is gone."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if isinstance(error, RuntimeError) and not isinstance(error, NotImplementedError):
            raise RuntimeError(Errors.E510.format(reason=str(error).splitlines()[0])) from error


def _replace(new: Path, path: Path) -> None:
    import shutil

    old = path.with_name(f"{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)
