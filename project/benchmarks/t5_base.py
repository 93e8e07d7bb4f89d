"""Make a T5 of base size that knows the sentences of a benchmark by heart, in minutes on a CPU.

    python project/benchmarks/t5_base.py --data test.jsonl --limit 12 --output t5_base
    python project/benchmarks/decoding.py --model t5_base --data test.jsonl --limit 12 ...

A small T5 is trained on the sentences, then put into one of the size of Flan-T5-base (12 + 12
layers, 768 wide, 32,128 tokens): what is added multiplies with zeros, so that the large one
computes what the small one does, at the cost of the large one. It says how fast decoding is with a
model that has learnt the format, and nothing about quality.
"""

import argparse
import sys
from pathlib import Path

import torch
from decoding import SCHEME, load_requests
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

SMALL = {"d_model": 128, "d_kv": 32, "d_ff": 256, "num_layers": 2, "num_heads": 4}
BASE = {"d_model": 768, "d_kv": 64, "d_ff": 2048, "num_layers": 12, "num_heads": 12}
SPECIAL = {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1, "dropout_rate": 0.0}
VOCABULARY = 32_128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="+", required=True, type=Path, help="JSONL files")
    parser.add_argument("--limit", type=int, default=12, help="as for decoding.py")
    parser.add_argument("--max-words", type=int, help="as for decoding.py")
    parser.add_argument("--seed", type=int, default=0, help="as for decoding.py")
    parser.add_argument("--steps", type=int, default=400, help="at most")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    requests, gold = load_requests(args)
    prompts = [request.prompt.text for request in requests]
    targets = [
        " ".join(SCHEME.pieces(request.words, item["tags"]))
        for request, item in zip(requests, gold, strict=True)
    ]
    tokenizer = make_tokenizer([*prompts, *targets])
    torch.manual_seed(0)
    small = T5ForConditionalGeneration(
        T5Config(vocab_size=len(tokenizer), num_decoder_layers=2, **SMALL, **SPECIAL)
    )
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
    labels = tokenizer(targets, return_tensors="pt", padding=True)["input_ids"]
    train(small, {**inputs, "labels": labels.masked_fill(labels == 0, -100)}, args.steps)
    large = widen(small)
    with torch.no_grad():
        few = {"input_ids": inputs["input_ids"][:2], "labels": labels[:2]}
        a, b = small(**few).logits, large(**few).logits[..., : len(tokenizer)]
    print(f"largest difference of logits: {(a - b).abs().max():.2e}", file=sys.stderr)
    large.save_pretrained(args.output)
    tokenizer.save_pretrained(args.output)


def make_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """RETURNS (PreTrainedTokenizerFast): Unigram pieces, as T5's."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=600,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )


def train(model: T5ForConditionalGeneration, batch: dict[str, torch.Tensor], steps: int) -> None:
    """Train until the batch is known by heart."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)
    for step in range(steps):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 20 == 0:
            print(f"step {step}: loss {loss.item():.4f}", file=sys.stderr)
        if loss.item() < 2e-3:
            break
    model.eval()


@torch.no_grad()
def widen(small: T5ForConditionalGeneration) -> T5ForConditionalGeneration:
    """Put a T5 into one of base size that computes the same.

    small (T5ForConditionalGeneration): The model, with tied embeddings.
    RETURNS (T5ForConditionalGeneration): The large one. Tokens beyond the small one's
        vocabulary are never likelier than `<unk>`.
    """
    large = T5ForConditionalGeneration(
        T5Config(vocab_size=VOCABULARY, num_decoder_layers=12, **BASE, **SPECIAL)
    ).eval()
    ratio = (SMALL["d_model"] / BASE["d_model"]) ** 0.5
    source = dict(small.named_parameters())
    for name, new in large.named_parameters():
        new.zero_()
        if name not in source:
            continue  # a layer that adds nothing to what passes by it
        old = source[name]
        if name.endswith("layer_norm.weight"):
            # The mean of the squares is over more numbers now; the rest of them are zeros. Behind
            # the decoder this cancels out with T5's scaling by the width.
            is_last = name == "decoder.final_layer_norm.weight"
            new[: len(old)] = old * (1.0 if is_last else ratio)
        elif name.endswith("relative_attention_bias.weight"):
            new[:, : old.shape[1]] = old
        elif "Attention" in name:
            is_output = name.endswith(".o.weight")
            _place_heads(old.T if is_output else old, new.T if is_output else new)
        else:
            new[: old.shape[0], : old.shape[1]] = old
    words = large.shared.weight
    words[len(source["shared.weight"]) :] = words[2]
    return large


def _place_heads(old: torch.Tensor, new: torch.Tensor) -> None:
    """Rows of heads (heads * size, width) into rows of larger heads."""
    heads, width = SMALL["num_heads"], old.shape[1]
    size, new_size = SMALL["d_kv"], BASE["d_kv"]
    for head in range(heads):
        rows = old[head * size : (head + 1) * size]
        new[head * new_size : head * new_size + size, :width] = rows


if __name__ == "__main__":
    main()
