"""Definitions of labels for the prompt."""

import random
from pathlib import Path

from prompts import Sentence

# As many as leave room for the sentence.
MAX_DEFINITIONS = 6
_PUNCTUATION = ".,;:()'\"!?"


def read_definitions(path: Path) -> dict[str, list[str]]:
    """path (Path): Lines of a label, a tab, and a definition.
    RETURNS (dict[str, list[str]]): The definitions of each label."""
    result: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf8").splitlines():
        label, _, text = line.partition("\t")
        if text.strip():
            result.setdefault(label, []).append(" ".join(text.split()))
    return result


def define(
    sentence: Sentence, labels: list[str], definitions: dict[str, list[str]], rng: random.Random
) -> tuple[Sentence, list[str], dict[str, str]]:
    """Give some labels a definition; in one prompt of eight, some of these have a name that
    says nothing ("type K"), so that the definition must be read.

    sentence (Sentence): With its final labels.
    labels (list[str]): Of the prompt.
    definitions (dict[str, list[str]]): By label.
    rng (random.Random): Decides.
    RETURNS (tuple[Sentence, list[str], dict[str, str]]): The sentence and the labels, perhaps
        with other names, and the definitions by name.
    """
    usable = {}
    for label in labels:
        # An example that stands in the sentence would give its answer away.
        fair = [text for text in definitions.get(label, ()) if not names_any(text, sentence.words)]
        if fair:
            usable[label] = rng.choice(fair)
    if not usable:
        return sentence, labels, {}
    n = min(rng.choice((1, 2, 3, len(usable))), len(usable), MAX_DEFINITIONS)
    chosen = rng.sample(sorted(usable), n)
    names = {label: label for label in labels}
    if rng.random() < 1 / 8:
        letters = rng.sample("ABCDEFGHIJKLMNOPQRSTUVWXYZ", n)
        hidden = chosen[: rng.randint(1, n)]
        names.update({t: f"type {a}" for t, a in zip(hidden, letters, strict=False)})
    sentence = sentence.renamed({label: names[label] for label in sentence.present})
    texts = {names[label]: usable[label] for label in chosen}
    return sentence, [names[label] for label in labels], texts


def names_any(definition: str, words: list[str]) -> bool:
    """definition (str): With examples, capitalized.
    words (list[str]): Of a sentence.
    RETURNS (bool): Whether one of the examples stands in the sentence, in upper or lower case."""
    present = {word.strip(_PUNCTUATION).lower() for word in words}
    examples = [word.strip(_PUNCTUATION) for word in definition.split()[1:]]
    return any(word[:1].isupper() and word.lower() in present for word in examples)
