import subprocess
import sys
import warnings

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_gner.formats import BIO, EntityCentric, LabelSet
from spacy_gner.planning.planner import Planner
from spacy_gner.planning.windows import Windower

from ..models import SHORT, build_tiny_causal, build_tiny_seq2seq, overfit, save_tiny
from .conftest import LABELS, SENTENCES, TEXTS, ents, gold_pairs, spans


def test_gner_finds_what_the_model_knows(nlp):
    for text, gold in SENTENCES:
        doc = nlp(text)
        assert spans(doc) == gold
        assert all(0.0 <= ent._.gner_score <= 1.0 for ent in doc.ents)
        assert doc.has_annotation("ENT_IOB")


def test_gner_pipe_equals_call_whatever_the_batch(make_nlp):
    texts = [*TEXTS, "", "   ", "A word nobody knows .", TEXTS[0] + " " + TEXTS[1]]
    one = make_nlp()
    single = [spans(one(text)) for text in texts]
    for batch_tokens, batch_docs in ((1, 1), (200, 3), (100_000, 100)):
        nlp = make_nlp({"batch_size": batch_tokens})
        docs = nlp.pipe(texts, batch_size=batch_docs)
        assert [spans(doc) for doc in docs] == single


def test_gner_is_found_without_import():
    code = (
        "import spacy; nlp = spacy.blank('en');"
        "nlp.add_pipe('gner', config={'labels': ['person', 'city']});"
        "assert nlp.get_pipe('gner').labels == ('person', 'city')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_gner_labels_at_run_time(nlp):
    gner = nlp.get_pipe("gner")
    assert gner.labels == tuple(LABELS)
    gner.set_labels({"PER": "person", "LOC": "city", "AWARD": "award"})
    assert gner.labels == ("PER", "LOC", "AWARD")
    assert gner.label_data == {"PER": "person", "LOC": "city", "AWARD": "award"}
    assert ents(nlp(TEXTS[0])) == [
        ("Marie Curie", "PER"),
        ("Nobel Prize", "AWARD"),
        ("Paris", "LOC"),
    ]
    assert gner.add_label("PER") == 0
    assert gner.add_label("FILM", "film") == 1
    assert gner.label_data["FILM"] == "film"
    with pytest.raises(ValueError, match="E002"):
        gner.add_label("X", "film")


def test_gner_labels_of_one_doc(nlp):
    docs = [nlp.make_doc(TEXTS[0]), nlp.make_doc(TEXTS[0])]
    docs[1]._.gner_labels = {"P": "person", "C": "city", "A": "award"}
    first, second = nlp.pipe(docs)
    assert {ent.label_ for ent in first.ents} == set(LABELS)
    assert {ent.label_ for ent in second.ents} == {"P", "C", "A"}


@pytest.mark.parametrize(
    "labels", [["a", "a"], "person", [""], ["x(y)"], 5, True, {"city"}, {"gner": 5}, [None], b"a"]
)
def test_gner_bad_labels_of_one_doc(nlp, labels):
    doc = nlp.make_doc(TEXTS[0])
    doc._.gner_labels = labels
    with pytest.raises(ValueError, match="E026|E006"):
        nlp.get_pipe("gner")(doc)


def test_gner_own_labels_of_a_doc_use_known_wordings(make_nlp):
    nlp = make_nlp({"labels": {"P": "person", "X": "award"}})
    doc = nlp.make_doc(TEXTS[0])
    doc._.gner_labels = ["city", "P"]
    gner = nlp.get_pipe("gner")
    assert gner.labels_of(doc).to_dict() == {"city": "city", "P": "person"}
    # Nothing to look for is an answer too, for Docs of corpora with open types.
    doc._.gner_labels = []
    assert gner(doc).ents == ()


def test_gner_without_labels_says_what_to_do(make_nlp):
    nlp = make_nlp({"labels": []})
    with pytest.raises(ValueError, match="E006.*set_labels"):
        nlp("Marie Curie .")
    assert nlp("").ents == ()


def test_gner_keeps_entities_unless_overwrite(make_nlp):
    for overwrite in (False, True):
        nlp = make_nlp({"overwrite": overwrite})
        doc = nlp.make_doc(TEXTS[0])
        doc.set_ents([Span(doc, 1, 4, label="ODD"), Span(doc, 8, 9, label="DOT")])
        doc = nlp.get_pipe("gner")(doc)
        if overwrite:
            assert spans(doc) == SENTENCES[0][1]
        else:
            expected = [(1, 4, "ODD"), (4, 6, "award"), (7, 8, "city"), (8, 9, "DOT")]
            assert spans(doc) == expected


def test_gner_blocked_tokens_stay_blocked(nlp):
    doc = nlp.make_doc(TEXTS[0])
    doc.set_ents([], blocked=[doc[0:1]], default="unmodified")
    doc = nlp.get_pipe("gner")(doc)
    assert spans(doc) == SENTENCES[0][1][1:]
    assert doc[0].ent_iob_ == "B" and doc[0].ent_type_ == ""


def test_gner_spans_key(make_nlp):
    beside = make_nlp({"spans_key": "sc"})(TEXTS[0])
    assert [(s.start, s.end, s.label_) for s in beside.spans["sc"]] == SENTENCES[0][1]
    assert spans(beside) == SENTENCES[0][1]
    scores = beside.spans["sc"].attrs["scores"]
    assert scores == [ent._.gner_score for ent in beside.ents]
    instead = make_nlp({"spans_key": "sc", "set_ents": False})(TEXTS[0])
    assert instead.ents == () and len(instead.spans["sc"]) == 3


def test_gner_threshold(make_nlp):
    doc = make_nlp()(TEXTS[0])
    scores = sorted(ent._.gner_score for ent in doc.ents)
    nlp = make_nlp({"threshold": scores[1]})
    assert len(nlp(TEXTS[0]).ents) == 2
    assert len(make_nlp({"threshold": 1.0})(TEXTS[0]).ents) <= 3


@pytest.mark.parametrize(
    "config",
    [
        {"batch_size": 0},
        {"threshold": 1.5},
        {"threshold": -0.1},
        {"spans_key": ""},
        {"set_ents": False},
        {"window": {"@misc": "spacy_gner.Window.v1", "max_tokens": -5}},
        {"decoder": {"@misc": "spacy_gner.BeamSearch.v1", "num_beams": 0}},
    ],
)
def test_gner_bad_settings_at_configuration_time(make_nlp, config):
    with pytest.raises(ValueError, match=r"\[GNER-E\d{3}\]"):
        make_nlp(config)


@pytest.mark.parametrize("labels", [["a", "a"], [""], ["x,y"], ["x\ny"], ["(", "b"]])
def test_gner_bad_labels_at_configuration_time(make_nlp, labels):
    with pytest.raises(ValueError, match=r"\[GNER-E00\d\]"):
        make_nlp({"labels": labels})


def test_gner_failing_doc_goes_to_the_error_handler_alone(nlp):
    failed = []
    nlp.set_error_handler(lambda name, proc, docs, error: failed.append((name, docs[0].text)))
    docs = [nlp.make_doc(text) for text in TEXTS]
    docs[2]._.gner_labels = ["not", "not"]
    done = list(nlp.pipe(docs))
    assert failed == [("gner", TEXTS[2])]
    assert [doc.text for doc in done] == [t for i, t in enumerate(TEXTS) if i != 2]
    assert spans(done[0]) == SENTENCES[0][1]


def test_gner_as_tuples(nlp):
    pairs = [(text, i) for i, text in enumerate(TEXTS)]
    for (doc, context), (text, i) in zip(nlp.pipe(pairs, as_tuples=True), pairs, strict=True):
        assert (doc.text, context) == (text, i)


def test_gner_select_and_analyze_pipes(make_nlp):
    nlp = make_nlp(sentencizer=True)
    with nlp.select_pipes(disable=["gner"]):
        assert nlp(TEXTS[0]).ents == ()
    assert nlp(TEXTS[0]).ents != ()
    analysis = nlp.analyze_pipes()
    assert "doc.ents" in analysis["summary"]["gner"]["assigns"]
    assert "ents_f" in analysis["summary"]["gner"]["scores"]
    assert not analysis["problems"]["gner"]


def test_gner_next_to_another_recognizer(make_nlp):
    nlp = make_nlp()
    ruler = nlp.add_pipe("entity_ruler", before="gner")
    ruler.add_patterns([{"label": "ORG", "pattern": "Nobel"}])
    assert ("Nobel", "ORG") in ents(nlp(TEXTS[0]))
    assert ("Marie Curie", "person") in ents(nlp(TEXTS[0]))


def test_gner_two_components_in_one_pipeline(make_nlp):
    nlp = make_nlp({"labels": LABELS})
    config = nlp.config["components"]["gner"]
    overrides = {k: v for k, v in config.items() if k != "factory"}
    overrides.update(
        labels={"P": "person", "C": "city", "A": "award"}, spans_key="two", set_ents=False
    )
    nlp.add_pipe("gner", name="second", config=overrides)
    doc = nlp(TEXTS[0])
    assert {ent.label_ for ent in doc.ents} == set(LABELS)
    assert {span.label_ for span in doc.spans["two"]} == {"P", "C", "A"}


def test_gner_score_is_part_of_the_pipeline(nlp):
    from spacy.training import Example

    examples = []
    for text, gold in SENTENCES:
        reference = Doc(nlp.vocab, words=text.split())
        reference.set_ents([Span(reference, s, e, label=label) for s, e, label in gold])
        examples.append(Example(nlp.make_doc(text), reference))
    scores = nlp.evaluate(examples)
    assert scores["ents_f"] == 1.0
    assert set(scores["ents_per_type"]) == set(LABELS)


def test_gner_score_looks_where_the_entities_are(nlp):
    from spacy.training import Example

    examples = []
    for text in TEXTS:
        reference = nlp(text)
        examples.append(Example(nlp.make_doc(text), reference))
    gner = nlp.get_pipe("gner")
    before = dict(gner.cfg)
    gner.change_settings(set_ents=False, spans_key="found")
    try:
        scores = nlp.evaluate(examples)
    finally:
        gner.change_settings(set_ents=before["set_ents"], spans_key=before["spans_key"])
    assert scores["ents_f"] == scores["spans_found_f"] == 1.0


def test_gner_import_is_light():
    code = (
        "import spacy_gner, sys; assert not {'torch', 'transformers', 'spacy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_gner_prediction_shows_its_work(nlp):
    doc = nlp.make_doc(TEXTS[0])
    (prediction,) = nlp.get_pipe("gner").predict([doc])
    (window,) = prediction.windows
    assert window.words == tuple(TEXTS[0].split())
    assert [tuple(found[:3]) for found in window.found] == SENTENCES[0][1]
    assert window.generation.text.startswith("Marie(B-person) Curie(I-person) won(O)")
    assert len(window.generation.scores) == len(window.words) and window.generation.complete
    assert doc.ents == ()


def test_gner_no_warnings_on_ordinary_use(make_nlp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp = make_nlp()
        list(nlp.pipe(TEXTS))


def test_gner_into_a_trained_pipeline_config(make_nlp):
    nlp = make_nlp()
    again = spacy.util.load_model_from_config(nlp.config, auto_fill=True)
    assert again.get_pipe("gner").labels == tuple(LABELS)
    assert spans(again(TEXTS[0])) == SENTENCES[0][1]


def test_gner_entity_centric_format(tmp_path):
    # Only entities and their neighbors are written: free text, put back by matching.
    format = EntityCentric(context=1)
    backbone = build_tiny_causal(hidden=64)
    overfit(backbone, gold_pairs(format), steps=250)
    nlp = spacy.blank("en")
    config = {
        "labels": LABELS,
        "format": {"@misc": "spacy_gner.EntityCentric.v1", "context": 1, **SHORT},
        "decoder": {"@misc": "spacy_gner.BeamSearch.v1", "num_beams": 1},
        "model": {
            "@architectures": "spacy_gner.Transformer.v1",
            "name": str(save_tiny(backbone, tmp_path / "model")),
        },
    }
    nlp.add_pipe("gner", config=config)
    for doc, (_, gold) in zip(nlp.pipe(TEXTS), SENTENCES, strict=True):
        assert spans(doc) == gold
    config["decoder"] = {"@misc": "spacy_gner.ExactSearch.v1"}
    with pytest.raises(ValueError, match="E025"):
        spacy.blank("en").add_pipe("gner", config=config)


def test_gner_scores_belong_to_entities(make_nlp):
    nlp = make_nlp()
    doc = nlp.make_doc(TEXTS[0])
    doc.ents = [Span(doc, 2, 4, label="thing"), Span(doc, 7, 8, label="GPE")]
    for ent in doc.ents:
        ent._.gner_score = 0.25  # of another component
    doc = nlp(doc)
    assert [(e.label_, e._.gner_score == 0.25) for e in doc.ents] == [
        ("person", False), ("thing", True), ("award", False), ("GPE", True),
    ]  # fmt: skip
    replacing = make_nlp({"overwrite": True})
    doc = replacing(doc)
    assert spans(doc) == SENTENCES[0][1]
    assert all(e._.gner_score > 0.25 for e in doc.ents)
    assert doc[2:4]._.gner_score is None


def test_gner_failing_model_is_no_fault_of_the_docs(make_nlp, tmp_path):
    nlp = make_nlp(model={"name": "no-such/model"})
    failed = []
    nlp.set_error_handler(lambda name, pipe, docs, error: failed.extend(docs))
    with pytest.raises(ValueError, match="E010"):
        list(nlp.pipe(TEXTS))
    assert not failed


def test_gner_changed_parts_count_at_once(make_nlp):
    nlp = make_nlp()
    gner = nlp.get_pipe("gner")
    before = gner.predict([nlp.make_doc(TEXTS[0])])[0].windows
    gner.window = Windower(max_tokens=len(before[0].words) + 60)
    assert gner.planner.max_tokens == gner.window.max_tokens
    assert gner.add_label("person", "human being") == 0
    assert gner.label_data["person"] == "human being"


def test_gner_labels_that_cannot_be_spelled_are_named():
    backbone = build_tiny_seq2seq()
    planner = Planner(backbone.codec, BIO(), Windower())
    with pytest.warns(UserWarning, match="W005.*'город'.*wording") as caught:
        planner.groups(LabelSet.make(["city", "город"]))
        planner.groups(LabelSet.make(["city", "город"]))
    assert len(caught) == 1 and "'city'" not in str(caught[0].message)


def test_gner_hands_out_docs_as_they_are_done(make_nlp):
    taken = []

    def stream(n):
        for i in range(n):
            taken.append(i)
            yield TEXTS[i % len(TEXTS)]

    # About 90 words a piece, where a text has seven on average.
    nlp = make_nlp({"batch_size": 1100})
    docs = nlp.pipe(stream(60))
    first = next(docs)
    assert spans(first) == SENTENCES[0][1]
    assert len(taken) < 6
    rest = list(docs)
    assert [spans(doc) for doc in rest[:4]] == [gold for _, gold in SENTENCES[1:]]
    assert len(rest) == 59


def test_gner_pieces_of_a_stream(make_nlp):
    nlp = make_nlp({"batch_size": 120})  # pieces of ten words
    gner = nlp.get_pipe("gner")
    docs = [nlp.make_doc(text) for text in ["", "", "a b c", "d", "e " * 12, "", "f g"]]
    pieces = [[len(doc) for doc in piece] for piece in gner._pieces(docs, 100)]
    # The first of one word, the second of two, and so on.
    assert pieces == [[0, 0, 3], [1, 12], [0, 2]]
    pieces = [[len(doc) for doc in piece] for piece in gner._pieces(docs, 2)]
    assert pieces == [[0, 0], [3], [1, 12], [0, 2]]
    words = [nlp.make_doc("a b")] * 40
    assert [len(piece) for piece in gner._pieces(words, 100)] == [1, 1, 2, 4, *[5] * 6, 2]
