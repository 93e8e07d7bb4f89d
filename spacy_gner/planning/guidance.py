"""What a prompt says beside its labels: definitions and solved examples, as users write them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import srsly

from ..errors import Errors
from ..formats import LabelSet, Shot, WordSpan
from ..matching import occurrences

# Where the examples are, or the examples themselves: {"text": …, "entities": {label: [mention]}}.
ExamplesInput = str | Path | Sequence[Mapping[str, Any]]

_WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")


def check_definitions(definitions: Mapping[str, str] | None) -> dict[str, str]:
    """Check the definitions of labels.

    definitions (Mapping[str, str] | None): Label, or its wording -> one sentence.
    RETURNS (dict[str, str]): Without blanks at their ends.
    RAISES (ValueError): E007 for one that is empty, or longer than a line.
    """
    if definitions is not None and not isinstance(definitions, Mapping):
        raise ValueError(Errors.E007.format(label="", found=definitions))
    checked: dict[str, str] = {}
    for label, text in (definitions or {}).items():
        if not isinstance(text, str) or len(text.strip().splitlines()) != 1:
            raise ValueError(Errors.E007.format(label=label, found=text))
        checked[label] = text.strip()
    return checked


def definitions_of(labels: LabelSet, definitions: Mapping[str, str]) -> dict[str, str]:
    """RETURNS (dict[str, str]): Wording -> definition, for those labels that have one.

    labels (LabelSet): The labels.
    definitions (Mapping[str, str]): By label or by wording."""
    return {
        wording: definitions.get(name) or definitions[wording]
        for name, wording in labels
        if name in definitions or wording in definitions
    }


def read_examples(examples: ExamplesInput | None) -> list[dict[str, Any]]:
    """Read solved examples.

    examples (str | Path | Sequence[Mapping] | None): The examples, or the path of a .json,
        .jsonl, .yml or .yaml file with them.
    RETURNS (list[dict]): Each with a `text`, and `entities`: label -> list of mentions.
    RAISES (ValueError): E008 for a file that cannot be read, or another form.
    """
    found: Any = examples
    if isinstance(examples, str | Path):
        readers = {
            ".json": srsly.read_json,
            ".jsonl": lambda path: list(srsly.read_jsonl(path)),
            ".yml": srsly.read_yaml,
            ".yaml": srsly.read_yaml,
        }
        try:
            found = readers[Path(examples).suffix](examples)
        except Exception as error:
            raise ValueError(Errors.E008.format(reason=f"{examples}: {error!r}")) from error
    if isinstance(found, Mapping) or not isinstance(found, Iterable):
        found = [] if found is None else [found]
    checked = []
    for example in found:
        if not _is_example(example):
            raise ValueError(Errors.E008.format(reason=f"{example!r} is none"))
        entities = {label: list(mentions) for label, mentions in example["entities"].items()}
        checked.append({"text": example["text"], "entities": entities})
    return checked


def _is_example(example: Any) -> bool:
    if not isinstance(example, Mapping) or not isinstance(example.get("text"), str):
        return False
    entities = example.get("entities")
    return isinstance(entities, Mapping) and all(
        isinstance(mentions, list | tuple) and all(isinstance(mention, str) for mention in mentions)
        for mentions in entities.values()
    )


def make_shots(examples: Iterable[Mapping[str, Any]]) -> tuple[Shot, ...]:
    """Split examples into words, as the authors' demo does, and find their entities in them.

    examples (Iterable[Mapping]): See `read_examples`.
    RETURNS (tuple[Shot, ...]): With entity labels in their spans. All places where a mention
        stands are entities; of those that overlap the longest.
    RAISES (ValueError): E008 for a mention that is not made of words of its text.
    """
    shots = []
    for example in examples:
        words = tuple(_WORD.findall(example["text"]))
        candidates: list[WordSpan] = []
        for label, mentions in example["entities"].items():
            for mention in mentions:
                found = occurrences(words, mention)
                if not found:
                    reason = f"the words of {example['text']!r} do not make up {mention!r}"
                    raise ValueError(Errors.E008.format(reason=reason))
                candidates += [(start, end, label) for start, end in found]
        candidates.sort(key=lambda span: (span[0] - span[1], span[0]))
        taken: set[int] = set()
        spans = []
        for start, end, label in candidates:
            if taken.isdisjoint(range(start, end)):
                taken.update(range(start, end))
                spans.append((start, end, label))
        shots.append(Shot(words, tuple(sorted(spans))))
    return tuple(shots)
