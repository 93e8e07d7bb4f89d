import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.formats import BIO, BIOES, EntityCentric, LabelSet
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import DocWords, Windower
from spacy_gner.training.augmentation import Augmentation
from spacy_gner.training.encoding import PairEncoder, collate, encode_examples
from spacy_gner.training.pairs import TrainingPair, gold_pair
from spacy_gner.training.weights import TokenWeights

from ..models import SHORT, WORDS, build_tiny_causal, build_tiny_seq2seq
from .examples import LABELS, NLP, doc_of, example_of, examples

FORMAT = BIO(**SHORT)
LABEL_SET = LabelSet.make(LABELS)
BACKBONES = {"causal": build_tiny_causal(), "seq2seq": build_tiny_seq2seq()}


@pytest.fixture(params=list(BACKBONES))
def backbone(request):
    return BACKBONES[request.param]


def encode(backbone, egs, format=FORMAT, max_tokens=None, labels=LABEL_SET, **kwargs):
    planner = Planner(backbone.codec, format, Windower(max_tokens))
    return encode_examples(egs, planner=planner, labels=labels, **kwargs)


def test_encoding_writes_what_inference_asks_and_reads(backbone):
    egs = examples()
    batch = encode(backbone, egs)
    for row, eg in enumerate(egs):
        pair = gold_pair(eg.reference, LABEL_SET)
        prompt = backbone.codec.prompt_ids([FORMAT.prompt(pair.words, pair.wordings).text])[0]
        assert batch.input_ids[row, : len(prompt)].tolist() == prompt
        target = batch.targets[batch.rows == row].tolist()
        assert target[-1] == backbone.codec.eos_id
        assert backbone.codec.decode(target) == BIO().write(pair.words, pair.spans(), pair.wordings)
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
    assert "B-city" in backbone.codec.decode(spelled[2.0])
    assert "O" not in backbone.codec.decode(spelled[0.25])
    assert "in" in backbone.codec.decode(spelled[0.25])
    assert "O" in backbone.codec.decode(spelled[1.0][:-1])
    assert spelled[1.0][-1] == backbone.codec.eos_id


def test_encoding_masks_missing_annotation(backbone):
    whole = encode(backbone, [example_of("Marie met Angela", "B-person O O")])
    masked = encode(backbone, [example_of("Marie met Angela", "B-person O -")])
    assert masked.input_ids.tolist() == whole.input_ids.tolist()
    missing = len(whole.targets) - len(masked.targets)
    assert missing >= 1
    # Its word is still copied; only the tag is left open.
    text = backbone.codec.decode(masked.targets.tolist())
    assert "Angela" in text and text.count("O") == 1


def test_encoding_nothing_to_learn(backbone):
    assert encode(backbone, [example_of("a b", "- -")]) is None
    assert encode(backbone, [example_of("a b", "O O", labels=())]) is None
    assert encode(backbone, [example_of("a b", "O O", labels=None)], labels=LABEL_SET) is not None
    assert encode(backbone, []) is None


def test_encoding_missing_words_need_a_format_that_writes_all(backbone):
    with pytest.warns(UserWarning, match="W502"):
        batch = encode(
            backbone, [example_of("a Paris", "- B-city")], format=EntityCentric(context=1)
        )
    assert batch is None
    batch = encode(
        backbone, [example_of("a Paris in", "O B-city O")], format=EntityCentric(context=1)
    )
    # (The tiny T5 tokenizer has no square brackets.)
    text = backbone.codec.decode(batch.targets.tolist()).replace(" ", "")
    assert text.replace("[", "").replace("]", "") == "aParis(city)in"


def test_encoding_bioes(backbone):
    batch = encode(
        backbone, [example_of("New York in Paris", "B-city I-city O B-city")], format=BIOES()
    )
    text = backbone.codec.decode(batch.targets.tolist())
    assert text == "New(B-city) York(E-city) in(O) Paris(S-city)"


def test_encoding_unknown_label_is_an_error(backbone):
    with pytest.raises(ValueError, match="E501"):
        encode(backbone, [example_of("in Paris", "O B-city", labels=["person"])])


def test_encoding_wording_of_the_component():
    labels = LabelSet.make({"LOC": "city"})
    pair = gold_pair(example_of("in Paris", "O B-LOC", labels=None).reference, labels)
    assert (pair.tags, pair.wordings) == (("O", "B-city"), ("city",))
    pair = gold_pair(example_of("in Paris", "O B-LOC", labels=["LOC", "x"]).reference, labels)
    assert (pair.tags, pair.wordings) == (("O", "B-city"), ("city", "x"))


