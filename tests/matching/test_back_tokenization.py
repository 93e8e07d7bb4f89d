import io

import pytest
import sentencepiece
import tokenizers
from transformers import PreTrainedTokenizerFast, T5TokenizerFast

from spacy_gner.formats.parsing import parse_output
from spacy_gner.matching import LCSMatcher, make_back_tokenizer

CORPUS = [
    "charlotte(B-writer) bronte(I-writer) and(O) emily(B-writer) bronte(I-writer)",
    "antropologia(B-field) social(I-field) of(O) the(O) university(O)",
    "the bront family wrote novels ( 1816-1855 ) , and so on .",
    "quick brown foxes jump over lazy dogs ; vex , judge my big sphinx of quartz !",
] * 20


@pytest.fixture(scope="module")
def tokenizer():
    """A T5 tokenizer whose vocabulary has plain ASCII only, as the real one lacks "ë"."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=model,
        model_type="unigram",
        vocab_size=120,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    vocabulary = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(len(pieces))]
    fast = tokenizers.Tokenizer(tokenizers.models.Unigram(vocabulary, unk_id=2))
    fast.normalizer = tokenizers.normalizers.NFKC()
    fast.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    fast.decoder = tokenizers.decoders.Metaspace()
    return T5TokenizerFast(tokenizer_object=fast, extra_ids=10)


def test_back_tokenization_leaves_out_what_cannot_be_spelled(tokenizer):
    words = ["bronte", "brontë", "antropología", "ë", "1816-1855", ",", "brontë"]
    expected = ["bronte", "bront", "antropologa", "", "1816-1855", ",", "bront"]
    assert make_back_tokenizer(tokenizer)(words) == expected
    assert make_back_tokenizer(tokenizer)([]) == []


def test_back_tokenization_takes_special_tokens_for_text():
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    ids = {character: i for i, character in enumerate(alphabet)}
    fast = tokenizers.Tokenizer(tokenizers.models.BPE(ids, []))
    fast.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = tokenizers.decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=fast, eos_token="</s>")
    words = ["a</s>b", "</s>", "ë", "😀"]
    assert make_back_tokenizer(tokenizer)(words) == words
    # It does not leave the tokenizer in that mode.
    assert tokenizer("</s>")["input_ids"] == [tokenizer.eos_token_id]


@pytest.mark.parametrize("cache_size", [0, 2, 100])
def test_back_tokenization_is_the_same_with_any_cache(tokenizer, cache_size):
    back_tokenizer = make_back_tokenizer(tokenizer, cache_size)
    words = ["brontë", "the", "antropología", "emily", "the"]
    for _ in range(2):
        for size in (5, 1, 3):
            assert back_tokenizer(words[:size]) == make_back_tokenizer(tokenizer)(words[:size])
        assert len(back_tokenizer._cache) <= cache_size


def test_back_tokenization_takes_long_words(tokenizer):
    (form,) = make_back_tokenizer(tokenizer)(["bronte" * 1000])
    assert form == "bronte" * 1000


@pytest.mark.parametrize(
    "text,tags",
    [
        (
            "charlotte brontë , emily brontë and antropología",
            "B-writer I-writer O B-writer I-writer O B-field",
        ),
        ("antropología of the ë family", "B-field O O B-writer I-writer"),
    ],
)
def test_back_tokenization_recovers_labels(tokenizer, text, tags):
    words, tags = text.split(), tags.split()
    target = " ".join(f"{word}({tag})" for word, tag in zip(words, tags, strict=True))
    # What a model writes that copies all words: the target, as the tokenizer can put it.
    output = tokenizer.decode(
        tokenizer(target)["input_ids"],
        skip_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )
    parsed = parse_output(output, ["writer", "field"])
    predicted = [p.word for p in parsed]
    assert predicted != words

    def recovered(matcher):
        alignment = matcher(words, predicted, make_back_tokenizer(tokenizer))
        return ["O" if j is None else parsed[j].tag for j in alignment]

    assert recovered(LCSMatcher()) == tags
    assert recovered(LCSMatcher(back_tokenize=False)) != tags
