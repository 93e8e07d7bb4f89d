"""Continue the shipped adapter on a CPU, for as long as there is time.

Reads the prompts that `make_data.py` wrote. The learning rate follows the clock (warm-up, then a
cosine that ends at the deadline), so that the last checkpoint is annealed however fast the
machine was. A checkpoint can be resumed; SIGTERM writes one and ends the run.
"""

import argparse
import gzip
import json
import math
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from checkpoint import load_checkpoint, save_checkpoint
from masters import Masters
from thinc.api import Optimizer

from spacy_gner.backbones import Lora
from spacy_gner.formats import BIO
from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.shim import get_shim
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.training.encoding import EncodedPair, PairEncoder, collate
from spacy_gner.training.forward import forward_batch, get_loss
from spacy_gner.training.optimizer import FollowedOptimizer
from spacy_gner.training.pairs import TrainingPair
from spacy_gner.training.weights import TokenWeights


def main() -> None:
    args = parse_arguments()
    torch.manual_seed(args.seed)
    model = build_transformer(args.model, device="cpu", dtype="float32", lora=Lora(resume=True))
    shim = get_shim(model)
    backbone = shim.backbone
    trainer = shim.trainer
    trainer.prepare()
    masters = Masters(backbone.model, half=not args.float32)
    optimizer = Optimizer(args.rate, L2=0.01, grad_clip=1.0, beta2=0.98, use_averages=False)
    groups = [{"params": masters.masters, "decays": True}]
    trainer.optimizer = FollowedOptimizer(
        optimizer, torch.optim.AdamW(groups, fused=True), masters.masters
    )
    progress = load_checkpoint(args.output, trainer, masters) if args.resume else {}
    n_done, n_seen = progress.get("updates", 0), progress.get("examples", 0)
    weights = TokenWeights(words=args.word_weight, outside=1.0, entities=args.entity_weight)
    encoder = PairEncoder(Planner(backbone.codec, BIO(), Windower()), weights)
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stop.append(number))
    start = saved = time.time()
    n_tokens, losses = 0, []
    for batch in batches(args.prompts, encoder, args.seed, args.batch_size, n_seen):
        share = (time.time() - start) / max(1.0, args.until - start)
        if share >= 1 or stop or (args.max_updates and n_done >= args.max_updates):
            break
        warm = min(1.0, (n_done - progress.get("updates", 0) + 1) / args.warmup)
        cosine = 0.5 * (1 + math.cos(math.pi * share))
        optimizer.learn_rate = args.rate * warm * (0.02 + 0.98 * cosine)
        for part in parts(batch, args.max_tokens):
            tensors = collate(part, backbone.codec)
            logits, backprop = forward_batch(trainer, tensors, is_train=True)
            loss, gradient = get_loss(tensors, logits)
            backprop(gradient)
            masters.collect()
            losses.append((loss, float(tensors.weights.sum())))
            n_tokens += int(tensors.attention_mask.sum()) - tensors.n_shared * (len(part) - 1)
        trainer.finish_update(optimizer)
        masters.publish()
        n_done, n_seen = n_done + 1, n_seen + len(batch)
        if n_done % args.log_every == 0:
            seconds = time.time() - start
            mean = sum(a * b for a, b in losses) / sum(b for _, b in losses)
            report = f"{n_done} updates, {n_seen} examples, loss {mean:.4f}, "
            report += f"rate {optimizer.learn_rate:.2e}, {n_tokens / seconds:.0f} tokens/s"
            print(time.strftime("%H:%M:%S"), report, flush=True)
            losses = []
        if time.time() - saved > args.save_every:
            save_checkpoint(args.output, trainer, masters, {"updates": n_done, "examples": n_seen})
            saved = time.time()
    save_checkpoint(args.output, trainer, masters, {"updates": n_done, "examples": n_seen})
    print(time.strftime("%H:%M:%S"), f"saved after {n_done} updates, {n_seen} examples", flush=True)


def parse_arguments() -> Any:
    """RETURNS (argparse.Namespace): The settings; `until` in seconds since the epoch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--model", default="gner-smollm2-135m")
    parser.add_argument("--minutes", type=float, help="length of the run")
    parser.add_argument("--until", type=float, help="its end, in seconds since the epoch")
    parser.add_argument("--max-updates", type=int, default=0)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--warmup", type=int, default=10, help="updates")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-tokens", type=int, default=1600, help="of a forward pass")
    parser.add_argument("--word-weight", type=float, default=0.1)
    parser.add_argument("--entity-weight", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log-every", type=int, default=5)
    parser.add_argument("--save-every", type=float, default=300, help="seconds")
    parser.add_argument("--float32", action="store_true", help="for CPUs without bfloat16")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    if (args.minutes is None) == (args.until is None):
        sys.exit("Give either --minutes or --until.")
    if args.until is None:
        args.until = time.time() + 60 * args.minutes
    return args


def batches(
    path: Path, encoder: PairEncoder, seed: int, size: int, skip: int
) -> Iterator[list[EncodedPair]]:
    """Read the prompts in their order, in batches of similar length, again and again.

    path (Path): The prompts.
    encoder (PairEncoder): Writes tokens.
    seed (int): Shuffles the batches of each window of 16 batches.
    size (int): Prompts per batch.
    skip (int): Prompts that were already seen.
    YIELDS (list[EncodedPair]): A batch.
    """
    with gzip.open(path, "rt", encoding="utf8") as file:
        lines = [json.loads(line) for line in file]
    start = skip
    while True:
        window = [lines[i % len(lines)] for i in range(start, start + 16 * size)]
        rng = random.Random(f"{seed} {start}")
        pairs = [
            TrainingPair(tuple(line["words"]), tuple(line["labels"]), tuple(line["prompt"]))
            for line in window
        ]
        encoded = [item for pair in pairs for item in encoder(pair)]
        encoded.sort(key=lambda item: len(item.prompt) + len(item.target))
        ready = [encoded[i : i + size] for i in range(0, len(encoded), size)]
        rng.shuffle(ready)
        yield from ready
        start += len(window)


def parts(batch: list[EncodedPair], max_tokens: int) -> Iterator[list[EncodedPair]]:
    """YIELDS (list[EncodedPair]): Pieces of a batch that fit one forward pass."""
    longest = max(len(item.prompt) + len(item.target) for item in batch)
    step = max(1, max_tokens // longest)
    for i in range(0, len(batch), step):
        yield batch[i : i + step]


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
