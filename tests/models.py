"""Tiny models with real architectures and tokenizers, built in memory for the tests."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from spacy_gner.backbones.backbone import Backbone
from spacy_gner.backbones.codec import TextCodec
from spacy_gner.backbones.settings import BackboneSettings
from spacy_gner.formats import BIO, Prompt, TaggedWords
from spacy_gner.formats.instructions import Instructions
from spacy_gner.planning.request import Request

# What the tokenizers are trained on, besides the prompt's own text.
TEXTS = (
    "Marie Curie won the Nobel Prize while working in Paris .",
    "The European Commission met in Brussels on Tuesday , said Angela Merkel .",
    "Paris(B-city) Marie(B-person) Curie(I-person) the(O) .(O) New(B-city) York(I-city)",
    "[Marie Curie](person) [Paris](city)",
    "Nobel(B-award) Prize(I-award) IBM(B-organization) of(O) a(O) London(S-city) City(E-city)",
)
WORDS = tuple(
    "Marie Curie won the Nobel Prize while working in Paris . The met on Tuesday , said ( a ) "
    "Angela Merkel New York London IBM company city of and she lives there since 1995 U.S.".split()
)
LABELS = ("person", "city", "award")
# Short, so that tiny models see short prompts.
SHORT = {"description": "Tag the words.", "guideline": "B- I- O"}


def byte_level_tokenizer(
    texts: Sequence[str] = TEXTS, vocab_size: int = 400, splitter: Any = None
) -> PreTrainedTokenizerFast:
    """RETURNS (PreTrainedTokenizerFast): Byte-level BPE, with a token in front of each text,
    as LLaMA-like models have.

    splitter (PreTokenizer | None): What no token reaches over; None for GPT-2's rules."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = splitter or pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, _prompt_text()], trainer)
    tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        clean_up_tokenization_spaces=False,
    )


