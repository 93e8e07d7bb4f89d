import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.formats import BIO, BIOES, EntityCentric, LabelSet, Template
from spacy_gner.training.encoding import PairEncoder, collate, encode_examples
from spacy_gner.training.pairs import TrainingPair, gold_pair
from spacy_gner.training.weights import TokenWeights

from ..models import WORDS, build_tiny_causal, build_tiny_seq2seq
from .examples import LABELS, NLP, doc_of, example_of, examples

TEMPLATE = Template(description="Tag the words.", guideline="B- I- O")
LABEL_SET = LabelSet.make(LABELS)
BACKBONES = {"causal": build_tiny_causal(), "seq2seq": build_tiny_seq2seq()}


@pytest.fixture(params=list(BACKBONES))
def backbone(request):
    return BACKBONES[request.param]


def encode(backbone, egs, **kwargs):
    options = {"template": TEMPLATE, "scheme": BIO(), "labels": LABEL_SET} | kwargs
    return encode_examples(egs, backbone=backbone, **options)


def test_encoding_writes_what_inference_asks_and_reads(backbone):
    egs = examples()
    batch = encode(backbone, egs)
    for row, eg in enumerate(egs):
        pair = gold_pair(eg.reference, LABEL_SET)
        prompt = backbone.prompt_ids([TEMPLATE.prompt(pair.words, pair.labels, BIO()).text])[0]
        assert batch.input_ids[row, : len(prompt)].tolist() == prompt
        target = batch.targets[batch.rows == row].tolist()
        assert target[-1] == backbone.eos_id
        assert backbone.decode(target) == BIO().target(pair.words, pair.tags)
        # Teacher forcing: what stands before a place is what was to be written there.
        ids = batch.decoder_input_ids if batch.decoder_input_ids is not None else batch.input_ids
        positions = batch.positions[batch.rows == row]
        assert ids[row, positions[1:]].tolist() == target[:-1]


def test_encoding_shared_prefix_is_common_and_holds_no_target():
    batch = encode(BACKBONES["causal"], examples())
    assert batch.n_shared > 16
    assert (batch.input_ids[:, : batch.n_shared] == batch.input_ids[0, : batch.n_shared]).all()
    assert int(batch.positions.min()) >= batch.n_shared


def test_encoding_weights_by_kind_of_token(backbone):
    weights = TokenWeights(words=0.25, outside=1.0, entities=2.0)
    batch = encode(backbone, [example_of("in Paris", "O B-city")], weights=weights)
    spelled = {}
    for token, weight in zip(batch.targets.tolist(), batch.weights.tolist(), strict=True):
        spelled.setdefault(weight, []).append(token)
    assert "B-city" in backbone.decode(spelled[2.0])
    assert "O" not in backbone.decode(spelled[0.25])
    assert "in" in backbone.decode(spelled[0.25])
    assert "O" in backbone.decode(spelled[1.0][:-1])
    assert spelled[1.0][-1] == backbone.eos_id


def test_encoding_masks_missing_annotation(backbone):
    whole = encode(backbone, [example_of("Marie met Angela", "B-person O O")])
    masked = encode(backbone, [example_of("Marie met Angela", "B-person O -")])
    assert masked.input_ids.tolist() == whole.input_ids.tolist()
    missing = len(whole.targets) - len(masked.targets)
    assert missing >= 1
    # Its word is still copied; only the tag is left open.
    text = backbone.decode(masked.targets.tolist())
    assert "Angela" in text and text.count("O") == 1


def test_encoding_nothing_to_learn(backbone):
    assert encode(backbone, [example_of("a b", "- -")]) is None
    assert encode(backbone, [example_of("a b", "O O", labels=())]) is None
    assert encode(backbone, [example_of("a b", "O O", labels=None)], labels=LABEL_SET) is not None
    assert encode(backbone, []) is None


def test_encoding_missing_words_need_a_scheme_that_writes_all(backbone):
    with pytest.warns(UserWarning, match="W502"):
        batch = encode(backbone, [example_of("a Paris", "- B-city")], scheme=EntityCentric(1))
    assert batch is None
    batch = encode(backbone, [example_of("a Paris in", "O B-city O")], scheme=EntityCentric(1))
    # (The tiny T5 tokenizer has no square brackets.)
    text = backbone.decode(batch.targets.tolist()).replace(" ", "")
    assert text.replace("[", "").replace("]", "") == "aParis(city)in"


