"""Labels of corpora: which names can be prompted, and the inventory of a corpus."""

from collections.abc import Sequence

from spacy.training import Example

from ..errors import Errors
from ..extensions import inventory_of
from ..formats import LabelSet
from .read_report import CorpusError


def is_usable_label(label: str) -> bool:
    """Whether a label can stand in a prompt and in a tag: not blank, no "(", ")", ",", not "O"."""
    try:
        LabelSet.make([label])
    except ValueError:
        return False
    return label.isprintable()


def check_label(label: str, place: str) -> None:
    """Raise if a label cannot be prompted.

    label (str): The label as it stands in the data.
    place (str): File and line, for the error.
    RAISES (CorpusError): E209.
    """
    if not is_usable_label(label):
        raise CorpusError(Errors.E209.format(place=place, label=label))


def get_inventory(example: Example) -> list[str]:
    """The label inventory that an Example carries.

    example (Example): From one of the readers, or from a DocBin that `convert` wrote.
    RETURNS (list[str]): The labels that are annotated in it, whether or not they occur.
        Without an inventory: the labels of its entities.
    """
    labels: Sequence[str] | None = inventory_of(example.reference)
    if labels is None:
        return sorted({ent.label_ for ent in example.reference.ents})
    return list(labels)
