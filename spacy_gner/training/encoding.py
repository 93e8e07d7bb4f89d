"""Examples to tensors. Prompts and targets come from `schema`, like those of inference."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from os.path import commonprefix

import torch
from spacy.training import Example

from ..backbones.backbone import Backbone
from ..errors import Warnings
from ..formats import LabelSet, Scheme, Template
from .pairs import TrainingPair, gold_pair, scheme_tags
from .weights import TokenWeights

# The share of the window that instruction and labels may take, as in inference.
_MAX_OVERHEAD = 0.6


@dataclass(frozen=True)
class EncodedPair:
    """A prompt and its target in tokens.

    prompt (list[int]): The prompt, ready for the model.
    target (list[int]): The target with the end token, length T.
    weights (list[float]): The weight of each target token in the loss, length T.
    """

    prompt: list[int]
    target: list[int]
    weights: list[float]


@dataclass(frozen=True)
class TrainingBatch:
    """B pairs as padded tensors. Logits are wanted at N places: those of the target
    tokens whose weight is not 0.

    input_ids (torch.Tensor): Causal: prompt and target one after the other, from the left,
        (B, S). Seq2seq: the prompt.
    attention_mask (torch.Tensor): 1 for tokens, 0 for padding, (B, S).
    decoder_input_ids (torch.Tensor | None): Seq2seq: the target behind the start token, (B, T).
    rows (torch.Tensor): The row of each wanted place, (N,).
    positions (torch.Tensor): Its position in the row, (N,).
    targets (torch.Tensor): The token to be predicted there, (N,).
    weights (torch.Tensor): Its weight in the loss, (N,).
    n_shared (int): Causal: leading tokens that all rows have in common, none of
        them wanted; they need to be computed only once.
    drop (float): 0 switches dropout off.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    decoder_input_ids: torch.Tensor | None
    rows: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    n_shared: int = 0
    drop: float = 0.0

    @property
    def n_targets(self) -> int:
        """RETURNS (int): N."""
        return len(self.targets)


def encode_examples(
    examples: Iterable[Example],
    *,
    backbone: Backbone,
    template: Template,
    scheme: Scheme,
    labels: LabelSet,
    weights: TokenWeights | None = None,
    augmentation: Callable[[TrainingPair], TrainingPair] | None = None,
    max_tokens: int | None = None,
    drop: float = 0.0,
) -> TrainingBatch | None:
    """Turn Examples into a batch.

    examples (Iterable[Example]): The Examples; only their references are looked at.
    backbone (Backbone): Tokenizes, and knows the length of the window.
    template (Template): Writes prompts.
    scheme (Scheme): Writes targets.
    labels (LabelSet): For Docs without an inventory of their own.
    weights (TokenWeights | None): None weighs all target tokens alike.
    augmentation (Callable | None): Changes pairs before they are written.
    max_tokens (int | None): The window of the component, if it is smaller than the model's.
    drop (float): 0 switches dropout off; with any other value the model's (and the
        adapter's) own rates apply.
    RETURNS (TrainingBatch | None): None when there is nothing to learn from: no words,
        no annotation, or no label to ask for.
    RAISES (ValueError): E501, see `gold_pair`.
    """
    encoder = PairEncoder(backbone, template, scheme, weights or TokenWeights(), max_tokens)
    encoded: list[EncodedPair] = []
    for example in examples:
        pair = gold_pair(example.reference, labels)
        # Zero-shot prompts name no data set; only an augmentation can ask for it.
        pair = replace(pair, dataset=None) if augmentation is None else augmentation(pair)
        encoded += encoder(pair)
    return collate(encoded, backbone, drop) if encoded else None


