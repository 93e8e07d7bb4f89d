"""Generations to entities: alignment with the words, windows and label groups merged."""

from collections.abc import Collection, Iterable, Sequence

from ..decoding.request import Generation
from ..formats import LabelSet
from ..formats.overlaps import keep_best
from ..matching import Matching
from ..planning.planner import PlannedRequest
from ..planning.words import DocWords
from .predictions import Entity, WindowPrediction


def predict_window(
    planned: PlannedRequest, generation: Generation, matching: Matching
) -> WindowPrediction:
    """Find the entities of an answer in the words of its request.

    planned (PlannedRequest): The request, N words.
    generation (Generation): The decoder's answer.
    matching (Matching): Matches the words of the request with the answer.
    RETURNS (WindowPrediction): What was found.
    """
    request = planned.request
    found = request.format.locate(generation.parts, generation.scores, request.words, matching)
    return WindowPrediction(request.words, request.wordings, tuple(found), generation)


def window_entities(
    words: DocWords, planned: PlannedRequest, prediction: WindowPrediction
) -> list[Entity]:
    """The entities that a window decides about.

    words (DocWords): The words of the Doc.
    planned (PlannedRequest): The window and its labels.
    prediction (WindowPrediction): What was found in it.
    RETURNS (list[Entity]): Over tokens of the Doc, in order.
    """
    window = planned.window
    entities = []
    for found in prediction.found:
        for start, end in _contiguous(window.words, words.breaks, found.start, found.end):
            first, last = window.words[start], window.words[end - 1]
            if window.begin <= first < window.end:
                label = planned.labels.name_of(found.label)
                token, after = words.tokens[first], words.ends[last]
                entities.append(Entity(token, after, label, found.score))
    return entities


def _contiguous(
    words: Sequence[int], breaks: Collection[int], start: int, end: int
) -> Iterable[tuple[int, int]]:
    # A word that was too long for any window is O: no entity reaches over it, nor over a blank
    # line.
    begin = start
    for i in range(start + 1, end + 1):
        if i == end or words[i] != words[i - 1] + 1 or words[i] in breaks:
            yield begin, i
            begin = i


def merge_spans(groups: Iterable[Sequence[Entity]], labels: LabelSet) -> tuple[Entity, ...]:
    """Merge the entities of label groups, nested and overlapping ones too.

    groups (Iterable[Sequence[Entity]]): The entities of each group.
    labels (LabelSet): The labels that are wanted; anything else is a decoy, which wins over
        less probable entities of the same tokens.
    RETURNS (tuple[Entity, ...]): In the order of the Doc, without decoys.
    """
    best: dict[tuple[int, int, str], Entity] = {}
    decoys: dict[tuple[int, int], float] = {}
    for entity in (entity for group in groups for entity in group):
        place = (entity.start, entity.end)
        if entity.label not in labels.names:
            decoys[place] = max(entity.score, decoys.get(place, 0.0))
            continue
        key = (*place, entity.label)
        if key not in best or entity.score > best[key].score:
            best[key] = entity
    kept = [e for e in best.values() if e.score > decoys.get((e.start, e.end), -1.0)]
    return tuple(sorted(kept, key=lambda e: (e.start, -e.end, e.label)))


def merge_entities(groups: Iterable[Sequence[Entity]]) -> tuple[Entity, ...]:
    """Merge the entities of label groups: the more probable one wins an overlap.

    groups (Iterable[Sequence[Entity]]): The entities of each group.
    RETURNS (tuple[Entity, ...]): In the order of the Doc, without overlap.
    """
    every = [entity for group in groups for entity in group]
    return tuple(keep_best(every, lambda e: (-e.score, e.start - e.end, e.start, e.label)))


def drop_overlaps(entities: Iterable[Entity]) -> list[Entity]:
    """Keep the first of two entities that overlap, in the order of the Doc: at the
    seam of two windows, and within a token that stands for several words.

    entities (Iterable[Entity]): By start.
    RETURNS (list[Entity]): Without overlap.
    """
    return keep_best(entities, lambda entity: entity.start)
