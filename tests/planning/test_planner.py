"""The token budget: what is computed once, and what fits."""

import pickle
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.formats import BIO, EntityCentric, Guidelines, LabelSet, MultiRound, SingleRound
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower
from spacy_gner.planning.words import DocWords

from ..models import LABELS, SHORT, WORDS, build_tiny_causal, build_tiny_seq2seq

CODECS = {"causal": build_tiny_causal().codec, "seq2seq": build_tiny_seq2seq().codec}
FORMATS = [BIO(**SHORT), EntityCentric(**SHORT), SingleRound(), MultiRound(), Guidelines()]
LABEL_SET = LabelSet.make(LABELS)


def words_of(texts):
    return DocWords(tuple(texts), tuple(range(len(texts))), (0,))


class Counting:
    """A tokenizer that counts the texts it is asked for."""

    def __init__(self, encoder):
        self.encoder = encoder
        self.texts = []

    def encode_batch(self, texts, **kwargs):
        self.texts += texts
        return self.encoder.encode_batch(texts, **kwargs)

    def decode(self, *args, **kwargs):
        return self.encoder.decode(*args, **kwargs)


@pytest.fixture(params=list(CODECS))
def codec(request):
    return CODECS[request.param]


def test_planner_tokenizes_labels_once_and_then_new_words_only(codec, monkeypatch):
    counting = Counting(codec._encoder)
    monkeypatch.setattr(codec, "_encoder", counting)
    planner = Planner(codec, BIO(**SHORT), Windower())
    planner.plan(words_of(["Paris", "won"]), LABEL_SET)
    assert any("person" in text for text in counting.texts)
    counting.texts.clear()
    planner.plan(words_of(["Paris", "won", "won"]), LABEL_SET)
    assert counting.texts == []
    planner.plan(words_of(["Paris", "met", "Paris"]), LABEL_SET)
    assert counting.texts and all("met" in text for text in counting.texts)
    # Labels that are known cost the tokens of their prompt alone.
    counting.texts.clear()
    planner.plan(words_of(["Paris"]), LabelSet.make(LABELS[:2]))
    assert len(counting.texts) == 1


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=60),
    st.integers(340, 500),
    st.sampled_from(list(CODECS)),
    st.sampled_from(FORMATS[:4]),
)
def test_planner_prompts_fit_and_lose_no_word(texts, max_tokens, kind, format):
    codec = CODECS[kind]
    planner = Planner(codec, format, Windower(max_tokens))
    planned = planner.plan(words_of(texts), LABEL_SET)
    for p in planned:
        (ids,) = codec.prompt_ids([p.request.prompt.input])
        assert len(ids) <= max_tokens
        answer = format.write(p.request.words, [], p.request.wordings)
        (target,) = codec.target_ids([answer])
        assert (len(ids) if codec.is_causal else 0) + len(target) <= max_tokens
    asked = {wording for p in planned for wording in p.request.wordings}
    assert asked == set(LABELS)
    for wording in asked:
        seen = {i for p in planned if wording in p.request.wordings for i in p.window.words}
        assert seen == set(range(len(texts)))


def test_planner_output_has_room_for_every_word_with_the_longest_tag(codec):
    planner = Planner(codec, BIO(), Windower())
    (planned,) = planner.plan(words_of(WORDS), LABEL_SET)
    for label in LABELS:
        spans = [(i, i + 1, label) for i in range(len(WORDS))]
        pieces = [piece.text for piece in BIO().target(WORDS, spans, LABELS)]
        assert sum(map(len, codec.target_ids(pieces))) <= planned.request.n_output


@pytest.mark.parametrize("at_once, n_prompts", [(1, 3), (2, 2), (3, 1), (None, 1)])
def test_planner_asks_for_as_many_labels_as_the_format_allows(codec, at_once, n_prompts):
    planner = Planner(codec, BIO(labels_per_prompt=at_once), Windower())
    groups = planner.groups(LABEL_SET)
    assert len(groups) == n_prompts
    assert sum((group.labels.wordings for group in groups), ()) == LABELS


def test_planner_of_labels_that_leave_no_room_is_an_error(codec):
    planner = Planner(codec, Guidelines(), Windower(max_tokens=40))
    with pytest.raises(ValueError, match="E024"):
        planner.groups(LABEL_SET)


def test_planner_serves_threads(codec, monkeypatch):
    monkeypatch.setattr("spacy_gner.planning.planner._CACHED_LABEL_SETS", 2)
    monkeypatch.setattr("spacy_gner.planning.planner._CACHED_WORDS", 8)
    planner = Planner(codec, BIO(**SHORT), Windower())
    sets = [LabelSet.make([f"{a} {b}", "city"]) for a in "ab" for b in LABELS]
    expected = [Planner(codec, BIO(**SHORT), Windower()).plan(words_of(WORDS), s) for s in sets]
    failed = []

    def run():
        for _ in range(5):
            for labels, plan in zip(sets, expected, strict=True):
                if planner.plan(words_of(WORDS), labels) != plan:
                    failed.append(labels)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert pickle.loads(pickle.dumps(planner)) is None
