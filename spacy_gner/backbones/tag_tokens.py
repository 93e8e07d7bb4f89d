"""Openings of tags as tokens of their own: `word(O)` is then a word and one token, and the choice
between tags is the choice between single tokens. The text stays what it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import Errors
from .adapters import CONFIG
from .files import read_object


def add_tag_tokens(tokenizer: Any, model: Any, tokens: Sequence[str]) -> None:
    """Add tokens to a model that does not know them. What a new token stands for was spelled with
    others until now: its row in the embeddings (and in the output layer) is their mean.

    tokenizer (PreTrainedTokenizerFast): Changed in place.
    model (PreTrainedModel): Changed in place.
    tokens (Sequence[str]): The tokens, such as "(B-".
    RAISES (ValueError): E040 for a tokenizer that changes the text then.
    """
    from tokenizers import AddedToken

    vocabulary = tokenizer.get_vocab()
    new = [token for token in dict.fromkeys(tokens) if token not in vocabulary]
    if not new:
        return
    spelled = [_spell(tokenizer, token) for token in new]
    tokenizer.add_tokens([AddedToken(token, normalized=False, special=False) for token in new])
    for token in new:
        text = f"word{token}city) word"
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        if tokenizer.decode(ids, clean_up_tokenization_spaces=False).strip() != text:
            reason = f"it puts a blank behind an added token such as {token!r} (tag_tokens = true)"
            raise ValueError(Errors.E040.format(reason=reason))
    ids = tokenizer.convert_tokens_to_ids(new)
    _resize(model, len(tokenizer))
    tables = [model.get_input_embeddings(), model.get_output_embeddings()]
    with torch.no_grad():
        for table in {id(t.weight): t for t in tables if t is not None}.values():
            for row, old in zip(ids, spelled, strict=True):
                table.weight[row] = table.weight[old].float().mean(0).to(table.weight.dtype)


def _spell(tokenizer: Any, token: str) -> list[int]:
    """RETURNS (list[int]): The tokens that spell this text behind a word."""
    word = tokenizer("x", add_special_tokens=False)["input_ids"]
    whole = tokenizer("x" + token, add_special_tokens=False)["input_ids"]
    if whole[: len(word)] == word and len(whole) > len(word):
        return list(whole[len(word) :])
    return list(tokenizer(token, add_special_tokens=False)["input_ids"])


def make_room(tokenizer: Any, model: Any, adapter: Path) -> None:
    """Make room in a model for the tokens that an adapter adds. Their rows come with it.

    tokenizer (PreTrainedTokenizerFast): The adapter's own.
    model (PreTrainedModel): Changed in place.
    adapter (Path): The directory of the adapter.
    RAISES (ValueError): E040 when the adapter has no rows for tokens that the model lacks.
    """
    n_rows = model.get_input_embeddings().weight.shape[0]
    missing = set(range(n_rows, len(tokenizer)))
    if not missing:
        return
    rows = read_object(adapter / CONFIG).get("trainable_token_indices") or []
    trained = rows if isinstance(rows, list) else [i for part in rows.values() for i in part]
    if not missing <= set(trained):
        reason = f"{adapter} adds {len(missing)} tokens, but has no rows for all of them"
        raise ValueError(Errors.E040.format(reason=reason))
    _resize(model, len(tokenizer))


def _resize(model: Any, n_tokens: int) -> None:
    if n_tokens > model.get_input_embeddings().weight.shape[0]:
        # The rows are filled by the caller, there is no need to draw them.
        model.resize_token_embeddings(n_tokens, mean_resizing=False)
