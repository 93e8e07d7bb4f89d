"""Annotate a table with Daft: `python project/recipes/on_daft.py IN.parquet OUT MODEL`."""

import sys
from typing import Any

import daft
from daft import DataType

from spacy_gner.pipeline.annotator import Annotator

ENTITY = DataType.struct(
    {
        "start": DataType.int64(),
        "end": DataType.int64(),
        "label": DataType.string(),
        "text": DataType.string(),
        "score": DataType.float64(),
    }
)
RESULT = DataType.struct({"entities": DataType.list(ENTITY), "error": DataType.string()})


@daft.cls(max_concurrency=2)
class Entities:
    """One Annotator in each worker."""

    def __init__(self, model: str) -> None:
        self.annotator = Annotator(model, ["person", "city"], device="cpu")

    @daft.method.batch(return_dtype=RESULT, batch_size=256)
    def annotate(self, texts: daft.Series) -> list[dict[str, Any]]:
        """RETURNS (list[dict]): Entities and error of each text."""
        found = self.annotator({"text": texts.to_pylist()})
        pairs = zip(found["entities"], found["error"], strict=True)
        return [{"entities": entities, "error": error} for entities, error in pairs]


def main(source: str, output: str, model: str) -> None:
    """Annotate the column "text"; all others go through."""
    found = Entities(model).annotate(daft.col("text"))
    table = daft.read_parquet(source).with_column("found", found)
    table.write_parquet(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
