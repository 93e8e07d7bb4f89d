"""What the component predicts for a Doc: plain values."""

from dataclasses import dataclass

from ..decoding.request import Generation
from ..formats import Found


@dataclass(frozen=True)
class Entity:
    """A predicted entity.

    start (int): Index of the first token in the Doc.
    end (int): Index after the last token in the Doc.
    label (str): The label of the entity (not its wording in the prompt).
    score (float): In [0, 1].
    """

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True)
class WindowPrediction:
    """The answer to one prompt, aligned with its words.

    words (tuple[str, ...]): The words of the prompt, length N.
    wordings (tuple[str, ...]): The wordings of the labels in the prompt, in its order.
    found (tuple[Found, ...]): The entities in it, over these words, by start.
    generation (Generation): The decoder's answer: the output and its counters.
    """

    words: tuple[str, ...]
    wordings: tuple[str, ...]
    found: tuple[Found, ...]
    generation: Generation


@dataclass(frozen=True)
class DocPrediction:
    """All that is predicted for one Doc: what the `gner` component's `predict` gives.

    entities (tuple[Entity, ...]): In the order of the Doc, without overlap: the best ones.
    windows (tuple[WindowPrediction, ...]): One per prompt that was needed for the Doc.
    spans (tuple[Entity, ...]): All entities that were found, in the order of the Doc. Where the
        format can answer so, they are nested and overlap; otherwise they are `entities`.
    """

    entities: tuple[Entity, ...]
    windows: tuple[WindowPrediction, ...]
    spans: tuple[Entity, ...] = ()
