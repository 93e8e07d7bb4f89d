from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gner.backbones.codec import _SpecialPieces

from ..models import build_tiny_causal, build_tiny_seq2seq

CAUSAL = build_tiny_causal()
SEQ2SEQ = build_tiny_seq2seq()
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda w: len(w.split()) == 1 and w.split()[0] == w
)


def test_backbone_facts():
    assert CAUSAL.codec.is_causal and not SEQ2SEQ.codec.is_causal
    assert CAUSAL.codec.max_length == 1280 and SEQ2SEQ.codec.max_length == 640
    assert CAUSAL.codec.hard_limit == 2048 and SEQ2SEQ.codec.hard_limit is None
    assert SEQ2SEQ.codec.decoder_start_id == 0
    assert build_tiny_causal(max_positions=100).codec.max_length == 100


def test_backbone_causal_prompt_has_its_format_and_can_be_continued():
    (ids,) = CAUSAL.codec.prompt_ids(["Sentence: Paris"])
    assert ids[0] == CAUSAL.codec.tokenizer.bos_token_id
    assert CAUSAL.codec.tokenizer.decode(ids[1:]) == "[INST] Sentence: Paris [/INST]"


def test_backbone_seq2seq_prompt_is_the_prompt_and_end():
    (ids,) = SEQ2SEQ.codec.prompt_ids(["Sentence: Paris"])
    assert ids[-1] == SEQ2SEQ.codec.eos_id
    assert SEQ2SEQ.codec.decode(ids) == "Sentence: Paris"


def test_backbone_text_that_looks_like_a_special_token_is_text():
    for backbone in (CAUSAL, SEQ2SEQ):
        ids = backbone.codec.target_ids(["</s>(O)", "<pad>(O)", "<</s>/s>(O)"])
        flat = [i for piece in ids for i in piece]
        assert backbone.codec.eos_id not in flat
        assert backbone.codec.tokenizer.pad_token_id not in flat


PIECES = ("</s>", "<pad>", "<extra_id_0>")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a < b > c", "a < b > c"),
        ("a</s>b", "a/s>b"),
        ("<</s>/s>", "/s>/s>"),
        ("<pa<pad>d>", "<papad>d>"),
        ("<extra_id_0><extra_id_0>", "extra_id_0>extra_id_0>"),
        ("<p<</s>/s>ad>", "<p/s>/s>ad>"),
    ],
)
def test_backbone_pieces_are_broken_up(text, expected):
    broken = _SpecialPieces(PIECES).break_up(text)
    assert broken == expected and not any(piece in broken for piece in PIECES)


def test_backbone_nested_pieces_are_broken_up_in_one_go():
    """Each layer of them is a piece only when the one within it is broken up."""
    pieces = _SpecialPieces(PIECES)
    pattern, searched = pieces._pattern, []

    def search(text):
        searched.append(text)
        return pattern.search(text)

    pieces._pattern = SimpleNamespace(search=search)
    assert pieces.break_up(300 * "<" + 300 * "/s>") == 300 * "/s>"
    assert len(searched) == 2


def test_backbone_shared_prompt_is_a_prefix():
    shared = "Use the specific entity tags: city and O.\nSentence: "
    for backbone in (CAUSAL, SEQ2SEQ):
        prefix = backbone.codec.shared_prompt_ids(shared)
        for ids in backbone.codec.prompt_ids([shared + "Paris", shared + "a b c"]):
            assert ids[: len(prefix)] == prefix


@settings(max_examples=150)
@given(st.lists(words, min_size=1, max_size=6))
def test_backbone_pieces_are_the_whole_target(drawn):
    # Tokenized piece by piece or as a whole: a model must see the same tokens.
    pieces = [f"{word}(O)" for word in drawn]
    flat = [i for ids in CAUSAL.codec.target_ids(pieces) for i in ids]
    whole = CAUSAL.codec.tokenizer(
        " " + " ".join(pieces), add_special_tokens=False, split_special_tokens=True
    )
    assert flat == whole["input_ids"]
    assert CAUSAL.codec.decode(flat) == " ".join(pieces)


def test_backbone_decode_keeps_blanks():
    ids = [i for piece in CAUSAL.codec.target_ids(["Paris(O)", ",(O)"]) for i in piece]
    assert CAUSAL.codec.decode([*ids, CAUSAL.codec.eos_id]) == "Paris(O) ,(O)"


def test_backbone_pads_with_end_token_where_there_is_no_other():
    backbone = build_tiny_causal()
    backbone.codec.tokenizer.pad_token = None
    assert backbone.codec.pad_id == backbone.codec.eos_id


@pytest.mark.parametrize("backbone", [CAUSAL, SEQ2SEQ])
def test_backbone_empty_batch(backbone):
    assert backbone.codec.prompt_ids([]) == []
    assert backbone.codec.target_ids([]) == []
