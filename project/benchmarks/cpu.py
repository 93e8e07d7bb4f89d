"""What annotation costs on one core of a CPU.

    python project/benchmarks/cpu.py --data wnut.jsonl.gz litbank.jsonl.gz --against ../other

One run, one thread, the clock of the processor. Every engine is a process of its own and gets the
same texts in turn, so that whatever slows the machine down slows all of them: compare ratios. The
engines are

- NAME or NAME:SETTING=VALUE,…: a decoder of this checkout (exact, one-pass, drafted, beam), with
  settings of the decoder; `dtype` and `batch_size` are those of the model and the component;
- against: the default model and decoder of another checkout of this project (`--against
  DIRECTORY`);
- floor: one pass of this model over the prompt and the right output, in float32, without a cache;
- encoder: an encoder of the size of DeBERTa-v3-base (that of GLiNER-medium) with random weights
  over the same labels and words, in float32. What its heads cost is not counted.

The data are lines of {"words": […], "labels": ["O", "B-x", …]}, plain or gzipped. The messy texts
are those of project/assets/messy, each asked about the labels in labels.json there.
"""

import argparse
import configparser
import gzip
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MESSY = ROOT / "project" / "assets" / "messy"
DECODERS = {
    "exact": "spacy_gner.ExactSearch.v1",
    "one-pass": "spacy_gner.OnePass.v1",
    "drafted": "spacy_gner.DraftedGreedy.v1",
    "beam": "spacy_gner.BeamSearch.v1",
}
# Keys of `Generation.stats` that say why tokens were fed.
CAUSES = ("prompt", "kept", "dropped", "forks_won", "forks_lost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="*", default=[], type=Path, help="JSONL files")
    parser.add_argument("--messy", action="store_true", help="measure the messy texts as well")
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    parser.add_argument("--engines", nargs="+", default=["exact", "floor", "encoder"])
    parser.add_argument("--model", help="of this checkout: name or directory; else the default")
    parser.add_argument("--limit", type=int, default=24, help="sentences in all")
    parser.add_argument("--max-words", type=int, help="leave longer sentences out")
    parser.add_argument("--join", type=int, help="join sentences to texts of so many words")
    parser.add_argument("--docs", type=int, default=8, help="texts an engine gets at once")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of sentences")
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker, args.model)
        return
    names = [*args.engines, *(["against"] if args.against else [])]
    groups = read_groups(args)
    result = measure(names, groups, args)
    print_tables(names, groups, result)
    if args.json:
        args.json.write_text(json.dumps(result, indent=1), encoding="utf8")


# --- texts ----------------------------------------------------------------------------------


