"""Models that have learned the format, shared by the tests of this room."""

import copy
from typing import Any

import pytest

from spacy_gner.formats import BIO, Format
from spacy_gner.planning.request import Request

from ..models import (
    LABELS,
    build_tiny_causal,
    build_tiny_seq2seq,
    overfit,
    pieces_of,
    prompt_of,
    request_of,
)

FORMAT = BIO()
BUILDERS: dict[str, Any] = {"causal": build_tiny_causal, "seq2seq": build_tiny_seq2seq}
TRAINED = [
    (
        "Marie Curie won the Nobel Prize in Paris .",
        "B-person I-person O O B-award I-award O B-city O",
    ),
    ("Angela Merkel met a company on Tuesday .", "B-person I-person O O O O O O"),
    ("She lives in New York , said Marie .", "O O O B-city I-city O O B-person O"),
    ("IBM ( a company ) said : smile(x) (O) 漢 .", "O O O O O O O O O O O"),
    ("London", "B-city"),
    ("the city of Paris , the city of London and the city of New York", "O O O B-city " * 2),
]


def examples() -> list[tuple[list[str], list[str]]]:
    """RETURNS (list[tuple[list[str], list[str]]]): Words and tags that the models know."""
    result = []
    for text, tags in TRAINED:
        words = text.split()
        result.append((words, [*tags.split(), *["O"] * len(words)][: len(words)]))
    return result


def make_request(words: list[str], labels=LABELS, format: Format = FORMAT) -> Request:
    """RETURNS (Request): A request with a short instruction."""
    return request_of(words, labels, format)


def train(backbone, pairs, steps: int = 130):
    """RETURNS (Backbone): The backbone, which has learned words with their tags, or with
    pieces of any other text."""
    texts = [
        (
            prompt_of(words).text,
            pieces if isinstance(pieces, tuple) else pieces_of(words, pieces),
        )
        for words, pieces in pairs
    ]
    for _ in range(4):
        if overfit(backbone, texts, steps=steps) < 0.01:
            break
    return backbone


@pytest.fixture(scope="session", params=BUILDERS)
def kind(request):
    return request.param


@pytest.fixture(scope="session")
def random_backbone(kind):
    """A model that writes nonsense."""
    return BUILDERS[kind](seed=5)


@pytest.fixture(scope="session")
def trained(kind):
    """A model that writes what it has seen, to the letter."""
    return train(BUILDERS[kind](hidden=64), examples())


@pytest.fixture(scope="session")
def careless(kind):
    """A model that omits, repeats, adds and replaces words, and gives several words one tag."""
    damaged = []
    for number, (words, tags) in enumerate(examples()):
        pieces = pieces_of(words, tags)
        if number % 4 == 0:
            pieces = [*pieces[:2], *pieces[4:]]
        elif number % 4 == 1:
            pieces = [*pieces[:3], *pieces[1:5], "company(O)", *pieces[5:], "and(O)"]
        elif number % 4 == 2:
            pieces = ["Angela(O)", *pieces[1:3], "New York(B-city)", *pieces[5:]]
        else:
            pieces = [*pieces[:6], "the(B-nonsense)", "(O)", "smile", *pieces[9:]]
        damaged.append((words, tuple(pieces)))
    return train(BUILDERS[kind](hidden=64, seed=1), damaged)


def copy_backbone(backbone):
    """RETURNS (Backbone): One with weights of its own."""
    clone = copy.copy(backbone)
    clone.model = copy.deepcopy(backbone.model)
    return clone
