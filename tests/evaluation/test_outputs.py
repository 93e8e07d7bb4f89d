from spacy_gner.evaluation.outputs import Reading, reread, score_outputs
from spacy_gner.evaluation.records import Mention, ScoredSentence, raw_output
from spacy_gner.formats import BIOES, EntityCentric

LABELS = ("person", "city")


def _sentence(words, text, gold=(), prompt_words=None, complete=True):
    output = raw_output(tuple(prompt_words or words), LABELS, text, complete=complete)
    return ScoredSentence(tuple(words), LABELS, gold, outputs=(output,))


def test_reread_reads_entities():
    text = "Marie(B-person) Curie(I-person) in(O) Paris(B-city)"
    read = reread(_sentence(["Marie", "Curie", "in", "Paris"], text))
    assert read.predicted == (Mention(0, 2, "person"), Mention(3, 4, "city"))


def test_reread_gives_wordings_their_labels():
    output = raw_output(("Paris",), ("human being", "town"), "Paris(B-town)")
    read = reread(ScoredSentence(("Paris",), LABELS, (), outputs=(output,)))
    assert read.predicted == (Mention(0, 1, "city"),)


def test_reread_passes_over_wordings_that_are_no_labels():
    output = raw_output(("Paris", "x"), (*LABELS, "stadium"), "Paris(B-city) x(B-stadium)")
    read = reread(ScoredSentence(("Paris", "x"), LABELS, (), outputs=(output,)))
    assert read.predicted == (Mention(0, 1, "city"),)


def test_reread_keeps_indices_where_the_prompt_left_out_white_space():
    sentence = _sentence(["in", "\n", "Paris"], "in(O) Paris(B-city)", (), ["in", "Paris"])
    assert reread(sentence).predicted == (Mention(2, 3, "city"),)


def test_reread_reads_the_scheme_of_the_model():
    text = "Marie(B-person) Curie(E-person) in(O) Paris(S-city)"
    sentence = _sentence(["Marie", "Curie", "in", "Paris"], text)
    read = reread(sentence, Reading(BIOES()))
    assert read.predicted == (Mention(0, 2, "person"), Mention(3, 4, "city"))
    assert score_outputs([sentence], Reading(EntityCentric())) is None


def test_score_outputs_finds_what_was_left_out():
    scores = score_outputs([_sentence(["in", "the", "old", "Paris"], "in(O) old(O) Paris(B-city)")])
    assert scores["omissions"] == scores["any"] == 1.0
    assert scores["additions"] == scores["substitutions"] == 0.0
    assert scores["issues"] == {"omissions": 1, "additions": 0, "substitutions": 0}
    assert scores["unmatched"] == 0.25


def test_score_outputs_judges_before_back_tokenization_and_matches_with_it():
    def without_accents(words):
        return [word.replace("ë", "") for word in words]

    sentence = _sentence(["Anne", "Brontë"], "Anne(B-person) Bront(I-person)")
    scores = score_outputs([sentence], Reading(back_tokenizer=without_accents))
    assert scores["substitutions"] == 1.0 and scores["unmatched"] == 0.0
    assert score_outputs([sentence])["unmatched"] == 0.5


def test_score_outputs_counts_shares_over_sentences_with_one_output():
    clean = _sentence(["x", "y"], "x(O) y(O)")
    added = _sentence(["x", "y"], "x(O) x(O) y(O)", complete=False)
    without_text = ScoredSentence(("x",), LABELS, ())
    scores = score_outputs([clean, added, without_text])
    assert (scores["n"], scores["skipped"]) == (2, 1)
    assert scores["additions"] == scores["incomplete"] == 0.5
    assert score_outputs([without_text]) is None
