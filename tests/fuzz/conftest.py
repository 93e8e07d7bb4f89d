import json
import os
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_gner.pipeline.settings import CHECKS

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
SEEDS = [path.read_text(encoding="utf8") for path in CORPUS]
# What the formats of this project are made of: random characters alone never get past the door.
_ATOMS = st.sampled_from(
    [
        *list("()[]{}\"':,\t\n\r\\-"),
        *("](", ")(", "O", "(O)", "(B-city)", "(I-city)", "B-", "I-", "S-", "Paris", "New York"),
        *("#begin document", "-DOCSTART- -X- O O", "[Ann](person)", "1\tAnn\t_"),
        *('{"words": ["a"], "labels": ["O"]}', '{"text": "a", "spans": []}'),
        *("T1\tcity 0 5\tParis", "T2\tcity 0 1;3 4\tP", "#1\tAnnotatorNotes T1\tscore=0.5"),
        *("\N{ZERO WIDTH JOINER}", "\N{FAMILY}", "<script>", "&amp;"),
        *("\u202e", "\ufeff", "\x00", "é", "e\u0301", "\u4e2d\u6587"),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.one_of(_ATOMS, st.text(max_size=8)), max_size=40).map("".join),
    st.lists(_ATOMS, max_size=60).map(" ".join),
    st.builds(
        lambda seed, cut, middle: seed[: cut % (len(seed) + 1)] + middle + seed[cut % 977 :],
        st.sampled_from(SEEDS),
        st.integers(0, 10_000),
        st.text(max_size=10),
    ),
)


# What files of settings are made of: the fields that there are, with values of every shape.
_FIELDS = st.sampled_from([*CHECKS, "labels", "config", "trained_format", "odd"])
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.tuples(inner, inner), max_size=3),
        st.dictionaries(st.one_of(_FIELDS, st.text(max_size=5)), inner, max_size=3),
        st.fixed_dictionaries({"text": inner, "entities": inner}),
    ),
    max_leaves=8,
)
SETTINGS = st.one_of(st.dictionaries(_FIELDS, _VALUES, max_size=4).map(json.dumps), TEXTS)


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> Callable[..., int]:
    """Feed a function with texts: the seed corpus and 60 random ones, or with --fuzz random ones
    for FUZZ_MINUTES. RETURNS (Callable): Gives the number of texts."""

    def run(check: Callable[[str], Any], texts: st.SearchStrategy[str] = TEXTS) -> int:
        n_texts = 0
        for seed in SEEDS:
            check(seed)
            n_texts += 1

        def counted(text: str) -> None:
            nonlocal n_texts
            n_texts += 1
            check(text)

        minutes = float(os.environ.get("FUZZ_MINUTES", "1"))
        long = request.config.getoption("--fuzz")
        end = time.monotonic() + 60 * minutes
        profile = settings(
            max_examples=1000 if long else 60,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        for number in count():
            hypothesis.seed(number)(profile(given(texts)(counted)))()
            if not long or time.monotonic() > end:
                break
        if long:
            print(f"\n{request.node.name}: {n_texts:,} texts")
        return n_texts

    return run
