import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from spacy_gner.decoding.drafted_greedy import DraftedGreedy
from spacy_gner.formats import BIOES, EntityCentric

from ..models import WORDS, add_noise, build_tiny_causal, byte_level_tokenizer
from .conftest import copy_backbone, examples, make_request, train

MANY = 10**6
words_of_any_kind = st.one_of(
    st.sampled_from([*WORDS, "(O)", "a(b)", "x)", "((", "smile(B-city)", "漢字", "é", "😀"]),
    st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=6),
)
sentences = st.lists(st.lists(words_of_any_kind, min_size=1, max_size=12), min_size=1, max_size=5)


@torch.inference_mode()
def plain_greedy(backbone, request, limit):
    """One request by transformers' own loop, and the tokens of its output."""
    ids = torch.tensor(backbone.codec.prompt_ids([request.prompt.text]))
    row = backbone.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        num_beams=1,
        max_new_tokens=limit,
        eos_token_id=list(backbone.codec.end_ids),
        pad_token_id=backbone.codec.pad_id,
    )[0].tolist()
    row = row[ids.shape[1] :] if backbone.codec.is_causal else row[1:]
    end = next((i for i, token in enumerate(row) if token in backbone.codec.end_ids), None)
    return row[:end], end is not None


def check_lossless(backbone, requests, limit=60, **options):
    decoder = DraftedGreedy(max_new_tokens=limit, **options)
    answers = decoder(backbone, requests, MANY)
    for request, answer in zip(requests, answers, strict=True):
        ids, ended = plain_greedy(backbone, request, limit)
        assert answer.text == backbone.codec.decode(ids)
        assert answer.complete == ended
        assert answer.parts == tuple(request.format.parse(answer.text, request.wordings))
        assert len(answer.scores) == len(answer.parts)
        assert all(0.0 <= score <= 1.0 for score in answer.scores)
    return answers


@pytest.mark.filterwarnings("ignore:.*W002")
@settings(max_examples=8)
@given(sentences)
def test_drafted_greedy_is_lossless_for_random_weights(random_backbone, lists):
    check_lossless(random_backbone, [make_request(words) for words in lists], limit=25)


@pytest.mark.filterwarnings("ignore:.*W002")
@settings(max_examples=8)
@given(sentences)
def test_drafted_greedy_is_lossless_for_trained_model(trained, lists):
    check_lossless(trained, [make_request(words) for words in lists])


@pytest.mark.filterwarnings("ignore:.*W002")
@settings(max_examples=8)
@given(sentences, st.sampled_from([0.1, 0.2, 0.4]), st.integers(0, 99))
def test_drafted_greedy_is_lossless_for_noisy_model(trained, lists, scale, seed):
    noisy = add_noise(copy_backbone(trained), scale, seed)
    requests = [make_request(words) for words in lists]
    check_lossless(noisy, [*requests, make_request(examples()[0][0])])


@pytest.mark.filterwarnings("ignore:.*W002")
@pytest.mark.parametrize("batch_size", [1, 3, 16])
@pytest.mark.parametrize("model", ["trained", "careless", "random_backbone"])
def test_drafted_greedy_is_lossless_in_every_batch(
    model, batch_size, trained, careless, random_backbone
):
    models = {"trained": trained, "careless": careless, "random_backbone": random_backbone}
    backbone = models[model]
    known = [make_request(words) for words, _ in examples()]
    check_lossless(backbone, (known * 3)[:batch_size], limit=70)


@pytest.mark.filterwarnings("ignore:.*W002")
@pytest.mark.parametrize("overhead, max_draft", [(0.0, 256), (3.0, 256), (1e6, 256), (1e6, 3)])
def test_drafted_greedy_is_lossless_for_every_length_of_draft(careless, overhead, max_draft):
    known = [make_request(words) for words, _ in examples()]
    check_lossless(careless, known, limit=70, pass_overhead=overhead, max_draft=max_draft)


@pytest.mark.filterwarnings("ignore:.*W002")
@pytest.mark.parametrize("limit", [1, 2, 7, 30])
def test_drafted_greedy_stops_where_greedy_stops(trained, limit):
    known = [make_request(words) for words, _ in examples()]
    check_lossless(trained, known, limit=limit)


@pytest.mark.filterwarnings("ignore:.*W002")
def test_drafted_greedy_is_lossless_for_labels_and_schemes_of_all_kinds(trained):
    words = examples()[2][0]
    labels = [("person",), ("city", "award", "person", "name of a ship"), ("漢", "字", "é")]
    requests = [make_request(words, labels=one) for one in labels]
    requests += [make_request(words, format=BIOES()), make_request(["x"])]
    check_lossless(trained, requests)


