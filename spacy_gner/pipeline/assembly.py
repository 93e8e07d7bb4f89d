"""Generations to entities: alignment with the words, windows and label groups merged."""

from collections.abc import Callable, Iterable, Sequence
from math import prod

from ..decoding.request import Generation
from ..matching import Matcher
from ..planning.planner import PlannedRequest
from ..planning.windows import DocWords
from .predictions import Entity, WindowPrediction

BackTokenizer = Callable[[Sequence[str]], list[str]]


def predict_window(
    planned: PlannedRequest,
    generation: Generation,
    matcher: Matcher,
    back_tokenizer: BackTokenizer | None,
    forced: bool,
) -> WindowPrediction:
    """Give every word of a request its tag.

    planned (PlannedRequest): The request, N words.
    generation (Generation): The decoder's answer.
    matcher (Matcher): Aligns words with the output.
    back_tokenizer (BackTokenizer | None): For the matcher.
    forced (bool): Whether the output has the request's own words.
    RETURNS (WindowPrediction): One tag and score per word; a word that the output
        left out is O with score 0, since the model said nothing of it.
    """
    request = planned.request
    if forced:
        alignment: list[int | None] = list(range(len(request.words)))
    else:
        written = [pair.word for pair in generation.pairs]
        alignment = matcher(request.words, written, back_tokenizer)
    tags = tuple("O" if i is None else generation.pairs[i].tag for i in alignment)
    scores = tuple(0.0 if i is None else generation.scores[i] for i in alignment)
    return WindowPrediction(request.words, request.labels, tags, scores, generation)


def window_entities(
    words: DocWords, planned: PlannedRequest, prediction: WindowPrediction
) -> list[Entity]:
    """The entities that a window decides about.

    words (DocWords): The words of the Doc.
    planned (PlannedRequest): The window and its labels.
    prediction (WindowPrediction): Its tags.
    RETURNS (list[Entity]): Over tokens of the Doc, in order; the score is the
        product of the probabilities of the tags.
    """
    window = planned.window
    entities = []
    for span_start, span_end, wording in planned.request.scheme.decode(prediction.tags):
        for start, end in _contiguous(window.words, span_start, span_end):
            first, last = window.words[start], window.words[end - 1]
            if window.begin <= first < window.end:
                score = min(1.0, max(0.0, prod(prediction.scores[start:end])))
                label = planned.labels.name_of(wording)
                entities.append(Entity(words.tokens[first], words.tokens[last] + 1, label, score))
    return entities


def _contiguous(words: Sequence[int], start: int, end: int) -> Iterable[tuple[int, int]]:
    # A word that was too long for any window is O: no entity reaches over it.
    begin = start
    for i in range(start + 1, end + 1):
        if i == end or words[i] != words[i - 1] + 1:
            yield begin, i
            begin = i


def merge_entities(groups: Iterable[Sequence[Entity]]) -> tuple[Entity, ...]:
    """Merge the entities of label groups: the more probable one wins an overlap.

    groups (Iterable[Sequence[Entity]]): The entities of each group.
    RETURNS (tuple[Entity, ...]): In the order of the Doc, without overlap.
    """
    every = [entity for group in groups for entity in group]
    every.sort(key=lambda e: (-e.score, e.start - e.end, e.start, e.label))
    taken: set[int] = set()
    kept = []
    for entity in every:
        tokens = range(entity.start, entity.end)
        if taken.isdisjoint(tokens):
            taken.update(tokens)
            kept.append(entity)
    return tuple(sorted(kept, key=lambda e: e.start))


def drop_overlaps(entities: Iterable[Entity]) -> list[Entity]:
    """Keep the first of two entities that overlap, in the order of the Doc: at the
    seam of two windows, and within a token that stands for several words.

    entities (Iterable[Entity]): By start.
    RETURNS (list[Entity]): Without overlap.
    """
    kept: list[Entity] = []
    for entity in entities:
        if not kept or entity.start >= kept[-1].end:
            kept.append(entity)
    return kept
