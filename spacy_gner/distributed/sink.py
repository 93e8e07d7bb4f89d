"""Results as JSON lines."""

import json
from typing import Any

from ray.data.datasource import BlockBasedFileDatasink

from .records import ERROR, META


class JsonLinesSink(BlockBasedFileDatasink):
    """Writes one object a line, with every digit of the scores."""

    def __init__(self, path: str) -> None:
        super().__init__(path, file_format="jsonl")

    def write_block_to_file(self, block: Any, file: Any) -> None:
        """Write a block."""
        for row in block.to_arrow().to_pylist():
            if isinstance(row.get(META), str):
                row[META] = json.loads(row[META])
            row = {name: value for name, value in row.items() if value is not None or name == ERROR}
            # Escapes for what is not ASCII: also half of a surrogate pair can be said.
            file.write(json.dumps(row, default=str).encode() + b"\n")
