r"""The inline notation: `[Marie Curie](person) lived in [Paris](city).`

A bracket pair is markup only if a parenthesis follows it at once; every other bracket
or parenthesis is text. `\[` and `\]` are brackets that are text in any case: in front of a
bracket, two backslashes stand for one, and an odd one makes the bracket text. Backslashes
elsewhere are text.
"""

import re
from collections.abc import Sequence

from ..errors import Errors
from .labels import is_usable_label
from .read_report import CorpusError

# A search begins at the first of a run of backslashes only: the time is linear in the text.
_BRACKET = re.compile(r"(?<!\\)(\\*)([\[\]])")

# First character, character after the last, label.
CharSpan = tuple[int, int, str]


def parse_inline(line: str, place: str) -> tuple[str, list[CharSpan]]:
    """Read a line of the inline notation.

    line (str): A passage with markup.
    place (str): File and line, for the errors.
    RETURNS (tuple[str, list[tuple[int, int, str]]]): The text without markup; and the
        entities in order: first character, character after the last, label. White space at
        the ends of a mention does not belong to it.
    RAISES (CorpusError): E212 for a blank mention, a blank or unusable type, nesting.
    """
    pieces: list[str] = []  # of the text; an opening bracket is its own piece until closed
    length = 0
    opened: list[tuple[int, int, int]] = []  # piece, offset in the text, offset in the line
    spans: list[CharSpan] = []
    position = 0
    closing = -1  # the next ")", searched for once
    while match := _BRACKET.search(line, position):
        slashes, bracket = match.groups()
        before = line[position : match.start()] + "\\" * (len(slashes) // 2)
        pieces.append(before)
        length += len(before)
        position = match.end()
        is_text = len(slashes) % 2 == 1
        if bracket == "[" and not is_text:
            opened.append((len(pieces), length, match.start()))
        elif bracket == "]" and not is_text and opened:
            piece, start, source = opened.pop()
            if closing < position:
                closing = line.find(")", position)
                closing = len(line) if closing < 0 else closing
            if line.startswith("(", position) and closing < len(line):
                markup = line[source : closing + 1]
                if spans and spans[-1][1] > start:
                    raise CorpusError(
                        Errors.E212.format(place=place, error="nested entities", markup=markup)
                    )
                pieces[piece] = ""
                mention = "".join(pieces[piece:])
                length = start + len(mention)
                label = line[position + 1 : closing]
                spans.append(_make_span(start, mention, label, markup, place))
                position = closing + 1
                # Brackets that are still open stay before the mention: offsets hold.
                continue
        pieces.append(bracket)
        length += 1
    pieces.append(line[position:])
    return "".join(pieces), spans


def _make_span(start: int, mention: str, label: str, markup: str, place: str) -> CharSpan:
    if not mention.strip():
        raise CorpusError(Errors.E212.format(place=place, error="a blank mention", markup=markup))
    if not is_usable_label(label):
        error = f"the type {label!r} cannot stand in a prompt"
        raise CorpusError(Errors.E212.format(place=place, error=error, markup=markup))
    start += len(mention) - len(mention.lstrip())
    return start, start + len(mention.strip()), label


def render_inline(text: str, spans: Sequence[CharSpan]) -> str:
    r"""Write a text with its entities in the inline notation; `parse_inline` reads it back.

    text (str): The text.
    spans (Sequence[tuple[int, int, str]]): Entities in order and without overlap.
    RETURNS (str): The markup. Brackets of the text are escaped ("\[").
    """
    pieces: list[str] = []
    position = 0
    for start, end, label in spans:
        pieces.append(_escape(text[position:start]))
        pieces.append(f"[{_escape(text[start:end])}]({label})")
        position = end
    pieces.append(_escape(text[position:], is_last=True))
    return "".join(pieces)


def _escape(text: str, is_last: bool = False) -> str:
    text = _BRACKET.sub(lambda match: match[1] * 2 + "\\" + match[2], text)
    # What follows, unless it is the end, is a bracket of markup: protect the backslashes.
    final = 0 if is_last else len(text) - len(text.rstrip("\\"))
    return text + "\\" * final
