import math
import pickle

import pytest
import torch
from transformers import GenerationConfig

from spacy_gner.decoding import beam_search
from spacy_gner.decoding.beam_search import BeamSearch, finish
from spacy_gner.decoding.drafted_greedy import DraftedGreedy
from spacy_gner.decoding.forward import ModelView
from spacy_gner.formats import EntityCentric

from ..models import add_noise, build_tiny_causal
from .brute_force import word_log_probs
from .conftest import BUILDERS, copy_backbone, examples, make_request, train

MANY = 10**6


@pytest.mark.parametrize("num_beams", [1, 2, 4])
@pytest.mark.parametrize("batch_tokens", [1, 1500, MANY])
def test_beam_search_gives_the_same_in_every_batch(trained, num_beams, batch_tokens):
    requests = [make_request(words) for words, _ in examples()]
    decoder = BeamSearch(num_beams)
    together = decoder(trained, requests, batch_tokens)
    for request, answer, (_, tags) in zip(requests, together, examples(), strict=True):
        (alone,) = decoder(trained, [request], MANY)
        assert alone.text == answer.text
        assert alone.scores == pytest.approx(answer.scores, abs=1e-4)
        assert [pair.tag for pair in answer.parts] == tags
        assert answer.complete


def test_scores_are_probabilities_at_branches(trained):
    words, tags = examples()[0]
    request = make_request(words)
    expected = [math.exp(p) for p in word_log_probs(trained, request, tags)]
    for decoder in (BeamSearch(1), BeamSearch(3), DraftedGreedy()):
        (answer,) = decoder(trained, [request], MANY)
        assert answer.scores == pytest.approx(expected, abs=1e-4)


@pytest.mark.filterwarnings("ignore:.*W002")
def test_scores_of_free_text_agree_between_decoders(careless):
    requests = [make_request(words) for words, _ in examples()]
    greedy = BeamSearch(1)(careless, requests, MANY)
    drafted = DraftedGreedy()(careless, requests, MANY)
    for one, other in zip(greedy, drafted, strict=True):
        assert one.text == other.text
        assert one.scores == pytest.approx(other.scores, abs=1e-3)
        assert len(one.scores) == len(one.parts)


def test_generation_config_of_the_model_does_not_leak(trained):
    requests = [make_request(words) for words, _ in examples()]
    clean = BeamSearch(2)(trained, requests, MANY)
    clone = copy_backbone(trained)
    leaky = GenerationConfig(
        do_sample=True, temperature=5.0, top_k=3, repetition_penalty=3.0, max_new_tokens=3,
        no_repeat_ngram_size=2, early_stopping=True, num_beams=3,
    )  # fmt: skip
    leaky.transformers_version = "4.60.0"
    clone.model.generation_config = leaky
    answers = BeamSearch(2)(clone, requests, MANY)
    assert [a.text for a in answers] == [a.text for a in clean]
    assert clone.model.generation_config is leaky


def test_decoding_leaves_the_model_as_it_was(trained):
    head = trained.model.get_output_embeddings()
    kind = type(head)
    request = make_request(examples()[0][0])
    for decoder in (BeamSearch(1), DraftedGreedy()):
        decoder(trained, [request], MANY)
    assert trained.model.get_output_embeddings() is head
    assert type(trained.model.lm_head) is kind


def test_cut_output_is_said_once(trained):
    requests = [make_request(words) for words, _ in examples()]
    with pytest.warns(UserWarning, match="W002.* 4 new tokens") as caught:
        answers = BeamSearch(1, max_new_tokens=4)(trained, requests, MANY)
    assert len(caught) == 1
    assert not any(answer.complete for answer in answers)


def test_prompt_that_leaves_no_room_is_an_error():
    backbone = build_tiny_causal(max_positions=60)
    with pytest.raises(ValueError, match="E401"):
        BeamSearch(1)(backbone, [make_request(["London"] * 30)], MANY)


def test_beam_search_writes_any_scheme(kind, trained):
    backbone = copy_backbone(trained)
    format = EntityCentric()
    words = examples()[0][0]
    train(backbone, [(words, ("[Marie Curie](person)", "[Paris](city)"))], steps=60)
    (answer,) = BeamSearch(2)(backbone, [make_request(words, format=format)], MANY)
    assert answer.text == "[Marie Curie](person) [Paris](city)"
    assert [p.tag for p in answer.parts] == ["B-person", "I-person", "B-city"]
    assert len(answer.scores) == 3 and all(0 < score <= 1 for score in answer.scores)


