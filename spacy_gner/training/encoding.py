"""Examples to tensors. Prompts, targets and windows come from the planner and the format, like
those of inference."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os.path import commonprefix
from typing import TYPE_CHECKING

from spacy.tokens import Doc
from spacy.training import Example

from ..backbones.codec import TextCodec
from ..errors import Warnings
from ..formats import Guidance, LabelSet, TaggedWords
from ..formats.format import NO_GUIDANCE
from ..planning.planner import Planner
from ..planning.words import DocWords
from .pairs import TrainingPair, gold_pair
from .weights import TokenWeights

if TYPE_CHECKING:
    import torch


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

    input_ids: "torch.Tensor"
    attention_mask: "torch.Tensor"
    decoder_input_ids: "torch.Tensor | None"
    rows: "torch.Tensor"
    positions: "torch.Tensor"
    targets: "torch.Tensor"
    weights: "torch.Tensor"
    n_shared: int = 0
    drop: float = 0.0

    @property
    def n_targets(self) -> int:
        """RETURNS (int): N."""
        return len(self.targets)


def empty_batch(codec: TextCodec) -> TrainingBatch:
    """A batch from which nothing is learned, for a process that has no share of one and must make
    a pass all the same.

    codec (TextCodec): Of the model.
    RETURNS (TrainingBatch): One row with one wanted place, whose weight is 0.
    """
    pair = EncodedPair([codec.end_ids[0]], [codec.end_ids[0]], [1.0])
    batch = collate([pair], codec, 0.0)
    return replace(batch, weights=batch.weights * 0)


def encode_docs(docs: Sequence[Doc], codec: TextCodec) -> TrainingBatch:
    """Turn bare Docs into a batch, for callers that know a thinc model only, such as
    `spacy debug model`: prompts are made by the component, so each text is copied instead.

    docs (Sequence[Doc]): The Docs. What does not fit into the model is cut off.
    codec (TextCodec): Of the model.
    RETURNS (TrainingBatch): A row for each Doc, its text as prompt and as target.
    """
    if not docs:
        return empty_batch(codec)
    texts = [doc.text for doc in docs]
    limit = codec.max_length // 2 if codec.is_causal else codec.max_length
    rows = zip(codec.prompt_ids(texts), codec.target_ids(texts), strict=True)
    pairs = []
    for prompt, ids in rows:
        target = [*ids[: limit - 1], codec.eos_id]
        pairs.append(EncodedPair(prompt[:limit] or [codec.eos_id], target, [1.0] * len(target)))
    return collate(pairs, codec)


def encode_examples(
    examples: Iterable[Example],
    *,
    planner: Planner,
    labels: LabelSet,
    weights: TokenWeights | None = None,
    augmentation: Callable[[TrainingPair], TrainingPair] | None = None,
    drop: float = 0.0,
    readable_labels: bool = False,
    share: tuple[int, int] = (0, 1),
    spans_key: str | None = None,
    component: str = "gner",
) -> TrainingBatch | None:
    """Turn Examples into a batch.

    examples (Iterable[Example]): The Examples; only their references are looked at.
    planner (Planner): Cuts windows, as in inference; knows codec and format.
    labels (LabelSet): For Docs without an inventory of their own.
    weights (TokenWeights | None): None weighs all target tokens alike.
    augmentation (Callable | None): Changes pairs before they are written.
    drop (float): 0 switches dropout off; with any other value the model's (and the
        adapter's) own rates apply.
    readable_labels (bool): Whether labels of a Doc whose names are code get wordings.
    share (tuple[int, int]): (1, 4) takes every fourth Example from the second on: several
        processes share a batch. What an augmentation draws for an Example is the same,
        whoever takes it.
    spans_key (str | None): See `gold_pair`.
    component (str): The name of the component, to which Docs may say labels of its own.
    RETURNS (TrainingBatch | None): None when there is nothing to learn from: no words,
        no annotation, or no label to ask for.
    RAISES (ValueError): E501, see `gold_pair`.
    """
    encoder = PairEncoder(planner, weights or TokenWeights())
    encoded: list[EncodedPair] = []
    rank, size = share
    for i, example in enumerate(examples):
        pair = gold_pair(
            example.reference,
            labels,
            join_hyphens=planner.windower.join_hyphens,
            readable=readable_labels,
            spans_key=spans_key,
            component=component,
        )
        # Zero-shot prompts name no data set; only an augmentation can ask for it.
        pair = replace(pair, dataset=None) if augmentation is None else augmentation(pair)
        if i % size == rank:
            encoded += encoder(pair)
    return collate(encoded, planner.codec, drop) if encoded else None


class PairEncoder:
    """Encodes pairs: asks what inference would ask about their words.

    planner (Planner): Cuts windows and splits labels, for one model and format.
    weights (TokenWeights): The weights of target tokens.
    """

    def __init__(self, planner: Planner, weights: TokenWeights) -> None:
        self.planner = planner
        self.codec = planner.codec
        self.format = planner.format
        self.weights = weights

    def __call__(self, pair: TrainingPair) -> list[EncodedPair]:
        """Encode a pair, in several prompts if inference would need as many.

        pair (TrainingPair): The pair.
        RETURNS (list[EncodedPair]): None, one, or several. A single word that does not
            fit is left out, with warning W001.
        RAISES (ValueError): E024 when not even one label leaves room for words.
        """
        if not pair.wordings or not pair.words or all(tag is None for tag in pair.tags):
            return []
        if None in pair.tags and not isinstance(self.format, TaggedWords):
            # Where O words are not written at all, "unknown" cannot be told from O.
            warnings.warn(Warnings.W502.format(format=self.format.name), stacklevel=4)
            return []
        words = DocWords(pair.words, tuple(range(len(pair.words))), pair.sentences)
        encoded = []
        for group in self.planner.groups(pair.label_set):
            for window in self.planner.windows(words, group):
                part = pair.part(window.words, group.labels.wordings)
                encoded.append(self.encode(part, group.guidance))
        return encoded

    def encode(self, pair: TrainingPair, guidance: Guidance = NO_GUIDANCE) -> EncodedPair:
        """Write and tokenize one pair, whatever its length.

        pair (TrainingPair): The pair.
        guidance (Guidance): What the prompt says about the labels.
        RETURNS (EncodedPair): Its tokens.
        """
        prompt = self.format.prompt(pair.words, pair.wordings, guidance, pair.dataset)
        target: list[int] = []
        weights: list[float] = []
        for ids, roles in self._pieces(pair):
            target += ids
            weights += roles
        target.append(self.codec.eos_id)
        weights.append(self.weights.outside)
        return EncodedPair(self.codec.prompt_ids([prompt.input])[0], target, weights)

    def _pieces(self, pair: TrainingPair) -> Iterator[tuple[list[int], list[float]]]:
        """YIELDS (tuple[list[int], list[float]]): The tokens of each piece of the target, and
        their weights."""
        if isinstance(self.format, TaggedWords):
            for ids, n_stem, tag in self._tagged_words(pair, self.format):
                rest = [self.weights.of_tag(tag)] * (len(ids) - n_stem)
                yield ids, [self.weights.words] * n_stem + rest
            return
        spans = pair.spans() if self.format.is_nested else pair.flat_spans()
        pieces = self.format.target(pair.words, spans, pair.wordings)
        rows = self.codec.target_ids([piece.text for piece in pieces])
        for piece, ids in zip(pieces, rows, strict=True):
            yield ids, [self.weights.of_role(piece.role)] * len(ids)

    def _tagged_words(
        self, pair: TrainingPair, format: TaggedWords
    ) -> Iterator[tuple[list[int], int, str | None]]:
        """YIELDS (tuple): The tokens of each word with its tag; how many of them belong to the
        word: those that it would begin with under another tag as well; and the pair's tag."""
        tags = format.encode(len(pair.words), pair.flat_spans())
        other = format.tags(pair.wordings[:1])[1]
        others = [other if tag == "O" else "O" for tag in tags]
        n = len(tags)
        spelled = map(format.spell, [*pair.words, *pair.words], [*tags, *others])
        ids = self.codec.target_ids(list(spelled))
        for own, rival, tag in zip(ids[:n], ids[n:], pair.tags, strict=True):
            yield own, len(commonprefix([own, rival])), tag


