"""Definitions of labels for the prompt."""

import random
from collections.abc import Iterable
from pathlib import Path
from string import ascii_uppercase

from graded import GradedTypes
from prompts import Sentence

# As many as leave room for the sentence.
MAX_DEFINITIONS = 6
# Of the prompts with definitions.
HIDDEN_SHARE = 0.5
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
    sentence: Sentence,
    labels: list[str],
    definitions: dict[str, list[str]],
    types: GradedTypes,
    rng: random.Random,
) -> tuple[Sentence, list[str], dict[str, str]]:
    """Give some labels a definition. In half of the prompts, some of these have a name that does
    not tell what is meant, so that the definition must be read: one that says nothing ("type K"),
    or that of a wider type ("person", defined as a politician).

    sentence (Sentence): With its final labels.
    labels (list[str]): Of the prompt.
    definitions (dict[str, list[str]]): By label.
    types (GradedTypes): Knows which types are wider.
    rng (random.Random): Decides.
    RETURNS (tuple[Sentence, list[str], dict[str, str]]): The sentence and the labels, perhaps
        with other names, and the definitions by name.
    """
    fair = fair_definitions(labels, definitions, sentence.words)
    usable = {label: rng.choice(texts) for label, texts in fair.items()}
    if not usable:
        return sentence, labels, {}
    n = min(rng.choice((1, 2, 3, len(usable))), len(usable), MAX_DEFINITIONS)
    present = [label for label in sentence.present if label in usable]
    chosen = rng.sample(sorted(usable), n)
    names = {label: label for label in labels}
    if rng.random() < HIDDEN_SHARE:
        # A label that names nothing teaches less.
        if present and not set(present) & set(chosen):
            chosen[0] = rng.choice(present)
        for label, placeholder in zip(chosen, placeholders(n, rng), strict=True):
            if rng.random() < 0.75:
                wider = sorted(types.over(label) - {*labels, *names.values()})
                nothing = rng.random() < 0.5 or not wider
                names[label] = placeholder if nothing else rng.choice(wider)
    sentence = sentence.renamed({label: names[label] for label in sentence.present})
    texts = {names[label]: usable[label] for label in chosen}
    return sentence, [names[label] for label in labels], texts


def fair_definitions(
    labels: Iterable[str], definitions: dict[str, list[str]], words: list[str]
) -> dict[str, list[str]]:
    """labels (Iterable[str]): Labels.
    definitions (dict[str, list[str]]): By label.
    words (list[str]): Of a sentence.
    RETURNS (dict[str, list[str]]): Of the labels that have some, the definitions without an example
        that stands in the sentence: it would give the answer away."""
    fair = {
        label: [text for text in definitions.get(label, ()) if not names_any(text, words)]
        for label in labels
    }
    return {label: texts for label, texts in fair.items() if texts}


def placeholders(n: int, rng: random.Random) -> list[str]:
    """RETURNS (list[str]): Names of labels that tell nothing, all different."""
    return [f"type {letter}" for letter in rng.sample(ascii_uppercase, n)]


def names_any(definition: str, words: list[str]) -> bool:
    """definition (str): With examples, capitalized.
    words (list[str]): Of a sentence.
    RETURNS (bool): Whether one of the examples stands in the sentence, in upper or lower case."""
    present = {word.strip(_PUNCTUATION).lower() for word in words}
    examples = [word.strip(_PUNCTUATION) for word in definition.split()[1:]]
    return any(word[:1].isupper() and word.lower() in present for word in examples)
