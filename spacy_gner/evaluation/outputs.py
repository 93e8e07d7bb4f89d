"""Raw outputs: reading them, what was wrong with them, and those of other systems."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..corpora.read_report import CorpusError, ReadReport
from ..errors import Errors
from ..formats import BIO, Format, TaggedWords
from ..matching import LCSMatcher, Matcher, Matching
from ..matching.back_tokenization import BackTokenizer
from ..matching.diagnosis import diagnose
from ..pipeline.predictions import WindowPrediction
from .data import EVERYTHING, Selection, draw
from .native import Answer, Tokenizer, read_answers, word_tokenizer
from .records import Mention, ScoredSentence, raw_output

ISSUES = ("omissions", "additions", "substitutions")
SHARES = (*ISSUES, "any", "incomplete", "unmatched")


@dataclass(frozen=True)
class Reading:
    """How raw outputs are to be read.

    format (Format): The format in which the model writes.
    back_tokenizer (BackTokenizer | None): What the model's tokenizer makes of words.
    matcher (Matcher): Aligns words with the output.
    """

    format: Format = field(default_factory=BIO)
    back_tokenizer: BackTokenizer | None = None
    matcher: Matcher = field(default_factory=LCSMatcher)


DEFAULT_READING = Reading()


def reread(sentence: ScoredSentence, reading: Reading = DEFAULT_READING) -> ScoredSentence:
    """Replace the predictions of a sentence by what its raw output says.

    sentence (ScoredSentence): With one raw output, for all words but white space.
    reading (Reading): How to read it.
    RETURNS (ScoredSentence): Without scores.
    """
    (output,) = sentence.outputs
    # Wordings that are asked for beside the labels (decoys) stand behind them.
    names = dict(zip(output.wordings, sentence.labels, strict=False))
    predicted = _read_output(sentence.words, output, names, reading)
    return replace(sentence, predicted=tuple(predicted), scores=())


def _read_output(
    words: Sequence[str], output: WindowPrediction, names: Mapping[str, str], reading: Reading
) -> list[Mention]:
    matching = Matching(reading.matcher, reading.back_tokenizer)
    text = output.generation.text
    read = reading.format.read(text, output.words, output.wordings, matching)
    # The prompt left out white-space words: back to the indices of the sentence.
    places = [index for index, word in enumerate(words) if not word.isspace()]
    return [
        Mention(places[found.start], places[found.end - 1] + 1, names[found.label])
        for found in read
        if found.label in names
    ]


def score_outputs(
    sentences: Iterable[ScoredSentence], reading: Reading = DEFAULT_READING
) -> dict[str, Any] | None:
    """Look at the raw outputs: what they left out, added or changed.

    Only sentences with one raw output for all of their words are looked at. Discrepancies
    are those before back tokenization, so that a word that the vocabulary cannot spell
    counts as a substitution, as in Table 9 of the paper.

    sentences (Iterable[ScoredSentence]): The sentences of a data set.
    reading (Reading): How to read the outputs.
    RETURNS (dict | None): None when no sentence has a raw output, or the format does not
        write every word. Else `n` sentences and `skipped` ones; `omissions`, `additions`,
        `substitutions` and `any` as shares of the sentences; `incomplete`: share of the
        outputs that a length limit cut; `unmatched`: share of the words that no generated
        word answers (they become O); `issues`: how often each happened, in words.
    """
    if not isinstance(reading.format, TaggedWords):
        return None
    counts: Counter[str] = Counter()
    for sentence in sentences:
        if not has_one_output(sentence):
            counts["skipped"] += 1
            continue
        output = sentence.outputs[0]
        parts = reading.format.parse(output.generation.text, output.wordings)
        predicted = [part.word for part in parts]
        plain = reading.matcher(output.words, predicted, None)
        found = diagnose(output.words, predicted, plain)
        for issue in ISSUES:
            number = getattr(found, issue)
            counts[f"n_{issue}"] += number
            counts[issue] += number > 0
        if None in plain and reading.back_tokenizer is not None:
            plain = reading.matcher(output.words, predicted, reading.back_tokenizer)
        counts["unmatched"] += plain.count(None)
        counts["any"] += found.total > 0
        counts["incomplete"] += not output.generation.complete
        counts["words"] += len(output.words)
        counts["n"] += 1
    n = counts["n"]
    if not n:
        return None
    return {
        "n": n,
        "skipped": counts["skipped"],
        **{share: counts[share] / n for share in (*ISSUES, "any", "incomplete")},
        "unmatched": counts["unmatched"] / counts["words"] if counts["words"] else 0.0,
        "issues": {issue: counts[f"n_{issue}"] for issue in ISSUES},
    }


def has_one_output(sentence: ScoredSentence) -> bool:
    """Whether one output answers for all words of a sentence (white space is never asked)."""
    words = tuple(word for word in sentence.words if not word.isspace())
    return len(sentence.outputs) == 1 and sentence.outputs[0].words == words


# --- other systems ------------------------------------------------------------------------


def read_predictions(
    path: Path,
    selection: Selection = EVERYTHING,
    reading: Reading = DEFAULT_READING,
    gold: Path | None = None,
    tokenize: Tokenizer | None = None,
) -> dict[str, list[ScoredSentence]]:
    """Read raw outputs as the authors of GNER, InstructUIE, UniversalNER and GoLLIE keep them, and
    turn them into entities. docs/metrics.md shows the forms; each record tells its own.

    In a format that asks for one label at a time, a sentence has a record for each of its labels,
    one after the other.

    path (Path): JSON lines, or a JSON list; gzipped or not.
    selection (Selection): Which sentences, drawn as `read_dataset` does, and how their labels
        are called, in gold and prediction. All but `split` and `spans_key` counts.
    reading (Reading): How to read the raw outputs: their format, the system's tokenizer.
    gold (Path | None): The annotated records, one for each output, where `path` holds no more
        than the outputs.
    tokenize (Callable | None): Splits running text into words; None is English.
    RETURNS (dict[str, list[ScoredSentence]]): Data set to sentences, in their order.
    RAISES (ValueError): E207 for what is no tag, E228 where most lines are broken, E249 for
        broken JSON, E303 for an empty file, E304 for gold labels that are not in
        `label_list`, E305 when there is no such file, E306 for words without annotation, E309
        for a record of another form, E326 and E327 for outputs that `gold` does not fit.
    """
    sentences: dict[str, list[ScoredSentence]] = {}
    report = ReadReport()
    for answer in read_answers(path, gold, tokenize or word_tokenizer()):
        if answer is None:
            continue
        try:
            if isinstance(answer, CorpusError):
                raise answer
            sentence = _sentence(answer, selection, reading)
        except CorpusError as error:
            report.handle(error, selection.on_error)
            continue
        report.count(sentence.gold)
        batch = sentences.setdefault(answer.dataset, [])
        if reading.format.labels_per_prompt is not None and _belong_together(batch, sentence):
            batch[-1] = _joined(batch[-1], sentence)
        else:
            batch.append(sentence)
    report.check_losses(path)
    if not sentences:
        raise ValueError(Errors.E303.format(name=path))
    return {name: draw(batch, selection) for name, batch in sentences.items()}


def _belong_together(batch: Sequence[ScoredSentence], sentence: ScoredSentence) -> bool:
    """Whether a line is about the sentence of the line before, and other labels."""
    if not batch or batch[-1].words != sentence.words:
        return False
    return set(batch[-1].labels).isdisjoint(sentence.labels)


def _joined(first: ScoredSentence, second: ScoredSentence) -> ScoredSentence:
    return ScoredSentence(
        first.words,
        first.labels + second.labels,
        tuple(sorted(first.gold + second.gold)),
        tuple(sorted(first.predicted + second.predicted)),
        outputs=first.outputs + second.outputs,
    )


def _sentence(answer: Answer, selection: Selection, reading: Reading) -> ScoredSentence:
    words, names, dropped = answer.words, selection.label_names, selection.drop_labels
    # The system wrote the labels as they are in the file.
    wordings = {label: names.get(label, label) for label in answer.labels}
    wordings = {label: name for label, name in wordings.items() if name not in dropped}
    labels = tuple(wordings.values())
    renamed = (Mention(start, end, names.get(label, label)) for start, end, label in answer.gold)
    gold = tuple(mention for mention in renamed if mention.label not in dropped)
    if reading.format.labels_per_prompt is not None:
        # The others belong to other lines of the sentence.
        gold = tuple(mention for mention in gold if mention.label in labels)
    unasked = sorted({mention.label for mention in gold} - set(labels))
    if unasked:
        problem = Errors.E304.format(number=answer.place, name=answer.dataset, labels=unasked)
        raise CorpusError(problem)
    prompted = tuple(word for word in words if not word.isspace())
    output = raw_output(prompted, tuple(wordings), answer.text)
    predicted = _read_output(words, output, wordings, reading)
    return ScoredSentence(words, labels, gold, tuple(predicted), outputs=(output,))
