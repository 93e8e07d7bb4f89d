"""Annotate a table with Spark: `python project/recipes/on_spark.py IN.parquet OUT.parquet MODEL`.

The Annotator is pickled with the function; each Python worker of Spark loads the model once.
"""

import os
import sys
from collections.abc import Iterator

import pandas as pd
from pyspark.sql import SparkSession

from spacy_gner.pipeline.annotator import Annotator

SCHEMA = (
    "id long, text string, "
    "entities array<struct<start:long,end:long,label:string,text:string,score:double>>, "
    "error string"
)


def main(source: str, output: str, model: str) -> None:
    """Annotate the column "text"; "id" goes through."""
    annotator = Annotator(model, ["person", "city"], device="cpu")

    def annotate(tables: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for table in tables:
            columns = annotator({"text": table["text"].tolist()})
            yield table[["id", "text"]].assign(entities=columns["entities"], error=columns["error"])

    # The workers are to have the packages of this process.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.master("local[2]").appName("gner").getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "256")
    spark.read.parquet(source).mapInPandas(annotate, SCHEMA).write.mode("error").parquet(output)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
