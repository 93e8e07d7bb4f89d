"""The files in which the authors of other systems keep outputs, read into one form."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import spacy

from ..corpora.items import Item, iter_json
from ..corpora.read_report import CorpusError
from ..corpora.readers.conversations import read_conversation
from ..corpora.readers.options import ReadOptions
from ..corpora.source import Source
from ..corpora.tags import read_tags
from ..errors import Errors
from ..formats import BIO, Format, Guidelines, MultiRound, SingleRound, WordSpan
from ..matching import LCSMatcher, Matching

# Splits running text into words.
Tokenizer = Callable[[str], Sequence[str]]
_MATCHING = Matching(LCSMatcher())
_CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)
_CALLED = re.compile(r"\b([^\W\d]\w*)\(span=")
# What begins GoLLIE's answer: a decoded output holds the prompt as well.
_RESULT = "result ="


@dataclass(frozen=True)
class Answer:
    """What a system answered to one prompt.

    dataset (str): The name of the data set.
    words (tuple[str, ...]): The words of the sentence.
    labels (tuple[str, ...]): The labels of the prompt, as the system wrote them.
    gold (tuple[tuple[int, int, str], ...]): The annotated entities, in labels of the file.
    text (str): The raw output.
    place (str): File and line, for messages.
    """

    dataset: str
    words: tuple[str, ...]
    labels: tuple[str, ...]
    gold: tuple[WordSpan, ...]
    text: str
    place: str


@dataclass(frozen=True)
class Form:
    """How a system writes its outputs.

    keys (tuple[str, ...]): What a record of this form has.
    read (Callable): Takes a record, its place, the name of the file and a tokenizer; returns an
        Answer, or None for a record of another task.
    format (Format): What the system is asked in.
    """

    keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any], str, str, Tokenizer], Answer | None]
    format: Format = field(default_factory=BIO)


def read_answers(
    path: Path, gold: Path | None, tokenize: Tokenizer
) -> Iterator[Answer | CorpusError | None]:
    """Read the answers of a file.

    path (Path): The outputs.
    gold (Path | None): The annotated records, where the file has only the outputs.
    tokenize (Callable): Splits running text into words.
    YIELDS (Answer | CorpusError | None): An answer; the error (E249, E309) of a broken one; None
        for one to another task.
    RAISES (ValueError): E305 for a missing file, E326 where outputs and gold are not equally many,
        E327 for outputs that need gold.
    """
    name = (gold or path).name.split(".")[0]
    for place, record in _records(path, gold):
        if isinstance(record, CorpusError):
            yield record
            continue
        try:
            yield _form_of(record, place).read(record, place, name, tokenize)
        except CorpusError as error:
            yield error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else error
            yield CorpusError(Errors.E309.format(place=place, error=what))


def word_tokenizer(lang: str = "en") -> Tokenizer:
    """RETURNS (Callable): Splits text of a language into words, as spaCy does."""
    tokenizer = spacy.blank(lang).tokenizer
    return lambda text: [token.text for token in tokenizer(text) if not token.is_space]


def format_of(path: Path, gold: Path | None) -> Format:
    """RETURNS (Format): What the system was asked in that wrote a file, see `read_answers`."""
    for place, record in _records(path, gold):
        if isinstance(record, Mapping):
            return _form_of(record, place).format
    return BIO()


def _records(path: Path, gold: Path | None) -> Iterator[tuple[str, Any]]:
    """YIELDS (tuple[str, Any]): Place and record; or the error of a broken one."""
    for file in (path, path if gold is None else gold):
        if not file.is_file():
            reason = f"{file} is no file" if file.exists() else f"there is no such file: {file}"
            raise ValueError(Errors.E305.format(name="predictions", reason=reason))
    outputs = _outputs(iter_json(Source(path)))
    if gold is None:
        yield from outputs
        return
    answered, annotated = list(outputs), [item.value for item in iter_json(Source(gold))]
    if len(answered) != len(annotated):
        numbers = {"n": len(answered), "n_gold": len(annotated)}
        raise ValueError(Errors.E326.format(path=path, gold=gold, **numbers))
    for (place, output), record in zip(answered, annotated, strict=True):
        if isinstance(record, Mapping) and isinstance(output, Mapping):
            yield place, {**record, **output}
        else:
            yield place, output if isinstance(record, Mapping) else record


def _outputs(items: Iterable[Item]) -> Iterator[tuple[str, Any]]:
    for item in items:
        value = item.value
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            # All outputs in one list.
            yield from ((item.place, {"prediction": text}) for text in value)
        else:
            yield item.place, {"prediction": value} if isinstance(value, str) else value


# --- the forms ------------------------------------------------------------------------------


def _gner(record: Mapping[str, Any], place: str, name: str, tokenize: Tokenizer) -> Answer:
    words, tags = record["instance"]["words"], record["instance"]["labels"]
    texts = [record["dataset"], record["prediction"], *record["label_list"], *words]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("expected strings")
    if len(words) != len(tags):
        raise ValueError(f"{len(words)} words but {len(tags)} labels")
    entities, missing = read_tags(tags, [place] * len(tags))
    labels = [label for label in record["label_list"] if label != "O"]
    if labels and all(label[:2] in ("B-", "I-") for label in labels):
        labels = [label[2:] for label in labels]
    labels = list(dict.fromkeys(labels))
    if missing:
        raise CorpusError(Errors.E306.format(place=place))
    gold, text = tuple(entities), record["prediction"]
    return Answer(record["dataset"], tuple(words), tuple(labels), gold, text, place)


def _instruct_uie(
    record: Mapping[str, Any], place: str, name: str, tokenize: Tokenizer
) -> Answer | None:
    if record["Task"] != "NER":
        return None
    instance = record["Instance"]
    options, end, _ = instance["instruction"].partition("Option: ")[2].partition(" \n")
    if not end:
        raise ValueError("no labels in the instruction")
    labels = tuple(options.split(", "))
    words = tuple(tokenize(instance["sentence"]))
    gold = _entities(SingleRound(), instance["label"], words, labels)
    return Answer(record["Dataset"], words, labels, gold, record["Prediction"], place)


def _universal_ner(record: Mapping[str, Any], place: str, name: str, tokenize: Tokenizer) -> Answer:
    document = read_conversation(record, place, ReadOptions())
    ((label, mentions),) = (document.answers or {}).items()
    words = tuple(tokenize(document.text))
    gold = [(*span, label) for mention in mentions for span in _places(words, mention)]
    return Answer(name, words, (label,), tuple(sorted(set(gold))), record["prediction"], place)


def _gollie(record: Mapping[str, Any], place: str, name: str, tokenize: Tokenizer) -> Answer:
    words = tuple(tokenize(record["unlabelled_sentence"]))
    asked = record["text"].rpartition("# This is the text to analyze")[0]
    labels = tuple(dict.fromkeys(_CLASS.findall(asked)))
    gold = _entities(Guidelines(), record["labels"], words, labels)
    text = record["model_prediction"].rpartition(_RESULT)[2]
    return Answer(name, words, labels, gold, text, place)


def _gollie_scored(record: Mapping[str, Any], place: str, name: str, tokenize: Tokenizer) -> Answer:
    ((sentence, found),) = record.items()
    words = tuple(tokenize(sentence))
    labels = tuple(dict.fromkeys(_CALLED.findall(found["golds"] + found["predictions"])))
    gold = _entities(Guidelines(), found["golds"], words, labels)
    return Answer(name, words, labels, gold, found["predictions"], place)


_FORMS = (
    Form(("instance", "prediction"), _gner),
    Form(("Task", "Dataset", "Instance", "Prediction"), _instruct_uie, SingleRound()),
    Form(("conversations", "prediction"), _universal_ner, MultiRound()),
    Form(("unlabelled_sentence", "labels", "text", "model_prediction"), _gollie, Guidelines()),
)
_SCORED = Form((), _gollie_scored, Guidelines())


def _form_of(record: Any, place: str) -> Form:
    if not isinstance(record, Mapping):
        raise CorpusError(Errors.E309.format(place=place, error="it is no object"))
    for form in _FORMS:
        if all(key in record for key in form.keys):
            return form
    inner = next(iter(record.values()), None)
    if len(record) == 1 and isinstance(inner, Mapping) and {"golds", "predictions"} <= {*inner}:
        return _SCORED
    if {*record} <= {"prediction", "model_prediction"}:
        raise CorpusError(Errors.E327.format(place=place))
    return _FORMS[0]


def _entities(
    format: Format, text: str, words: Sequence[str], labels: Sequence[str]
) -> tuple[WordSpan, ...]:
    """RETURNS (tuple[tuple[int, int, str], ...]): The entities of an annotation that is written as
    an answer.
    RAISES (ValueError): For a mention that is not in the sentence."""
    read: dict[int, str | None] = {}
    for part in format.parse(text, labels):
        if part.label is None:
            raise ValueError(f"the annotation {part.mention!r} cannot be read")
        # A mention that may go on is read twice.
        if not _MATCHING.mentions(words, part.mention):
            read.setdefault(part.start, part.mention)
        else:
            read[part.start] = None
    for mention in read.values():
        if mention is not None:
            raise _not_found(mention)
    found = format.read(text, words, labels, _MATCHING)
    return tuple((entity.start, entity.end, entity.label) for entity in found)


def _places(words: Sequence[str], mention: str) -> list[tuple[int, int]]:
    places = _MATCHING.mentions(words, mention)
    if not places:
        raise _not_found(mention)
    return places


def _not_found(mention: str) -> ValueError:
    return ValueError(f"the annotated mention {mention!r} is not in the sentence")
