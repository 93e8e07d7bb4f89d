import math

import numpy as np
import pytest

from spacy_gner.decoding.common import tag_tokens
from spacy_gner.decoding.partial_tagging import Alternative, Draft, PartialTagging
from spacy_gner.decoding.sentence import Sentence
from spacy_gner.decoding.tags import tag_table
from spacy_gner.formats import BIO, BIOES, Format

from ..models import build_tiny_causal, request_of

WORDS = ("Ann", "Lee", "sang", "in", "Rome")


@pytest.fixture(scope="module")
def backbone():
    return build_tiny_causal(seed=1)


def tag(
    backbone, format: Format, tags: list[str], chance: float
) -> tuple[PartialTagging, list[Alternative]]:
    """RETURNS (tuple[PartialTagging, list[Alternative]]): A tagging whose every choice had this
    chance, and what it did not choose."""
    request = request_of(WORDS, ("person", "city"), format)
    table = tag_table(backbone, format, request.wordings)
    columns = {token: i for i, token in enumerate(tag_tokens(backbone, [request]))}
    tagging = PartialTagging(Sentence(request, table, columns))
    alternatives = []
    while tagging.point is not None:
        point = tagging.point
        path = tagging.sentence.words[point.word].trie.suffixes[tags[point.word]]
        chosen = path[len(point.path)]
        row = np.full(len(columns), math.log((1 - chance) / (len(point.node.children) - 1)))
        row[columns[chosen]] = math.log(chance)
        alternatives += tagging.advance(Draft(choices=[(0, point, chosen)]), [row])[0]
    assert tagging.tags == tags
    return tagging, alternatives


def drafted_text(backbone, tagging: PartialTagging, cutoff: float = -math.inf) -> str:
    return backbone.codec.decode(tagging.tokens + tagging.draft(500, cutoff).tokens)


def test_fork_expects_the_later_tags_of_the_tagging_it_comes_from(backbone):
    _, alternatives = tag(backbone, BIO(), ["B-person", "I-person", "O", "O", "B-city"], 0.9)
    last = next(a for a in alternatives if a.point.word == 2)
    text = drafted_text(backbone, PartialTagging.fork(last))
    assert text.startswith("Ann(B-person) Lee(I-person) sang(B-") and "Rome(B-city)" in text


@pytest.mark.parametrize("format,end", [(BIO(), "I"), (BIOES(), "E")])
def test_fork_goes_on_with_the_label_that_it_took(backbone, format, end):
    first = "S" if end == "E" else "B"
    tags = ["B-person", f"{end}-person", "O", "O", f"{first}-city"]
    _, alternatives = tag(backbone, format, tags, 0.9)
    texts = [
        drafted_text(backbone, PartialTagging.fork(a)) for a in alternatives if a.point.word == 0
    ]
    begun = [text for text in texts if text.startswith("Ann(B-city)")]
    assert begun and all(text.startswith(f"Ann(B-city) Lee({end}-city) sang(O)") for text in begun)


def test_fork_is_drafted_up_to_where_it_should_fall_below_the_best(backbone):
    _, alternatives = tag(backbone, BIO(), ["B-person", "O", "O", "O", "O"], 0.8)
    fork = next(f for f in (PartialTagging.fork(a) for a in alternatives) if f.tags == ["B-city"])
    whole = fork.draft(500)
    assert fork.draft(500, fork.total - 100).reach == whole.reach
    bounded = fork.draft(500, fork.total + 1.5 * math.log(0.8))
    assert bounded.tokens == whole.tokens
    changed = next(
        i
        for i, (a, b) in enumerate(zip(whole.reach, bounded.reach, strict=True))
        if not math.isclose(a, b)
    )
    assert bounded.reach[changed] < 0.3 * whole.reach[changed]
    # After the tags of two more words the sum is below the cutoff.
    before = backbone.codec.decode(fork.tokens + bounded.tokens[:changed])
    assert before.startswith("Ann(B-city) Lee(O) sang(") and "in" not in before


def test_fork_is_judged_where_its_tags_are_again_those_it_was_to_have(backbone):
    _, alternatives = tag(backbone, BIO(), ["B-person", "I-person", "O", "O", "B-city"], 0.9)
    fork = PartialTagging.fork(next(a for a in alternatives if a.point.word == 1))
    columns = fork.sentence.columns
    later = {}
    while fork.point is not None:
        point = fork.point
        kept = "B-city" if point.word == 4 else "O"
        chosen = fork.sentence.words[point.word].trie.suffixes[kept][len(point.path)]
        row = np.full(len(columns), math.log(0.1))
        row[columns[chosen]] = math.log(0.9)
        _, after = fork.advance(Draft(choices=[(0, point, chosen)]), [row], rejoin=2)
        later[point.word] = later.get(point.word, 0) + len(after)
    assert fork.judged_at == 4 and fork.judged == pytest.approx(fork.total, abs=0.2)
    assert later[4] and not later[2] and not later[3]
    assert fork.n_forked == 4
    assert fork.retire(fork.total - 1.0, is_given_up=True) == 3
    # What comes behind the last word but one that was needed is as in the parent.
    assert fork.expected[2:] == [fork.log_probs[2], *fork._expected[3:]]
    assert fork.retire(fork.total + 100.0, is_given_up=False) == 1
    assert fork.expected[1:] == fork._expected[1:]


def test_fork_of_a_retired_tagging_expects_nothing_that_is_not_trusted(backbone):
    """How far a tagging is computed that does not win depends on what is computed beside it."""
    _, alternatives = tag(backbone, BIO(), ["B-person", "I-person", "O", "O", "B-city"], 0.9)
    fork = PartialTagging.fork(next(a for a in alternatives if a.point.word == 1))
    columns = fork.sentence.columns
    found = []
    while fork.point is not None:
        point = fork.point
        chosen = fork.sentence.words[point.word].trie.suffixes["O"][len(point.path)]
        row = np.full(len(columns), math.log(0.1))
        row[columns[chosen]] = math.log(0.9)
        found += fork.advance(Draft(choices=[(0, point, chosen)]), [row])[0]
    assert fork.tags[4] == "O"
    fork.retire(sum(fork.log_probs[:3]), is_given_up=False)
    child = PartialTagging.fork(next(a for a in found if a.point.word == 2))
    assert drafted_text(backbone, child).endswith(" Rome(B-city)")
