"""Text to tokens and back, as a model was trained to see them. Nothing here needs torch, nor
weights: what plans prompts, drafts tags or writes training pairs works with a codec alone."""

import json
import re
import threading
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from ..errors import Errors
from .settings import (
    DEFAULT_MAX_LENGTH,
    DEFAULT_MODEL,
    INSTRUCTION_FORMAT,
    MAX_LENGTH,
    BackboneSettings,
)

# Where configs say how many positions there are; LED has a number for each of its two halves.
POSITION_FIELDS = (
    "max_position_embeddings",
    "max_encoder_position_embeddings",
    "max_decoder_position_embeddings",
)
# A target's piece never starts the text, so it is always tokenized behind this.
_ANCHOR = ")"
# Beginnings of prompts whose tokens are kept: one per set of labels.
_MAX_SHARED = 256


class TextCodec:
    """A tokenizer with the limits of the model that it belongs to.

    tokenizer (PreTrainedTokenizerFast): The tokenizer.
    family (str): "seq2seq" or "causal".
    max_length (int | None): Tokens that the model was made for: of prompt and output each
        (seq2seq), or of both together (causal). None takes those of the paper.
    hard_limit (int | None): Positions after which the model cannot compute at all, for prompt and
        output each (seq2seq) or both together (causal); None for relative positions (T5).
    prompt_format (str | None): How a prompt is wrapped, with "{prompt}" in it. None takes the
        family's own.
    decoder_start_id (int | None): The first token of the decoder of a seq2seq model.
    RAISES (ValueError): E040 for a tokenizer without an end token, or one whose tokens give
        another text back.
    """

    def __init__(
        self,
        tokenizer: Any,
        family: str,
        *,
        max_length: int | None = None,
        hard_limit: int | None = None,
        prompt_format: str | None = None,
        decoder_start_id: int | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.family = family
        self.is_causal = family == "causal"
        length = MAX_LENGTH[family] if max_length is None else max_length
        self.max_length = length if hard_limit is None else min(length, hard_limit)
        self.hard_limit = hard_limit
        self._decoder_start_id = decoder_start_id
        default = INSTRUCTION_FORMAT if self.is_causal else "{prompt}"
        self._format_string = default if prompt_format is None else prompt_format
        # A dump of a large vocabulary takes a second: one serves all.
        dump = tokenizer.backend_tokenizer.to_str()
        values = json.loads(dump)
        self._encoder = plain_text_encoder(dump)
        self._special_pieces = _SpecialPieces.of_tokenizer(values)
        normalizer = values["normalizer"]
        # Whether characters are changed before they are looked at; sequences may be empty.
        self.has_normalizer = normalizer is not None and normalizer.get("normalizers") != []
        self._lock = threading.Lock()
        self._tokens_with: dict[str, dict[str, int]] = {}
        self._shared_ids: dict[str, list[int]] = {}
        if tokenizer.eos_token_id is None:
            raise ValueError(Errors.E040.format(reason="it has no end token (eos_token)"))
        self._anchor_ids = self._encode([_ANCHOR], special=False)[0]

    @classmethod
    def of_model(
        cls, tokenizer: Any, family: str, config: Any, settings: BackboneSettings
    ) -> "TextCodec":
        """Make the codec of a model.

        tokenizer (PreTrainedTokenizerFast): Its tokenizer.
        family (str): "seq2seq" or "causal".
        config (PretrainedConfig): Its config.
        settings (BackboneSettings): What the user asked for.
        RETURNS (TextCodec): The codec.
        """
        length = settings.max_length
        if length is None and settings.name == DEFAULT_MODEL:
            length = DEFAULT_MAX_LENGTH
        names = POSITION_FIELDS if family == "seq2seq" else POSITION_FIELDS[:1]
        limits = [getattr(config, name, None) for name in names]
        start = getattr(config, "decoder_start_token_id", None)
        return cls(
            tokenizer,
            family,
            max_length=length,
            hard_limit=min((int(limit) for limit in limits if limit), default=None),
            prompt_format=settings.prompt_format,
            decoder_start_id=start if family == "seq2seq" else None,
        )

    @property
    def decoder_start_id(self) -> int:
        """RETURNS (int): The first token of the decoder, of encoder-decoders only."""
        assert self._decoder_start_id is not None
        return self._decoder_start_id

    @property
    def eos_id(self) -> int:
        """RETURNS (int): The token that ends an output."""
        return int(self.tokenizer.eos_token_id)

    @property
    def end_ids(self) -> tuple[int, ...]:
        """RETURNS (tuple[int, ...]): The tokens after which an output is over: the end token,
        and for causal models the beginning-of-sequence token, which chat-tuned models also
        write at the end of their turn."""
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

    def tokens_with(self, text: str) -> dict[str, int]:
        """RETURNS (dict[str, int]): The tokens with this text in them, and their ids."""
        found = self._tokens_with.get(text)
        if found is None:
            vocabulary = self.tokenizer.get_vocab().items()
            found = {token: i for token, i in vocabulary if text in token}
            with self._lock:
                self._tokens_with[text] = found
        return found

    def prompt_ids(self, prompts: Sequence[str | tuple[str, ...]]) -> list[list[int]]:
        """Tokenize prompts, with the model's special tokens.

        prompts (Sequence[str | tuple[str, ...]]): Prompts, length B: a text, which is written in
            the model's format, or the turns of a conversation, which stand as they are.
        RETURNS (list[list[int]]): Token ids; for seq2seq with the end token, for causal
            models ready to be continued. The end token stands behind each turn but the last.
        """
        turns = [(self._format(p),) if isinstance(p, str) else p for p in prompts]
        ids = self._encode([first for first, *_ in turns], special=True)
        for row, (_, *others) in zip(ids, turns, strict=True):
            for later in self._encode(others, special=False) if others else ():
                row += [*([] if row[-1:] == [self.eos_id] else [self.eos_id]), *later]
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
        known = self._shared_ids.get(shared)
        if known is not None:
            return known
        head = self._format_string.partition("{prompt}")[0] if self.is_causal else ""
        ids = self._encode([head + shared.rstrip()], special=True)[0]
        if ids and ids[-1] == self.eos_id:
            ids = ids[:-1]
        with self._lock:
            if len(self._shared_ids) >= _MAX_SHARED:
                self._shared_ids = {}
            self._shared_ids[shared] = ids
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
        return str(self._encoder.decode(list(ids), skip_special_tokens=True)).strip()

    def token_ends(self, ids: Sequence[int]) -> list[int]:
        """Find where tokens stand in the text of an output.

        ids (Sequence[int]): The tokens of the output, length T.
        RETURNS (list[int]): For each token the length of `decode`'s text up to its end, length T.
            Of several tokens that make one character, all but the last end behind it.
        """
        text = self.decode(ids)
        stream, written = DecodeStream(skip_special_tokens=True), ""
        added = self._encoder.get_added_tokens_decoder()
        skipped = {number for number, token in added.items() if token.special}
        ends: list[int] = []
        for number, token in enumerate(ids, start=1):
            if token in skipped:
                ends += [len(written)] * (number - len(ends))
                continue
            piece = stream.step(self._encoder, token)
            if piece is not None:
                n_pending = number - 1 - len(ends)
                ends += [len(written) + 1] * n_pending
                written += piece
                ends.append(len(written))
        ends += [len(written)] * (len(ids) - len(ends))
        if written.strip() != text:
            # Bytes that are no text: slower, and right.
            return [len(self.decode(ids[: number + 1])) for number in range(len(ids))]
        indent = len(written) - len(written.lstrip())
        return [max(0, min(len(text), end - indent)) for end in ends]

    def _format(self, prompt: str) -> str:
        return self._format_string.replace("{prompt}", prompt)

    def _encode(self, texts: Sequence[str], special: bool) -> list[list[int]]:
        if self._special_pieces is not None:
            texts = [self._special_pieces.break_up(text) for text in texts]
        encodings = self._encoder.encode_batch(list(texts), add_special_tokens=special)
        return [encoding.ids for encoding in encodings]


def plain_text_encoder(dump: str) -> Tokenizer:
    """A copy of a tokenizer that neither pads nor truncates, and gives the id of a special
    token only where the tokenizer itself adds it, not where a text looks like one.

    dump (str): The model's tokenizer, as JSON.
    RETURNS (Tokenizer): The copy. Nobody changes its settings, so threads can share it.
    """
    encoder = Tokenizer.from_str(dump)
    encoder.no_padding()
    encoder.no_truncation()
    encoder.encode_special_tokens = True
    return encoder


class _SpecialPieces:
    """Texts that a tokenizer would spell with special tokens.

    pieces (Sequence[str]): The texts, none of them empty.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self._pieces = tuple(pieces)
        self._pattern = re.compile("|".join(map(re.escape, pieces)))
        self._longest = max(map(len, pieces))
        self._ends = {piece[-1] for piece in pieces}

    @classmethod
    def of_tokenizer(cls, values: dict[str, Any]) -> "_SpecialPieces | None":
        """values (dict[str, Any]): A tokenizer, as JSON. RETURNS (_SpecialPieces | None): None
        where special tokens are given for no text."""
        # Unigram tokenizers (T5) list special tokens among their ordinary pieces, with the best of
        # scores, so that the text "</s>" is spelled with the end token whatever is asked for.
        if values["model"]["type"] != "Unigram":
            return None
        special = {token["content"] for token in values["added_tokens"] if token["special"]}
        return cls(sorted(special - {""})) if special - {""} else None

    def break_up(self, text: str) -> str:
        """RETURNS (str): The text with no piece in it: without its first character a piece is
        a text like any other. Takes linear time, also where what is left forms another one, and
        that again."""
        while self._pattern.search(text):
            written: list[str] = []
            for character in text:
                written.append(character)
                while character in self._ends and (n := self._length_at_end(written)):
                    del written[-n]
            text = "".join(written)
        return text

    def _length_at_end(self, written: list[str]) -> int:
        tail = "".join(written[-self._longest :])
        return next((len(piece) for piece in self._pieces if tail.endswith(piece)), 0)
