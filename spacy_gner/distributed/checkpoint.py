"""The ids of finished documents, read in one go."""

from typing import Any

import numpy as np
import pyarrow.parquet as pq
import ray
from pyarrow import fs
from ray.data.checkpoint.checkpoint_filter import CheckpointManager


class IdsManager(CheckpointManager):
    """Reads the files of ids on the driver. Ray's own way starts a dataset with dozens of processes
    for it; the ids are 8 bytes each, and end up in one array all the same."""

    def load_checkpoint(
        self, data_file_dir: str | None = None, data_file_filesystem: Any = None
    ) -> tuple[Any, int]:
        """Remove what was begun and not ended, and load what is done.

        data_file_dir (str | None): Where the shards are.
        data_file_filesystem (pyarrow.fs.FileSystem | None): Theirs, if it is another.
        RETURNS (tuple[ObjectRef, int]): The sorted ids, and their bytes; None and 0 without any.
        """
        if data_file_dir is not None:
            self._clean_pending_checkpoints(data_file_dir, data_file_filesystem)
        place = self.checkpoint_path_unwrapped
        found = self.filesystem.get_file_info(fs.FileSelector(place, allow_not_found=True))
        columns = [
            pq.read_table(entry.path, filesystem=self.filesystem)
            .column(self.id_column)
            .to_numpy(zero_copy_only=False)
            for entry in found
            if entry.type == fs.FileType.File
        ]
        if not columns:
            return None, 0
        ids = np.sort(np.concatenate(columns))
        return ray.put(ids), int(ids.nbytes)
