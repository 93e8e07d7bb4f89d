"""Examples for the tests of training."""

from collections.abc import Sequence

import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_gner.corpora.passage import Passage, make_example
from spacy_gner.corpora.tags import read_tags

NLP = spacy.blank("en")
LABELS = ("person", "city", "award")
SENTENCES = (
    ("Marie Curie won the Nobel Prize .", "B-person I-person O O B-award I-award O"),
    ("Angela Merkel lives in Paris", "B-person I-person O O B-city"),
    ("IBM met in New York", "O O O B-city I-city"),
    ("she met Marie in London since 1995 .", "O O B-person O B-city O O O"),
    ("Nobel lives in the city", "B-person O O O O"),
    ("the company of Angela", "O O O B-person"),
    ("the Nobel Prize", "O B-award I-award"),
    ("York and London", "B-city O B-city"),
)


def example_of(
    words: str, tags: str | Sequence[str | None], labels: Sequence[str] | None = LABELS
) -> Example:
    """RETURNS (Example): From words and tags that blanks separate; "-" is no annotation."""
    tags = tags.split() if isinstance(tags, str) else tags
    entities, missing = read_tags(tags, [""] * len(tags))
    passage = Passage(words.split(), entities, labels or (), missing=missing)
    example = make_example(NLP, passage)
    if labels is None:
        for doc in (example.reference, example.predicted):
            doc._.gner_labels = None
    return example


def examples() -> list[Example]:
    """RETURNS (list[Example]): All sentences."""
    return [example_of(words, tags) for words, tags in SENTENCES]


def doc_of(words: str) -> Doc:
    """RETURNS (Doc): Without annotation."""
    return Doc(NLP.vocab, words=words.split())
