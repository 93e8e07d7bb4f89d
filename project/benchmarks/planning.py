"""What planning the prompts of a Doc costs: tokens that are tokenized, and milliseconds.

    python project/benchmarks/planning.py [--model NAME] [--docs 200] [--words 25]

Docs of words from the sample corpus, with 3, 20 and 100 labels. `first` is the first Doc with a
new set of labels, `later` the mean of those that follow; `needed` are the tokens of their words
alone, as they stand in the prompt and in the output. Weights are not loaded.
"""

import random
import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from transformers import AutoConfig

from spacy_gner.backbones.codec import TextCodec
from spacy_gner.backbones.loading import load_tokenizer
from spacy_gner.backbones.settings import BackboneSettings
from spacy_gner.backbones.sources import resolve_source
from spacy_gner.formats import BIO, LabelSet
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.planning.words import DocWords

SAMPLE = Path(__file__).parents[1] / "assets" / "sample_dev.txt"


class Counting:
    """A tokenizer that counts its tokens."""

    def __init__(self, encoder: Any):
        self.encoder = encoder
        self.n_tokens = 0

    def encode_batch(self, texts: list[str], **kwargs: Any) -> Any:
        encodings = self.encoder.encode_batch(texts, **kwargs)
        self.n_tokens += sum(len(encoding.ids) for encoding in encodings)
        return encodings

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)


def measure(codec: TextCodec, n_labels: int, docs: list[DocWords]) -> tuple[Any, Any]:
    """RETURNS (tuple): Tokens and milliseconds of the first Doc, and of the others on average."""
    counting = codec._encoder
    planner = Planner(codec, BIO(), Windower())
    labels = LabelSet.make([f"kind of thing {i}" for i in range(n_labels)])
    found = []
    for doc in docs:
        before, start = counting.n_tokens, time.perf_counter()
        planner.plan(doc, labels)
        found.append((counting.n_tokens - before, 1000 * (time.perf_counter() - start)))
    later = [sum(values) / (len(docs) - 1) for values in zip(*found[1:], strict=True)]
    return found[0], tuple(later)


def main(
    model: Annotated[str, typer.Option(help="What Transformer.v1 takes")] = "gner-smollm2-135m",
    docs: Annotated[int, typer.Option(help="Docs per number of labels")] = 200,
    words: Annotated[int, typer.Option(help="Words of each Doc")] = 25,
) -> None:
    source = resolve_source(model).location
    config = AutoConfig.from_pretrained(source)
    family = "seq2seq" if config.is_encoder_decoder else "causal"
    settings = BackboneSettings(model, device="cpu")
    codec = TextCodec.of_model(load_tokenizer(source, model, {}), family, config, settings)
    codec._encoder = counting = Counting(codec._encoder)
    known = re.findall(r"\w+|[^\w\s]", SAMPLE.read_text(encoding="utf8"))
    rng = random.Random(0)
    texts = [tuple(rng.choices(known, k=words)) for _ in range(docs)]
    made = [DocWords(text, tuple(range(words)), (0,)) for text in texts]
    codec.target_ids([BIO().spell(word, "O") for text in texts for word in text])
    if codec.is_causal:
        codec.target_ids([word for text in texts for word in text])
    print(f"needed: {counting.n_tokens / docs:.0f} tokens a Doc\n")
    print("| labels | first: tokens | ms | later: tokens | ms |\n|--:|--:|--:|--:|--:|")
    for n_labels in (3, 20, 100):
        (n, ms), (later_n, later_ms) = measure(codec, n_labels, made)
        print(f"| {n_labels} | {n} | {ms:.1f} | {later_n:.0f} | {later_ms:.2f} |")


if __name__ == "__main__":
    typer.run(main)
