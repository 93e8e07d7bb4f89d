"""What a float32 product with few rows costs on a CPU: torch's own, oneDNN, oneDNN reordered.

    python project/benchmarks/linear.py [--threads 2]

Prints microseconds (the best of several rounds over more weights than caches hold) for the shapes
of the embedded default's layers. Reordered weights are a second copy in memory; the package does
without.
"""

import argparse
from collections.abc import Callable, Sequence
from time import perf_counter

import torch

from spacy_gner.backbones.linear import HAS_KERNEL, linear

ROWS = (1, 2, 4, 8, 16, 32, 64)
# Outputs, inputs, and how many layers of that kind there are.
SHAPES = ((1536, 576, 60), (576, 1536, 30), (576, 576, 60), (49152, 576, 1))
ROUNDS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, help="of torch")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    if not HAS_KERNEL:
        raise SystemExit("This build of torch has no oneDNN: there is nothing to compare.")
    print(f"{torch.get_num_threads()} threads; torch / oneDNN / oneDNN reordered, in µs")
    print(f"{'weights':>14}" + "".join(f"{n:>24}" for n in ROWS))
    for n_out, n_in, n_layers in SHAPES:
        weights = [torch.randn(n_out, n_in) for _ in range(n_layers)]
        reorder = torch.ops.mkldnn._reorder_linear_weight
        reordered = [reorder(weight, 16) for weight in weights]
        cells = []
        for n in ROWS:
            x = torch.randn(n, n_in)
            times = (
                best(lambda w, x=x: torch.nn.functional.linear(x, w), weights),
                best(lambda w, x=x: linear(x, w, None), weights),
                best(lambda w, x=x: linear(x, w, None), reordered),
            )
            cells.append(" / ".join(f"{time:.0f}" for time in times))
        print(f"{f'{n_out} x {n_in}':>14}" + "".join(f"{cell:>24}" for cell in cells))


@torch.inference_mode()
def best(product: Callable, weights: Sequence[torch.Tensor]) -> float:
    """RETURNS (float): Microseconds of one product, in the best of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start = perf_counter()
        for weight in weights:
            product(weight)
        rounds.append((perf_counter() - start) / len(weights))
    return 1e6 * min(rounds)


if __name__ == "__main__":
    main()