def collate(pairs: Sequence[EncodedPair], codec: TextCodec, drop: float = 0.0) -> TrainingBatch:
    """Pad pairs into one batch.

    pairs (Sequence[EncodedPair]): At least one.
    codec (TextCodec): Says whether it is causal, and what pads.
    drop (float): See `TrainingBatch`.
    RETURNS (TrainingBatch): On the CPU.
    """
    import torch

    if codec.is_causal:
        inputs = [pair.prompt + pair.target[:-1] for pair in pairs]
        offsets = [len(pair.prompt) - 1 for pair in pairs]
        decoder_input_ids = None
        shortest = min(offsets)
        n_shared = len(commonprefix([ids[:shortest] for ids in inputs]))
    else:
        inputs = [pair.prompt for pair in pairs]
        offsets = [0] * len(pairs)
        start = [codec.decoder_start_id]
        decoder_input_ids = _pad([start + pair.target[:-1] for pair in pairs], codec.pad_id)
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
        _pad(inputs, codec.pad_id),
        _pad([[1] * len(ids) for ids in inputs], 0),
        decoder_input_ids,
        torch.tensor(rows, dtype=torch.long),
        torch.tensor(positions, dtype=torch.long),
        torch.tensor(targets, dtype=torch.long),
        torch.tensor(weights, dtype=torch.float32),
        n_shared,
        drop,
    )


def _pad(rows: Sequence[Sequence[int]], value: int) -> "torch.Tensor":
    import torch

    padded = torch.full((len(rows), max(map(len, rows))), value, dtype=torch.long)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = torch.tensor(row, dtype=torch.long)
    return padded
