"""What workers have begun and not ended: a document that kills its worker is found out."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pyarrow import fs

from .run import RunDirectory


class Attempts:
    """Notes on disk of work that was begun. A worker that is killed cannot say so, but what it had
    begun stays noted."""

    def __init__(self, directory: RunDirectory, most: int) -> None:
        """Keep notes.

        directory (RunDirectory): Where all workers can see them. Notes of earlier starts are
            removed.
        most (int): How often something may be tried.
        """
        self.most = most
        self._filesystem = directory.filesystem
        self._place = directory.new_folder("attempts")

    @contextmanager
    def at(self, name: str) -> Iterator[bool]:
        """Begin something; the note goes when the context ends, also by an exception.

        name (str): What is begun.
        YIELDS (bool): Whether it may be tried once more.
        """
        # Ids of users may have any characters, and any length.
        key = hashlib.sha256(name.encode()).hexdigest()[:32]
        selector = fs.FileSelector(self._place, allow_not_found=True)
        noted = [entry.base_name for entry in self._filesystem.get_file_info(selector)]
        if sum(other.startswith(key) for other in noted) >= self.most:
            yield False
            return
        path = f"{self._place}/{key}-{uuid.uuid4().hex}"
        with self._filesystem.open_output_stream(path):
            pass
        try:
            yield True
        finally:
            self._filesystem.delete_file(path)