@pytest.mark.parametrize("options", [{"num_beams": 0}, {"num_beams": True}, {"max_new_tokens": 0}])
def test_beam_search_refuses_bad_settings(options):
    with pytest.raises(ValueError, match="E017.*decoder"):
        BeamSearch(**options)


def test_decoders_can_be_pickled():
    assert pickle.loads(pickle.dumps(BeamSearch(3))).num_beams == 3


@pytest.mark.filterwarnings("ignore:.*W002")
def test_a_batch_changes_free_text_at_near_ties_only(trained, monkeypatch):
    """Padding changes sums in their last bits. Where two tokens are as good as each other, to
    these bits, another one may be written; nowhere else."""
    outputs: list[list[int]] = []

    def record(backbone, view, requests, prompts, rows, complete):
        outputs.extend(list(row) for row in rows)
        return finish(backbone, view, requests, prompts, rows, complete)

    monkeypatch.setattr(beam_search, "finish", record)
    requests = [make_request(words[i:]) for words, _ in examples() for i in range(3) if words[i:]]
    decoder = BeamSearch(1, max_new_tokens=16)
    noisy = add_noise(copy_backbone(trained), 0.4)
    prompts = noisy.codec.prompt_ids([r.prompt.input for r in requests])
    for request in requests:
        decoder(noisy, [request], MANY)
    alone = list(outputs)
    outputs.clear()
    decoder(noisy, requests, MANY)
    assert len(outputs) == len(alone) == len(requests)
    # Batches are of requests of similar length.
    together = sorted(outputs)
    assert len({tuple(row) for row in alone}) > 3
    for prompt, row in zip(prompts, alone, strict=True):
        if row in together:
            together.remove(row)
            continue
        assert any(is_near_tie(noisy, prompt, row, other) for other in together)


def is_near_tie(backbone, prompt, first, second):
    """RETURNS (bool): Whether the first tokens that differ are equally good, but for rounding."""
    at = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
    if at is None:
        return False
    with torch.inference_mode():
        if backbone.codec.is_causal:
            logits = backbone.model(torch.tensor([[*prompt, *first[:at]]])).logits[0, -1]
        else:
            start = [backbone.codec.decoder_start_id, *first[:at]]
            found = backbone.model(
                input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([start])
            )
            logits = found.logits[0, -1]
    return abs(float(logits[first[at]] - logits[second[at]])) < 1e-4


@pytest.mark.parametrize("kind", ["causal", "seq2seq"])
def test_beams_of_a_row_end_as_they_would_without_other_rows(kind):
    backbone = BUILDERS[kind]()
    n_tokens = backbone.model.config.vocab_size
    end, other = backbone.codec.eos_id, 7

    def chances(step: int, ends_early: bool) -> list[float]:
        # After two steps no beam looks as good as the two that have ended. Much later one would.
        early = {0: (0.4, 0.55), 1: (0.5, 0.25), 9: (0.98, 0.01)}
        of_end, of_other = early.get(step, (1e-9, 0.98)) if ends_early else (1e-9, 0.98)
        values = [(1.0 - of_end - of_other) / (n_tokens - 2)] * n_tokens
        values[end], values[other] = of_end, of_other
        return values

    def write(rows: list[bool]) -> list[list[int]]:
        steps = []

        def rewrite(module, arguments, output):
            step = [chances(len(steps), early) for early in rows for _ in range(2)]
            steps.append(step)
            return torch.tensor(step).log()[:, None].expand(-1, output.shape[1], -1)

        handle = backbone.model.get_output_embeddings().register_forward_hook(rewrite)
        ids = torch.tensor([[5, 6, 7]] * len(rows))
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        found = ModelView(backbone).generate(BeamSearch(2)._config(backbone, 12), **inputs)
        handle.remove()
        written = found[:, ids.shape[1] if kind == "causal" else 1 :].tolist()
        return [row[: row.index(end)] if end in row else row for row in written]

    alone = [write([early])[0] for early in (True, False)]
    assert alone == [[other], [other] * 12]
    assert write([True, False]) == alone
    assert write([False, True]) == alone[::-1]
