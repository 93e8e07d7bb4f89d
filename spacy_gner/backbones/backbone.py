"""A loaded model with its tokenizer: text to tokens, tokens to text, and the few facts
about the model that decoders and training need."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from tokenizers import Tokenizer

from .adapters import KeptAdapter
from .linear import use_fast_linear
from .settings import (
    DEFAULT_MAX_LENGTH,
    DEFAULT_MODEL,
    INSTRUCTION_FORMAT,
    MAX_LENGTH,
    BackboneSettings,
)

# A target's piece never starts the text, so it is always tokenized behind this.
_ANCHOR = ")"


def plain_text_encoder(tokenizer: Any) -> Tokenizer:
    """A copy of a tokenizer that neither pads nor truncates, and gives the id of a special
    token only where the tokenizer itself adds it, not where a text looks like one.

    tokenizer (PreTrainedTokenizerFast): The model's tokenizer.
    RETURNS (Tokenizer): The copy. Nobody changes its settings, so threads can share it.
    """
    encoder = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    encoder.no_padding()
    encoder.no_truncation()
    encoder.encode_special_tokens = True
    return encoder


def special_pieces(tokenizer: Any) -> re.Pattern[str] | None:
    """Unigram tokenizers (T5) list special tokens among their ordinary pieces, with the best
    of scores, so that the text "</s>" is spelled with the end token whatever is asked for.

    tokenizer (PreTrainedTokenizerFast): The model's tokenizer.
    RETURNS (re.Pattern | None): Finds such texts; None for all other tokenizers.
    """
    values = json.loads(tokenizer.backend_tokenizer.to_str())
    if values["model"]["type"] != "Unigram":
        return None
    special = sorted(token["content"] for token in values["added_tokens"] if token["special"])
    return re.compile("|".join(map(re.escape, special))) if special else None


class Backbone:
    """A sequence-to-sequence or causal language model that writes tags.

    model (torch.nn.Module): The transformers model (or a peft model around it).
    tokenizer (PreTrainedTokenizerFast): Its tokenizer.
    family (str): "seq2seq" or "causal".
    settings (BackboneSettings): What it was loaded with.
    adapter (KeptAdapter | None): What has been merged into the weights.

    The attribute `version` rises with every update: what was computed with the weights
    of another version is stale.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        family: str,
        settings: BackboneSettings,
        adapter: KeptAdapter | None = None,
    ):
        use_fast_linear(model)
        self.model = model
        self.tokenizer = tokenizer
        self.family = family
        self.settings = settings
        self.adapter = adapter
        self.version = 0
        # The state of training, see `spacy_gner.training`: whether the model was set up for
        # it, whether the adapter being trained replaces that of the source, the optimizer,
        # the weight of all target tokens since the last update, and their number ever.
        self.is_prepared = False
        self.adapter_replaces = False
        self.trainer: Any = None
        self.pending_weight = 0.0
        self.n_trained = 0
        self._encoder = plain_text_encoder(tokenizer)
        self._special_pieces = special_pieces(tokenizer)
        self._anchor_ids = self._encode([_ANCHOR], special=False)[0]

    @property
    def device(self) -> torch.device:
        """RETURNS (torch.device): Where the model is."""
        return next(self.model.parameters()).device

    @property
    def is_causal(self) -> bool:
        """RETURNS (bool): Whether prompt and output share one sequence."""
        return self.family == "causal"

    @property
    def eos_id(self) -> int:
        """RETURNS (int): The token that ends an output."""
        return int(self.tokenizer.eos_token_id)

    @property
    def end_ids(self) -> tuple[int, ...]:
        """RETURNS (tuple[int, ...]): The tokens after which an output is over: the end token,
        and for causal models the token that begins a text, with which models that were tuned
        for chats also mark that it is the other's turn."""
        begin = self.tokenizer.bos_token_id
        if not self.is_causal or begin is None or int(begin) == self.eos_id:
            return (self.eos_id,)
        return (self.eos_id, int(begin))

    @property
    def pad_id(self) -> int:
        """RETURNS (int): The token that fills batches up: the end token for
        tokenizers without one of their own (attention masks hide it)."""
        pad = self.tokenizer.pad_token_id
        return self.eos_id if pad is None else int(pad)

    @property
    def decoder_start_id(self) -> int:
        """RETURNS (int): The first token of the decoder of a seq2seq model."""
        return int(self.model.config.decoder_start_token_id)

    @property
    def max_length(self) -> int:
        """RETURNS (int): Tokens that the model was made for: of prompt and of output
        each (seq2seq), or of both together (causal)."""
        length = self.settings.max_length
        if length is None:
            is_default = self.settings.name == DEFAULT_MODEL
            length = DEFAULT_MAX_LENGTH if is_default else MAX_LENGTH[self.family]
        return length if self.hard_limit is None else min(length, self.hard_limit)

    @property
    def hard_limit(self) -> int | None:
        """RETURNS (int | None): Positions after which the model cannot compute at all, for
        prompt and output each (seq2seq) or both together (causal); None for relative
        positions (T5)."""
        names: tuple[str, ...] = ("max_position_embeddings",)
        if not self.is_causal:
            # LED has different numbers for its two halves.
            names += ("max_encoder_position_embeddings", "max_decoder_position_embeddings")
        limits = [getattr(self.model.config, name, None) for name in names]
        return min((int(limit) for limit in limits if limit), default=None)

    # A vocabulary is large: what is asked about it is found once.

    @cached_property
    def opening_tokens(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The tokens with a "(" in them."""
        return tuple(text for text in self.tokenizer.get_vocab() if "(" in text)

    @cached_property
    def closing_ids(self) -> frozenset[int]:
        """RETURNS (frozenset[int]): The ids of the tokens with a ")" in them."""
        return frozenset(i for text, i in self.tokenizer.get_vocab().items() if ")" in text)

    @cached_property
    def has_normalizer(self) -> bool:
        """RETURNS (bool): Whether the tokenizer changes characters before it looks at them."""
        normalizer = json.loads(self.tokenizer.backend_tokenizer.to_str())["normalizer"]
        # Sequences may be empty.
        return normalizer is not None and normalizer.get("normalizers") != []

    def prompt_ids(self, prompts: Sequence[str]) -> list[list[int]]:
        """Tokenize prompts, in the model's format and with its special tokens.

        prompts (Sequence[str]): Prompts from a template, length B.
        RETURNS (list[list[int]]): Token ids; for seq2seq with the end token, for causal
            models ready to be continued.
        """
        ids = self._encode([self._format(prompt) for prompt in prompts], special=True)
        if self.is_causal:
            ids = [i[:-1] if i and i[-1] == self.eos_id else i for i in ids]
        elif ids and any(not i or i[-1] != self.eos_id for i in ids):
            ids = [i if i and i[-1] == self.eos_id else [*i, self.eos_id] for i in ids]
        return ids

    def shared_prompt_ids(self, shared: str) -> list[int]:
        """Tokenize the beginning that prompts have in common.

        shared (str): `Prompt.shared`.
        RETURNS (list[int]): A prefix of the ids of nearly every prompt that starts so:
            compare before use, the last word before the sentence may merge with it.
        """
        head = self._format_string.partition("{prompt}")[0] if self.is_causal else ""
        ids = self._encode([head + shared.rstrip()], special=True)[0]
        if ids and ids[-1] == self.eos_id:
            ids = ids[:-1]
        return ids

    def target_ids(self, pieces: Sequence[str]) -> list[list[int]]:
        """Tokenize the pieces of a target as they stand in it, each behind a blank.

        pieces (Sequence[str]): Parts of the target that blanks separate, such as
            "Paris(B-city)"; no piece depends on its neighbors.
        RETURNS (list[list[int]]): Token ids per piece; their concatenation is the target
            (without end token).
        """
        skip = len(self._anchor_ids)
        encoded = self._encode([f"{_ANCHOR} {piece}" for piece in pieces], special=False)
        odd = [i for i, ids in enumerate(encoded) if ids[:skip] != self._anchor_ids]
        result = [ids[skip:] for ids in encoded]
        for i in odd:
            result[i] = self._encode([f" {pieces[i]}"], special=False)[0]
        return result

    def decode(self, ids: Sequence[int]) -> str:
        """RETURNS (str): The text of an output: special tokens left out, blanks as they
        were written (no clean-up, which would glue `Paris(O) ,(O)` together)."""
        return self._encoder.decode(list(ids), skip_special_tokens=True).strip()

    def _format(self, prompt: str) -> str:
        return self._format_string.replace("{prompt}", prompt)

    @property
    def _format_string(self) -> str:
        if self.settings.prompt_format is not None:
            return self.settings.prompt_format
        return INSTRUCTION_FORMAT if self.is_causal else "{prompt}"

    def _encode(self, texts: Sequence[str], special: bool) -> list[list[int]]:
        if self._special_pieces is not None:
            # Without its first character it is a text like any other.
            texts = [_break_up(text, self._special_pieces) for text in texts]
        encodings = self._encoder.encode_batch(list(texts), add_special_tokens=special)
        return [encoding.ids for encoding in encodings]


def _break_up(text: str, pattern: re.Pattern[str]) -> str:
    # Again and again, since what is left on both sides may form another one.
    while pattern.search(text):
        text = pattern.sub(lambda match: match[0][1:], text)
    return text
