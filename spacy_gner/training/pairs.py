"""Gold annotation as the model is to see it: words, tags and labels of one sentence."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from spacy.tokens import Doc, Span

from ..corpora.passage import DATASET_KEY, OPEN_LABELS_KEY
from ..errors import Errors
from ..extensions import labels_elsewhere, own_value
from ..formats import LabelSet, WordSpan
from ..formats.overlaps import split_flat
from ..formats.tagged_words import decode_tags, encode_bio
from ..planning.words import DocWords


@dataclass(frozen=True)
class TrainingPair:
    """What becomes a prompt and its target.

    words (tuple[str, ...]): The words, length N.
    tags (tuple[str | None, ...]): Their BIO tags ("O", "B-city", "I-city") in the wording
        of the prompt, length N; None for a word without annotation.
    wordings (tuple[str, ...]): The wordings in the prompt, in its order.
    dataset (str | None): For the prompt's `Dataset:` line.
    is_open (bool): Whether any other label may be asked for as well: the corpus has no
        closed inventory (Pile-NER), and what it did not annotate is not there.
    sentences (tuple[int, ...]): Indices of the words that begin a sentence, as in `DocWords`.
    names (Mapping[str, str]): Wording -> entity label, where the two differ: definitions and
        examples of the prompt may be given by either.
    nested (tuple[tuple[int, int, str], ...]): Further entities in the wording of the prompt:
        they overlap those of the tags, which are the longest.
    """

    words: tuple[str, ...]
    tags: tuple[str | None, ...]
    wordings: tuple[str, ...]
    dataset: str | None = None
    is_open: bool = False
    sentences: tuple[int, ...] = (0,)
    names: Mapping[str, str] = field(default_factory=dict)
    nested: tuple[WordSpan, ...] = ()

    @property
    def label_set(self) -> LabelSet:
        """RETURNS (LabelSet): The labels of the prompt."""
        return LabelSet(
            tuple(self.names.get(label, label) for label in self.wordings), self.wordings
        )

    @property
    def present(self) -> set[str]:
        """RETURNS (set[str]): The labels of the entities."""
        tagged = {tag[2:] for tag in self.tags if tag is not None and tag != "O"}
        return tagged | {label for _, _, label in self.nested}

    def flat_spans(self) -> list[WordSpan]:
        """RETURNS (list[WordSpan]): The entities of the tags: no two overlap."""
        return decode_tags([tag or "O" for tag in self.tags])

    def spans(self) -> list[WordSpan]:
        """RETURNS (list[WordSpan]): All entities, by start."""
        return sorted([*self.flat_spans(), *self.nested])

    def without(self, labels: set[str]) -> "TrainingPair":
        """Leave labels out: of the prompt, and their words become O.

        labels (set[str]): Wordings.
        RETURNS (TrainingPair): A copy.
        """
        tags = tuple("O" if tag is not None and tag[2:] in labels else tag for tag in self.tags)
        kept = tuple(label for label in self.wordings if label not in labels)
        nested = tuple(span for span in self.nested if span[2] not in labels)
        return replace(self, tags=tags, wordings=kept, nested=nested)

    def reworded(self, wordings: Mapping[str, str]) -> "TrainingPair":
        """Call labels by other names.

        wordings (Mapping[str, str]): Old wording -> new one, of those that change.
        RETURNS (TrainingPair): A copy.
        """
        tags = tuple(
            tag if tag is None or tag == "O" else f"{tag[:2]}{wordings.get(tag[2:], tag[2:])}"
            for tag in self.tags
        )
        labels = tuple(wordings.get(label, label) for label in self.wordings)
        nested = tuple((start, end, wordings.get(own, own)) for start, end, own in self.nested)
        names = {new: self.names.get(old, old) for old, new in wordings.items()}
        names = {**self.names, **names}
        return replace(self, tags=tags, wordings=labels, nested=nested, names=names)

    def nested_in(self, words: Sequence[int]) -> tuple[WordSpan, ...]:
        """RETURNS (tuple[WordSpan, ...]): What some of the words, by their rising indices, hold
        of the nested entities."""
        found = []
        for start, end, label in self.nested:
            first, last = bisect_left(words, start), bisect_left(words, end)
            if first < last:
                found.append((first, last, label))
        return tuple(found)

    def part(self, words: Sequence[int], labels: Sequence[str]) -> "TrainingPair":
        """Take some of the words, and ask for some of the labels.

        words (Sequence[int]): Indices of the words, rising.
        labels (Sequence[str]): Some of the labels.
        RETURNS (TrainingPair): A copy.
        """
        kept, tags = set(labels), []
        for i in words:
            tag = self.tags[i]
            is_other = tag is not None and tag != "O" and tag[2:] not in kept
            tags.append("O" if is_other else tag)
        texts = tuple(self.words[i] for i in words)
        nested = tuple(span for span in self.nested_in(words) if span[2] in kept)
        part = replace(
            self, words=texts, tags=tuple(tags), wordings=tuple(labels), sentences=(0,), nested=()
        )
        if not nested:
            return part
        # What an entity of another label covered may stand in the tags now.
        flat, nested = split_flat([*part.flat_spans(), *nested])
        return replace(part, tags=tuple(encode_bio(len(texts), flat)), nested=nested)


def gold_spans(reference: Doc, spans_key: str | None = None) -> tuple[Sequence[Span], bool]:
    """Find the entities of a Doc.

    reference (Doc): The Doc.
    spans_key (str | None): The span group that counts, in Docs that have it; else `doc.ents`.
    RETURNS (tuple[Sequence[Span], bool]): The entities, and whether they are those of the group.
    """
    if spans_key is not None and spans_key in reference.spans:
        return list(reference.spans[spans_key]), True
    return reference.ents, False


def gold_pair(
    reference: Doc,
    labels: LabelSet,
    *,
    join_hyphens: bool = True,
    readable: bool = False,
    spans_key: str | None = None,
    component: str = "gner",
) -> TrainingPair:
    """Read the gold annotation of a Doc.

    reference (Doc): The reference of an Example. Its own inventory (`doc._.gner_labels`)
        counts, where it has one; entities are compared with it.
    labels (LabelSet): The labels of the component, for Docs without one.
    join_hyphens (bool): As in inference, see `Windower`. Where an entity begins or ends at the
        hyphen, the words stay apart.
    readable (bool): As in inference, see `LabelSet.make`.
    spans_key (str | None): A span group whose entities count instead of `doc.ents` in Docs that
        have it. They may overlap, and the whole Doc counts as annotated.
    component (str): The name of the component. What the Doc asks of others only is O for it.
    RETURNS (TrainingPair): Tokens with `ent_iob` 0 (never annotated) have the tag None.
    RAISES (ValueError): E501 for an entity whose label would not be in the prompt.
    """
    own = own_value(reference, "gner_labels", component)
    if own is not None:
        labels = labels.adopt(own, readable=readable)
    wordings = labels.to_dict()
    entities, is_group = gold_spans(reference, spans_key)
    edges = {edge for ent in entities for edge in (ent.start, ent.end)}
    words = DocWords.from_doc(reference, join_hyphens, edges)
    spans: list[WordSpan] = []
    elsewhere = labels_elsewhere(reference, component) - set(wordings)
    for ent in entities:
        if ent.label_ in elsewhere:
            continue
        if ent.label_ not in wordings:
            raise ValueError(
                Errors.E501.format(
                    label=ent.label_, text=ent.text, labels=", ".join(wordings) or "none"
                )
            )
        inside = [i for i, token in enumerate(words.tokens) if ent.start <= token < ent.end]
        if inside:
            spans.append((inside[0], inside[-1] + 1, wordings[ent.label_]))
    flat, nested = split_flat(spans)
    tags: list[str | None] = list(encode_bio(len(words.texts), flat))
    for i, token in enumerate(words.tokens):
        if reference[token].ent_iob == 0 and not is_group:
            tags[i] = None
    return TrainingPair(
        words.texts,
        tuple(tags),
        labels.wordings,
        reference.user_data.get(DATASET_KEY),
        bool(reference.user_data.get(OPEN_LABELS_KEY)),
        words.sentences,
        {wording: name for name, wording in labels if name != wording},
        nested,
    )
