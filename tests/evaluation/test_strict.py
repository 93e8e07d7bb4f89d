from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_gner.evaluation.records import Mention, ScoredSentence
from spacy_gner.evaluation.scores import score_strict

from .strategies import sentences

VOCAB = Vocab()


def _example(sentence):
    docs = []
    for side in (sentence.predicted, sentence.gold):
        doc = Doc(VOCAB, words=list(sentence.words))
        doc.set_ents([Span(doc, *mention) for mention in side], default="outside")
        docs.append(doc)
    return Example(*docs)


@settings(max_examples=200)
@given(st.lists(sentences().filter(lambda s: s.words), min_size=1, max_size=6))
def test_score_strict_is_spacy_s_scorer_to_the_last_digit(batch):
    ours = score_strict(batch)
    examples = [_example(sentence) for sentence in batch]
    for theirs in (
        get_ner_prf(examples),
        Scorer.score_spans(examples, "ents", has_annotation=lambda doc: True),
    ):
        if not ours["per_type"]:  # spaCy's two functions give None and 0 here
            assert ours["f"] is None
            assert not theirs["ents_f"]
            continue
        assert (ours["p"], ours["r"], ours["f"]) == (
            theirs["ents_p"],
            theirs["ents_r"],
            theirs["ents_f"],
        )
        per_type = {k: {x: v[x] for x in "prf"} for k, v in ours["per_type"].items()}
        assert per_type == theirs["ents_per_type"]


def test_score_strict_counts_support():
    sentence = ScoredSentence(
        ("in", "New", "York"), ("city",), (Mention(1, 3, "city"),), (Mention(2, 3, "city"),)
    )
    scores = score_strict([sentence])
    assert scores["per_type"]["city"] == {"p": 0.0, "r": 0.0, "f": 0.0, "gold": 1, "predicted": 1}