def test_drafted_greedy_takes_far_fewer_passes(trained):
    requests = [make_request(words) for words, _ in examples()]
    answers = check_lossless(trained, requests, limit=150)
    passes = sum(answer.forward_passes for answer in answers)
    tokens = 0
    for (_, tags), request, answer in zip(examples(), requests, answers, strict=True):
        assert [pair.tag for pair in answer.parts] == tags
        assert answer.complete
        tokens += len(plain_greedy(trained, request, 150)[0]) + 1
    assert passes <= tokens / 6


def test_drafted_greedy_drafts_nothing_when_asked(trained):
    request = make_request(examples()[1][0])
    ids, _ = plain_greedy(trained, request, 100)
    (answer,) = DraftedGreedy(max_draft=0)(trained, [request], MANY)
    assert answer.forward_passes == len(ids) + 1


def test_drafted_greedy_is_lossless_with_lora_inside(trained):
    from peft import LoraConfig, get_peft_model

    clone = copy_backbone(trained)
    targets = ["q_proj", "v_proj"] if clone.codec.is_causal else ["q", "v"]
    task = "CAUSAL_LM" if clone.codec.is_causal else "SEQ_2_SEQ_LM"
    config = LoraConfig(r=4, target_modules=targets, task_type=task, init_lora_weights=False)
    clone.model = get_peft_model(clone.model, config).eval()
    requests = [make_request(words) for words, _ in examples()]
    answers = DraftedGreedy(max_new_tokens=50)(clone, requests[:3], MANY)
    for request, answer in zip(requests, answers, strict=False):
        ids = torch.tensor(clone.codec.prompt_ids([request.prompt.text]))
        row = clone.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=50,
            eos_token_id=list(clone.codec.end_ids),
            pad_token_id=clone.codec.pad_id,
        )[0].tolist()
        row = row[ids.shape[1] :] if clone.codec.is_causal else row[1:]
        end = next((i for i, token in enumerate(row) if token in clone.codec.end_ids), None)
        row = row[:end]
        assert answer.text == clone.codec.decode(row)


def test_drafted_greedy_warns_of_cut_outputs(trained):
    requests = [make_request(words) for words, _ in examples()[:2]]
    with pytest.warns(UserWarning, match="W002.* 5 new tokens") as caught:
        answers = DraftedGreedy(max_new_tokens=5)(trained, requests, MANY)
    assert len(caught) == 1
    assert not any(answer.complete for answer in answers)


def test_drafted_greedy_refuses_schemes_that_leave_words_out(trained):
    format = EntityCentric()
    words = ("a", "b")
    request = make_request(words, format=format)
    with pytest.raises(ValueError, match="E025.*entity-centric"):
        DraftedGreedy()(trained, [request], MANY)


@pytest.mark.parametrize(
    "options", [{"max_new_tokens": 0}, {"max_draft": -1}, {"pass_overhead": -0.5}]
)
def test_drafted_greedy_refuses_bad_settings(options):
    with pytest.raises(ValueError, match="E017"):
        DraftedGreedy(**options)


def test_drafted_greedy_can_be_copied():
    assert copy.deepcopy(DraftedGreedy(max_draft=9)).max_draft == 9


def test_score_of_a_word_that_the_model_adds_is_the_same_in_every_batch():
    # As in many vocabularies: "word(O)" is "word", "(O", ")", but ".(O)" is ".(", "O", ")".
    pattern = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+"
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = byte_level_tokenizer(
        splitter=pre_tokenizers.Sequence([split, bytes_only]), vocab_size=450
    )
    backbone = build_tiny_causal(hidden=64, tokenizer=tokenizer)
    learned = [
        (["Paris"], ("Paris(B-city)", ".(O)")),
        (["London", "."], ("London(B-city)", ".(O)")),
    ]
    train(backbone, learned, steps=40)
    requests = [make_request(words) for words, _ in learned]
    (alone,) = DraftedGreedy()(backbone, requests[:1], MANY)
    beside, other = DraftedGreedy()(backbone, requests, MANY)
    assert alone.text == beside.text == "Paris(B-city) .(O)"
    assert other.text == "London(B-city) .(O)"
    assert beside.scores == pytest.approx(alone.scores, abs=1e-5)
