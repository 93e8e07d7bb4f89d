"""`spacy_gner.PileNER.v1`: the conversations of UniversalNER's Pile-NER."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from spacy import registry
from spacy.language import Language

from ..errors import Errors
from .files import decode, iter_lines, open_binary
from .labels import is_usable_label
from .mentions import align_mentions
from .passage import Passage
from .read_report import CorpusError, ReadReport
from .reader import CorpusReader
from .tokenize import tokenize

_TEXT_PREFIX = "Text: "
_QUESTION = re.compile(r"What describes (.+) in the text\?", re.DOTALL)


@dataclass(frozen=True)
class Conversation:
    """A passage with the mentions of each type that was asked for.

    text (str): The passage.
    answers (dict[str, list[str]]): Type to mentions; an empty list for a type that was
        asked for and is not there.
    place (str): File and line (or number in the list).
    """

    text: str
    answers: dict[str, list[str]]
    place: str


@registry.readers("spacy_gner.PileNER.v1")
class PileNER(CorpusReader):
    """Reads Pile-NER: a JSON list, or JSON lines, of conversations in which a passage is
    followed by one question and one answer per type.

    Answers name mentions without their position. Every occurrence of a mention that starts
    and ends with a token is an entity; of occurrences that overlap, the longest is taken, then
    the type that was asked for first. A mention that nowhere agrees with the tokens is counted
    in the report, and its words count as not annotated. The inventory of a passage is the types
    it was asked for, also without answer; except those whose mentions were all lost, and those
    that no prompt can name.

    path and kwargs: See `CorpusReader`; a directory is searched for .json and .jsonl. A
        JSON list is read into memory whole, JSON lines are streamed.
    """

    suffixes = (".json", ".jsonl")

    def _passages(self, nlp: Language, report: ReadReport) -> Iterator[Passage]:
        for conversation in self._conversations(report, self.on_error):
            answers = {t: a for t, a in conversation.answers.items() if is_usable_label(t)}
            report.unusable_types += len(conversation.answers) - len(answers)
            try:
                tokens = tokenize(nlp, conversation.text, conversation.place)
            except CorpusError as error:
                report.handle(error, self.on_error)
                continue
            aligned = align_mentions(conversation.text, tokens, answers)
            report.unaligned += len(aligned.unaligned)
            report.overlapping += len(aligned.overlapping)
            for label, mention in aligned.unaligned:
                report.lose(conversation.place, f"{mention!r} ({label}) is not aligned")
            for label, mention in aligned.overlapping:
                report.lose(conversation.place, f"{mention!r} ({label}) overlaps others")
            found = {label for _, _, label in aligned.entities}
            yield Passage(
                words=tokens.words,
                spaces=tokens.spaces,
                entities=aligned.entities,
                labels=[label for label in answers if label in found or not answers[label]],
                missing=aligned.missing,
                is_open=True,
            )

    def _conversations(self, report: ReadReport, on_error: str) -> Iterator[Conversation]:
        for path in self.files():
            for place, load in _iter_items(path):
                try:
                    yield parse_conversation(load(), place)
                except CorpusError as error:
                    report.handle(error, on_error)

    def _scan_labels(self) -> set[str]:
        conversations = self._conversations(ReadReport(), on_error="skip")
        return {label for c in conversations for label in c.answers if is_usable_label(label)}


def _iter_items(path: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the place of each item and a function that decodes it (or raises)."""
    with open_binary(path) as file:
        is_list = file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    if not is_list:
        for number, line in iter_lines(path):
            if line.strip():
                place = f"{path}:{number}"
                yield place, partial(_load_json, line, place)
        return
    with open_binary(path) as file:
        data = file.read().removeprefix(b"\xef\xbb\xbf")
    try:
        items = _load_json(data, str(path))
    except CorpusError:
        # One broken record: raised, or skipped, where the caller decides about it.
        yield str(path), partial(_load_json, data, str(path))
        return
    for i, item in enumerate(items, 1):
        yield f"{path}, item {i}", partial(_itself, item)


def _itself(item: Any) -> Any:
    return item


def _load_json(data: bytes, place: str) -> Any:
    try:
        return json.loads(decode(data, place))
    except (json.JSONDecodeError, RecursionError) as error:
        raise CorpusError(Errors.E213.format(place=place, error=error)) from None


def parse_conversation(item: Any, place: str) -> Conversation:
    """Read a conversation.

    item (Any): The decoded JSON: {"conversations": [{"from": ..., "value": ...}, ...]}.
    place (str): File and line, for the errors.
    RETURNS (Conversation): The passage and its answers. The answers to a type that is asked
        for twice are joined.
    RAISES (CorpusError): E213 for anything else.
    """
    try:
        values = [turn["value"] for turn in item["conversations"]]
        senders = [turn["from"] for turn in item["conversations"]]
    except (TypeError, KeyError) as error:
        raise CorpusError(Errors.E213.format(place=place, error=repr(error))) from None
    if len(values) % 2 or len(values) < 2 or senders != ["human", "gpt"] * (len(values) // 2):
        error_text = "the turns are not pairs of human and gpt"
        raise CorpusError(Errors.E213.format(place=place, error=error_text))
    if not all(isinstance(value, str) for value in values):
        raise CorpusError(Errors.E213.format(place=place, error="a turn without text"))
    text = values[0].removeprefix(_TEXT_PREFIX)
    if text == values[0] or not text.strip():
        raise CorpusError(Errors.E213.format(place=place, error="no passage in the first turn"))
    answers: dict[str, list[str]] = {}
    for question, answer in zip(values[2::2], values[3::2], strict=True):
        match = _QUESTION.fullmatch(question.strip())
        if match is None:
            error_text = f"not a question: {question[:80]!r}"
            raise CorpusError(Errors.E213.format(place=place, error=error_text))
        answers.setdefault(match[1].strip(), []).extend(_parse_answer(answer, place))
    return Conversation(text, answers, place)


def _parse_answer(answer: str, place: str) -> list[str]:
    try:
        mentions = json.loads(answer)
    except (json.JSONDecodeError, RecursionError):
        mentions = None
    if not isinstance(mentions, list) or not all(isinstance(m, str) for m in mentions):
        error_text = f"the answer is not a JSON list of strings: {answer[:80]!r}"
        raise CorpusError(Errors.E213.format(place=place, error=error_text))
    return [mention.strip() for mention in mentions if mention.strip()]
