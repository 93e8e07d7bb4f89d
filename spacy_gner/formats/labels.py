"""The labels of a prompt: validated, ordered, with their wording."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Errors
from .label_names import readable as readable_wording

# What a user may write for labels: names that are prompted as they are, a mapping from the
# label of the entity to its wording in the prompt, or such pairs in a list.
LabelsInput = Sequence[str] | Sequence[Sequence[str]] | Mapping[str, str]

# What the output format uses as marks, or what no single line can hold.
_FORBIDDEN = re.compile(r"[(),]|[^\S ]")
_NAMES = {"(": "'('", ")": "')'", ",": "','", "\n": "a line break", "\r": "a line break"}


@dataclass(frozen=True)
class LabelSet:
    """An ordered set of labels, each with the wording that stands in the prompt.

    names (tuple[str, ...]): The labels of the entities (`ent.label_`), length L.
    wordings (tuple[str, ...]): Their wordings in the prompt, length L.

    Instances are hashable, so that they can be the key of a cache. Make them
    with `LabelSet.make`, which validates.
    """

    names: tuple[str, ...]
    wordings: tuple[str, ...]

    @classmethod
    def make(cls, labels: LabelsInput, *, readable: bool = False) -> "LabelSet":
        """Validate what a user wrote.

        labels (Sequence[str] | Sequence[Sequence[str]] | Mapping[str, str]): Labels that are
            prompted as they are, or a mapping (or pairs) from entity label to wording.
        readable (bool): Whether labels without a wording get one where their name was made for
            programs, see `label_names.readable`. Where two names have the same wording, the
            second one stays as it is.
        RETURNS (LabelSet): In the order given.
        RAISES (ValueError): E001 to E005 for labels that are empty, occur twice,
            contain '(', ')', ',' or line breaks, or are no list or mapping.
        """
        if isinstance(labels, LabelSet):
            return labels
        names, given = _names_and_wordings(labels)
        for label in (*names, *(given or ())):
            if not isinstance(label, str) or not label.strip():
                raise ValueError(Errors.E001.format(label=label))
        wordings = _readable(names) if given is None and readable else given or names
        for wording in wordings:
            _check_wording(wording)
        for group in (names, wordings):
            seen: set[str] = set()
            for label in group:
                if label in seen:
                    raise ValueError(Errors.E002.format(label=label))
                seen.add(label)
        return cls(tuple(names), tuple(wordings))

    def adopt(self, own: LabelsInput, *, readable: bool = False) -> "LabelSet":
        """The labels of one Doc, in the wordings of this set where it has them.

        own (Sequence[str] | Mapping[str, str]): As for `make`; a mapping keeps its wordings.
        readable (bool): See `make`.
        RETURNS (LabelSet): The Doc's labels.
        RAISES (ValueError): See `make`.
        """
        if not isinstance(own, Sequence) or isinstance(own, str | bytes | Mapping):
            return LabelSet.make(own)
        names = [name for name in own if isinstance(name, str)]
        if len(set(names)) < len(own):
            return LabelSet.make(own)  # pairs; or what stands there twice, which `make` names
        known = self.to_dict()
        wordings = {name: known[name] for name in names if name in known}
        taken = set(wordings.values())
        new = LabelSet.make([name for name in names if name not in known], readable=readable)
        for name, wording in new:
            wordings[name] = name if wording in taken else wording
        return LabelSet.make({name: wordings[name] for name in names})

    def with_decoys(self, decoys: Sequence[str]) -> "LabelSet":
        """Ask for more than is wanted.

        decoys (Sequence[str]): Wordings; those that are asked for already are passed over.
        RETURNS (LabelSet): These labels, then the decoys under names that no label has.
        """
        names, wordings = list(self.names), list(self.wordings)
        for wording in decoys:
            if wording not in wordings:
                name = f"decoy: {wording}"
                while name in names:
                    name += "'"
                names.append(name)
                wordings.append(wording)
        return LabelSet(tuple(names), tuple(wordings))

    def name_of(self, wording: str) -> str:
        """RETURNS (str): The entity label behind a wording."""
        return self.names[self.wordings.index(wording)]

    def subset(self, indices: Sequence[int]) -> "LabelSet":
        """RETURNS (LabelSet): The labels at these positions, in this order."""
        return LabelSet(
            tuple(self.names[i] for i in indices), tuple(self.wordings[i] for i in indices)
        )

    def to_dict(self) -> dict[str, str]:
        """RETURNS (dict[str, str]): Entity label -> wording, in order."""
        return dict(zip(self.names, self.wordings, strict=True))

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(zip(self.names, self.wordings, strict=True))


def _names_and_wordings(labels: Any) -> tuple[list[Any], list[Any] | None]:
    """RETURNS (tuple[list, list | None]): Names, and their wordings where they have some."""
    if isinstance(labels, Mapping):
        return list(labels.keys()), list(labels.values())
    if not isinstance(labels, Sequence) or isinstance(labels, str | bytes):
        raise ValueError(Errors.E004.format(found=labels))
    is_pair = [isinstance(label, list | tuple) and len(label) == 2 for label in labels]
    if is_pair and all(is_pair):
        return [name for name, _ in labels], [wording for _, wording in labels]
    return list(labels), None


def _readable(names: Sequence[str]) -> list[str]:
    wordings: list[str] = []
    for name in names:
        wording = readable_wording(name)
        # PER beside PERSON: two labels cannot share a wording.
        wordings.append(name if wording in wordings or wording in names else wording)
    return wordings


def _check_wording(wording: str) -> None:
    found = _FORBIDDEN.search(wording)
    tidy = " ".join(re.sub(r"[(),]", " ", wording).split()) or "label"
    if found:
        what: Any = _NAMES.get(found.group(), "white space other than a blank")
        raise ValueError(Errors.E003.format(label=wording, found=what, suggestion=tidy))
    if tidy != wording:
        what = "blanks at its ends or in a row"
        raise ValueError(Errors.E003.format(label=wording, found=what, suggestion=tidy))
    if wording == "O":
        raise ValueError(Errors.E005.format())
