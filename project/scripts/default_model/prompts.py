"""Sentences with the labels that they are asked for."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from wordings import WIDER_OF, aside, beside, reword, widen

MAX_LABELS = 22
# Labels that are hardly ever annotated everywhere: asked for only where they occur.
UNSAFE = set(
    "date year time day month number quantity percentage duration money price age temperature "
    "measurement title role country city place location person organization people item name "
    "nationality profession occupation event product language object thing".split()
)
# Of these, the ones that are safe where every name of the sentence is annotated.
NAMES = {"country", "city", "location", "person", "organization", "event", "product", "language"}
# Words of labels that a title, or a year, may bear under another name.
WORKS = set(
    "title movie film show series book novel song album game play poem anime podcast video "
    "documentary work track".split()
)
TIMES = set("year decade century date time period era season month day version".split())


@dataclass(frozen=True)
class Sentence:
    """A sentence of a data set.

    words (list[str]): N words.
    tags (list[str]): N BIO tags.
    source (str): Name of the data set.
    """

    words: list[str]
    tags: list[str]
    source: str

    @property
    def present(self) -> list[str]:
        """RETURNS (list[str]): The labels that occur, in order of appearance."""
        return list(dict.fromkeys(tag[2:] for tag in self.tags if tag != "O"))

    def renamed(self, names: dict[str, str]) -> "Sentence":
        """RETURNS (Sentence): With other labels; those that are not named become O."""
        tags = ["O" if t == "O" or t[2:] not in names else t[:2] + names[t[2:]] for t in self.tags]
        return Sentence(self.words, tags, self.source)

    def lowered(self) -> "Sentence":
        """RETURNS (Sentence): As a typed query: lower-cased, without punctuation outside
        of entities. The sentence itself where nothing would be left."""
        kept = [
            (word.lower(), tag)
            for word, tag in zip(self.words, self.tags, strict=True)
            if tag != "O" or any(char.isalnum() for char in word)
        ]
        if not kept:
            return self
        return Sentence([w for w, _ in kept], [t for _, t in kept], self.source)

    def has_untagged_names(self) -> bool:
        """RETURNS (bool): Whether a word that is not tagged looks like a name."""
        pairs = list(zip(self.words, self.tags, strict=True))[1:]
        return any(tag == "O" and word[:1].isupper() and word != "I" for word, tag in pairs)

    def absent_though_unsafe(self) -> set[str]:
        """RETURNS (set[str]): Of the unsafe labels, those that surely name nothing here. A
        model that is asked for titles only where there is one finds one everywhere."""
        words = {word for label in self.present for word in label.split()}
        absent = set()
        if not words & WORKS and not self.has_untagged_names():
            absent.add("title")
        if not words & TIMES and not any(c.isdigit() for word in self.words for c in word):
            absent.add("year")
        return absent


class OpenLabels:
    """Draws labels that do not occur in a passage from those of other passages.

    passages (Sequence[Sentence]): All passages with open types.
    """

    def __init__(self, passages: Sequence[Sentence]) -> None:
        self.neighbors: dict[str, Counter[str]] = {}
        counts: Counter[str] = Counter()
        for passage in passages:
            present = passage.present
            counts.update(present)
            for label in present:
                self.neighbors.setdefault(label, Counter()).update(
                    other for other in present if other != label
                )
        self.all = sorted(counts)
        self.common = sorted(label for label, n in counts.items() if n >= 8)

    def draw(self, sentence: Sentence, n: int, rng: random.Random) -> list[str]:
        """Draw labels: half of them are often seen together with those of the sentence,
        which makes them hard to tell apart from these; the rest are any.

        sentence (Sentence): The passage.
        n (int): How many to draw at most.
        rng (random.Random): Decides.
        RETURNS (list[str]): Labels that do not occur in the passage.
        """
        near: Counter[str] = Counter()
        for label in sentence.present:
            near.update(self.neighbors[label])
        names = sorted(near)
        drawn: list[str] = []
        for _ in range(n):
            if names and rng.random() < 0.5:
                drawn.append(rng.choices(names, [near[name] for name in names])[0])
            else:
                drawn.append(rng.choice(self.common if rng.random() < 0.6 else self.all))
        unsafe = UNSAFE if sentence.has_untagged_names() or not names else UNSAFE - NAMES
        unsafe = unsafe - sentence.absent_though_unsafe()
        return [d for d in dict.fromkeys(drawn) if d not in sentence.present and d not in unsafe]


def relabel(
    sentence: Sentence, rng: random.Random, dropout: float
) -> tuple[Sentence, list[str], set[str]]:
    """Give a passage with open types some labels in other or wider words, and wider terms
    beside narrow ones or narrow ones beside wider terms, which then name nothing.

    sentence (Sentence): The passage.
    rng (random.Random): Decides.
    dropout (float): How often one of several labels is left out.
    RETURNS (tuple[Sentence, list[str], set[str]]): The passage with its final labels, the
        labels that are asked for, and those that name something in it.
    """
    wider = widen(sentence.present, rng, 0.3)
    names = {label: wide for label, wide in wider.items() if wide != label}
    rest = reword([label for label in sentence.present if label not in names], rng, 0.35)
    names.update(rest)
    wider_terms = [] if sentence.has_untagged_names() else beside(names, rng, 0.3)
    narrow_terms = aside(names, rng, 0.6)
    taken = {*sentence.present, *names.values(), *wider_terms, *narrow_terms}
    # A label is not left out where its wider term is asked for: that would name it as well.
    asked = {*names.values(), *wider_terms}
    droppable = sorted(label for label in names if WIDER_OF.get(label) not in asked)
    if droppable and len(names) > 2 and rng.random() < dropout:
        names.pop(rng.choice(droppable))
    labels = list(dict.fromkeys([*names.values(), *wider_terms, *narrow_terms]))
    return sentence.renamed(names), labels, taken


def open_prompt(
    sentence: Sentence, labels: OpenLabels, rng: random.Random
) -> tuple[Sentence, list[str]]:
    """Make a prompt for a passage with open types: its labels as `relabel` has them, and up to
    20 that do not occur.

    sentence (Sentence): The passage.
    labels (OpenLabels): Gives labels that do not occur.
    rng (random.Random): Decides.
    RETURNS (tuple[Sentence, list[str]]): The passage with its final labels, and the labels
        of the prompt.
    """
    external = labels.draw(sentence, rng.choice((0, 2, 4, 6, 8, 8, 10, 12, 16, 20)), rng)
    changed, prompt, taken = relabel(sentence, rng, dropout=0.1)
    # A wording may name what a label that is not in the sentence would name as well.
    prompt += [label for label in external if label not in taken]
    return changed, shuffled(prompt[:MAX_LABELS], rng)


def closed_prompt(
    sentence: Sentence, inventory: Sequence[str], rng: random.Random
) -> tuple[Sentence, list[str]]:
    """Make a prompt for a sentence of a data set with a fixed inventory: all labels of it
    that occur, and some that do not.

    sentence (Sentence): The sentence.
    inventory (Sequence[str]): All labels of its data set, the most frequent ones first.
    rng (random.Random): Decides.
    RETURNS (tuple[Sentence, list[str]]): As `open_prompt`.
    """
    present = sentence.present
    if len(present) > 2 and rng.random() < 0.1:
        present.remove(rng.choice(present))
    absent = [label for label in inventory if label not in sentence.present]
    n_absent = min(len(absent), rng.choice((2, 4, 6, 8, 10, 12, 16)), MAX_LABELS - len(present))
    prompt = present + rng.sample(absent, max(0, n_absent))
    names = reword(prompt, rng, 0.25)
    if len(set(names.values())) < len(names):
        # In a fixed inventory two labels are two things: they must not get one name.
        names = {label: label for label in prompt}
    changed = sentence.renamed({label: names[label] for label in present})
    return changed, shuffled([names[label] for label in prompt], rng)


def shuffled(labels: Sequence[str], rng: random.Random) -> list[str]:
    """RETURNS (list[str]): The labels in random order."""
    result = list(labels)
    rng.shuffle(result)
    return result
