"""The one form that every file is read into: a text with entities, and where it stood."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from spacy.language import Language

from ..errors import Errors
from .labels import check_label, is_usable_label
from .mentions import align_mentions
from .passage import Passage
from .read_report import CorpusError, ReadReport
from .tokenize import Tokenized, tokenize


class TextSpan(NamedTuple):
    """An entity in a text.

    start (int): Its first character.
    end (int): The character after its last.
    label (str): Its label.
    score (float | None): How sure the system was that found it, from 0 to 1.
    """

    start: int
    end: int
    label: str
    score: float | None = None


@dataclass(frozen=True)
class Document:
    """A text with entities, as a file holds it: nothing is aligned or filtered yet.

    text (str): The text; the words joined by blanks where the file has only words.
    entities (Sequence[TextSpan]): In any order; they may overlap, or cut through words.
    place (str): File and line, for messages.
    words (Sequence[str] | None): The words of a file that is split into words.
    spaces (Sequence[bool] | None): Whether a space follows each of these words; None: everywhere.
    missing (Sequence[tuple[int, int]]): Characters without annotation: first, after the last.
    labels (Sequence[str] | Mapping[str, str] | None): The inventory, if the document has its own.
    answers (Mapping[str, Sequence[str]] | None): Label to mentions without position, instead
        of entities.
    is_open (bool): Whether any type may be asked for: see `Passage`.
    cuts_tokens (bool): Whether tokens are cut where an entity starts or ends inside them.
    dataset (str | None): Name of the data set, if the document knows it.
    n_discontinuous (int): Entities that were left out since they consist of separate parts.
    source (str): Name of the file.
    line (int): Line, or number in a list, from 1; 0 if unknown.
    meta (dict[str, Any]): The other fields of the document.
    packed (bytes | None): The Doc itself as a DocBin of one, to keep what else it holds.
    """

    text: str
    entities: Sequence[TextSpan] = ()
    place: str = ""
    words: Sequence[str] | None = None
    spaces: Sequence[bool] | None = None
    missing: Sequence[tuple[int, int]] = ()
    labels: Sequence[str] | Mapping[str, str] | None = None
    answers: Mapping[str, Sequence[str]] | None = None
    is_open: bool = False
    cuts_tokens: bool = False
    dataset: str | None = None
    n_discontinuous: int = 0
    source: str = ""
    line: int = 0
    meta: dict[str, Any] = field(default_factory=dict)
    packed: bytes | None = None


def from_words(
    words: Sequence[str],
    entities: Sequence[tuple[int, int, str]],
    missing: Sequence[int] = (),
    spaces: Sequence[bool] | None = None,
    **kwargs: Any,
) -> Document:
    """Make a document from words.

    words (Sequence[str]): N words.
    entities (Sequence[tuple[int, int, str]]): First word, word after the last, label.
    missing (Sequence[int]): Words without annotation.
    spaces (Sequence[bool] | None): Whether a space follows each word; None: everywhere.
    kwargs: Other fields.
    RETURNS (Document): Its text is the words, joined by blanks where a space follows.
    """
    bounds: list[tuple[int, int]] = []
    offset = 0
    for i, word in enumerate(words):
        bounds.append((offset, offset + len(word)))
        offset += len(word) + (spaces is None or spaces[i])
    gaps = [" "] * len(words) if spaces is None else [" " * space for space in spaces]
    text = "".join(word + gap for word, gap in zip(words, gaps, strict=True))
    return Document(
        text if spaces is not None else text[:-1],
        [TextSpan(bounds[start][0], bounds[end - 1][1], label) for start, end, label in entities],
        words=words,
        spaces=spaces,
        missing=[bounds[i] for i in missing],
        **kwargs,
    )


def known_origin(fields: Any) -> dict[str, Any] | None:
    """Where a document came from before it was written by this package.

    fields (Any): What a file says about it.
    RETURNS (dict | None): The fields `source`, `line` and `meta` of a `Document`; None unless all
        three are there, of the right kind.
    """
    if not isinstance(fields, Mapping) or not {"source", "line", "meta"} <= set(fields):
        return None
    source, line, meta = fields["source"], fields["line"], fields["meta"]
    if isinstance(meta, str):
        try:
            meta = json.loads(meta)
        except (ValueError, RecursionError):
            return None
    fits = isinstance(source, str) and isinstance(line, int) and isinstance(meta, Mapping)
    return {"source": source, "line": line, "meta": _as_json(meta)} if fits else None


def _as_json(value: Any) -> Any:
    """RETURNS (Any): With lists for the tuples that a DocBin makes of them."""
    if isinstance(value, Mapping):
        return {key: _as_json(member) for key, member in value.items()}
    return [_as_json(member) for member in value] if isinstance(value, list | tuple) else value


def from_passage(document: Document, passage: Passage) -> Document:
    """A document with the words and entities that it was aligned to.

    document (Document): What was read.
    passage (Passage): Made of it by `to_passage`.
    RETURNS (Document): With words, and only those entities that consist of words.
    """
    aligned = from_words(passage.words, passage.entities, passage.missing, passage.spaces)
    scores = {span[:3]: span.score for span in document.entities}
    return replace(
        document,
        text=aligned.text,
        entities=[span._replace(score=scores.get(span[:3])) for span in aligned.entities],
        words=aligned.words,
        spaces=aligned.spaces,
        missing=aligned.missing,
        labels=passage.labels,
        answers=None,
        is_open=passage.is_open,
    )


def to_passage(
    nlp: Language,
    document: Document,
    inventory: Sequence[str] | Mapping[str, str],
    report: ReadReport,
) -> Passage:
    """Align a document with words.

    nlp (Language): Its tokenizer splits running text.
    document (Document): What was read.
    inventory (Sequence[str] | Mapping[str, str]): Labels to ask for, if it has none of its own.
    report (ReadReport): Counts what does not fit: an entity that starts or ends inside a word,
        whose words then count as not annotated; one that overlaps a longer one.
    RETURNS (Passage): Its words, entities and inventory.
    RAISES (CorpusError): E209 for a label, E215 for a tokenizer that changes the text, E227 for
        an entity outside the text.
    """
    if document.answers is not None:
        return _from_answers(nlp, document, report)
    spans = [
        _trimmed(document, span) for span in document.entities if _is_usable(document, span, report)
    ]
    if document.words is not None:
        tokens = Tokenized(document.words, document.spaces)
    else:
        cuts = [offset for span in spans for offset in span[:2]] if document.cuts_tokens else ()
        tokens = tokenize(nlp, document.text, document.place, cuts)
        report.split_tokens += tokens.n_split
    entities, missing = _align(document, spans, tokens, report)
    report.discontinuous += document.n_discontinuous
    labels = document.labels
    if labels is not None and document.is_open:
        labels = [label for label in labels if is_usable_label(label)]
    return Passage(
        words=tokens.words,
        spaces=document.spaces if document.words is not None else tokens.spaces,
        entities=entities,
        labels=inventory if labels is None else labels,
        missing=missing,
        is_open=document.is_open,
        dataset=document.dataset,
    )


def _is_usable(document: Document, span: TextSpan, report: ReadReport) -> bool:
    """Whether a label can be prompted; with open types, one that cannot is counted and left out."""
    if isinstance(document.labels, Mapping):
        return True  # its wording is what is prompted
    if not document.is_open:
        check_label(span.label, document.place)
    elif not is_usable_label(span.label):
        report.unusable_types += 1
        return False
    return True


def _trimmed(document: Document, span: TextSpan) -> TextSpan:
    """RETURNS (TextSpan): Without white space at its ends, which belongs to no word."""
    start, end = span.start, span.end
    if not 0 <= start < end <= len(document.text):
        raise CorpusError(
            Errors.E227.format(
                place=document.place,
                label=span.label,
                start=start,
                end=end,
                length=len(document.text),
            )
        )
    mention = document.text[start:end]
    start += len(mention) - len(mention.lstrip())
    return span._replace(start=start, end=max(start, start + len(mention.strip())))


def _align(
    document: Document, spans: Sequence[TextSpan], tokens: Tokenized, report: ReadReport
) -> tuple[list[tuple[int, int, str]], list[int]]:
    missing: set[int] = set()
    for start, end in document.missing:
        missing.update(tokens.words_within(start, end))
    taken: set[int] = set()
    entities: list[tuple[int, int, str]] = []
    # Of entities that overlap, the longest is taken, then the one that comes first in the file.
    for start, end, label, _ in sorted(dict.fromkeys(spans), key=lambda s: s.start - s.end):
        found = tokens.word_span(start, end)
        if found is None:
            report.unaligned += 1
            mention = document.text[start:end]
            report.lose(document.place, f"{mention!r} ({label}) is not aligned with the words")
            missing.update(tokens.words_within(start, end))
        elif taken.isdisjoint(range(*found)):
            taken.update(range(*found))
            entities.append((*found, label))
        elif (*found, label) not in entities:
            report.overlapping += 1
            mention = document.text[start:end]
            report.lose(document.place, f"{mention!r} ({label}) overlaps others")
    return sorted(entities), sorted(missing - taken)


def _from_answers(nlp: Language, document: Document, report: ReadReport) -> Passage:
    given = document.answers or {}
    answers = {label: mentions for label, mentions in given.items() if is_usable_label(label)}
    report.unusable_types += len(given) - len(answers)
    tokens = tokenize(nlp, document.text, document.place)
    aligned = align_mentions(document.text, tokens, answers)
    report.unaligned += len(aligned.unaligned)
    report.overlapping += len(aligned.overlapping)
    for label, mention in aligned.unaligned:
        report.lose(document.place, f"{mention!r} ({label}) is not aligned")
    for label, mention in aligned.overlapping:
        report.lose(document.place, f"{mention!r} ({label}) overlaps others")
    found = {label for _, _, label in aligned.entities}
    return Passage(
        words=tokens.words,
        spaces=tokens.spaces,
        entities=aligned.entities,
        # A type whose mentions were all lost would be trained as absent.
        labels=[label for label in answers if label in found or not answers[label]],
        missing=aligned.missing,
        is_open=True,
        dataset=document.dataset,
    )