def test_encoding_definitions_and_examples_are_those_of_inference():
    labels = LabelSet.make({"LOC": "city", "PER": "person"})
    shots = [{"text": "Rome fell", "entities": {"LOC": ["Rome"]}}]
    codec = BACKBONES["causal"].codec
    planner = Planner(codec, FORMAT, Windower(), {"LOC": "A town."}, shots)
    pair = gold_pair(example_of("in Paris", "O B-LOC", labels=None).reference, labels)
    (planned,) = planner.plan(DocWords(pair.words, (0, 1), (0,)), labels)
    assert "city: A town.\nSentence: Rome fell\nRome(B-city)" in planned.request.prompt.text
    (encoded,) = PairEncoder(planner, TokenWeights())(pair)
    assert [encoded.prompt] == codec.prompt_ids([planned.request.prompt.input])
    # Another wording of the same label keeps its definition.
    reworded = Augmentation(synonyms={"city": ["town"]}, synonym_rate=1.0, shuffle_labels=False)
    prompts = {pair.wordings: PairEncoder(planner, TokenWeights())(pair)[0].prompt}
    changed = reworded(pair)
    (other,) = PairEncoder(planner, TokenWeights())(changed)
    assert "town: A town." in codec.decode(other.prompt) and other.prompt not in prompts.values()


def test_encoding_white_space_tokens_are_no_words():
    doc = NLP("Marie  Curie \n won")
    assert any(token.is_space for token in doc)
    doc.ents = [doc.char_span(0, 12, label="person")]
    pair = gold_pair(doc, LABEL_SET)
    assert pair.words == ("Marie", "Curie", "won")
    assert pair.tags == ("B-person", "I-person", "O")
    assert set(gold_pair(doc_of("a b"), LABEL_SET).tags) == {None}


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=60),
    st.integers(100, 200),
    st.sampled_from(["causal", "seq2seq"]),
)
def test_encoding_windows_lose_no_word(words, max_tokens, kind):
    backbone = BACKBONES[kind]
    tags = tuple("B-city" if word in {"Paris", "London"} else "O" for word in words)
    sentences = (0, *(i + 1 for i, word in enumerate(words[:-1]) if word == "."))
    pair = TrainingPair(tuple(words), tags, LABELS, sentences=sentences)
    planner = Planner(backbone.codec, FORMAT, Windower(max_tokens))
    encoded = PairEncoder(planner, TokenWeights())(pair)
    doc_words = DocWords(tuple(words), tuple(range(len(words))), sentences)
    planned = planner.plan(doc_words, LABEL_SET)
    # What inference would ask, in the same windows.
    prompts = backbone.codec.prompt_ids([p.request.prompt.text for p in planned])
    assert [window.prompt for window in encoded] == prompts
    for window, p in zip(encoded, planned, strict=True):
        own = [tags[i] for i in p.window.words]
        assert backbone.codec.decode(window.target) == FORMAT.tagged(p.request.words, own)[0]
    assert {i for p in planned for i in p.window.words} == set(range(len(words)))


def test_encoding_word_too_long(backbone, monkeypatch):
    monkeypatch.setattr("spacy_gner.planning.windows._warned_long_word", False)
    with pytest.warns(UserWarning, match="W001"):
        batch = encode(backbone, [example_of("in " + "xyz" * 200, "O O")], max_tokens=150)
    assert backbone.codec.decode(batch.targets.tolist()) == "in(O)"


def test_encoding_too_many_labels_are_asked_for_in_several_prompts(backbone):
    many = [f"label number {i}" for i in range(60)]
    eg = example_of("in Paris", "O B-city", labels=[*many, "city"])
    batch = encode(backbone, [eg], max_tokens=200)
    targets = [
        backbone.codec.decode(batch.targets[batch.rows == row].tolist())
        for row in range(len(batch.input_ids))
    ]
    assert len(targets) > 1
    assert targets.count("in(O) Paris(B-city)") == 1
    assert targets.count("in(O) Paris(O)") == len(targets) - 1
    assert batch.input_ids.shape[1] <= 200


def test_collate_pads_and_masks(backbone):
    encoder = PairEncoder(Planner(backbone.codec, FORMAT, Windower()), TokenWeights())
    pairs = [encoder.encode(gold_pair(eg.reference, LABEL_SET)) for eg in examples()]
    batch = collate(pairs, backbone.codec)
    lengths = batch.attention_mask.sum(1)
    for row, pair in enumerate(pairs):
        expected = len(pair.prompt) + (len(pair.target) - 1 if backbone.codec.is_causal else 0)
        assert int(lengths[row]) == expected
    assert batch.n_targets == sum(len(pair.target) for pair in pairs)
    assert torch.equal(batch.rows.bincount(), torch.tensor([len(p.target) for p in pairs]))