def sentencepiece_tokenizer(
    texts: Sequence[str] = TEXTS, vocab_size: int = 300
) -> PreTrainedTokenizerFast:
    """RETURNS (PreTrainedTokenizerFast): Unigram pieces as T5 has them: an end token, words
    begin with a mark, characters that the vocabulary lacks become `<unk>`."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, _prompt_text()], trainer)
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )


def make_backbone(model: Any, tokenizer: Any, family: str, **settings: Any) -> Backbone:
    """RETURNS (Backbone): A model in memory as a backbone, on the CPU."""
    # Oracles compute in float32: no other precision by the choice of this machine.
    settings.setdefault("dtype", "float32")
    chosen = BackboneSettings(f"tiny-{family}", device="cpu", **settings)
    codec = TextCodec.of_model(tokenizer, family, model.config, chosen)
    return Backbone(codec, model, chosen)


def build_tiny_causal(
    seed: int = 0,
    hidden: int = 32,
    layers: int = 2,
    max_positions: int = 2048,
    texts: Sequence[str] = TEXTS,
    tokenizer: PreTrainedTokenizerFast | None = None,
) -> Backbone:
    """A LLaMA with random weights: rotary positions, grouped key/value heads.

    seed (int): Of the weights.
    hidden (int): Width of the model.
    layers (int): Number of layers.
    max_positions (int): Positions that the model has.
    texts (Sequence[str]): What its tokenizer is trained on.
    tokenizer (PreTrainedTokenizerFast | None): Its tokenizer, if it is to be another one.
    RETURNS (Backbone): The model, in evaluation mode.
    """
    tokenizer = tokenizer or byte_level_tokenizer(texts)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=max_positions,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    model = LlamaForCausalLM(config).eval()
    return make_backbone(model, tokenizer, "causal")


def build_tiny_seq2seq(
    seed: int = 0, hidden: int = 32, layers: int = 2, texts: Sequence[str] = TEXTS
) -> Backbone:
    """A T5 with random weights. See `build_tiny_causal` for the arguments."""
    tokenizer = sentencepiece_tokenizer(texts)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=hidden,
        d_kv=hidden // 4,
        d_ff=2 * hidden,
        num_layers=layers,
        num_heads=4,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
        dropout_rate=0.0,
    )
    torch.manual_seed(seed)
    model = T5ForConditionalGeneration(config).eval()
    return make_backbone(model, tokenizer, "seq2seq")


def keeps_cache(model: Any) -> bool:
    """RETURNS (bool): Whether a model, or its class, has keys and values that drafts can be taken
    back from: in versions of transformers before 5 some families kept them in another way."""
    return bool(getattr(model, "_supports_cache_class", True))


def save_tiny(backbone: Backbone, path: Path) -> Path:
    """RETURNS (Path): The directory, now with config, tokenizer and safetensors weights, as
    any Hugging Face model has them."""
    backbone.model.save_pretrained(path, safe_serialization=True)
    backbone.codec.tokenizer.save_pretrained(path)
    return path


def prompt_of(
    words: Sequence[str], labels: Sequence[str] = LABELS, format: Instructions | None = None
) -> Prompt:
    """RETURNS (Prompt): With a short instruction, so that tiny models see short prompts."""
    return replace(format or BIO(), **SHORT).prompt(words, labels)


def request_of(words: Sequence[str], labels: Sequence[str] = LABELS, format=None) -> Request:
    """RETURNS (Request): With the prompt of `prompt_of`."""
    format, longest = format or BIO(), max(map(len, labels))
    # A token has at least one character.
    n_output = sum(len(word.encode()) + longest + 5 for word in words)
    prompt = prompt_of(words, labels, format)
    return Request(prompt, tuple(words), tuple(labels), format, n_output)


def pieces_of(words: Sequence[str], tags: Sequence[str], format: TaggedWords | None = None):
    """RETURNS (list[str]): The pieces of the target: one `word(tag)` per word."""
    return list(map((format or BIO()).spell, words, tags))


def overfit(
    backbone: Backbone,
    pairs: Sequence[tuple[str, Sequence[str]]],
    steps: int = 200,
    rate: float = 5e-3,
) -> float:
    """Train a model on a few examples until it knows them by heart.

    backbone (Backbone): The model, changed in place.
    pairs (Sequence[tuple[str, Sequence[str]]]): Prompts, and the pieces of their targets
        (`pieces_of(words, tags)`).
    steps (int): Steps over all pairs at once.
    rate (float): Learning rate.
    RETURNS (float): The last loss, per token.
    """
    prompts = backbone.codec.prompt_ids([prompt for prompt, _ in pairs])
    targets = [
        [t for ids in backbone.codec.target_ids(pieces) for t in ids] + [backbone.codec.eos_id]
        for _, pieces in pairs
    ]
    if backbone.codec.is_causal:
        inputs = [p + t for p, t in zip(prompts, targets, strict=True)]
        labels = [[-100] * len(p) + t for p, t in zip(prompts, targets, strict=True)]
    else:
        inputs, labels = prompts, targets
    batch = {
        "input_ids": _rectangle(inputs, backbone.codec.pad_id),
        "attention_mask": _rectangle([[1] * len(i) for i in inputs], 0),
        "labels": _rectangle(labels, -100),
    }
    model = backbone.model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    loss = torch.tensor(0.0)
    for _ in range(steps):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    model.eval()
    backbone.version += 1
    return loss.item()


def half_train(backbone: Backbone) -> Backbone:
    """RETURNS (Backbone): The same one, trained a little towards tags that contradict one another:
    it is sure of some tags, and of others after them."""
    rng, pairs = random.Random(0), []
    for _ in range(12):
        words = [rng.choice(WORDS) for _ in range(5)]
        tags = [rng.choice(["O", "B-city", "B-person"]) for _ in words]
        pairs.append((prompt_of(words).text, pieces_of(words, tags)))
    overfit(backbone, pairs, steps=40)
    return backbone


def add_noise(backbone: Backbone, scale: float, seed: int = 0) -> Backbone:
    """Disturb the weights, in place, by noise of `scale` times their own deviation.
    RETURNS (Backbone): The same backbone."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in backbone.model.parameters():
            if weight.dim() > 1:
                noise = torch.randn(weight.shape, generator=generator)
                weight.add_(noise * weight.std() * scale)
    backbone.version += 1
    return backbone


def _prompt_text() -> str:
    return BIO().prompt(WORDS, LABELS).text


def _rectangle(rows: Sequence[Sequence[int]], fill: int) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])
