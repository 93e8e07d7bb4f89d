"""GoLLIE's format (Sainz et al. 2024): labels are Python classes with guidelines, answered by a
list of instances. Wording and layout are those of its repository, templates/prompt.txt at
164c611, formatted as Black does."""

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from spacy.util import registry

from .format import NO_GUIDANCE, Guidance, Piece, Prompt, Shot, WordSpan
from .mentions import Mentions, ParsedMention, mentions_of

_LINE = 88  # Black's
_N_EXAMPLES = 5
_CALL = re.compile(r"\b([^\W\d]\w*)\(\s*(?:span\s*=\s*)?(?=[\"'])")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


@registry.misc("spacy_gner.Guidelines.v1")
@dataclass(frozen=True)
class Guidelines(Mentions):
    """One prompt for all labels, as GoLLIE writes it: a class for each, with its definition as
    docstring (its wording, where it has none) and mentions of the solved examples. See `Mentions`.
    """

    name: ClassVar[str] = "guidelines"
    max_new_tokens: int | None = None

    def prompt(
        self,
        words: Sequence[str],
        wordings: Sequence[str],
        guidance: Guidance = NO_GUIDANCE,
        dataset: str | None = None,
    ) -> Prompt:
        """See `Format.prompt`. The data set is not named."""
        names = class_names(wordings)
        classes = []
        for wording in wordings:
            docstring = guidance.definitions.get(wording, wording).replace('"""', "'''")
            shots = [mention for shot in guidance.shots for mention in _own(shot, wording)]
            found = list(dict.fromkeys(shots))[:_N_EXAMPLES]
            such_as = " Such as: " + ", ".join(f'"{mention}"' for mention in found)
            classes.append(
                f"@dataclass\nclass {names[wording]}(Entity):\n"
                f'    """{docstring}"""\n\n    span: str  #{such_as if found else ""}\n'
            )
        shared = "# The following lines describe the task definition\n" + "\n\n".join(classes)
        shared += "\n\n# This is the text to analyze\ntext = "
        literal = python_string(" ".join(words))
        if 4 + len(literal) <= _LINE < len("text = ") + len(literal):
            literal = f"(\n    {literal}\n)"
        end = "\n\n# The annotation instances that take place in the text above are listed here"
        end += "\nresult ="
        return Prompt.conversation([shared + literal + end], shared)

    def target(
        self, words: Sequence[str], spans: Sequence[WordSpan], wordings: Sequence[str]
    ) -> list[Piece]:
        if not spans:
            return [Piece("[]", "outside")]
        names = class_names(wordings)
        lines = []
        for (_, _, label), mention in zip(spans, mentions_of(words, spans), strict=True):
            line = f"    {names[label]}(span={python_string(mention)}),\n"
            if len(line) - 1 > _LINE:
                literal = python_string(mention)
                line = f"    {names[label]}(\n        span={literal}\n    ),\n"
            lines.append(line)
        return [Piece("[\n" + "".join(lines) + "]", "entity")]

    def parse(self, text: str, wordings: Sequence[str]) -> list[ParsedMention]:
        """See `Format.parse`. Nothing is run: calls with one string are looked for, whatever
        stands between them. A class that was not asked for has no label."""
        labels = {name: wording for wording, name in class_names(wordings).items()}
        parts: list[ParsedMention] = []
        at = 0
        while call := _CALL.search(text, at):
            start = call.end() + 1
            end = _string_end(text, start, text[start - 1])
            if end < 0:
                break  # cut off
            value = _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), text[start:end])
            parts.append(ParsedMention(value, labels.get(call[1]), call.start(), end))
            at = end + 1
        if not parts and text.strip() not in ("[]", ""):
            parts.append(ParsedMention(text.strip(), None, 0, len(text)))
        return parts


def _own(shot: Shot, wording: str) -> list[str]:
    return mentions_of(shot.words, [span for span in shot.spans if span[2] == wording])


def class_names(wordings: Sequence[str]) -> dict[str, str]:
    """Name the classes of labels: "musical artist" is `MusicalArtist`.

    wordings (Sequence[str]): Wordings of labels.
    RETURNS (dict[str, str]): Wording -> a Python identifier of its own.
    """
    names: dict[str, str] = {}
    used: set[str] = set()
    for wording in wordings:
        parts = re.findall(r"[^\W_]+", wording)
        name = "".join(part[0].upper() + part[1:] for part in parts)
        if not name.isidentifier() or keyword.iskeyword(name) or name == "Entity":
            name = f"Label{name}"
        number, unique = 2, name
        while unique in used:
            unique, number = f"{name}{number}", number + 1
        used.add(unique)
        names[wording] = unique
    return names


def python_string(text: str) -> str:
    """RETURNS (str): A text as a Python literal, in the quotes that Black takes: double ones,
    unless these need more backslashes."""
    literal = repr(text)
    if literal[0] == '"':
        return literal
    other = literal[1:-1].replace("\\'", "'").replace('"', '\\"')
    return literal if other.count("\\") > literal.count("\\") else f'"{other}"'


def _string_end(text: str, start: int, quote: str) -> int:
    """RETURNS (int): Where the quote is that closes a string; -1 where there is none."""
    at = start
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" else 1
    return at if at < len(text) else -1
