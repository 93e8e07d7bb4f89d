"""Items with words: lists of words and tags, Hugging Face's data sets, GLiNER, GNER."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import Errors
from ..document import Document, from_words, known_origin
from ..read_report import CorpusError
from ..tags import read_tags
from .columns import check_words
from .options import ReadOptions

_WORDS = ("words", "tokens")
_TAGS = ("labels", "tags", "ner_tags", "ner", "bio_tags")


def find_words(item: Any) -> tuple[str, str] | None:
    """RETURNS (tuple[str, str] | None): The fields of an item with its words and its tags."""
    if not isinstance(item, Mapping):
        return None
    words = [key for key in _WORDS if isinstance(item.get(key), list)]
    if words and any(isinstance(word, Mapping) for word in item[words[0]]):
        return None  # Prodigy's tokens, beside its spans
    tags = [key for key in _TAGS if isinstance(item.get(key), list)]
    return (words[0], tags[0]) if words and tags else None


def read_words(item: Any, place: str, options: ReadOptions) -> Document:
    """Read an item with words and their tags: `{"words": [...], "labels": [...]}`, or `tokens`
    and `ner_tags` as in Hugging Face's data sets.

    item (Any): The decoded JSON, or a row.
    place (str): File and line, for the errors.
    options (ReadOptions): The names of integer tags.
    RETURNS (Document): The sentence.
    RAISES (CorpusError): E205 (no words with tags), E206 (unequal counts), E207 (tag), E208
        (word), E231 (integers without names).
    """
    found = find_words(item)
    if found is None:
        fields = sorted(map(str, item)) if isinstance(item, Mapping) else type(item).__name__
        error = f"no list of words beside a list of tags (found: {fields})"
        raise CorpusError(Errors.E205.format(place=place, error=error))
    words, tags = item[found[0]], item[found[1]]
    if not words:
        raise CorpusError(Errors.E205.format(place=place, error="no words"))
    if len(words) != len(tags):
        raise CorpusError(Errors.E206.format(place=place, n_words=len(words), n_labels=len(tags)))
    places = [place] * len(words)
    check_words(words, places)
    entities, missing = read_tags(_named(tags, place, options), places)
    others = {key: value for key, value in item.items() if key not in found}
    origin = known_origin(others) or {"meta": others}
    return from_words(words, entities, missing, place=place, **origin)


def _named(tags: Sequence[Any], place: str, options: ReadOptions) -> Sequence[Any]:
    numbers = [tag for tag in tags if isinstance(tag, int) and not isinstance(tag, bool)]
    if not numbers:
        return tags
    names = options.tag_names
    # -100 is what training scripts write for what does not count.
    if names is None or max(numbers) >= len(names) or (min(numbers) < 0 and min(numbers) != -100):
        known = "no names are known" if names is None else f"there are {len(names)} names"
        error = f"the tags are integers ({numbers[0]} …), and {known}"
        raise CorpusError(Errors.E231.format(place=place, error=error))
    return [(names[tag] if tag >= 0 else None) if isinstance(tag, int) else tag for tag in tags]


def is_gliner(item: Any) -> bool:
    """Whether an item is training data of GLiNER."""
    return isinstance(item, Mapping) and {"tokenized_text", "ner"} <= set(item)


def read_gliner(item: Any, place: str, options: ReadOptions) -> Document:
    """Read training data of GLiNER: `tokenized_text`, and in `ner` first word, last word, type.
    The types are open; those of `label` (or `ner_negatives`) belong to the inventory too.

    item (Any): The decoded JSON.
    place (str): File and line, for the errors.
    options (ReadOptions): Not needed.
    RETURNS (Document): The sentence.
    RAISES (CorpusError): E205 for another form, E208 (word).
    """
    if not is_gliner(item):
        error = 'no "tokenized_text" and "ner"'
        raise CorpusError(Errors.E205.format(place=place, error=error))
    words, entities = item["tokenized_text"], []
    if not isinstance(words, list) or not words or not isinstance(item["ner"], list):
        raise CorpusError(Errors.E205.format(place=place, error="no list of words or of entities"))
    check_words(words, [place] * len(words))
    for entity in item["ner"]:
        try:
            first, last, label = entity
            fits = 0 <= first <= last < len(words) and isinstance(label, str)
        except (TypeError, ValueError):
            fits = False
        if not fits:
            error = f"{entity!r} is not first word, last word and type of {len(words)} words"
            raise CorpusError(Errors.E205.format(place=place, error=error))
        entities.append((first, last + 1, label))
    asked = [item[key] for key in ("label", "ner_negatives") if isinstance(item.get(key), list)]
    labels = [label for _, _, label in entities] + [name for names in asked for name in names]
    return from_words(
        words,
        entities,
        place=place,
        labels=list(dict.fromkeys(labels)),
        is_open=True,
        meta={key: value for key, value in item.items() if key not in ("tokenized_text", "ner")},
    )


def is_gner(item: Any) -> bool:
    """Whether an item is data of GNER's authors."""
    return isinstance(item, Mapping) and find_words(item.get("instance")) is not None


def read_gner(item: Any, place: str, options: ReadOptions) -> Document:
    """Read data of GNER's authors: `instance` with `words` and `labels`, `label_list`, `dataset`.

    item (Any): The decoded JSON.
    place (str): File and line, for the errors.
    options (ReadOptions): See `read_words`.
    RETURNS (Document): The sentence; `label_list` is its inventory.
    RAISES (CorpusError): As `read_words`.
    """
    if not is_gner(item):
        raise CorpusError(Errors.E205.format(place=place, error='no "instance"'))
    inner = read_words(item["instance"], place, options)
    labels = item.get("label_list")
    dataset = item.get("dataset")
    return replace(
        inner,
        source="",
        line=0,
        labels=labels if isinstance(labels, list) and labels else None,
        dataset=dataset if isinstance(dataset, str) else None,
        meta={key: value for key, value in item.items() if key not in ("instance", "label_list")},
    )
