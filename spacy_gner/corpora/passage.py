"""The one form that every corpus is read into, and how it becomes an Example."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from ..extensions import register_extensions

# The name of the data set, for the prompt's `Dataset:` line (kept in a DocBin too).
DATASET_KEY = "gner_dataset"
# Set for passages whose types are open: training may ask for other types as well.
OPEN_LABELS_KEY = "gner_open_labels"

register_extensions()


@dataclass(frozen=True)
class Passage:
    """Words with entities.

    words (Sequence[str]): N words.
    entities (Sequence[tuple[int, int, str]]): First word, word after the last, label;
        in order and without overlap.
    labels (Sequence[str] | Mapping[str, str]): The inventory: the labels that are annotated in
        this passage, or these with their wordings.
    spaces (Optional[Sequence[bool]]): Whether a space follows each word; None if unknown.
    missing (Sequence[int]): The words without annotation.
    is_open (bool): Whether the types are open: any type that was not annotated is absent, as
        in Pile-NER. With a closed inventory, types outside of it are O in the passage.
    dataset (Optional[str]): Name of the data set, if the passage itself knows it.
    """

    words: Sequence[str]
    entities: Sequence[tuple[int, int, str]]
    labels: Sequence[str] | Mapping[str, str]
    spaces: Sequence[bool] | None = None
    missing: Sequence[int] = ()
    is_open: bool = False
    dataset: str | None = None

    def __post_init__(self) -> None:
        # Equal words share their memory: large mixtures are kept as passages.
        object.__setattr__(self, "words", tuple(map(sys.intern, self.words)))


def make_example(nlp: Language, passage: Passage, dataset: str | None = None) -> Example:
    """Make an Example whose predicted and reference Doc have the same words.

    nlp (Language): Gives the vocab.
    passage (Passage): The words and their entities.
    dataset (Optional[str]): Name of the data set, kept in `user_data["gner_dataset"]`. The
        passage's own name comes first.
    RETURNS (Example): Both Docs carry the inventory in `doc._.gner_labels`. Words
        without annotation are missing in the reference (`ent_iob` 0), not O.
    """
    name = passage.dataset or dataset
    predicted = _make_doc(nlp.vocab, passage, name)
    reference = _make_doc(nlp.vocab, passage, name)
    reference.set_ents(
        [Span(reference, start, end, label=label) for start, end, label in passage.entities],
        missing=[Span(reference, i, i + 1) for i in passage.missing],
    )
    return Example(predicted, reference)


def _make_doc(vocab: Vocab, passage: Passage, dataset: str | None) -> Doc:
    spaces = None if passage.spaces is None else list(passage.spaces)
    doc = Doc(vocab, words=list(passage.words), spaces=spaces)
    labels = passage.labels
    doc._.gner_labels = dict(labels) if isinstance(labels, Mapping) else list(labels)
    if dataset is not None:
        doc.user_data[DATASET_KEY] = dataset
    if passage.is_open:
        doc.user_data[OPEN_LABELS_KEY] = True
    return doc
