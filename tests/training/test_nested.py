"""Gold annotation with nested entities becomes targets that say all that a format can say."""

import pytest

from spacy_gner.formats import BIO, EntityCentric, Guidelines, LabelSet, MultiRound, SingleRound
from spacy_gner.formats.overlaps import split_flat
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.training.augmentation import Augmentation, as_query
from spacy_gner.training.encoding import PairEncoder
from spacy_gner.training.inventory import collect_labels
from spacy_gner.training.pairs import TrainingPair, gold_pair
from spacy_gner.training.weights import TokenWeights

from ..models import SHORT, build_tiny_causal
from .examples import example_of
from .nested import GROUP, NESTED_LABELS, nested_docs

LABEL_SET = LabelSet.make(NESTED_LABELS)
BANK = [(1, 4, "organization"), (3, 4, "country")]


def bank():
    return gold_pair(nested_docs()[0], LABEL_SET, spans_key=GROUP)


def targets(format, pair, max_tokens=None):
    codec = build_tiny_causal().codec
    encoder = PairEncoder(Planner(codec, format, Windower(max_tokens)), TokenWeights())
    return [codec.decode(item.target) for item in encoder(pair)]


def test_nested_entities_stand_beside_the_tags_of_the_longest():
    pair = bank()
    assert pair.tags == ("O", "B-organization", "I-organization", "I-organization", "O")
    assert pair.nested == ((3, 4, "country"),)
    assert pair.spans() == BANK and pair.flat_spans() == BANK[:1]
    assert pair.present == {"organization", "country"}


def test_without_the_group_the_entities_of_the_doc_count():
    doc = nested_docs()[0]
    assert set(gold_pair(doc, LABEL_SET).tags) == {None}
    assert set(gold_pair(doc, LABEL_SET, spans_key="other").tags) == {None}
    example = example_of("in Paris", "O B-city", labels=None)
    assert gold_pair(example.reference, LABEL_SET, spans_key=GROUP).tags == ("O", "B-city")


def test_each_format_is_trained_with_what_it_can_say():
    assert targets(MultiRound(), bank()) == ['["Bank of China"]', '["China"]', "[]"]
    assert targets(SingleRound(), bank()) == ["organization: Bank of China; country: China"]
    assert targets(Guidelines(), bank()) == [
        '[\n    Organization(span="Bank of China"),\n    Country(span="China"),\n]'
    ]
    # One answer for all labels has one tag for a word: the longest entity's.
    longest = "The(O) Bank(B-organization) of(I-organization) China(I-organization) grew(O)"
    assert targets(BIO(**SHORT), bank()) == [longest]
    assert targets(EntityCentric(**SHORT), bank()) == ["[Bank of China](organization)"]
    assert targets(BIO(labels_per_prompt=1, **SHORT), bank()) == [
        longest,
        "The(O) Bank(O) of(O) China(B-country) grew(O)",
        "The(O) Bank(O) of(O) China(O) grew(O)",
    ]


def test_windows_hold_what_they_cut_off():
    pair = bank()
    part = pair.part([2, 3, 4], NESTED_LABELS)
    assert part.spans() == [(0, 2, "organization"), (1, 2, "country")]
    assert pair.part([0, 1, 2], NESTED_LABELS).spans() == [(1, 3, "organization")]
    # The tags take what an entity of another label covered.
    alone = pair.part(range(5), ("country",))
    assert (alone.tags, alone.nested) == (("O", "O", "O", "B-country", "O"), ())


def test_augmentation_changes_nested_entities_too():
    synonyms = {"country": ["state"], "organization": ["company"]}
    reworded = Augmentation(synonyms=synonyms, synonym_rate=1.0, shuffle_labels=False)(bank())
    assert reworded.spans() == [(1, 4, "company"), (3, 4, "state")]
    assert reworded.names == {"company": "organization", "state": "country"}
    assert bank().without({"country"}).spans() == BANK[:1]
    assert bank().without({"organization"}).spans() == BANK[1:]
    dropped = Augmentation(label_dropout=1.0)(bank())
    assert (dropped.wordings, dropped.spans()) == (("city",), [])
    marked = TrainingPair(
        ("``", "Bank", "of", "China"),
        ("O", "B-a", "I-a", "I-a"),
        ("a", "b"),
        nested=((3, 4, "b"), (0, 1, "b")),
    )
    assert as_query(marked).spans() == [(0, 3, "a"), (2, 3, "b")]


def test_labels_of_groups_are_collected_and_must_be_asked_for():
    docs = nested_docs()
    for doc in docs:
        doc._.gner_labels = None
    egs = [example_of("x", "O", labels=None) for _ in docs]
    for eg, doc in zip(egs, docs, strict=True):
        eg.reference = doc
    found = collect_labels(lambda: egs, LabelSet.make([]), spans_key=GROUP)
    assert set(found) == set(NESTED_LABELS)
    with pytest.raises(ValueError, match="E501"):
        gold_pair(docs[0], LabelSet.make(["country"]), spans_key=GROUP)


def test_split_flat_keeps_the_longest_of_those_that_overlap():
    spans = [(3, 4, "b"), (1, 4, "a"), (1, 4, "c"), (5, 6, "a"), (5, 6, "a")]
    assert split_flat(spans) == ([(1, 4, "a"), (5, 6, "a")], ((1, 4, "c"), (3, 4, "b")))
