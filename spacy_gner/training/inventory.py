"""Which labels a component shall look for, as its training corpus has it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from spacy.training import Example

from ..corpora.passage import OPEN_LABELS_KEY
from ..errors import Errors
from ..extensions import labels_elsewhere, own_value
from ..formats import LabelSet
from .pairs import gold_spans


def collect_labels(
    get_examples: Callable[[], Iterable[Example]],
    labels: LabelSet,
    augmentation: Any = None,
    spans_key: str | None = None,
    component: str = "gner",
) -> dict[str, str]:
    """Collect labels from a corpus, and let the augmentation know of open types.

    get_examples (Callable): Gives the corpus.
    labels (LabelSet): The labels so far, with their wordings.
    augmentation (Augmentation | None): Begins anew; `observe` is called with the labels of
        each passage with open types.
    spans_key (str | None): See `gold_pair`.
    component (str): The name of the component, to which Docs may say something of its own.
    RETURNS (dict[str, str]): Label -> wording: those so far, then the inventories of
        closed corpora (with their wordings, where they are mappings) and the entities of
        Docs without inventory, in order of appearance.
    RAISES (ValueError): E507 for a corpus with annotation but without any label.
    """
    found = labels.to_dict()
    reset, observe = (getattr(augmentation, name, None) for name in ("reset", "observe"))
    if reset is not None:
        reset()
    n_annotated = n_open = 0
    for example in get_examples():
        reference = example.reference
        entities, is_group = gold_spans(reference, spans_key)
        n_annotated += is_group or reference.has_annotation("ENT_IOB")
        own = inventory = own_value(reference, "gner_labels", component)
        if inventory is None:
            elsewhere = labels_elsewhere(reference, component) - set(found)
            inventory = [ent.label_ for ent in entities if ent.label_ not in elsewhere]
        wordings = inventory if isinstance(inventory, Mapping) else {i: i for i in inventory}
        if own is not None and reference.user_data.get(OPEN_LABELS_KEY):
            n_open += 1
            if observe is not None:
                observe(wordings.values())
            continue
        for label, wording in wordings.items():
            found.setdefault(label, wording)
    if n_annotated and not n_open and not found:
        raise ValueError(Errors.E507)
    return found
