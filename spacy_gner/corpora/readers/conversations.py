"""The conversations of UniversalNER's Pile-NER."""

import json
import re
from collections.abc import Mapping
from typing import Any

from ...errors import Errors
from ..document import Document
from ..read_report import CorpusError
from .options import ReadOptions

_TEXT_PREFIX = "Text: "
_QUESTION = re.compile(r"What describes (.+) in the text\?", re.DOTALL)


def is_conversation(item: Any) -> bool:
    """Whether an item is a conversation."""
    return isinstance(item, Mapping) and "conversations" in item


def read_conversation(item: Any, place: str, options: ReadOptions) -> Document:
    """Read a conversation of Pile-NER: a passage, then one question and one answer per type.

    Answers name mentions without their position: see `align_mentions`. The inventory of a
    passage is the types it was asked for, also without answer; except those whose mentions were
    all lost, and those that no prompt can name.

    item (Any): The decoded JSON: {"conversations": [{"from": ..., "value": ...}, ...]}.
    place (str): File and line, for the errors.
    options (ReadOptions): Not needed.
    RETURNS (Document): The passage and its answers. The answers to a type that is asked
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
    meta = {key: value for key, value in item.items() if key != "conversations"}
    return Document(text, place=place, answers=answers, is_open=True, meta=meta)


def _parse_answer(answer: str, place: str) -> list[str]:
    try:
        mentions = json.loads(answer)
    except (json.JSONDecodeError, RecursionError):
        mentions = None
    if not isinstance(mentions, list) or not all(isinstance(m, str) for m in mentions):
        error_text = f"the answer is not a JSON list of strings: {answer[:80]!r}"
        raise CorpusError(Errors.E213.format(place=place, error=error_text))
    return [mention.strip() for mention in mentions if mention.strip()]
