"""Remembering an adapter that was merged into the weights, so that it can be saved and
trained on."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


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
        files = {p.name: p.read_bytes() for p in sorted(directory.iterdir()) if p.is_file()}
        return cls(files, True, replaces)

    def write(self, directory: Path) -> None:
        """directory (Path): Where to write its files."""
        if isinstance(self.source, Path):
            shutil.copytree(self.source, directory, dirs_exist_ok=True)
            return
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in self.source.items():
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
