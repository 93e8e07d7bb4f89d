"""Prompts in which nothing but a definition tells what a label means: for sentences written for
it (`project/assets/contrasts.jsonl`), and for passages with graded types."""

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from definitions import fair_definitions, placeholders
from graded import MARK, GradedTypes, chains
from passages import join_hyphens
from prompts import Sentence, shuffled
from spacy.language import Language

from spacy_gner.formats.tagged_words import encode_bio

Prompt = tuple[Sentence, list[str], dict[str, str]]


@dataclass(frozen=True)
class Contrast:
    """A sentence, and a label that can mean several things in it.

    label (str): The label, such as "crane".
    definitions (list[str]): What it can mean, such as "A machine that lifts heavy loads.".
    sentence (Sentence): Its labels are these definitions; some may name nothing.
    """

    label: str
    definitions: list[str]
    sentence: Sentence


def read_contrasts(path: Path) -> list[tuple[Contrast, Contrast]]:
    """Read sentences that were written for this.

    path (Path): JSONL with `text`, `label`, and `definitions`: what each of them names, as it
        stands in the text.
    RETURNS (list[tuple[Contrast, Contrast]]): Each with both kinds of words, as
        `read_passages` gives them.
    RAISES (ValueError): When a name does not stand in the text exactly once, as whole words.
    """
    nlp = spacy.blank("en")
    lines = path.read_text(encoding="utf8").splitlines()
    return [_read_contrast(nlp, json.loads(line)) for line in lines]


def _read_contrast(nlp: Language, record: dict[str, Any]) -> tuple[Contrast, Contrast]:
    doc = nlp.make_doc(record["text"])
    spans = []
    for definition, names in record["definitions"].items():
        for name in names:
            hits = list(re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", doc.text))
            span = doc.char_span(*hits[0].span()) if len(hits) == 1 else None
            if span is None:
                raise ValueError(f"{name!r} is not once in {doc.text!r}, as whole words")
            spans.append((span.start, span.end, definition))
    words = [token.text for token in doc]
    tags = encode_bio(len(words), spans)
    joined = join_hyphens(words, tags, [bool(token.whitespace_) for token in doc])
    label, definitions = record["label"], list(record["definitions"])
    return (
        Contrast(label, definitions, Sentence(*joined, "contrasts")),
        Contrast(label, definitions, Sentence(words, tags, "contrasts")),
    )


def contrast_prompt(contrast: Contrast, rng: random.Random) -> Prompt:
    """Make a prompt: mostly the label with one of its definitions; else a name that tells
    nothing with it, or both with a definition each, or the label alone, which names all.

    contrast (Contrast): The sentence.
    rng (random.Random): Decides.
    RETURNS (tuple[Sentence, list[str], dict[str, str]]): The sentence with its final labels, the
        labels of the prompt, and the definitions of labels.
    """
    label, sentence = contrast.label, contrast.sentence
    first, second = rng.sample(contrast.definitions, 2)
    (placeholder,) = placeholders(1, rng)
    mode = rng.random()
    if mode < 0.1:
        return sentence.renamed(dict.fromkeys(contrast.definitions, label)), [label], {}
    texts = {placeholder if mode < 0.25 else label: first}
    if mode > 0.85:
        texts[placeholder] = second
    names = {definition: name for name, definition in texts.items()}
    return sentence.renamed(names), shuffled(list(texts), rng), texts


def narrowed_prompt(
    sentence: Sentence,
    types: GradedTypes,
    definitions: dict[str, list[str]],
    rng: random.Random,
) -> Prompt | None:
    """Make a prompt in which a wide type has the definition of a narrow one, and names only what
    this one would name: "person", "Someone who holds a political office.". In a quarter of the
    prompts or more the narrow type is true of nothing in the passage.

    sentence (Sentence): A passage with graded labels.
    types (GradedTypes): What is known about types.
    definitions (dict[str, list[str]]): By label.
    rng (random.Random): Decides.
    RETURNS (Optional[tuple[Sentence, list[str], dict[str, str]]]): As `contrast_prompt`; None for
        a passage without such a type.
    """
    lines = chains(sentence)
    present = sorted({t for chain in lines for t in chain})
    # Only here does the definition leave something out.
    several = [t for t in present if sum(t in chain[1:] for chain in lines) > 1]
    if not several:
        return None
    wide = rng.choice(several)
    kinds = sorted({t for chain in lines if wide in chain for t in chain[: chain.index(wide)]})
    kinds = [t for t in kinds if any(wide in chain and t not in chain for chain in lines)]
    if not kinds or rng.random() < 0.25:
        kinds = types.untrue(wide, present, 8, rng)
    usable = fair_definitions(kinds, definitions, sentence.words)
    if not usable:
        return None
    narrow = rng.choice(sorted(usable))
    related = {wide, *types.under(wide), *types.over(wide), *types.over(narrow)}
    others = [t for t in present if t not in related]
    asked = rng.sample(others, rng.randint(0, min(3, len(others))))
    names = {}
    for chain in lines:
        if wide in chain and narrow in chain:
            names[MARK.join(chain)] = wide
        else:
            names.update({MARK.join(chain): t for t in reversed(chain) if t in asked})
    absent = types.negatives(present, rng.choice((0, 0, 1, 2, 4)), rng)
    labels = list(dict.fromkeys([wide, *asked, *(t for t in absent if t != narrow)]))
    return sentence.renamed(names), shuffled(labels, rng), {wide: rng.choice(usable[narrow])}
