"""What the component predicts for a Doc: plain values."""

from dataclasses import dataclass, field


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
    """What the model made of one prompt.

    words (tuple[str, ...]): The words of the prompt, length N.
    labels (tuple[str, ...]): The wordings of the labels in the prompt, in its order.
    text (str): The output as generated, before parsing.
    tags (tuple[str, ...]): One tag per word ("O", "B-city", "I-city"), length N.
    scores (tuple[float, ...]): The probability of each tag, in [0, 1], length N.
    complete (bool): Whether the output ended by itself (not by a length limit).
    stats (dict[str, float]): Counters of the decoder ("forward_passes", …).
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    text: str
    tags: tuple[str, ...]
    scores: tuple[float, ...]
    complete: bool = True
    stats: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class DocPrediction:
    """All that is predicted for one Doc: what the `gner` component's `predict` gives.

    entities (tuple[Entity, ...]): In the order of the Doc, without overlap.
    windows (tuple[WindowPrediction, ...]): One per prompt that was needed for the Doc.
    """

    entities: tuple[Entity, ...]
    windows: tuple[WindowPrediction, ...]
