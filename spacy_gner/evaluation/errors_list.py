"""The browsable list of errors: gold against predicted, drawn by displaCy."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from spacy.displacy.render import EntityRenderer

from .metrics import sentence_mentions
from .mistakes import CORRECT, Pair, pair_mentions
from .records import Mention

_COLORS = (
    "#bfe1d9",
    "#c6d8f5",
    "#f7d9b5",
    "#e3c9ec",
    "#f4c7c9",
    "#dfe8b0",
    "#bfe6ee",
    "#ead7c0",
    "#d3d6f2",
    "#f6cfe3",
    "#cfe9c4",
    "#f3e6a9",
)


def render_errors(metrics: Mapping[str, Any], max_per_set: int = 200) -> tuple[str, int]:
    """Render the sentences with an error.

    metrics (Mapping): Of `build_metrics`.
    max_per_set (int): At most so many of each data set, the first ones.
    RETURNS (tuple[str, int]): HTML, one article per sentence, and how many sentences
        with an error were left out. All text from the data is escaped.
    """
    articles: list[str] = []
    left_out = 0
    for dataset in metrics["datasets"]:
        colors = _color_labels(dataset)
        renderer = EntityRenderer({"colors": colors})
        kept = 0
        for number, record in enumerate(dataset["sentences"], 1):
            gold, predicted = sentence_mentions(record)
            pairs = pair_mentions(gold, predicted)
            if all(pair.kind == CORRECT for pair in pairs):
                continue
            if kept == max_per_set:
                left_out += 1
                continue
            kept += 1
            articles.append(_article(dataset["name"], number, record, pairs, renderer))
    return "\n".join(articles), left_out


def _article(
    name: str,
    number: int,
    record: Mapping[str, Any],
    pairs: Sequence[Pair],
    renderer: EntityRenderer,
) -> str:
    words = record["words"]
    gold, predicted = sentence_mentions(record)
    scores = {tuple(mention[:3]): mention[3] for mention in record["predicted"]}
    items = "".join(_pair_item(words, pair, scores) for pair in pairs if pair.kind != CORRECT)
    return (
        f'<article class="error" data-set="{escape(name)}">'
        f"<h3>{escape(name)} <span>sentence {number}</span></h3>"
        f'<div class="side"><b>gold</b>{draw_entities(words, gold, renderer)}</div>'
        f'<div class="side"><b>predicted</b>{draw_entities(words, predicted, renderer)}</div>'
        f"<ul>{items}</ul></article>"
    )


def _pair_item(
    words: Sequence[str], pair: Pair, scores: Mapping[tuple[Any, ...], float | None]
) -> str:
    gold = _quote(words, pair.gold) if pair.gold else "nothing"
    predicted = _quote(words, pair.predicted) if pair.predicted else "nothing"
    score = scores.get(tuple(pair.predicted)) if pair.predicted else None
    suffix = "" if score is None else f" <small>score {score:.2f}</small>"
    labels = [mention.label for mention in (pair.gold, pair.predicted) if mention]
    return (
        f'<li data-kind="{pair.kind}" data-gold="{escape(labels[0])}" '
        f'data-predicted="{escape(labels[-1])}"><span class="kind {pair.kind}">{pair.kind}</span> '
        f"{gold} → {predicted}{suffix}</li>"
    )


def _quote(words: Sequence[str], mention: Mention) -> str:
    text = escape(" ".join(words[mention.start : mention.end]))
    return f"“{text}” <i>{escape(mention.label)}</i>"


def draw_entities(
    words: Sequence[str], mentions: Sequence[Mention], renderer: EntityRenderer
) -> str:
    """Draw the entities of a sentence with displaCy.

    words (Sequence[str]): The words.
    mentions (Sequence[Mention]): The entities, without overlap.
    renderer (EntityRenderer): displaCy's, with the colors of the labels.
    RETURNS (str): HTML. displaCy escapes the text, but not the labels: that is done here.
    """
    starts, position = [], 0
    for word in words:
        starts.append(position)
        position += len(word) + 1
    spans = [
        {
            "start": starts[start],
            "end": starts[end - 1] + len(words[end - 1]),
            "label": escape(label),
        }
        for start, end, label in sorted(mentions)
    ]
    return renderer.render_ents(" ".join(words), spans, None)


def _color_labels(dataset: Mapping[str, Any]) -> dict[str, str]:
    labels = sorted({*dataset["labels"], *dataset["strict"]["per_type"]})
    return {escape(label): _COLORS[i % len(_COLORS)] for i, label in enumerate(labels)}
