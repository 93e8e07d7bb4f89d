"""Prompts for passages with graded types.

A mention of these passages has all types that are in use in the passage and true of it,
narrowest first, as one label: "politician|person". A prompt asks for some of them, and the
mention gets the narrowest that was asked for. A wide type that is *not* in use in the passage may
still be true of its mentions, so it never is a negative.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from prompts import MAX_LABELS, Sentence, shuffled
from wordings import KIN

MARK = "|"


def chains(sentence: Sentence) -> list[tuple[str, ...]]:
    """RETURNS (list[tuple[str, ...]]): The types of every kind of mention, narrowest first."""
    return [tuple(label.split(MARK)) for label in sentence.present]


class GradedTypes:
    """What the passages tell about their types.

    passages (Sequence[Sentence]): All of them, with labels such as "politician|person".
    """

    def __init__(self, passages: Sequence[Sentence]) -> None:
        self._together: dict[str, set[str]] = defaultdict(set)
        # Of every wide type, the types that stood before it.
        self._under: dict[str, set[str]] = defaultdict(set)
        # Of every narrow type, the types that stood behind it.
        self._over: dict[str, set[str]] = defaultdict(set)
        self._in_passage = [{t for chain in chains(p) for t in chain} for p in passages]
        self._passages_of: dict[str, list[int]] = defaultdict(list)
        counts = Counter(t for types in self._in_passage for t in types)
        for i, types in enumerate(self._in_passage):
            for t in types:
                self._passages_of[t].append(i)
        for passage in passages:
            for chain in chains(passage):
                for i, t in enumerate(chain):
                    self._together[t].update(chain)
                    self._under[t].update(chain[:i])
                    self._over[t].update(chain[i + 1 :])
        self._all = sorted(counts)
        self._common = sorted(t for t, n in counts.items() if n >= 5)

    def under(self, wide: str) -> set[str]:
        """RETURNS (set[str]): The narrower types that a type ever had before it."""
        return self._under.get(wide, set())

    def over(self, narrow: str) -> set[str]:
        """RETURNS (set[str]): The wider types that a type ever had behind it."""
        return self._over.get(narrow, set())

    def negatives(self, types: Collection[str], n: int, rng: random.Random) -> list[str]:
        """Draw types that name nothing in a passage: none is wide, and none ever stood on one
        mention with a type of the passage. Half of them come from passages that share a type
        with it, which makes them near misses.

        types (Collection[str]): The types in use in the passage.
        n (int): How many to draw at most.
        rng (random.Random): Decides.
        RETURNS (list[str]): The types.
        """
        banned = set(types).union(*(self._together.get(t, ()) for t in types))
        drawn = []
        for _ in range(n):
            sharing: list[int] = []
            if types and rng.random() < 0.5:
                sharing = self._passages_of.get(rng.choice(sorted(types)), [])
            pool = sorted(self._in_passage[rng.choice(sharing)] - banned) if sharing else []
            if not pool:
                pool = self._common if self._common and rng.random() < 0.6 else self._all
            drawn.append(rng.choice(pool))
        return [t for t in dict.fromkeys(drawn) if t not in banned and not self.under(t)]

    def untrue(self, wide: str, types: Collection[str], n: int, rng: random.Random) -> list[str]:
        """Draw narrow kinds of a wide type in use that are true of nothing here: none ever stood
        on one mention with a narrow type of the passage, nor is it kin to one.

        wide (str): The wide type.
        types (Collection[str]): The types in use in the passage.
        n (int): How many to draw at most.
        rng (random.Random): Decides.
        RETURNS (list[str]): The kinds.
        """
        narrow = self.under(wide) & set(types)
        banned = set(types).union(*(self._together[t] for t in narrow))
        banned = banned.union(*(line for line in KIN if line & set(types)))
        pool = [t for t in sorted(self.under(wide) - banned) if not self.under(t)]
        return rng.sample(pool, min(n, len(pool)))


def graded_prompt(
    sentence: Sentence, types: GradedTypes, rng: random.Random
) -> tuple[Sentence, list[str]]:
    """Make a prompt: in half of the cases a wide type beside narrow ones that are true of some
    of its mentions or of none, otherwise only narrow types, only wide ones, or any.

    sentence (Sentence): A passage with graded labels.
    types (GradedTypes): What is known about types.
    rng (random.Random): Decides.
    RETURNS (tuple[Sentence, list[str]]): The passage with its final labels, and the labels
        of the prompt.
    """
    present = sorted({t for chain in chains(sentence) for t in chain})
    wide = [t for t in present if types.under(t)]
    untrue: list[str] = []
    mode = rng.random()
    if mode < 0.5 and wide:
        asked, untrue = _contrast(sentence, rng.choice(wide), types, rng)
    else:
        pool = present
        if mode < 0.65:
            pool = sorted({chain[0] for chain in chains(sentence)})
        elif mode < 0.8:
            pool = sorted({chain[-1] for chain in chains(sentence)})
        asked = rng.sample(pool, rng.randint(1, len(pool))) if pool else []
    asked = asked[:MAX_LABELS]
    n_absent = rng.choice((0, 1, 2, 3, 4, 6, 8, 10, 12, 16))
    absent = types.negatives(present, n_absent if asked else max(2, n_absent), rng)
    names = {}
    for chain in chains(sentence):
        for t in chain:
            if t in asked:
                names[MARK.join(chain)] = t
                break
    labels = list(dict.fromkeys([*asked, *untrue, *absent]))[:MAX_LABELS]
    return sentence.renamed(names), shuffled(labels, rng)


def _contrast(
    sentence: Sentence, wide: str, types: GradedTypes, rng: random.Random
) -> tuple[list[str], list[str]]:
    """RETURNS (tuple[list[str], list[str]]): The types to ask for that are in use, the wide one
    among them, and kinds of it that are true of nothing."""
    present = {t for chain in chains(sentence) for t in chain}
    lines = [chain for chain in chains(sentence) if wide in chain]
    kinds = sorted({t for chain in lines for t in chain[: chain.index(wide)]})
    # Those that leave something to the wide type.
    partial = [t for t in kinds if any(t not in chain for chain in lines)]
    asked, n_untrue = [wide], rng.choice((1, 1, 2, 3))
    if partial and rng.random() < 0.65:
        asked += rng.sample(partial, 2 if len(partial) > 2 and rng.random() < 0.3 else 1)
        n_untrue = rng.choice((0, 0, 1, 2))
    elif kinds and not partial and rng.random() < 0.25:
        asked.append(rng.choice(kinds))
        n_untrue = rng.choice((0, 1))
    untrue = types.untrue(wide, present, n_untrue, rng)
    others = sorted(
        t for t in present - {wide} if t not in types.under(wide) and wide not in types.under(t)
    )
    return asked + rng.sample(others, rng.randint(0, len(others))), untrue
