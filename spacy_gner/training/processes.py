"""Several processes that train one model together: what they add up, and when they meet."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from ..backbones.files import recover_directory, replaced_directory
from ..errors import Errors
from .sharding import ShardedModel, read_plugin


class Processes:
    """The processes that `accelerate launch` has started, or this one alone.

    Every process computes its share of each batch and adds up gradients with the others: the sum
    over all target tokens is what one process would have. So the number of processes changes
    nothing but the time. Each has the whole model (DDP), or a part of it where the config of
    accelerate asks for FSDP2: then all must make the same forward passes.
    """

    def __init__(self, timeout_seconds: float = 6 * 3600) -> None:
        """Join the others.

        timeout_seconds (float): How long one process may wait for another: the first one
            evaluates and saves while the others wait.
        RAISES (ValueError): E515 when models are to be cut up in a way that is not known.
        """
        from accelerate import Accelerator
        from accelerate.utils import InitProcessGroupKwargs

        timeout = InitProcessGroupKwargs(timeout=timedelta(seconds=timeout_seconds))
        plugin = read_plugin()
        self._accelerator: Any = Accelerator(kwargs_handlers=[timeout])
        self._registered: list[Any] = []
        self._plugin = plugin if self.size > 1 else None

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

    @property
    def cut_up_models(self) -> bool:
        """RETURNS (bool): Whether each process has a part of the model only."""
        return self._plugin is not None

    def cut_up(self, model: Any) -> ShardedModel:
        """RETURNS (ShardedModel): The model, of which this process keeps its part.
        RAISES (ValueError): E515, see `ShardedModel`."""
        return ShardedModel(model, self._plugin)

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
        if self.cut_up_models:
            # The backward pass has brought them together, as a mean.
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad.mul_(self.size)
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
        numbers. Of a model that is cut up, every process saves its part.

        path (Path): A directory. A kill at any moment leaves the old one or the new one, see
            `recover`.
        state (Any): With `state_dict` and `load_state_dict`, `tensors` and `load_tensors`.
        """
        new = path.with_name(f"{path.name}.new")
        self._register(state)
        with _Together():
            self._accelerator.save_state(str(new), safe_serialization=True)
        if self.cut_up_models or self.is_main:
            torch.save(state.tensors(), new / self._tensors_name())
        self.wait()
        if self.is_main:
            with replaced_directory(path) as folder:
                folder.rmdir()
                new.rename(folder)
        self.wait()

    def recover(self, path: Path) -> None:
        """Put back what a process that was killed inside `save` had put aside.

        path (Path): The directory.
        """
        if self.is_main:
            recover_directory(path)
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
            tensors = torch.load(path / self._tensors_name(), map_location="cpu", weights_only=True)
            state.load_tensors(tensors)
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise ValueError(Errors.E511.format(path=path, reason=error)) from error

    def _tensors_name(self) -> str:
        if self.cut_up_models:
            return f"tensors-{self.rank}-of-{self.size}.pt"
        return "tensors.pt"

    def _register(self, state: Any) -> None:
        if state not in self._registered:
            self._registered.append(state)
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
