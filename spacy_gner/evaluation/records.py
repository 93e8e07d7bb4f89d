"""What is measured: sentences with gold and predicted entities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import Errors
from ..formats.tagged_words import decode_tags, is_bio_tag


class Mention(NamedTuple):
    """An entity in a sentence: the words from start up to, but not including, end."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class RawOutput:
    """What the model wrote for one prompt.

    words (tuple[str, ...]): The words of the prompt.
    text (str): The output as generated.
    complete (bool): Whether the output ended by itself.
    forward_passes (float | None): Passes of the model, where the decoder counts them.
    wordings (tuple[str, ...] | None): What the prompt called the labels of the sentence, where
        that is not their names; one for each, in their order.
    hit_max_forks (bool | None): Whether a search was cut short, where the decoder searches.
    """

    words: tuple[str, ...]
    text: str
    complete: bool = True
    forward_passes: float | None = None
    wordings: tuple[str, ...] | None = None
    hit_max_forks: bool | None = None


@dataclass(frozen=True)
class ScoredSentence:
    """One sentence of a data set with what was predicted for it.

    words (tuple[str, ...]): The words, length N.
    labels (tuple[str, ...]): The labels that the model was asked for.
    gold (tuple[Mention, ...]): The annotated entities.
    predicted (tuple[Mention, ...]): The predicted entities, length P.
    scores (tuple[float | None, ...]): The score of each prediction in [0, 1], length P;
        None where the system gives none.
    outputs (tuple[RawOutput, ...]): One per prompt; empty where there is no text.
    seconds (float | None): The time that the prediction took.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    gold: tuple[Mention, ...]
    predicted: tuple[Mention, ...]
    scores: tuple[float | None, ...] = ()
    outputs: tuple[RawOutput, ...] = ()
    seconds: float | None = None


def mentions_from_tags(tags: Sequence[str], where: str = "the sentence") -> list[Mention]:
    """Read entities off BIO tags. An I- that does not continue its label opens an entity.

    tags (Sequence[str]): "O", "B-label" or "I-label", one per word.
    where (str): Named in the error message, for instance a file and line.
    RETURNS (list[Mention]): In order, without overlap.
    RAISES (ValueError): E301 for tags of another scheme (BIOES, BILUO), E302 for
        anything else.
    """
    for tag in tags:
        if not is_bio_tag(tag):
            is_other = isinstance(tag, str) and len(tag) > 2 and tag[0] in "ESLUM" and tag[1] == "-"
            error = Errors.E301 if is_other else Errors.E302
            raise ValueError(error.format(tag=tag, where=where))
    return [Mention(*span) for span in decode_tags(tags)]
