"""The plain settings of the component: what may stand in them, and how a config writes them."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar, overload

import srsly
from spacy import util
from spacy.language import Language
from thinc.api import Config

from ..errors import Errors
from ..formats import LabelSet
from ..formats.labels import LabelsInput
from ..planning.guidance import check_definitions, make_shots, read_examples

T = TypeVar("T")

Threshold = float | Literal["auto"] | Mapping[str, float] | None


class Setting(Generic[T]):
    """An attribute of the component that is one of its settings: checked when it is set, and
    shown in `nlp.config`.

    doc (str): What it means.
    """

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, component: None, owner: type) -> "Setting[T]": ...

    @overload
    def __get__(self, component: Any, owner: type) -> T: ...

    def __get__(self, component: Any, owner: type) -> "Setting[T] | T":
        if component is None:
            return self
        value = component.cfg[self.name]
        # A change in place would be neither checked nor shown.
        return MappingProxyType(value) if isinstance(value, dict) else value  # type: ignore[return-value]

    def __set__(self, component: Any, value: T) -> None:
        component.change_settings(**{self.name: value})


class Pipelines(weakref.WeakSet[Language]):
    """The pipelines whose configs show a component's settings. They do not travel with it."""

    def __reduce__(self) -> tuple[type["Pipelines"], tuple[()]]:
        return Pipelines, ()


def check_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse settings that cannot work.

    values (Mapping[str, Any]): Some or all of the keys of `CHECKS`. With `set_ents` false a
        `spans_key` must say where entities go; this is checked when both are there.
    RETURNS (dict[str, Any]): The settings as plain values of JSON.
    RAISES (ValueError): E017, with what to write instead; E001 to E005 for decoys.
    """
    checked = {field: CHECKS[field](field, value) for field, value in values.items()}
    if checked.get("set_ents", True) is False and checked.get("spans_key", "") is None:
        _refuse("set_ents", "true unless spans_key names a span group", False)
    return checked


def read_saved(saved: bytes, name: str) -> tuple[dict[str, Any], dict[str, Any], str | None]:
    """Read the settings of a saved component, which may have been written by anybody.

    saved (bytes): JSON: settings, and under "config" what the config of the pipeline said
        when they were saved.
    name (str): The component, for the message.
    RETURNS (tuple[dict, dict, str | None]): The settings, those of the config, and a sample of
        the format that the weights were trained with.
    RAISES (ValueError): E033 for a file of another shape, or settings that cannot work.
    """
    try:
        found = srsly.json_loads(saved)
        if not isinstance(found, dict) or not isinstance(found.get("config", {}), dict):
            raise ValueError("not a JSON object with settings")
        read = []
        for values in (found, found.get("config", found)):
            known = {k: v for k, v in values.items() if k in CHECKS}
            checked = check_settings(known)
            if "labels" in values:
                checked["labels"] = LabelSet.make(values["labels"]).to_dict()
            read.append(checked)
        trained = found.get("trained_format")
        if trained is not None and not isinstance(trained, str):
            raise ValueError("trained_format is no text")
    except ValueError as error:
        raise ValueError(Errors.E033.format(name=name, reason=error)) from error
    return read[0], read[1], trained


def read_config(directory: Path) -> dict[str, Any]:
    """Read what the config of a saved pipeline says about the settings of a component.

    directory (Path): Where the component is saved, beside the config.cfg of its pipeline.
    RETURNS (dict[str, Any]): The settings; empty when there is no such config.
    """
    path = directory.parent / "config.cfg"
    try:
        block = util.load_config(path, interpolate=True)["components"][directory.name]
        found = check_settings({k: v for k, v in block.items() if k in CHECKS})
        readable = found["readable_labels"]
        found["labels"] = LabelSet.make(block["labels"], readable=readable).to_dict()
    except (OSError, KeyError, ValueError):
        return {}
    return found


def check_keys(field: str, values: Any) -> None:
    """Refuse a mapping whose keys would not survive in a config file.

    field (str): The setting, for the message.
    values (Any): Its value; anything but a mapping is fine.
    RAISES (ValueError): E034, with another way to write it.
    """
    if not isinstance(values, Mapping):
        return
    for key in values:
        if not _is_config_key(key):
            pairs = [[str(k), v] for k, v in values.items()]
            raise ValueError(Errors.E034.format(field=field, key=key, pairs=pairs))


def config_labels(labels: LabelSet, readable: bool) -> list[Any]:
    """Write labels as a config has them.

    labels (LabelSet): The labels.
    readable (bool): Whether names alone get readable wordings, see `LabelSet.make`.
    RETURNS (list[str] | list[list[str]]): The names where they say it all, otherwise pairs of
        name and wording. No mapping: not every name can be a key of a config file, and spaCy
        can override a list, but not add keys to a mapping.
    """
    names = list(labels.names)
    if LabelSet.make(names, readable=readable) == labels:
        return names
    return [[name, wording] for name, wording in labels]


def _is_config_key(key: Any) -> bool:
    if not isinstance(key, str) or not key.strip() or not key.isprintable():
        return False
    block = {"block": {"values": {key: "value"}}}
    try:
        return bool(Config().from_str(Config(block).to_str()) == block)
    except ValueError:
        return False


def _batch_size(field: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        _refuse(field, "1 or more tokens", value)
    return int(value)


def _flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        _refuse(field, "true or false", value)
    return bool(value)


def _spans_key(field: str, value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or not value):
        _refuse(field, "the name of a span group, or null", value)
    return None if value is None else str(value)


def _threshold(field: str, value: Any) -> float | str | dict[str, float] | None:
    if isinstance(value, Mapping) or _is_pairs(value):
        return {str(k): _probability(f"{field}.{k}", v) for k, v in dict(value).items()}
    if value is None or value == "auto":
        return None if value is None else "auto"
    return _probability(field, value, '"auto", ')


def _probability(field: str, value: Any, other: str = "") -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0.0 <= value <= 1.0:
        _refuse(field, f"{other}a probability from 0 to 1, or null", value)
    return float(value)


def _is_pairs(value: Any) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return is_list and all(
        isinstance(v, list | tuple) and len(v) == 2 and isinstance(v[0], str) for v in value
    )


def _decoys(field: str, value: LabelsInput) -> list[str]:
    if isinstance(value, Mapping):
        _refuse(field, "a list of wordings", value)
    return list(LabelSet.make(value).wordings)


def _definitions(field: str, value: Any) -> dict[str, str]:
    return check_definitions(dict(value) if _is_pairs(value) else value)


def _examples(field: str, value: Any) -> str | list[dict[str, Any]] | None:
    # A file is read with the first prompt: that of a saved pipeline has been saved with it.
    if isinstance(value, str | Path):
        return str(value)
    checked = read_examples(value)
    make_shots(checked)
    return checked or None


def _refuse(field: str, expected: str, found: Any) -> None:
    raise ValueError(Errors.E017.format(field=field, expected=expected, found=found))


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "batch_size": _batch_size,
    "overwrite": _flag,
    "set_ents": _flag,
    "spans_key": _spans_key,
    "threshold": _threshold,
    "decoys": _decoys,
    "label_definitions": _definitions,
    "examples": _examples,
    "readable_labels": _flag,
}
