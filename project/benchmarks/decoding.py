"""How fast the decoders are, and whether they give what they promise.

    python project/benchmarks/decoding.py --data test.jsonl --batch-size 8 --limit 64

One run, the same sentences in the same batches for all. Each batch is decoded by one decoder
after the other, so that whatever else slows the machine down slows all of them down; the
ratios are what counts. Besides the package's decoders there are

- generate, generate-4: greedy and beam search by transformers' own `generate()`, called
  directly, with torch's own linear layers;
- floor: one teacher-forced pass over prompt and greedy output, without any cache, likewise: what
  it costs to look at every token once.

The data are lines of {"words": [...], "labels": ["O", "B-x", ...]}, plain or gzipped.
"""

import argparse
import copy
import gzip
import json
import random
import resource
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path

import torch

from spacy_gner.backbones.linear import use_fast_linear
from spacy_gner.decoding.beam_search import BeamSearch
from spacy_gner.decoding.common import output_limits
from spacy_gner.decoding.drafted_greedy import DraftedGreedy
from spacy_gner.decoding.exact_search import ExactSearch
from spacy_gner.formats import BIO
from spacy_gner.matching import LCSMatcher
from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.shim import get_shim
from spacy_gner.planning.request import Request

DECODERS = ("generate", "generate-4", "floor", "beam-4", "drafted", "exact")
FORMAT = BIO()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="gner-smollm2-135m", help="name or directory")
    parser.add_argument("--data", nargs="+", required=True, type=Path, help="JSONL files")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--batch-size", type=int, default=8, help="sentences per batch")
    parser.add_argument("--limit", type=int, help="sentences in all, equally many per file")
    parser.add_argument("--max-words", type=int, help="leave longer sentences out")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of sentences")
    parser.add_argument("--decoders", default=",".join(d for d in DECODERS if d != "beam-4"))
    parser.add_argument(
        "--overfit",
        type=int,
        default=0,
        metavar="STEPS",
        help="train on the sentences first, for the speed with a model that knows the format; "
        "F1 means nothing then",
    )
    parser.add_argument("--max-forks-per-word", type=float, help="of ExactSearch")
    parser.add_argument("--pass-overhead", type=float, help="of the drafts, else their default")
    parser.add_argument("--threads", type=int, help="of torch")
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu counts the processor time of this process, for a machine that others use too",
    )
    parser.add_argument("--memory", action="store_true", help="measure peaks, one process each")
    parser.add_argument("--peak", choices=DECODERS, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--plot", type=Path, help="write speed against sentence length here")
    args = parser.parse_args()
    wanted = args.decoders.split(",")
    for name in wanted:
        if name not in DECODERS:
            parser.error(f"--decoders: {name!r} is none of {', '.join(DECODERS)}")
    if args.peak:
        print_peak(args.peak, args)
        return
    if args.memory:
        print_memory(wanted)
        return
    result = measure(args, wanted)
    print_table(result, args)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1), encoding="utf8")
    if args.plot:
        plot(result, args.plot)


def read_sentences(path: Path) -> list[dict]:
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", encoding="utf8") as lines:
        return [json.loads(line) for line in lines]


