"""BIO tags to entities and back."""

from collections.abc import Sequence

from ..errors import Errors
from .read_report import CorpusError

# Two ways to write "not annotated": JSON's null and spaCy's "-".
MISSING_TAGS = (None, "-")


def read_tags(
    tags: Sequence[str | None], places: Sequence[str]
) -> tuple[list[tuple[int, int, str]], list[int]]:
    """Read entities from BIO tags. IOB1 and IO are understood too: an I- that does not
    continue an entity of its label opens one.

    tags (Sequence[Optional[str]]): N tags: "O", "B-label", "I-label"; None or "-" for a
        word without annotation.
    places (Sequence[str]): File and line of each tag, length N, for the errors.
    RETURNS (tuple[list[tuple[int, int, str]], list[int]]): The entities (first word, word
        after the last, label) and the words without annotation.
    RAISES (CorpusError): E207 for any other tag.
    """
    entities: list[tuple[int, int, str]] = []
    missing: list[int] = []
    for i, (tag, place) in enumerate(zip(tags, places, strict=True)):
        if tag in MISSING_TAGS:
            missing.append(i)
        elif tag != "O":
            prefix, label = _split_tag(tag, place)
            if prefix == "I" and entities and entities[-1][1:] == (i, label):
                entities[-1] = (entities[-1][0], i + 1, label)
            else:
                entities.append((i, i + 1, label))
    return entities, missing


def _split_tag(tag: object, place: str) -> tuple[str, str]:
    if not isinstance(tag, str) or tag[:2] not in ("B-", "I-") or not tag[2:].strip():
        raise CorpusError(Errors.E207.format(place=place, tag=tag))
    return tag[0], tag[2:]


def write_tags(
    n_words: int, entities: Sequence[tuple[int, int, str]], missing: Sequence[int] = ()
) -> list[str | None]:
    """Write entities as BIO (IOB2) tags.

    n_words (int): N.
    entities (Sequence[tuple[int, int, str]]): First word, word after the last, label.
    missing (Sequence[int]): The words without annotation.
    RETURNS (list[Optional[str]]): N tags, None for words without annotation.
    """
    tags: list[str | None] = ["O"] * n_words
    for i in missing:
        tags[i] = None
    for start, end, label in entities:
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return tags
