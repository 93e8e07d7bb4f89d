"""Speed of `spacy train` beside bare torch loops over the same batches.

    python project/benchmarks/training.py [--model NAME] [--steps 8] [--full]

Three loops, each with freshly loaded weights, the first step left out of the measure:

- spacy train: spaCy's own loop; reads Examples, draws labels, writes and tokenizes prompts.
- torch:       the batches of the first loop, encoded beforehand; this package's forward pass
               (shared beginning of the prompts computed once, logits at targets only).
- torch plain: the same batches as `model(input_ids, attention_mask).logits` and cross entropy,
               as most fine-tuning scripts have it.

On the CPU process time is measured, with one thread, so that other programs do not matter.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spacy
import torch
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from thinc.api import Config

from spacy_gner.pipeline.shim import get_shim
from spacy_gner.training.encoding import TrainingBatch
from spacy_gner.training.forward import target_logits
from spacy_gner.training.trainer import trainable_parameters

SAMPLE = Path(__file__).parents[1] / "assets" / "sample_train.txt"
CONFIG = Path(__file__).parents[2] / "configs" / "default_lora_cpu.cfg"

# Runs one update and returns the number of its target tokens.
Step = Callable[[TrainingBatch], int]


def main() -> None:
    """Run the loops and print tokens per second and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="gner-smollm2-135m")
    parser.add_argument("--steps", type=int, default=8, help="measured steps")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--full", action="store_true", help="all weights instead of an adapter")
    args = parser.parse_args()
    torch.set_num_threads(1)
    config = load_config(args)
    batches, speed = run_spacy(config, args.steps)
    rows = {"spacy train": speed}
    for name, forward in (("torch", package_forward), ("torch plain", plain_forward)):
        rows[name] = run_torch(config, batches, forward)
    print(f"{args.model}, {args.device}, {args.steps} steps of {args.batch_size} sentences")
    for name, value in rows.items():
        ratio = rows["spacy train"] / value
        print(f"{name:<12} {value:8.1f} target tokens/s   spacy train is {ratio:.2f} of it")


def load_config(args: argparse.Namespace) -> Config:
    """RETURNS (Config): The shipped config, with the model and sizes of the command line."""
    overrides = {
        "paths.train": str(SAMPLE),
        "paths.dev": str(SAMPLE),
        "components.gner.model.name": args.model,
        "components.gner.model.device": args.device,
        "training.batcher.size": args.batch_size,
        "training.accumulate_gradient": 1,
        "training.max_steps": args.steps + 1,
        "training.eval_frequency": args.steps + 10,
    }
    config = spacy.util.load_config(CONFIG, overrides=overrides, interpolate=False)
    config["corpora"]["dev"]["limit"] = 1
    if args.full:
        config["components"]["gner"]["model"]["lora"] = None
        config["components"]["gner"]["model"]["save_weights"] = True
    return config


def now(device: torch.device) -> float:
    """RETURNS (float): Seconds: process time on the CPU, wall time on a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def run_spacy(config: Config, steps: int) -> tuple[list[TrainingBatch], float]:
    """Train with spaCy, and keep the batches.

    config (Config): The config.
    steps (int): Measured steps; one more comes before them.
    RETURNS (tuple[list[TrainingBatch], float]): The batches, and target tokens per second.
    """
    times: list[float] = []

    @spacy.registry.callbacks("benchmark.before_update.v1")
    def make_callback() -> Callable[..., None]:
        return before_update

    def before_update(nlp: Any, info: Any) -> None:
        times.append(now(get_shim(gner.model).backbone.device))

    config["training"]["before_update"] = {"@callbacks": "benchmark.before_update.v1"}
    nlp = init_nlp(config)
    gner: Any = nlp.get_pipe("gner")
    encode = gner._encode
    batches: list[TrainingBatch] = []

    def recorded(*args: Any) -> TrainingBatch:
        batches.append(encode(*args))
        return batches[-1]

    gner._encode = recorded
    train(nlp)
    # From the beginning of the second step, which is after the evaluation of the first, to
    # that of one more than is measured.
    batches = batches[: steps + 1]
    return batches, sum(b.n_targets for b in batches[1:]) / (times[steps + 1] - times[1])


def run_torch(
    config: Config, batches: list[TrainingBatch], forward: Callable[..., torch.Tensor]
) -> float:
    """Train on batches with nothing but torch.

    config (Config): For the model.
    batches (list[TrainingBatch]): The first of them only warms up.
    forward (Callable): Backbone and batch to logits at the targets.
    RETURNS (float): Target tokens per second.
    """
    gner: Any = spacy.util.load_model_from_config(config.interpolate()).get_pipe("gner")
    trainer = get_shim(gner.model).trainer
    trainer.prepare()
    backbone = trainer.backbone
    parameters = [p for _, p in trainable_parameters(backbone.model)]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)
    backbone.model.train()
    start = 0.0
    for i, batch in enumerate(batches):
        if i == 1:
            start = now(backbone.device)
        logits = forward(backbone, batch).float()
        targets, weights = (t.to(logits.device) for t in (batch.targets, batch.weights))
        losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        ((losses * weights).sum() / weights.sum()).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    seconds = now(backbone.device) - start
    return sum(batch.n_targets for batch in batches[1:]) / seconds


def package_forward(backbone: Any, batch: TrainingBatch) -> torch.Tensor:
    """RETURNS (torch.Tensor): As in an update of the component."""
    return target_logits(backbone, batch)


def plain_forward(backbone: Any, batch: TrainingBatch) -> torch.Tensor:
    """RETURNS (torch.Tensor): From all logits of all tokens."""
    device = backbone.device
    arguments = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    if batch.decoder_input_ids is not None:
        arguments["decoder_input_ids"] = batch.decoder_input_ids
    output = backbone.model(**{k: v.to(device) for k, v in arguments.items()})
    return output.logits[batch.rows.to(device), batch.positions.to(device)]


if __name__ == "__main__":
    main()