def load_requests(args: argparse.Namespace) -> tuple[list[Request], list[dict]]:
    """RETURNS (tuple[list[Request], list[dict]]): The requests, sorted by their number of
    words, and for each its gold tags and data set."""
    items = []
    for path in args.data:
        sentences = read_sentences(path)
        labels = sorted({t[2:] for s in sentences for t in s["labels"] if t not in (None, "O")})
        name = path.parent.name or path.stem
        most = args.max_words or float("inf")
        sentences = [s for s in sentences if 0 < len(s["words"]) <= most]
        if args.limit:
            share = -(-args.limit // len(args.data))
            sentences = random.Random(args.seed).sample(sentences, min(share, len(sentences)))
        for s in sentences:
            words = tuple(s["words"])
            # A token has at least one character.
            n_output = len(
                FORMAT.write(
                    words, [(i, i + 1, max(labels, key=len)) for i in range(len(words))], labels
                )
            )
            request = Request(FORMAT.prompt(words, labels), words, tuple(labels), FORMAT, n_output)
            items.append((request, {"tags": [t or "O" for t in s["labels"]], "name": name}))
    items = items[: args.limit] if args.limit else items
    items.sort(key=lambda item: len(item[0].words))
    return [item[0] for item in items], [item[1] for item in items]


def rectangle(rows: list[list[int]], fill: int, left: bool, device: torch.device) -> torch.Tensor:
    width = max(map(len, rows))
    filled = [
        [fill] * (width - len(r)) + r if left else r + [fill] * (width - len(r)) for r in rows
    ]
    return torch.tensor(filled, device=device)


class Plain:
    """`generate()` as anyone would call it, and the floor."""

    def __init__(self, backbone, num_beams: int):
        self.backbone, self.num_beams = backbone, num_beams
        self.passes = 0
        self.outputs: dict[int, list[int]] = {}
        head = backbone.model.get_output_embeddings()
        head.register_forward_hook(self._count)

    def _count(self, *_) -> None:
        self.passes += 1

    def _inputs(self, requests: list[Request]) -> dict[str, torch.Tensor]:
        b = self.backbone
        prompts = b.codec.prompt_ids([r.prompt.text for r in requests])
        return {
            "input_ids": rectangle(prompts, b.codec.pad_id, b.codec.is_causal, b.device),
            "attention_mask": rectangle(
                [[1] * len(p) for p in prompts], 0, b.codec.is_causal, b.device
            ),
        }

    @torch.inference_mode()
    def generate(self, requests: list[Request]) -> tuple[list[list[int]], int]:
        b = self.backbone
        inputs = self._inputs(requests)
        limits = output_limits(
            b, requests, b.codec.prompt_ids([r.prompt.text for r in requests]), None
        )
        before = self.passes
        rows = b.model.generate(
            **inputs,
            max_new_tokens=max(limits),
            num_beams=self.num_beams,
            do_sample=False,
            eos_token_id=list(b.codec.end_ids),
            pad_token_id=b.codec.pad_id,
        )
        skip = inputs["input_ids"].shape[1] if b.codec.is_causal else 1
        outputs = []
        for row, limit in zip(rows[:, skip:].tolist(), limits, strict=True):
            end = next((i for i, token in enumerate(row) if token in b.codec.end_ids), limit)
            outputs.append(row[: min(end, limit)])
        return outputs, self.passes - before

    @torch.inference_mode()
    def floor(self, requests: list[Request], outputs: list[list[int]]) -> None:
        b = self.backbone
        inputs = self._inputs(requests)
        targets = [[*o, b.codec.eos_id] for o in outputs]
        if b.codec.is_causal:
            right = rectangle(targets, b.codec.pad_id, False, b.device)
            mask = rectangle([[1] * len(t) for t in targets], 0, False, b.device)
            b.model(
                input_ids=torch.cat([inputs["input_ids"], right], 1),
                attention_mask=torch.cat([inputs["attention_mask"], mask], 1),
                use_cache=False,
                logits_to_keep=right.shape[1] + 1,
            )
        else:
            b.model(
                **inputs,
                decoder_input_ids=rectangle(
                    [[b.codec.decoder_start_id, *o] for o in outputs],
                    b.codec.pad_id,
                    False,
                    b.device,
                ),
                use_cache=False,
            )


def overfit(backbone, requests: list[Request], gold: list[dict], steps: int) -> None:
    """Train the model on what it will be measured with."""
    b, model = backbone, backbone.model
    model.requires_grad_(True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=0.0)
    prompts = b.codec.prompt_ids([r.prompt.text for r in requests])
    targets = [
        [t for ids in b.codec.target_ids(FORMAT.pieces(r.words, g["tags"])) for t in ids]
        + [b.codec.eos_id]
        for r, g in zip(requests, gold, strict=True)
    ]
    model.train()
    for step in range(steps):
        total = 0.0
        for prompt, target in zip(prompts, targets, strict=True):
            ids = prompt + target if b.codec.is_causal else prompt
            labels = [-100] * len(prompt) + target if b.codec.is_causal else target
            device = b.device
            loss = model(
                input_ids=torch.tensor([ids], device=device),
                labels=torch.tensor([labels], device=device),
            ).loss
            loss.backward()
            total += loss.item() / len(prompts)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        print(f"step {step + 1}/{steps}: loss {total:.3f}", file=sys.stderr)
    model.eval()
    backbone.version += 1


def clock(device: torch.device, kind: str) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() if kind == "wall" else time.process_time()


def measure(args: argparse.Namespace, wanted: list[str]) -> dict:
    if args.threads:
        torch.set_num_threads(args.threads)
    backbone = get_shim(
        build_transformer(args.model, device=args.device, dtype=args.dtype)
    ).backbone
    requests, gold = load_requests(args)
    if args.overfit:
        overfit(backbone, requests, gold, args.overfit)
    options = {} if args.pass_overhead is None else {"pass_overhead": args.pass_overhead}
    limit = args.max_forks_per_word
    forks = {} if limit is None else {"max_forks_per_word": limit}
    ours = {
        "beam-4": BeamSearch(4),
        "drafted": DraftedGreedy(**options),
        "exact": ExactSearch(**options, **forks),
    }
    greedy, beams = Plain(backbone, 1), Plain(backbone, 4)
    answers: dict[str, list] = {name: [None] * len(requests) for name in wanted}
    seconds: dict[str, list[float]] = {name: [0.0] * len(requests) for name in wanted}
    stats: dict[str, dict[str, float]] = {name: defaultdict(float) for name in wanted}

    # What a decoder remembers (names that it saw, prefixes) belongs to a backbone: each gets
    # one of its own, around the same weights, so that none profits from another.
    own = {name: copy.copy(backbone) for name in ours}

    def decode(name: str, batch: list[int]) -> list:
        part = [requests[i] for i in batch]
        if name in ours:
            generations = ours[name](own[name], part, 10**9)
            for generation in generations:
                for key in ("forward_passes", "forks", "cut_short"):
                    stats[name][key] += getattr(generation, key) or 0
            return [(g.text, g.parts) for g in generations]
        if name == "floor":
            # For a floor one needs the output that it goes over.
            outputs = [greedy.outputs[i] for i in batch]
            greedy.floor(part, outputs)
            stats[name]["forward_passes"] += len(batch)
            return []
        plain = greedy if name == "generate" else beams
        outputs, passes = plain.generate(part)
        stats[name]["forward_passes"] += passes * len(batch)
        for i, ids in zip(batch, outputs, strict=True):
            plain.outputs[i] = ids
        texts = [backbone.codec.decode(ids) for ids in outputs]
        return [(t, FORMAT.parse(t, r.wordings)) for t, r in zip(texts, part, strict=True)]

    order = sorted(
        wanted,
        key=lambda name: ("generate", "floor").index(name) if name in ("generate", "floor") else 2,
    )
    batches = [
        list(range(i, min(i + args.batch_size, len(requests))))
        for i in range(0, len(requests), args.batch_size)
    ]
    random.Random(1).shuffle(batches)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in order:  # warm up: caches of the tokenizer, memory, kernels
            decode(name, batches[0][:1])
        own.update({name: copy.copy(backbone) for name in ours})
        for values in stats.values():
            values.clear()
        for n_done, batch in enumerate(batches, start=1):
            for name in order:
                # The package's linear layers are part of its decoders, not of what they replace.
                use_fast_linear(backbone.model, name in ours)
                start = clock(backbone.device, args.clock)
                answer = decode(name, batch)
                elapsed = clock(backbone.device, args.clock) - start
                for i, row in zip(batch, answer or [None] * len(batch), strict=True):
                    answers[name][i] = row
                    seconds[name][i] = elapsed / len(batch)
            print(f"\r{n_done}/{len(batches)} batches", end="", file=sys.stderr)
    print(file=sys.stderr)
    matcher = LCSMatcher()
    table = {}
    for name in wanted:
        row = {
            "seconds": sum(seconds[name]),
            "sentences_per_second": len(requests) / sum(seconds[name]),
            **{key: value / len(requests) for key, value in stats[name].items()},
        }
        if name != "floor":
            tags = [
                tag_words(matcher, r.words, a[1])
                for r, a in zip(requests, answers[name], strict=True)
            ]
            row["f1"] = f1_by_set(tags, gold)
            row["f1_average"] = sum(row["f1"].values()) / len(row["f1"])
            if "generate" in wanted:
                same = [
                    a[0] == b[0] for a, b in zip(answers[name], answers["generate"], strict=True)
                ]
                row["identical"] = sum(same) / len(same)
        table[name] = row
    return {
        "model": args.model,
        "kind": backbone.family,
        "device": str(backbone.device),
        "dtype": str(next(backbone.model.parameters()).dtype),
        "threads": torch.get_num_threads(),
        "batch_size": args.batch_size,
        "clock": args.clock,
        "overfit": args.overfit,
        "sentences": len(requests),
        "words": [len(r.words) for r in requests],
        "decoders": table,
        "seconds": seconds,
    }


def tag_words(matcher: LCSMatcher, words: tuple[str, ...], pairs) -> list[str]:
    alignment = matcher(words, [pair.word for pair in pairs])
    return ["O" if j is None else pairs[j].tag for j in alignment]


def f1_by_set(predicted: list[list[str]], gold: list[dict]) -> dict[str, float]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for tags, item in zip(predicted, gold, strict=True):
        found, right = set(FORMAT.decode(tags)), set(FORMAT.decode(item["tags"]))
        for i, n in enumerate((len(found & right), len(found), len(right))):
            counts[item["name"]][i] += n
    return {name: 200.0 * c[0] / max(1, c[1] + c[2]) for name, c in sorted(counts.items())}


def print_table(result: dict, args: argparse.Namespace) -> None:
    table = result["decoders"]
    print(
        f"{result['model']} ({result['kind']}), {result['device']}, {result['dtype']}, "
        f"{result['threads']} threads, {result['clock']} clock, "
        f"{result['sentences']} sentences in batches of {result['batch_size']}\n"
    )
    names = ("generate", "generate-4", "floor")
    print(f"{'':<12}{'passes':>8}{'sent/s':>9}" + "".join(f"{'x ' + n:>13}" for n in names), end="")
    print(f"{'F1':>8}{'same':>8}")
    for name, row in table.items():
        line = f"{name:<12}{row['forward_passes']:>8.1f}{row['sentences_per_second']:>9.3f}"
        for other in names:
            ratio = table[other]["seconds"] / row["seconds"] if other in table else float("nan")
            line += f"{ratio:>13.2f}"
        line += f"{row['f1_average']:>8.2f}" if "f1_average" in row else f"{'':>8}"
        line += f"{row['identical']:>8.1%}" if "identical" in row else ""
        print(line)
    if "exact" in table:
        row = table["exact"]
        print(f"\nexact: {row['forks']:.1f} forks per sentence, {row['cut_short']:.1%} cut short")
    for name, row in table.items():
        if "f1" in row and len(row["f1"]) > 1:
            print(f"F1 {name}: " + ", ".join(f"{k} {v:.1f}" for k, v in row["f1"].items()))


def print_memory(wanted: list[str]) -> None:
    """Run each decoder in a process of its own, and print its peak."""
    peaks = {}
    for name in wanted:
        if name == "floor":
            continue
        command = [sys.executable, *sys.argv, "--peak", name]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        peaks[name] = float(run.stdout.split()[-1])
    for name, peak in peaks.items():
        ratio = f", {peak / peaks['generate']:.2f} x generate" if "generate" in peaks else ""
        print(f"{name}: peak {peak:.0f} MiB{ratio}")


def print_peak(name: str, args: argparse.Namespace) -> None:
    result = measure(args, [name])
    if result["device"].startswith("cuda"):
        print(torch.cuda.max_memory_allocated() / 2**20)
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def plot(result: dict, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for name, seconds in result["seconds"].items():
        buckets = defaultdict(list)
        for words, value in zip(result["words"], seconds, strict=True):
            buckets[words // 10 * 10 + 5].append(value)
        xs = sorted(buckets)
        axes.plot(xs, [len(buckets[x]) / sum(buckets[x]) for x in xs], marker="o", label=name)
    axes.set_yscale("log")
    axes.set_xlabel("words in the sentence")
    axes.set_ylabel("sentences per second")
    axes.set_title(f"{result['model']}, {result['device']}, batches of {result['batch_size']}")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main()
