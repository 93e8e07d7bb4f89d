"""A small evaluation whose text tries to break out of a page."""

from spacy_gner.evaluation.metrics import build_metrics
from spacy_gner.evaluation.records import Mention, ScoredSentence, raw_output

SCRIPT = "<script>alert(1)</script>"
EVIL_LABEL = 'a"><img src=x onerror=alert(1)>'


def sentence(words, gold, predicted, labels=("city", "person"), score=0.8, text=None):
    words = tuple(words)
    outputs = () if text is None else (raw_output(words, labels, text, forward_passes=2),)
    return ScoredSentence(
        words,
        labels,
        tuple(Mention(*mention) for mention in gold),
        tuple(Mention(*mention) for mention in predicted),
        (score,) * len(predicted),
        outputs,
        0.1,
    )


def make_metrics(names=("crossner_ai", "mine"), seen=None, better=False):
    right = sentence(
        ["in", "Paris"], [(1, 2, "city")], [(1, 2, "city")], text="in(O) Paris(B-city)"
    )
    wrong = sentence(
        ["in", "New", "York", "&", SCRIPT],
        [(1, 3, "city"), (4, 5, EVIL_LABEL)],
        [(1, 3, "city" if better else "person"), (0, 1, "city")],
        labels=("city", "person", EVIL_LABEL),
        text="in(B-city) New(B-person) York(I-person)",
    )
    missed = sentence(["Rome", "Marie"], [(0, 1, "city"), (1, 2, "person")], [], text="Rome(O)")
    batch = [right, wrong, missed, right]
    system = {"name": f"model {SCRIPT}", "parameters": 135_000_000, "decoder": "x"}
    return build_metrics(dict.fromkeys(names, batch), system, {"limit": None}, seen)
