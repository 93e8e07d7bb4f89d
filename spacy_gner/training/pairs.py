"""Gold annotation as the model is to see it: words, tags and labels of one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from spacy.tokens import Doc

from ..corpora.passage import DATASET_KEY, OPEN_LABELS_KEY
from ..errors import Errors
from ..formats import LabelSet, WordSpan
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
    """

    words: tuple[str, ...]
    tags: tuple[str | None, ...]
    wordings: tuple[str, ...]
    dataset: str | None = None
    is_open: bool = False
    sentences: tuple[int, ...] = (0,)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def label_set(self) -> LabelSet:
        """RETURNS (LabelSet): The labels of the prompt."""
        return LabelSet(
            tuple(self.names.get(label, label) for label in self.wordings), self.wordings
        )

    @property
    def present(self) -> set[str]:
        """RETURNS (set[str]): The labels that occur in the tags."""
        return {tag[2:] for tag in self.tags if tag is not None and tag != "O"}

    def spans(self) -> list[WordSpan]:
        """RETURNS (list[WordSpan]): The entities."""
        return decode_tags([tag or "O" for tag in self.tags])

    def without(self, labels: set[str]) -> "TrainingPair":
        """Leave labels out: of the prompt, and their words become O.

        labels (set[str]): Wordings.
        RETURNS (TrainingPair): A copy.
        """
        tags = tuple("O" if tag is not None and tag[2:] in labels else tag for tag in self.tags)
        kept = tuple(label for label in self.wordings if label not in labels)
        return replace(self, tags=tags, wordings=kept)

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
        return replace(self, words=texts, tags=tuple(tags), wordings=tuple(labels), sentences=(0,))


def gold_pair(
    reference: Doc, labels: LabelSet, *, join_hyphens: bool = True, readable: bool = False
) -> TrainingPair:
    """Read the gold annotation of a Doc.

    reference (Doc): The reference of an Example. Its own inventory (`doc._.gner_labels`)
        counts, where it has one; entities are compared with it.
    labels (LabelSet): The labels of the component, for Docs without one.
    join_hyphens (bool): As in inference, see `Windower`. Where an entity begins or ends at the
        hyphen, the words stay apart.
    readable (bool): As in inference, see `LabelSet.make`.
    RETURNS (TrainingPair): Tokens with `ent_iob` 0 (never annotated) have the tag None.
    RAISES (ValueError): E501 for an entity whose label would not be in the prompt.
    """
    own = reference._.gner_labels
    if own is not None:
        labels = labels.adopt(own, readable=readable)
    wordings = labels.to_dict()
    edges = {edge for ent in reference.ents for edge in (ent.start, ent.end)}
    words = DocWords.from_doc(reference, join_hyphens, edges)
    spans: list[WordSpan] = []
    for ent in reference.ents:
        if ent.label_ not in wordings:
            raise ValueError(
                Errors.E501.format(
                    label=ent.label_, text=ent.text, labels=", ".join(wordings) or "none"
                )
            )
        inside = [i for i, token in enumerate(words.tokens) if ent.start <= token < ent.end]
        if inside:
            spans.append((inside[0], inside[-1] + 1, wordings[ent.label_]))
    tags: list[str | None] = list(encode_bio(len(words.texts), spans))
    for i, token in enumerate(words.tokens):
        if reference[token].ent_iob == 0:
            tags[i] = None
    return TrainingPair(
        words.texts,
        tuple(tags),
        labels.wordings,
        reference.user_data.get(DATASET_KEY),
        bool(reference.user_data.get(OPEN_LABELS_KEY)),
        words.sentences,
        {wording: name for name, wording in labels if name != wording},
    )