def read_groups(args: argparse.Namespace) -> list[dict[str, Any]]:
    """RETURNS (list[dict]): What an engine gets at once: texts with the same labels."""
    groups = []
    for path in args.data:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf8") as lines:
            rows = [json.loads(line) for line in lines]
        for row in rows:
            row["labels"] = [clean(tag) for tag in row["labels"]]
        labels = sorted({tag[2:] for row in rows for tag in row["labels"] if tag != "O"})
        name = (
            path.parent.name if path.name.split(".")[0] in ("train", "dev", "test") else path.stem
        )
        rows = [r for r in rows if 0 < len(r["words"]) <= (args.max_words or 10**6)]
        rows = join(rows, args.join) if args.join else rows
        share = -(-args.limit // len(args.data))
        rows = random.Random(args.seed).sample(rows, min(share, len(rows)))
        for i in range(0, len(rows), args.docs):
            part = rows[i : i + args.docs]
            groups.append(
                {
                    "name": name,
                    "kind": "sentences",
                    "labels": labels,
                    "words": [row["words"] for row in part],
                    "tags": [row["labels"] for row in part],
                }
            )
    if args.messy:
        for name, labels in json.loads((MESSY / "labels.json").read_text("utf8")).items():
            text = (MESSY / f"{name}.txt").read_text("utf8")
            groups.append({"name": name, "kind": "messy", "labels": labels, "texts": [text]})
    return groups


def join(rows: list[dict[str, Any]], n_words: int) -> list[dict[str, Any]]:
    """RETURNS (list[dict]): Rows of at least so many words, of sentences that follow each other."""
    texts: list[dict[str, Any]] = []
    words: list[str] = []
    tags: list[str] = []
    for row in rows:
        words, tags = [*words, *row["words"]], [*tags, *row["labels"]]
        if len(words) >= n_words:
            texts.append({"words": words, "labels": tags})
            words, tags = [], []
    return texts


def clean(tag: str | None) -> str:
    """RETURNS (str): A tag without the characters that labels must not have."""
    return "O" if tag is None else re.sub(r"\s*[,()]\s*", " ", tag).strip()


# --- the engines, each in a process of its own ------------------------------------------------


class Engine:
    """The other end of a worker.

    name (str): Which engine.
    args (argparse.Namespace): The command's arguments.
    """

    def __init__(self, name: str, args: argparse.Namespace):
        checkout = args.against.resolve() if name == "against" else ROOT
        self._shadow = tempfile.TemporaryDirectory()
        env = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        # The registered names are those of the checkout, whatever is installed.
        paths = [str(checkout), entry_points(checkout, Path(self._shadow.name))]
        env["PYTHONPATH"] = os.pathsep.join([*paths, env.get("PYTHONPATH", "")])
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", name]
        command += ["--model", args.model] if args.model and name != "against" else []
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=env, text=True)

    def ask(self, group: dict[str, Any]) -> dict[str, Any]:
        """RETURNS (dict): "seconds" and what else the engine counted."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(group), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"an engine stopped with exit code {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._shadow.cleanup()


def entry_points(checkout: Path, folder: Path) -> str:
    """RETURNS (str): A folder with the metadata of a checkout as if it was installed."""
    config = configparser.ConfigParser()
    config.read(checkout / "setup.cfg")
    info = folder / "spacy_gner-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spacy-gner\nVersion: 0\n")
    points = config["options.entry_points"].items()
    (info / "entry_points.txt").write_text("\n".join(f"[{k}]{v}\n" for k, v in points))
    return str(folder)


def work(name: str, model: str | None) -> None:
    """Answer groups from standard input, one JSON a line."""
    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    answer = sys.stdout
    sys.stdout = sys.stderr  # nothing but answers goes there
    kinds = {"floor": Floor, "encoder": Encoder}
    engine = kinds[name](model) if name in kinds else Component(name, model)
    for line in sys.stdin:
        group = json.loads(line)
        print(json.dumps(engine(group)), file=answer, flush=True)


class Component:
    """The component, in whatever checkout this process imports.

    name (str): "against", or a decoder with its settings.
    model (str | None): The model.
    """

    def __init__(self, name: str, model: str | None):
        import spacy

        kind, _, settings = name.partition(":")
        values: dict[str, Any] = {}
        for setting in filter(None, settings.split(",")):
            key, _, value = setting.partition("=")
            values[key] = json.loads(value) if value[:1].isdigit() or value in JSON else value
        self.nlp = spacy.blank("en")
        config: dict[str, Any] = {"labels": ["person"]}
        own = {k: values.pop(k) for k in ("dtype",) if k in values} | (
            {"name": model} if model else {}
        )
        if own:
            config["model"] = own
        if "batch_size" in values:
            config["batch_size"] = values.pop("batch_size")
        if kind != "against":
            config["decoder"] = {"@misc": DECODERS[kind], **values}
        self.gner = self.nlp.add_pipe("gner", config=config)
        self.counts = {"padded": 0, "real": 0}
        self.gner.predict([self.nlp.make_doc("A text to load the model with.")])
        try:
            from spacy_gner.pipeline.shim import get_shim
        except ImportError:  # an older version
            from spacy_gner.backbones import get_shim
        self.backbone = get_shim(self.gner.model).backbone
        self.codec = getattr(self.backbone, "codec", self.backbone)
        network = self.backbone.model
        network.get_decoder().register_forward_pre_hook(self._count, with_kwargs=True)

    def _count(self, module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        ids = kwargs["input_ids"] if kwargs.get("input_ids") is not None else args[0]
        mask = kwargs.get("attention_mask")
        self.counts["padded"] += ids.numel()
        plain = mask is None or isinstance(mask, dict) or mask.dim() != 2
        self.counts["real"] += ids.numel() if plain else int(mask[:, -ids.shape[1] :].sum())

    def __call__(self, group: dict[str, Any]) -> dict[str, Any]:
        from spacy.tokens import Doc

        self.gner.set_labels(group["labels"])
        if "words" in group:
            docs = [Doc(self.nlp.vocab, words=words) for words in group["words"]]
        else:
            docs = [self.nlp.make_doc(text) for text in group["texts"]]
        for key in self.counts:
            self.counts[key] = 0
        start = time.process_time()
        predictions = self.gner.predict(docs)
        seconds = time.process_time() - start
        stats: dict[str, float] = defaultdict(float)
        for prediction in predictions:
            for window in prediction.windows:
                for key, value in counters(window).items():
                    stats[key] += value
        return {
            "seconds": seconds,
            "entities": [[(e.start, e.end, e.label) for e in p.entities] for p in predictions],
            "scores": [[e.score for e in p.entities] for p in predictions],
            "words": sum(len(doc) for doc in docs),
            "stats": {**self.counts, **stats},
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def counters(window: Any) -> dict[str, float]:
    """RETURNS (dict[str, float]): What the decoder counted, in this version or an older one."""
    if hasattr(window, "stats"):
        return window.stats
    generation = window.generation
    fed = getattr(generation, "tokens_fed", None)
    tokens = {f"tokens_{k}": v for k, v in vars(fed).items()} if fed is not None else {}
    if tokens:
        # Where decoders count by cause, those that bypass the network are counted too.
        tokens["real"] = tokens["padded"] = sum(tokens.values())
    passes = generation.forward_passes
    return {"forward_passes": passes, "forks": generation.forks or 0, **tokens}


JSON = ("true", "false", "null")


class Floor(Component):
    """One pass over prompt and right output. model (str | None): The model."""

    def __init__(self, model: str | None):
        super().__init__("exact:dtype=float32", model)

    def __call__(self, group: dict[str, Any]) -> dict[str, Any]:
        import torch
        from spacy.tokens import Doc

        from spacy_gner.planning.windows import DocWords

        self.gner.set_labels(group["labels"])
        if "words" in group:
            docs = [Doc(self.nlp.vocab, words=words) for words in group["words"]]
        else:
            docs = [self.nlp.make_doc(text) for text in group["texts"]]
        codec = self.codec
        words, seconds, n_tokens = 0, 0.0, 0
        for number, doc in enumerate(docs):
            texts = [token.text for token in doc if not token.is_space]
            tags = group["tags"][number] if "tags" in group else ["O"] * len(texts)
            pieces = [f"{text}({tag})" for text, tag in zip(texts, tags, strict=True)]
            target = [i for ids in codec.target_ids(pieces) for i in ids]
            labels = self.gner.labels_of(doc)
            planned = self.gner.planner.plan(DocWords.from_doc(doc), labels)
            prompt = codec.prompt_ids([planned[0].request.prompt.text])[0]
            ids = torch.tensor([[*prompt, *target]])
            start = time.process_time()
            with torch.inference_mode():
                self.backbone.model(input_ids=ids, use_cache=False, logits_to_keep=len(target))
            seconds += time.process_time() - start
            words += len(doc)
            n_tokens += ids.numel()
        return {
            "seconds": seconds,
            "words": words,
            "stats": {"forward_passes": len(docs), "padded": n_tokens, "real": n_tokens},
        }


class Encoder:
    """DeBERTa-v3-base with random weights. model (str | None): Ignored."""

    def __init__(self, model: str | None):
        import torch
        from transformers import DebertaV2Config, DebertaV2Model

        torch.manual_seed(0)
        # The sizes of microsoft/deberta-v3-base; of its vocabulary, which costs nothing to look
        # things up in, a small part.
        config = DebertaV2Config(
            vocab_size=2000,
            hidden_size=768,
            num_hidden_layers=12,
            num_attention_heads=12,
            intermediate_size=3072,
            relative_attention=True,
            position_buckets=256,
            norm_rel_ebd="layer_norm",
            share_att_key=True,
            pos_att_type=["p2c", "c2p"],
            position_biased_input=False,
            type_vocab_size=0,
            max_relative_positions=-1,
        )
        self.model = DebertaV2Model(config).eval()
        self.component = Component("exact", model)

    def __call__(self, group: dict[str, Any]) -> dict[str, Any]:
        import torch

        nlp, codec = self.component.nlp, self.component.codec
        texts = group.get("words") or [
            [t.text for t in nlp.make_doc(text) if not t.is_space] for text in group["texts"]
        ]
        # GLiNER's input: a marker and the label for each label, a separator, the words.
        before = sum(1 + len(ids) for ids in codec.target_ids(group["labels"])) + 3
        lengths = [before + sum(map(len, codec.target_ids(words))) for words in texts]
        width = max(lengths)
        ids = torch.randint(5, 2000, (len(lengths), width))
        mask = torch.tensor([[1] * n + [0] * (width - n) for n in lengths])
        start = time.process_time()
        with torch.inference_mode():
            self.model(input_ids=ids, attention_mask=mask)
        seconds = time.process_time() - start
        stats = {"forward_passes": len(lengths), "padded": ids.numel(), "real": sum(lengths)}
        return {"seconds": seconds, "words": sum(map(len, texts)), "stats": stats}


# --- the run ----------------------------------------------------------------------------------


def measure(names: list[str], groups: list[dict], args: argparse.Namespace) -> dict[str, Any]:
    """RETURNS (dict): By engine, what it answered to each group."""
    engines = {name: Engine(name, args) for name in names}
    for engine in engines.values():
        for group in groups[:1]:  # caches of the tokenizer, memory, kernels
            engine.ask({**group, "words": [["Warm", "up", "."]], "tags": [["O", "O", "O"]]})
    result: dict[str, list] = {name: [] for name in names}
    order = list(range(len(groups)))
    random.Random(1).shuffle(order)
    for n_done, i in enumerate(order, start=1):
        for name, engine in engines.items():
            result[name].append((i, engine.ask(groups[i])))
        print(f"\r{n_done}/{len(order)} groups", end="", file=sys.stderr)
    print(file=sys.stderr)
    for engine in engines.values():
        engine.close()
    return {name: [answer for _, answer in sorted(rows)] for name, rows in result.items()}


def print_tables(names: list[str], groups: list[dict], result: dict[str, Any]) -> None:
    """Print seconds, tokens and F1."""
    sentences = [i for i, group in enumerate(groups) if group["kind"] == "sentences"]
    if sentences:
        n = sum(len(groups[i]["words"]) for i in sentences)
        words = sum(len(w) for i in sentences for w in groups[i]["words"])
        print(f"{n} sentences of {words / n:.1f} words\n")
        heads = ("s/sentence", "s/100 words", "times against", "F1", "passes", "padded", "real")
        heads += (*CAUSES, "forks", "peak MiB")
        width = max(map(len, names)) + 2
        print(" " * width + "".join(f"{head:>14}" for head in heads))
        for name in names:
            rows = [result[name][i] for i in sentences]
            seconds = sum(row["seconds"] for row in rows)
            other = (
                sum(result["against"][i]["seconds"] for i in sentences) if "against" in names else 0
            )
            cells = [f"{seconds / n:.3f}", f"{100 * seconds / words:.2f}"]
            cells.append(f"{other / seconds:.2f}" if other else "")
            cells.append(
                f"{f1([groups[i] for i in sentences], rows):.1f}" if "entities" in rows[0] else ""
            )
            for key in (
                "forward_passes",
                "padded",
                "real",
                *(f"tokens_{c}" for c in CAUSES),
                "forks",
            ):
                values = [row["stats"][key] for row in rows if key in row["stats"]]
                cells.append(f"{sum(values) / n:.1f}" if values else "")
            cells.append(f"{max(row.get('peak', 0) for row in rows):.0f}")
            print(f"{name:<{width}}" + "".join(f"{cell:>14}" for cell in cells))
        kinds = sorted({groups[i]["name"] for i in sentences})
        if len(kinds) > 1:
            for name in names:
                parts = []
                for kind in kinds:
                    own = [i for i in sentences if groups[i]["name"] == kind]
                    rows = [result[name][i] for i in own]
                    if "entities" in rows[0]:
                        parts.append(f"{kind} {f1([groups[i] for i in own], rows):.1f}")
                if parts:
                    print(f"F1 {name}: " + ", ".join(parts))
    messy = [i for i, group in enumerate(groups) if group["kind"] == "messy"]
    if messy:
        print("\nseconds per 100 words, times news\n")
        width = max(len(groups[i]["name"]) for i in messy) + 2
        print(" " * width + "".join(f"{name:>24}" for name in names))
        for i in messy:
            line = f"{groups[i]['name']:<{width}}"
            for name in names:
                row = result[name][i]
                news = next(result[name][j] for j in messy if groups[j]["name"] == "news")
                cost = 100 * row["seconds"] / row["words"]
                ratio = cost / (100 * news["seconds"] / news["words"])
                line += f"{cost:>15.2f}{ratio:>6.2f} x "
            print(line)


def f1(groups: list[dict], rows: list[dict]) -> float:
    """RETURNS (float): Strict F1 over all sentences, in percent."""
    n_right = n_found = n_gold = 0
    for group, row in zip(groups, rows, strict=True):
        for tags, entities in zip(group["tags"], row["entities"], strict=True):
            gold = spans(tags)
            found = {tuple(entity) for entity in entities}
            n_right += len(gold & found)
            n_found += len(found)
            n_gold += len(gold)
    return 200 * n_right / max(1, n_found + n_gold)


def spans(tags: list[str]) -> set[tuple[int, int, str]]:
    """RETURNS (set[tuple[int, int, str]]): The entities of BIO tags."""
    found, start = set(), None
    for i, tag in enumerate([*tags, "O"]):
        if start is not None and tag != f"I-{tags[start][2:]}":
            found.add((start, i, tags[start][2:]))
            start = None
        if tag != "O" and start is None:
            start = i
    return found


if __name__ == "__main__":
    main()
