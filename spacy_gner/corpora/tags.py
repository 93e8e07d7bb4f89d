"""Tags of words to entities and back: BIO and its relatives, and the brackets of OntoNotes."""

import re
from collections.abc import Sequence

from ..errors import Errors
from ..formats.tagged_words import decode_tags, encode_bio
from .read_report import CorpusError

# Two ways to write "not annotated": JSON's null and spaCy's "-".
MISSING_TAGS = (None, "-")
# B-egin, I-nside, E-nd, S-ingle (BIOES); L-ast, U-nit (BILOU); M-iddle (BMES), W-hole (BMEWO).
_TAG = re.compile(r"([BIESLUMW])-(.*\S.*)", re.DOTALL)
# (PERSON*  *  *)  (GPE)
_BRACKETS = re.compile(r"(?:\(([^()*\s]+))?\*?(\))?")


def is_tag(tag: object) -> bool:
    """Whether something is a tag: "O", a prefix with a label, or one of no annotation."""
    return tag in ("O", *MISSING_TAGS) or has_label(tag)


def has_label(tag: object) -> bool:
    """Whether something is a tag with a label."""
    return isinstance(tag, str) and _TAG.fullmatch(tag) is not None


def read_tags(
    tags: Sequence[str | None], places: Sequence[str]
) -> tuple[list[tuple[int, int, str]], list[int]]:
    """Read entities from tags of BIO (IOB2), IOB1, IO, BIOES, BILOU, BMES or BMEWO: a tag that
    does not continue an entity of its label opens one.

    tags (Sequence[Optional[str]]): N tags, such as "O", "B-label", "I-label"; None or "-" for a
        word without annotation.
    places (Sequence[str]): File and line of each tag, length N, for the errors.
    RETURNS (tuple[list[tuple[int, int, str]], list[int]]): The entities (first word, word
        after the last, label) and the words without annotation.
    RAISES (CorpusError): E207 for any other tag.
    """
    missing: list[int] = []
    known: list[str] = []
    for i, (tag, place) in enumerate(zip(tags, places, strict=True)):
        if not is_tag(tag):
            raise CorpusError(Errors.E207.format(place=place, tag=tag))
        if tag in MISSING_TAGS:
            missing.append(i)
        known.append("O" if tag is None or tag in MISSING_TAGS else tag)
    return decode_tags(known), missing


def are_brackets(tags: Sequence[str | None]) -> bool:
    """Whether tags are the brackets of OntoNotes: "(PERSON*", "*", "*)", "(GPE)"."""
    return any(tag is not None and "*" in tag for tag in tags) and all(
        tag and _BRACKETS.fullmatch(tag) for tag in tags
    )


def read_brackets(tags: Sequence[str], places: Sequence[str]) -> list[tuple[int, int, str]]:
    """Read entities from brackets.

    tags (Sequence[str]): N tags; see `are_brackets`.
    places (Sequence[str]): File and line of each tag, length N, for the errors.
    RETURNS (list[tuple[int, int, str]]): First word, word after the last, label.
    RAISES (CorpusError): E207 for a bracket without its other half.
    """
    entities: list[tuple[int, int, str]] = []
    start: int | None = None
    label = ""
    for i, (tag, place) in enumerate(zip(tags, places, strict=True)):
        match = _BRACKETS.fullmatch(tag)
        opens, closes = match.groups() if match else (None, None)
        if match is None or (opens and start is not None):
            raise CorpusError(Errors.E207.format(place=place, tag=tag))
        if opens:
            start, label = i, opens
        if closes:
            if start is None:
                raise CorpusError(Errors.E207.format(place=place, tag=tag))
            entities.append((start, i + 1, label))
            start = None
    if start is not None:
        raise CorpusError(Errors.E207.format(place=places[start], tag=tags[start]))
    return entities


def write_tags(
    n_words: int, entities: Sequence[tuple[int, int, str]], missing: Sequence[int] = ()
) -> list[str | None]:
    """Write entities as BIO (IOB2) tags.

    n_words (int): N.
    entities (Sequence[tuple[int, int, str]]): First word, word after the last, label.
    missing (Sequence[int]): The words without annotation.
    RETURNS (list[Optional[str]]): N tags, None for words without annotation.
    """
    tags: list[str | None] = [*encode_bio(n_words, entities)]
    for i in missing:
        tags[i] = None
    return tags
