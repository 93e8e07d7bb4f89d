"""LoRA adapters: which files belong to one, and remembering one that was merged into the weights,
so that it can be saved and trained on."""

import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Errors

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
# The last two only where tokens were added to the vocabulary.
_FILES = (CONFIG, WEIGHTS, "tokenizer.json", "tokenizer_config.json")


def import_peft() -> Any:
    """RETURNS (ModuleType): The package `peft`, which models without an adapter do not need.

    RAISES (ImportError): E038 where it is missing.
    """
    try:
        import peft
    except ImportError:
        raise ImportError(Errors.E038) from None
    return peft


def is_adapter(directory: Path) -> bool:
    """RETURNS (bool): Whether a directory holds an adapter, and no whole model."""
    return (directory / CONFIG).is_file() and not (directory / "config.json").is_file()


def is_adapted(model: Any) -> bool:
    """RETURNS (bool): Whether a model has an adapter beside its weights."""
    return hasattr(model, "get_base_model")


def without_adapter(model: Any) -> Any:
    """Look at a model without the adapter beside its weights.

    model (PreTrainedModel | PeftModel): Not changed.
    RETURNS (PreTrainedModel): A model that shares all weights with it; the model itself if it has
        no adapter.
    """
    if not is_adapted(model):
        return model
    # A copy of the modules, not of what they hold: peft takes its layers out of that.
    tensors = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors}).unload()


def has_tokenizer(directory: Path) -> bool:
    """RETURNS (bool): Whether a tokenizer comes with an adapter."""
    return (directory / "tokenizer.json").is_file()


@dataclass(frozen=True)
class KeptAdapter:
    """An adapter in peft's format.

    source (Path | dict[str, bytes]): Its directory, or the contents of its files.
    is_own (bool): Whether it was saved with the pipeline; otherwise it came with the
        source of the weights, as that of the embedded default does.
    replaces (bool): Whether it stands in the place of the source's adapter, not on top of it.
    """

    source: Path | dict[str, bytes]
    is_own: bool
    replaces: bool = False

    @classmethod
    def read(cls, directory: Path, replaces: bool) -> "KeptAdapter":
        """RETURNS (KeptAdapter): The adapter of a saved pipeline, in memory: its
        directory may be gone when it is needed."""
        return cls(_contents(directory), True, replaces)

    def write(self, directory: Path) -> None:
        """directory (Path): Where to write its files."""
        directory.mkdir(parents=True, exist_ok=True)
        source = self.source
        files = _contents(source) if isinstance(source, Path) else source
        for name, content in files.items():
            (directory / name).write_bytes(content)

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """YIELDS (Path): A directory with its files."""
        if isinstance(self.source, Path):
            yield self.source
            return
        with tempfile.TemporaryDirectory(prefix="spacy-gner-") as folder:
            self.write(Path(folder))
            yield Path(folder)


def _contents(directory: Path) -> dict[str, bytes]:
    # Nothing but what belongs there, and never what a link leads to.
    paths = [directory / name for name in _FILES]
    return {p.name: p.read_bytes() for p in paths if p.is_file() and not p.is_symlink()}