def test_encoding_scheme_bioes(backbone):
    batch = encode(
        backbone, [example_of("New York in Paris", "B-city I-city O B-city")], scheme=BIOES()
    )
    text = backbone.decode(batch.targets.tolist())
    assert text == "New(B-city) York(E-city) in(O) Paris(S-city)"


def test_encoding_unknown_label_is_an_error(backbone):
    with pytest.raises(ValueError, match="E501"):
        encode(backbone, [example_of("in Paris", "O B-city", labels=["person"])])


def test_encoding_wording_of_the_component():
    labels = LabelSet.make({"LOC": "city"})
    pair = gold_pair(example_of("in Paris", "O B-LOC", labels=None).reference, labels)
    assert (pair.tags, pair.labels) == (("O", "B-city"), ("city",))
    pair = gold_pair(example_of("in Paris", "O B-LOC", labels=["LOC", "x"]).reference, labels)
    assert (pair.tags, pair.labels) == (("O", "B-city"), ("city", "x"))


def test_encoding_white_space_tokens_are_no_words():
    doc = NLP("Marie  Curie \n won")
    assert any(token.is_space for token in doc)
    doc.ents = [doc.char_span(0, 12, label="person")]
    pair = gold_pair(doc, LABEL_SET)
    assert pair.words == ("Marie", "Curie", "won")
    assert pair.tags == ("B-person", "I-person", "O")
    assert set(gold_pair(doc_of("a b"), LABEL_SET).tags) == {None}


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=60),
    st.integers(100, 200),
    st.sampled_from(["causal", "seq2seq"]),
)
def test_encoding_windows_lose_no_word(words, max_tokens, kind):
    backbone = BACKBONES[kind]
    tags = tuple("B-city" if word in {"Paris", "London"} else "O" for word in words)
    pair = TrainingPair(tuple(words), tags, LABELS)
    encoder = PairEncoder(backbone, TEMPLATE, BIO(), TokenWeights(), max_tokens)
    windows = encoder(pair)
    assert all(encoder.fits(window) for window in windows)
    written = " ".join(backbone.decode(window.target) for window in windows)
    assert written == BIO().target(words, tags)


def test_encoding_windows_do_not_cut_entities():
    words = "in New York " * 30
    tags = "O B-city I-city " * 30
    backbone = BACKBONES["causal"]
    pair = gold_pair(example_of(words, tags).reference, LABEL_SET)
    encoder = PairEncoder(backbone, TEMPLATE, BIO(), TokenWeights(), 200)
    windows = encoder(pair)
    assert len(windows) > 1
    assert not any(backbone.decode(w.target).startswith("York") for w in windows)


def test_encoding_word_too_long(backbone):
    with pytest.warns(UserWarning, match="W501"):
        batch = encode(
            backbone, [example_of("in " + "xyz" * 200, "O O")], max_tokens=150, labels=LABEL_SET
        )
    assert backbone.decode(batch.targets.tolist()) == "in(O)"


def test_encoding_too_many_labels_leave_room_for_words(backbone):
    many = [f"label number {i}" for i in range(60)]
    eg = example_of("in Paris", "O B-city", labels=[*many, "city"])
    batch = encode(backbone, [eg], max_tokens=200)
    assert "Paris(B-city)" in backbone.decode(batch.targets.tolist())
    assert batch.input_ids.shape[1] <= 200


def test_collate_pads_and_masks(backbone):
    encoder = PairEncoder(backbone, TEMPLATE, BIO(), TokenWeights())
    pairs = [encoder.encode(gold_pair(eg.reference, LABEL_SET)) for eg in examples()]
    batch = collate(pairs, backbone)
    lengths = batch.attention_mask.sum(1)
    for row, pair in enumerate(pairs):
        expected = len(pair.prompt) + (len(pair.target) - 1 if backbone.is_causal else 0)
        assert int(lengths[row]) == expected
    assert batch.n_targets == sum(len(pair.target) for pair in pairs)
    assert torch.equal(batch.rows.bincount(), torch.tensor([len(p.target) for p in pairs]))
