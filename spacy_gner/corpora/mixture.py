"""`spacy_gner.Mixture.v1`: several data sets as one corpus."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from spacy.language import Language
from spacy.training import Example
from spacy.util import registry
from spacy.vocab import Vocab

from ..errors import Errors
from .corpus import Corpus
from .labels import get_inventory
from .passage import DATASET_KEY, Passage, make_example

Reader = Callable[[Language], Iterable[Example]]
Item = Passage | Example


@registry.readers("spacy_gner.Mixture.v1")
class Mixture:
    """Mixes data sets. Each call of the reader is one epoch; the sequence of epochs is
    the same for a new reader with the same seed.

    corpora (Mapping[str, Callable]): Name of each data set to its reader.
    cap (int): Keep at most so many Examples of each data set, sampled evenly from the whole
        set; 0 for no cap. The default is the paper's (appendix A). The sample does not
        change between epochs.
    weights (Optional[Mapping[str, float]]): How often a data set is seen, relative to
        its size after the cap; 1.0 where not given. 0.5: half of it in each epoch,
        another half in the next; 0: never.
    total (int): Examples per epoch over all data sets, shared out by size and weight; 0:
        the sum of size times weight.
    oversample (bool): Whether a data set may be repeated within an epoch, where its share
        is larger than its size. If not, its share ends at its size.
    shuffle (bool): Whether to mix the order; else one data set follows another.
    seed (int): Of sampling and shuffling.
    name_datasets (bool): Whether to keep the name of the data set in
        `doc.user_data["gner_dataset"]`, unless its reader did: for the prompt's
        `Dataset:` line.
    RAISES (ValueError): E214 for settings that make no sense.

    The sample stays in memory: as plain words and labels where a data set comes from a reader
    of this package, else as Examples. What is yielded is new for each epoch.
    """

    def __init__(
        self,
        # Not dict[str, Callable]: confection checks the unresolved blocks against the type.
        corpora: dict[str, Any],
        *,
        cap: int = 10_000,
        weights: dict[str, float] | None = None,
        total: int = 0,
        oversample: bool = False,
        shuffle: bool = True,
        seed: int = 0,
        name_datasets: bool = True,
    ) -> None:
        self.corpora: dict[str, Reader] = dict(corpora)
        self.weights = {name: 1.0 for name in self.corpora} | dict(weights or {})
        self.cap = cap
        self.total = total
        self.oversample = oversample
        self.shuffle = shuffle
        self.seed = seed
        self.name_datasets = name_datasets
        if problem := self._problem():
            raise ValueError(Errors.E214.format(error=problem))
        self._epoch = 0
        self._pools: dict[str, list[Item]] = {}
        self._vocab: Vocab | None = None

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield the Examples of the next epoch.

        nlp (Language): Passed to the readers.
        YIELDS (Example): New ones, so that changing one does not change the next epoch.
        """
        pools = self._load(nlp)
        epoch = self._epoch
        self._epoch += 1
        chosen: list[tuple[str, Item]] = []
        for name, share in self.shares(nlp).items():
            chosen.extend((name, item) for item in self._take(name, pools[name], share, epoch))
        if self.shuffle:
            random.Random(f"{self.seed}/order/{epoch}").shuffle(chosen)
        for name, item in chosen:
            yield self._make_example(nlp, name, item)

    def shares(self, nlp: Language) -> dict[str, int]:
        """How many Examples of each data set an epoch has.

        nlp (Language): Passed to the readers.
        RETURNS (dict[str, int]): Name to number of Examples.
        """
        pools = self._load(nlp)
        wanted = {name: len(pool) * self.weights[name] for name, pool in pools.items()}
        if self.total and any(wanted.values()):
            factor = self.total / sum(wanted.values())
            wanted = {name: share * factor for name, share in wanted.items()}
        shares = _round_shares(wanted)
        if not self.oversample:
            shares = {name: min(share, len(pools[name])) for name, share in shares.items()}
        return shares

    def labels(self, nlp: Language) -> list[str]:
        """The union of the inventories of the sampled Examples, sorted."""
        pools = self._load(nlp).values()
        return sorted({label for pool in pools for item in pool for label in _inventory(item)})

    def _load(self, nlp: Language) -> dict[str, list[Item]]:
        # Docs belong to a vocab: another pipeline needs its own.
        if self._vocab is not nlp.vocab:
            self._pools = {name: self._sample(name, nlp) for name in self.corpora}
            self._vocab = nlp.vocab
        return self._pools

    def _sample(self, name: str, nlp: Language) -> list[Item]:
        """Keep an even sample of a stream of unknown length (reservoir sampling), in order."""
        reader = self.corpora[name]
        items: Iterable[Item] = reader.passages(nlp) if isinstance(reader, Corpus) else reader(nlp)
        rng = random.Random(f"{self.seed}/cap/{name}")
        kept: list[tuple[int, Item]] = []
        shared: set[str] = set()
        for i, item in enumerate(items):
            if isinstance(item, Example) and item.reference._.gner_labels is None:
                shared.update(ent.label_ for ent in item.reference.ents)
            if not self.cap or i < self.cap:
                kept.append((i, item))
            elif (slot := rng.randrange(i + 1)) < self.cap:
                kept[slot] = (i, item)
        kept.sort(key=lambda entry: entry[0])
        for _, item in kept:
            if isinstance(item, Example):
                _give_inventory(item, sorted(shared))
        return [item for _, item in kept]

    def _make_example(self, nlp: Language, name: str, item: Item) -> Example:
        if isinstance(item, Passage):
            example = make_example(nlp, item, getattr(self.corpora[name], "dataset", None))
        else:
            example = Example(item.predicted.copy(), item.reference.copy())
        if self.name_datasets:
            for doc in (example.reference, example.predicted):
                doc.user_data.setdefault(DATASET_KEY, name)
        return example

    def _take(self, name: str, pool: list[Item], share: int, epoch: int) -> Iterator[Item]:
        """Take the epoch's part of an endless sequence of permutations of the data set:
        each Example is seen once before any is seen again, also across epochs."""
        for position in range(epoch * share, (epoch + 1) * share):
            round_, place = divmod(position, len(pool))
            if position == epoch * share or place == 0:
                order = list(range(len(pool)))
                if self.shuffle:
                    random.Random(f"{self.seed}/{name}/{round_}").shuffle(order)
            yield pool[order[place]]

    def _problem(self) -> str | None:
        """RETURNS (str | None): What makes no sense in the settings, if anything."""
        if not self.corpora:
            return "`corpora` names no data set"
        for name, reader in self.corpora.items():
            if not callable(reader):
                return f"`corpora.{name}` is {reader!r}, not a reader: give it an @readers line"
        if unknown := sorted(set(self.weights) - set(self.corpora)):
            return f"`weights` names {unknown}, which are not in `corpora`"
        if any(weight < 0 for weight in self.weights.values()) or not any(self.weights.values()):
            return "a weight is negative, or all are 0"
        if self.cap < 0 or self.total < 0:
            return "`cap` and `total` cannot be negative (0 means no limit)"
        return None


def _give_inventory(example: Example, shared: list[str]) -> None:
    """Let both Docs of an Example carry the inventory: its own, else what its data set
    has. Asked for the labels of other data sets, it would be trained on wrong O's."""
    inventory = example.reference._.gner_labels
    for doc in (example.reference, example.predicted):
        if doc._.gner_labels is None:
            doc._.gner_labels = shared if inventory is None else inventory


def _inventory(item: Item) -> Sequence[str]:
    return list(item.labels) if isinstance(item, Passage) else get_inventory(item)


def _round_shares(wanted: Mapping[str, float]) -> dict[str, int]:
    """Round so that the sum is kept: the largest remainders are rounded up."""
    shares = {name: int(share) for name, share in wanted.items()}
    left = round(sum(wanted.values())) - sum(shares.values())
    by_remainder = sorted(wanted, key=lambda name: shares[name] - wanted[name])
    for name in by_remainder[:left]:
        shares[name] += 1
    return shares
