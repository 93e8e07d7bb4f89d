"""What was wrong with raw outputs and what matching made of it (Tables 6 and 9)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..formats import BIO, Format, TaggedWords
from ..matching.back_tokenization import BackTokenizer
from ..matching.diagnosis import diagnose
from ..matching.matcher import LCSMatcher, Matcher
from .records import Mention, ScoredSentence
from .strict import score_strict
from .uniner import score_uniner


def match_by_position(
    words: Sequence[str], predicted: Sequence[str], back_tokenizer: BackTokenizer | None = None
) -> list[int | None]:
    """Match the i-th word with the i-th predicted word where these are equal, and nothing
    else: one word that is left out puts all later ones out of step. We take this for "w/o
    LCS+BT" in Table 6, which the paper does not describe. See `Matcher`."""
    keys = [word.casefold() for word in predicted[: len(words)]]
    keys += [""] * (len(words) - len(keys))
    pairs = enumerate(zip(words, keys, strict=True))
    return [i if word.casefold() == key else None for i, (word, key) in pairs]


# The rows of Table 6, by what the matcher may do.
VARIANTS: dict[str, Matcher] = {
    "full": LCSMatcher(),
    "without_back_tokenization": LCSMatcher(back_tokenize=False),
    "without_lcs": match_by_position,
}
_ISSUES = ("omissions", "additions", "substitutions")


@dataclass(frozen=True)
class Reading:
    """How raw outputs are to be read.

    format (Format): The format in which the model writes.
    back_tokenizer (BackTokenizer | None): What the model's tokenizer makes of words.
    """

    format: Format = field(default_factory=BIO)
    back_tokenizer: BackTokenizer | None = None


DEFAULT_READING = Reading()


def read_output(
    words: Sequence[str],
    text: str,
    labels: Sequence[str],
    reading: Reading = DEFAULT_READING,
    variant: str = "full",
) -> list[Mention]:
    """Read the entities of a sentence off a raw output: parsing, then matching.

    words (Sequence[str]): The words of the prompt, without white-space words.
    text (str): The output as generated.
    labels (Sequence[str]): The labels of the prompt; tags of others become O.
    reading (Reading): How to read it.
    variant (str): A key of `VARIANTS`.
    RETURNS (list[Mention]): The entities.
    """
    match = partial(VARIANTS[variant], back_tokenizer=reading.back_tokenizer)
    found = reading.format.read(text, words, labels, match)
    return [Mention(start, end, label) for start, end, label, _ in found]


def score_repair(
    sentences: Iterable[ScoredSentence], reading: Reading = DEFAULT_READING
) -> dict[str, Any] | None:
    """Look at the raw outputs: what was lost, added or changed, and what matching saved.

    Only sentences with one raw output for all of their words are looked at.
    Discrepancies are those before back tokenization, so that a word that the vocabulary
    cannot spell counts as a substitution, as in Table 9.

    sentences (Iterable[ScoredSentence]): The sentences of a data set.
    reading (Reading): How to read the outputs. Without a back tokenizer the first two
        variants agree.
    RETURNS (dict | None): None when no sentence has a raw output, or the format does not
        write every word. Else
        `n` sentences and `skipped` ones; `omissions`, `additions`, `substitutions`
        and `any` as shares of the sentences; `incomplete`: share of the outputs that
        a length limit cut; `issues`: how often each happened, in words. Then, each
        with one value per variant of the matcher: `unmatched`, the share of the words
        that no generated word answers (they become O); `strict` and `uniner`, F1;
        `affected`, strict F1 on the sentences with a discrepancy.
    """
    if not isinstance(reading.format, TaggedWords):
        return None
    kept: list[ScoredSentence] = []
    affected: list[int] = []
    counts: Counter[str] = Counter()
    n_words = 0
    for sentence in sentences:
        if not _has_one_output(sentence):
            counts["skipped"] += 1
            continue
        output = sentence.outputs[0]
        parsed = reading.format.parse(output.text, output.wordings or sentence.labels)
        predicted = [word.word for word in parsed]
        for name, matcher in VARIANTS.items():
            alignment = matcher(output.words, predicted, reading.back_tokenizer)
            counts[name] += alignment.count(None)
            if name == "without_back_tokenization":
                found = diagnose(output.words, predicted, alignment)
        for issue in _ISSUES:
            number = getattr(found, issue)
            counts[f"n_{issue}"] += number
            counts[issue] += number > 0
        if found.total:
            affected.append(len(kept))
        counts["incomplete"] += not output.complete
        n_words += len(output.words)
        kept.append(sentence)
    if not kept:
        return None
    n = len(kept)
    read = {name: [reread(sentence, reading, name) for sentence in kept] for name in VARIANTS}
    return {
        "n": n,
        "skipped": counts["skipped"],
        **{issue: counts[issue] / n for issue in _ISSUES},
        "any": len(affected) / n,
        "incomplete": counts["incomplete"] / n,
        "issues": {issue: counts[f"n_{issue}"] for issue in _ISSUES},
        "unmatched": {name: counts[name] / n_words if n_words else 0.0 for name in VARIANTS},
        "strict": {name: score_strict(batch)["f"] for name, batch in read.items()},
        "uniner": {name: score_uniner(batch)["f"] for name, batch in read.items()},
        "affected": {
            name: score_strict([batch[index] for index in affected])["f"]
            for name, batch in read.items()
        },
    }


def _has_one_output(sentence: ScoredSentence) -> bool:
    if len(sentence.outputs) != 1:
        return False
    return sentence.outputs[0].words == _visible(sentence.words)


def _visible(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if not word.isspace())


def reread(
    sentence: ScoredSentence, reading: Reading = DEFAULT_READING, variant: str = "full"
) -> ScoredSentence:
    """Replace the predictions of a sentence by what its raw output says.

    sentence (ScoredSentence): With one raw output, for all words but white space.
    reading (Reading): How to read it.
    variant (str): A key of `VARIANTS`.
    RETURNS (ScoredSentence): Without scores.
    """
    output = sentence.outputs[0]
    wordings = output.wordings or sentence.labels
    names = dict(zip(wordings, sentence.labels, strict=True))
    read = read_output(output.words, output.text, wordings, reading, variant)
    mentions = [mention._replace(label=names[mention.label]) for mention in read]
    if len(output.words) != len(sentence.words):
        # The prompt left out white-space words: back to the indices of the sentence.
        places = [index for index, word in enumerate(sentence.words) if not word.isspace()]
        mentions = [Mention(places[s], places[e - 1] + 1, label) for s, e, label in mentions]
    return replace(sentence, predicted=tuple(mentions), scores=())