class PairEncoder:
    """Encodes pairs for one backbone. See `encode_examples` for the arguments."""

    def __init__(
        self,
        backbone: Backbone,
        template: Template,
        scheme: Scheme,
        weights: TokenWeights,
        max_tokens: int | None = None,
    ) -> None:
        self.backbone = backbone
        self.template = template
        self.scheme = scheme
        self.weights = weights
        length = max_tokens or backbone.max_length
        limit = backbone.hard_limit
        self.max_tokens = length if limit is None else min(length, limit)

    def __call__(self, pair: TrainingPair) -> list[EncodedPair]:
        """Encode a pair, in several windows if it is too long for one.

        pair (TrainingPair): The pair.
        RETURNS (list[EncodedPair]): None, one, or several. A single word that does not
            fit is left out, with warning W501.
        """
        if not pair.labels or not pair.words or all(tag is None for tag in pair.tags):
            return []
        if None in pair.tags and not self.scheme.writes_every_word:
            # Where O words are not written at all, "unknown" cannot be told from O.
            warnings.warn(Warnings.W502.format(scheme=self.scheme.name), stacklevel=4)
            return []
        return self._windows(self._fit_labels(pair))

    def _windows(self, pair: TrainingPair) -> list[EncodedPair]:
        encoded = self.encode(pair)
        if self.fits(encoded):
            return [encoded]
        if len(pair.words) == 1:
            warnings.warn(Warnings.W501.format(max_tokens=self.max_tokens), stacklevel=5)
            return []
        cut = _cut(pair)
        parts = (pair.part(0, cut), pair.part(cut, len(pair.words)))
        return [window for part in parts for window in self._windows(part)]

    def fits(self, encoded: EncodedPair) -> bool:
        """RETURNS (bool): Whether the window holds an encoded pair."""
        n_prompt, n_target = len(encoded.prompt), len(encoded.target)
        size = n_prompt + n_target if self.backbone.is_causal else max(n_prompt, n_target)
        return size <= self.max_tokens

    def encode(self, pair: TrainingPair) -> EncodedPair:
        """Write and tokenize one pair, whatever its length.

        pair (TrainingPair): The pair.
        RETURNS (EncodedPair): Its tokens.
        """
        prompt = self.template.prompt(pair.words, pair.labels, self.scheme, pair.dataset)
        target: list[int] = []
        weights: list[float] = []
        if self.scheme.writes_every_word:
            for ids, n_stem, tag in self._tagged_words(pair):
                target += ids
                tag_weight = self.weights.of_tag(tag)
                weights += [self.weights.words] * n_stem + [tag_weight] * (len(ids) - n_stem)
        else:
            pieces = self.scheme.pieces(pair.words, scheme_tags(pair.tags, self.scheme))
            words = set(pair.words)
            for piece, ids in zip(pieces, self.backbone.target_ids(pieces), strict=True):
                target += ids
                weight = self.weights.words if piece in words else self.weights.entities
                weights += [weight] * len(ids)
        target.append(self.backbone.eos_id)
        weights.append(self.weights.outside)
        return EncodedPair(self.backbone.prompt_ids([prompt.text])[0], target, weights)

    def _tagged_words(self, pair: TrainingPair) -> Iterable[tuple[list[int], int, str | None]]:
        """Token ids of each `word(tag)`, and how many of them belong to the word: those
        that it would begin with under another tag as well."""
        tags = scheme_tags(pair.tags, self.scheme)
        other = self.scheme.tags(pair.labels[:1])[1]
        others = [other if tag == "O" else "O" for tag in tags]
        pieces = self.scheme.pieces(pair.words, tags)
        n = len(pieces)
        ids = self.backbone.target_ids([*pieces, *self.scheme.pieces(pair.words, others)])
        for own, rival, tag in zip(ids[:n], ids[n:], pair.tags, strict=True):
            yield own, len(commonprefix([own, rival])), tag

    def _fit_labels(self, pair: TrainingPair) -> TrainingPair:
        """Leave out labels, absent ones first, until instruction and labels leave room for
        words. What inference asks in several prompts is trained in part."""
        while len(pair.labels) > 1:
            prompt = self.template.prompt((), pair.labels, self.scheme, pair.dataset)
            n_tokens = len(self.backbone.prompt_ids([prompt.text])[0])
            excess = n_tokens - _MAX_OVERHEAD * self.max_tokens
            if excess <= 0:
                break
            present = pair.present
            ordered = sorted(pair.labels, key=lambda label: label in present)
            n_out = max(1, int(len(ordered) * excess / n_tokens))
            pair = pair.without(set(ordered[: min(n_out, len(ordered) - 1)]))
        return pair


def _cut(pair: TrainingPair) -> int:
    """Where to cut a pair that is too long: near the middle, after the end of a sentence if
    there is one, and not within an entity."""
    n = len(pair.words)
    middle = n / 2

    def cost(i: int) -> tuple[bool, bool, float]:
        inside = (pair.tags[i] or "O").startswith("I-")
        ends = pair.words[i - 1] in {".", "!", "?"} and n / 4 <= i <= 3 * n / 4
        return inside, not ends, abs(i - middle)

    return min(range(1, n), key=cost)


def collate(pairs: Sequence[EncodedPair], backbone: Backbone, drop: float = 0.0) -> TrainingBatch:
    """Pad pairs into one batch.

    pairs (Sequence[EncodedPair]): At least one.
    backbone (Backbone): Says whether it is causal, and what pads.
    drop (float): See `TrainingBatch`.
    RETURNS (TrainingBatch): On the CPU.
    """
    if backbone.is_causal:
        inputs = [pair.prompt + pair.target[:-1] for pair in pairs]
        offsets = [len(pair.prompt) - 1 for pair in pairs]
        decoder_input_ids = None
        shortest = min(offsets)
        n_shared = len(commonprefix([ids[:shortest] for ids in inputs]))
    else:
        inputs = [pair.prompt for pair in pairs]
        offsets = [0] * len(pairs)
        start = [backbone.decoder_start_id]
        decoder_input_ids = _pad([start + pair.target[:-1] for pair in pairs], backbone.pad_id)
        n_shared = 0
    rows, positions, targets, weights = [], [], [], []
    for row, (pair, offset) in enumerate(zip(pairs, offsets, strict=True)):
        for i, (token, weight) in enumerate(zip(pair.target, pair.weights, strict=True)):
            if weight:
                rows.append(row)
                positions.append(offset + i)
                targets.append(token)
                weights.append(weight)
    return TrainingBatch(
        _pad(inputs, backbone.pad_id),
        _pad([[1] * len(ids) for ids in inputs], 0),
        decoder_input_ids,
        torch.tensor(rows, dtype=torch.long),
        torch.tensor(positions, dtype=torch.long),
        torch.tensor(targets, dtype=torch.long),
        torch.tensor(weights, dtype=torch.float32),
        n_shared,
        drop,
    )


def _pad(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    padded = torch.full((len(rows), max(map(len, rows))), value, dtype=torch.long)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = torch.tensor(row, dtype=torch.long)
    return padded
