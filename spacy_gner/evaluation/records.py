"""The record of an evaluation: an annotated sentence and what was predicted for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..decoding.request import Generation
from ..pipeline.predictions import WindowPrediction


class Mention(NamedTuple):
    """An entity in a sentence: the words from start up to, but not including, end."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class ScoredSentence:
    """An annotated sentence. The last four fields are empty until it has been predicted.

    words (tuple[str, ...]): The words, length N.
    labels (tuple[str, ...]): The labels that the model is asked for.
    gold (tuple[Mention, ...]): The annotated entities. They may overlap.
    predicted (tuple[Mention, ...]): The predicted entities, length P. They may overlap.
    scores (tuple[float | None, ...]): The score of each prediction in [0, 1], length P;
        None where the system gives none.
    outputs (tuple[WindowPrediction, ...]): One per prompt; empty where there is no text.
    seconds (float | None): The time that the prediction took.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    gold: tuple[Mention, ...]
    predicted: tuple[Mention, ...] = ()
    scores: tuple[float | None, ...] = ()
    outputs: tuple[WindowPrediction, ...] = ()
    seconds: float | None = None


def sentence_to_json(sentence: ScoredSentence, with_outputs: bool = True) -> dict[str, Any]:
    """Turn a sentence into JSON values.

    sentence (ScoredSentence): The sentence.
    with_outputs (bool): Whether to keep the labels, the raw outputs and the time.
    RETURNS (dict): For `sentence_from_json`. Fields with their default value are left out of
        the outputs; so is what was found in them, which the text implies.
    """
    scores = sentence.scores or (None,) * len(sentence.predicted)
    record: dict[str, Any] = {
        "words": sentence.words,
        "gold": sentence.gold,
        "predicted": [[*m, s] for m, s in zip(sentence.predicted, scores, strict=True)],
    }
    if with_outputs:
        record["labels"] = sentence.labels
        record["outputs"] = [_output_to_json(output, sentence) for output in sentence.outputs]
        record["seconds"] = sentence.seconds
    return record


def sentence_from_json(record: Mapping[str, Any]) -> ScoredSentence:
    """The inverse of `sentence_to_json`.

    record (Mapping): JSON values; further keys do not matter.
    RETURNS (ScoredSentence): The sentence.
    """
    words, labels = tuple(record["words"]), tuple(record.get("labels", ()))
    return ScoredSentence(
        words=words,
        labels=labels,
        gold=tuple(Mention(*mention) for mention in record["gold"]),
        predicted=tuple(Mention(*mention[:3]) for mention in record["predicted"]),
        scores=tuple(mention[3] for mention in record["predicted"]),
        outputs=tuple(
            _output_from_json(output, words, labels) for output in record.get("outputs", ())
        ),
        seconds=record.get("seconds"),
    )


def _output_to_json(output: WindowPrediction, sentence: ScoredSentence) -> dict[str, Any]:
    generation = output.generation
    fields = {
        "words": (output.words, sentence.words),
        "wordings": (output.wordings, sentence.labels),
        "complete": (generation.complete, True),
        "forward_passes": (generation.forward_passes, 0),
        "forks": (generation.forks, None),
        "cut_short": (generation.cut_short, False),
        "log_prob": (generation.log_prob, None),
    }
    kept = {key: value for key, (value, default) in fields.items() if value != default}
    return {"text": generation.text, **kept}


def _output_from_json(
    record: Mapping[str, Any], words: tuple[str, ...], labels: tuple[str, ...]
) -> WindowPrediction:
    counters = ("complete", "forward_passes", "forks", "cut_short", "log_prob")
    known = {key: record[key] for key in counters if key in record}
    return raw_output(
        tuple(record.get("words", words)),
        tuple(record.get("wordings", labels)),
        record["text"],
        **known,
    )


def raw_output(
    words: tuple[str, ...], wordings: tuple[str, ...], text: str, **counters: Any
) -> WindowPrediction:
    """The record of an output of which only the text is known.

    words (tuple[str, ...]): The words of the prompt.
    wordings (tuple[str, ...]): The wordings of its labels.
    text (str): The output.
    counters (Any): Further fields of `Generation`.
    RETURNS (WindowPrediction): The record, without what was found in the text.
    """
    return WindowPrediction(words, wordings, (), Generation(text, (), (), **counters))
