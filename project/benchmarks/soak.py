"""Memory over many Docs with changing labels: all that is kept per label set has one bound.

    python project/benchmarks/soak.py --model tiny --docs 5000 --cache-mb 16
    python project/benchmarks/soak.py --docs 200 --cache-mb 64

Each Doc has labels of its own, drawn anew, so that nothing that was kept serves twice: the worst
case for caches. Prints at ten points the resident memory of the process, what of it is live (that
is, handed out by the allocator and not given back; glibc only), and what the cache says it holds;
then the growth from the middle to the end. Without `--model` the embedded default runs; `tiny` is
a model with random weights, which is built first.

oneDNN keeps the code of up to 1,024 products, one for each shape. `--primitives` sets its bound.
"""

import argparse
import ctypes
import gc
import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import spacy

from spacy_gner.pipeline.shim import get_shim

NOUNS = (
    "person city company award river film book disease drug gene language country team sport "
    "weapon ship dish plant animal song event law court bank school road bridge park tool game"
).split()
WORDS = (
    "Marie Curie won the Nobel Prize in Paris while Angela Merkel met the board of Siemens near "
    "Lake Geneva on Tuesday and London beat Madrid with two goals by Smith before the rain"
).split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="gner-smollm2-135m", help='a name, a path, or "tiny"')
    parser.add_argument("--docs", type=int, default=5000)
    parser.add_argument("--labels", type=int, default=4, help="of each Doc")
    parser.add_argument("--words", type=int, default=8, help="of each Doc")
    parser.add_argument("--cache-mb", type=float, default=64.0)
    parser.add_argument("--primitives", type=int, help="products that oneDNN keeps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="JSON with the curve")
    args = parser.parse_args()
    if args.primitives is not None:
        # Read with the first product.
        os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = str(args.primitives)
    with tempfile.TemporaryDirectory() as folder:
        nlp = build(args, Path(folder))
        curve = soak(nlp, args)
    for name in ("resident", "live"):
        middle = curve[len(curve) // 2 - 1][f"{name}_mb"]
        growth = curve[-1][f"{name}_mb"] - middle
        print(f"{name}, from the middle to the end: {growth:+.1f} MB of {middle:.0f} MB")
    if args.output is not None:
        args.output.write_text(json.dumps(curve, indent=1) + "\n", encoding="utf8")


def build(args: Any, folder: Path) -> Any:
    """RETURNS (Language): A pipeline with the model that was asked for, loaded."""
    name = args.model
    if name == "tiny":
        sys.path.insert(0, str(Path(__file__).parents[2]))
        from tests.models import build_tiny_causal, save_tiny

        name = str(save_tiny(build_tiny_causal(), folder / "tiny"))
    model = {
        "@architectures": "spacy_gner.Transformer.v1",
        "name": name,
        "device": "cpu",
        "cache_bytes": int(args.cache_mb * 2**20),
    }
    nlp = spacy.blank("en")
    nlp.add_pipe("gner", config={"labels": ["person"], "model": model})
    nlp("Marie Curie")
    return nlp


def soak(nlp: Any, args: Any) -> list[dict[str, float]]:
    """Annotate Docs.

    nlp (Language): The pipeline.
    args (argparse.Namespace): How many, and of what size.
    RETURNS (list[dict[str, float]]): Docs so far, resident and live memory, and what the cache
        holds.
    """
    rng = random.Random(args.seed)
    cache = get_shim(nlp.get_pipe("gner").model).backbone.cache
    curve: list[dict[str, float]] = []
    marks = {round(args.docs * i / 10) for i in range(1, 11)}
    print(f"{'Docs':>6} {'resident MB':>12} {'live MB':>8} {'cache MB':>9} {'entries':>8}")
    for i in range(1, args.docs + 1):
        doc = nlp.make_doc(" ".join(rng.choices(WORDS, k=args.words)))
        # Of equal length: new labels, but not longer and longer prompts.
        doc._.gner_labels = [f"{rng.choice(NOUNS)} {i:06} {k}" for k in range(args.labels)]
        nlp(doc)
        if i in marks:
            gc.collect()
            curve.append(
                {
                    "docs": i,
                    "resident_mb": resident(),
                    "live_mb": live(),
                    "cache_mb": cache.n_bytes / 2**20,
                    "entries": len(cache),
                }
            )
            last = curve[-1]
            print(
                f"{i:>6} {last['resident_mb']:>12.1f} {last['live_mb']:>8.1f} "
                f"{last['cache_mb']:>9.1f} {last['entries']:>8}",
                flush=True,
            )
    return curve


def resident() -> float:
    """RETURNS (float): Memory of this process that is in RAM, in MB."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        # Not Linux: the highest value so far.
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


class _Mallinfo(ctypes.Structure):
    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


def live() -> float:
    """RETURNS (float): Memory that the allocator has handed out, in MB: without what is free but
    was kept, and without the files of libraries. NaN where the C library does not tell. Python's
    own small objects are not in it."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return float("nan")
    mallinfo.restype = _Mallinfo
    found = mallinfo()
    return (found.uordblks + found.hblkhd) / 2**20


if __name__ == "__main__":
    main()
