from spacy_gner.evaluation.records import Mention, RawOutput, ScoredSentence
from spacy_gner.evaluation.repair import Reading, read_output, score_repair
from spacy_gner.formats import BIOES, EntityCentric

LABELS = ("person", "city")


def _sentence(words, text, gold, prompt_words=None, complete=True):
    output = RawOutput(tuple(prompt_words or words), text, complete)
    return ScoredSentence(tuple(words), LABELS, gold, (), (), (output,))


def test_read_output_reads_entities():
    text = "Marie(B-person) Curie(I-person) in(O) Paris(B-city)"
    words = ["Marie", "Curie", "in", "Paris"]
    assert read_output(words, text, LABELS) == [Mention(0, 2, "person"), Mention(3, 4, "city")]


def test_score_repair_shows_what_the_lcs_is_worth():
    words = ["in", "the", "old", "Paris"]
    # "the" is lost: by position alone, everything after it is lost too.
    sentence = _sentence(words, "in(O) old(O) Paris(B-city)", (Mention(3, 4, "city"),))
    scores = score_repair([sentence])
    assert scores["omissions"] == scores["any"] == 1.0
    assert scores["additions"] == scores["substitutions"] == 0.0
    assert scores["issues"] == {"omissions": 1, "additions": 0, "substitutions": 0}
    assert scores["strict"]["full"] == 1.0
    assert scores["strict"]["without_lcs"] == 0.0
    assert scores["affected"]["full"] == 1.0
    assert scores["unmatched"]["full"] == 0.25


def test_score_repair_shows_what_back_tokenization_is_worth():
    def without_accents(words):
        return [word.replace("ë", "") for word in words]

    gold = (Mention(0, 2, "person"),)
    sentence = _sentence(["Anne", "Brontë"], "Anne(B-person) Bront(I-person)", gold)
    scores = score_repair([sentence], Reading(back_tokenizer=without_accents))
    assert scores["strict"]["full"] == 1.0
    assert scores["strict"]["without_back_tokenization"] == 0.0
    assert scores["substitutions"] == 1.0


def test_score_repair_keeps_indices_where_the_prompt_left_out_white_space():
    gold = (Mention(2, 3, "city"),)
    sentence = _sentence(["in", "\n", "Paris"], "in(O) Paris(B-city)", gold, ["in", "Paris"])
    assert score_repair([sentence])["strict"]["full"] == 1.0


def test_score_repair_counts_shares_over_sentences_with_one_output():
    clean = _sentence(["x", "y"], "x(O) y(O)", ())
    added = _sentence(["x", "y"], "x(O) x(O) y(O)", (), complete=False)
    without_text = ScoredSentence(("x",), LABELS, (), ())
    scores = score_repair([clean, added, without_text])
    assert (scores["n"], scores["skipped"]) == (2, 1)
    assert scores["additions"] == scores["incomplete"] == 0.5
    assert score_repair([without_text]) is None


def test_score_repair_reads_the_scheme_of_the_model():
    gold = (Mention(0, 2, "person"), Mention(3, 4, "city"))
    words = ["Marie", "Curie", "in", "Paris"]
    text = "Marie(B-person) Curie(E-person) in(O) Paris(S-city)"
    sentence = _sentence(words, text, gold)
    assert score_repair([sentence], Reading(BIOES()))["strict"]["full"] == 1.0
    assert score_repair([sentence], Reading(EntityCentric())) is None
