"""Which data sets the default model is trained on, and why the others are left out."""

import re
from dataclasses import dataclass

# The zero-shot benchmark and its relatives: nothing of them, in any split.
ZERO_SHOT = {
    "crossner_ai",
    "crossner_literature",
    "crossner_music",
    "crossner_politics",
    "crossner_science",
    "mit_movie",
    "mit_restaurant",
    "mit_movie_trivia",
    "restaurant8k",
}
# Not forbidden, but made of nothing except restaurant or film bookings: too close to the
# benchmark's queries for a claim of zero-shot.
TOO_CLOSE = {"sim-m", "sim-r", "multidogo-fastfood", "pizza-order"}
# Entities are annotated in part only: what is missing would be trained as O.
PARTIAL = {"casie", "ade-corpus", "measeval", "chemrxn-roles"}
# Stated elsewhere than in the copy that the data come from.
LICENSE_ARGUED = {
    "snips": "CC0 at its source (the copy states nothing)",
    "fewnerd_a": "CC-BY-SA 4.0 by its data card",
    "fewnerd_b": "CC-BY-SA 4.0 by its data card",
}
# A license is stated, but for the code, the annotation, or some documents only.
LICENSE_REFUSED = {
    "atis": "text of the Linguistic Data Consortium",
    "jnlpba": "GENIA license, not a free one",
    "bionlp09": "abstracts of GENIA, whose own terms apply",
    "bionlp11epi": "original terms apply and are not stated",
    "bionlp13ge": "abstracts of GENIA, whose own terms apply",
    "ex-ptm": "original terms apply and are not stated",
    "bc2gm": "original terms apply and are not stated",
    "polymer-abstracts": "custom license",
    "re3d": "every source has its own license",
    "rasa-demos": "GPL in part",
    "gum_named": "non-commercial in part",
    "gum_gentle": "non-commercial in part",
    "conll2003": "terms of Reuters (research only)",
}
# Nothing wrong with them but their style: they would teach something else.
NOT_USEFUL = {
    "litbank": "common-noun mentions are labeled too",
    "ebm-nlp": "long phrases, noisy",
    "hipe_ajmc": "reading errors of scanned pages",
    "nl4opt": "whole problem statements",
    "supermat-materials": "material strings, not sentences",
    "maintie": "masks instead of names",
    "clinical-trial-criteria": "numbers are masked",
    "sofc-exp": "the same sentences as sofc-slot",
    "multidogo-airline": "covered by other dialogues",
}
_FORBIDDEN = re.compile(
    r"\bNC\b|-NC|non-commercial|research|GPL|LDC|not stated|General Public|GENIA", re.IGNORECASE
)
# Sentences for a run without a GPU; every other set that is taken gets DEFAULT_SHARE.
SHARES = {
    "fewnerd_a": 420,
    "fewnerd_b": 260,
    "snips": 300,
    "sgd": 240,
    "redocred": 80,
    "wikigold": 80,
    "music-reco-ner": 100,
    "hwu64": 160,
    "tdmsci": 70,
    "somesci": 60,
    "biored": 50,
    "bionlp13cg": 50,
    "uner_ewt": 50,
    "tweebank_ner": 40,
    "broad_twitter_corpus": 40,
    "idrisi_en": 40,
    "skillspan": 15,
    "affiliations": 15,
    "bib_references": 15,
    "us_address": 10,
    "name_parts": 10,
    "presidio-pii": 25,
    "chemrxn-products": 15,
}
DEFAULT_SHARE = 30


@dataclass(frozen=True)
class Decision:
    """What becomes of a data set.

    taken (bool): Whether it is trained on.
    reason (str): Why, in a few words.
    """

    taken: bool
    reason: str


def decide(name: str, license: str, has_train: bool) -> Decision:
    """Decide about one data set.

    name (str): Its name.
    license (str): The license as its source states it.
    has_train (bool): Whether it has a training part.
    RETURNS (Decision): The decision.
    """
    if name in ZERO_SHOT:
        return Decision(False, "zero-shot benchmark or a relative of it")
    if name in TOO_CLOSE:
        return Decision(False, "only about restaurants or films: too close to the benchmark")
    if name in PARTIAL:
        return Decision(False, "annotated in part")
    if name in LICENSE_REFUSED:
        return Decision(False, f"license: {LICENSE_REFUSED[name]}")
    if name not in LICENSE_ARGUED and _FORBIDDEN.search(license):
        return Decision(False, f"license: {license}")
    if not has_train:
        return Decision(False, "no training part")
    if name in NOT_USEFUL:
        return Decision(False, NOT_USEFUL[name])
    return Decision(True, LICENSE_ARGUED.get(name, license))
