"""Windows and label groups, seen from outside."""

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example
from transformers import PegasusConfig, PegasusForConditionalGeneration

from spacy_gner.formats import LabelSet

from ..models import keeps_cache, sentencepiece_tokenizer
from .conftest import FORMAT, LABELS, SENTENCES, TEXTS, spans

LONG = " ".join(TEXTS * 4)


def gold_of(texts):
    found, offset = [], 0
    for text in texts:
        gold = dict(SENTENCES)[text]
        found += [(s + offset, e + offset, label) for s, e, label in gold]
        offset += len(text.split())
    return found


def test_long_doc_is_cut_at_sentences(make_nlp):
    window = {"@misc": "spacy_gner.Window.v1", "split_sentences": True}
    nlp = make_nlp({"window": window}, sentencizer=True)
    doc = nlp(LONG)
    assert spans(doc) == gold_of(TEXTS * 4)
    (prediction,) = nlp.get_pipe("gner").predict([doc])
    assert [" ".join(window.words) for window in prediction.windows] == TEXTS * 4


def test_long_doc_small_windows_lose_nothing(make_nlp):
    window = {"@misc": "spacy_gner.Window.v1", "max_tokens": 200, "overlap": 4}
    for sentencizer in (True, False):
        nlp = make_nlp({"window": window}, sentencizer=sentencizer)
        gner = nlp.get_pipe("gner")
        doc = nlp(LONG)
        windows = gner.predict([doc])[0].windows
        assert len(windows) > 1
        words = [word for window in windows for word in window.words]
        assert set(words) == set(LONG.split())
        tokens = [token.i for ent in doc.ents for token in ent]
        assert len(tokens) == len(set(tokens))
        if sentencizer:
            assert words == LONG.split()


def test_labels_that_do_not_fit_are_asked_in_groups(make_nlp):
    window = {"@misc": "spacy_gner.Window.v1", "max_tokens": 300}
    nlp = make_nlp({"window": window})
    gner = nlp.get_pipe("gner")
    many = LABELS + [f"kind of thing {i}" for i in range(40)]
    groups = gner.planner.groups(LabelSet.make(many))
    assert len(groups) > 1
    assert [name for group in groups for name in group.labels.names] == many
    gner.set_labels(many)
    doc = nlp(TEXTS[0])
    (prediction,) = gner.predict([doc])
    assert {w.wordings for w in prediction.windows} == {g.labels.wordings for g in groups}
    tokens = [token.i for ent in doc.ents for token in ent]
    assert len(tokens) == len(set(tokens))


def test_label_that_leaves_no_room_is_an_error(make_nlp):
    window = {"@misc": "spacy_gner.Window.v1", "max_tokens": 60}
    nlp = make_nlp({"window": window, "labels": ["New York " * 40 + "city"]})
    with pytest.raises(ValueError, match="E024"):
        nlp("Paris .")


def test_word_that_fits_nowhere_is_outside(make_nlp, monkeypatch):
    import spacy_gner.planning.windows as windows_module

    monkeypatch.setattr(windows_module, "_warned_long_word", False)
    nlp = make_nlp({"window": {"@misc": "spacy_gner.Window.v1", "max_tokens": 150}})
    doc = Doc(nlp.vocab, words=["Merkel", "Paris" * 1000, "said", "a", "city", "."])
    with pytest.warns(UserWarning, match="W001"):
        doc = nlp.get_pipe("gner")(doc)
    assert doc[1].ent_iob_ == "O"
    assert all(token.ent_iob_ for token in doc)


def test_plan_of_fifty_thousand_words_is_complete(nlp):
    from spacy_gner.planning.words import DocWords

    gner = nlp.get_pipe("gner")
    doc = Doc(nlp.vocab, words=[f"word{i % 977}" for i in range(50_000)])
    planned = gner.planner.plan(DocWords.from_doc(doc), gner.label_set)
    decided = [i for p in planned for i in range(p.window.begin, p.window.end)]
    assert decided == list(range(50_000))
    limit = gner.planner.max_tokens
    prompts = [p.request.prompt.text for p in planned]
    assert all(len(ids) <= limit for ids in gner.planner.codec.prompt_ids(prompts))


@pytest.mark.parametrize("decoder", ["ExactSearch", "DraftedGreedy", "BeamSearch"])
def test_encoder_decoder_with_few_positions_reads_long_docs(tmp_path, decoder):
    """Its positions are numbered: there are no more of them than its config says."""
    if decoder != "BeamSearch" and not keeps_cache(PegasusForConditionalGeneration):
        pytest.skip("refused with this version of transformers")
    tokenizer = sentencepiece_tokenizer()
    config = PegasusConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_ffn_dim=16, decoder_ffn_dim=16, encoder_attention_heads=2,
        decoder_attention_heads=2, max_position_embeddings=128, pad_token_id=0, eos_token_id=1,
        decoder_start_token_id=0, forced_eos_token_id=None,
    )  # fmt: skip
    PegasusForConditionalGeneration(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gner.Transformer.v1", "name": str(tmp_path)}
    settings = {"labels": LABELS, "format": FORMAT, "model": model}
    gner = nlp.add_pipe(
        "gner", config={**settings, "decoder": {"@misc": f"spacy_gner.{decoder}.v1"}}
    )
    doc = nlp(LONG)
    (prediction,) = gner.predict([doc])
    assert len(prediction.windows) > 1
    assert sum(len(window.words) for window in prediction.windows) >= len(doc)
    reference = nlp.make_doc(LONG)
    reference.set_ents([Span(reference, 0, 2, label="person")], default="outside")
    optimizer = nlp.initialize()
    losses = nlp.update([Example(nlp.make_doc(LONG), reference)], sgd=optimizer)
    assert losses["gner"] > 0


def test_entities_end_at_blank_lines_and_keep_joined_tokens():
    from spacy_gner.formats import LabelSet
    from spacy_gner.formats.format import Found
    from spacy_gner.pipeline.assembly import window_entities
    from spacy_gner.pipeline.predictions import WindowPrediction
    from spacy_gner.planning.planner import PlannedRequest
    from spacy_gner.planning.windows import WordWindow
    from spacy_gner.planning.words import DocWords

    doc = spacy.blank("en").make_doc("Baden-Baden\n\nMary Smith-Jones\nLondon")
    words = DocWords.from_doc(doc)
    window = WordWindow(tuple(range(len(words.texts))), 0, len(words.texts))
    planned = PlannedRequest(None, window, LabelSet.make(["place"]))
    prediction = WindowPrediction(words.texts, ("place",), (Found(0, 4, "place", 0.5),), None)
    found = window_entities(words, planned, prediction)
    texts = [doc[entity.start : entity.end].text for entity in found]
    assert texts == ["Baden-Baden", "Mary Smith-Jones", "London"]
