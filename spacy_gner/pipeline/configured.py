"""A pipe whose labels and settings are those of its config, whatever happens to either: also when
it is saved and loaded."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc

from ..backbones.files import check_links, write_object
from ..errors import Errors, Warnings
from ..extensions import own_value
from ..formats import LabelSet
from ..formats.labels import LabelsInput
from ..planning.guidance import ExamplesInput, make_shots, read_examples
from .settings import (
    CHECKS,
    Pipelines,
    Setting,
    Threshold,
    check_settings,
    config_labels,
    read_config,
    read_saved,
)
from .shim import get_shim


class ConfiguredPipe(TrainablePipe):
    """The part of the component that keeps settings: checks them, shows them in `nlp.config`,
    saves them, and lets a config win over what was saved.
    """

    _settings: dict[str, Any]
    _configured: dict[str, Any]
    _pipelines: Pipelines
    # A sample of the format that this component trained its weights with, see `learned`.
    _trained_format: str | None = None

    def _configure(
        self, settings: Mapping[str, Any], labels: LabelsInput, nlp: Language | None
    ) -> None:
        """Take over what the config says.

        settings (Mapping[str, Any]): All settings but the labels.
        labels (LabelsInput): The labels.
        nlp (Language | None): The pipeline whose config shows them.
        RAISES (ValueError): E001 to E005 for labels, E017 for other settings.
        """
        self._settings = check_settings(settings)
        self._pipelines = Pipelines()
        made = LabelSet.make(labels, readable=self.readable_labels)
        self._settings["labels"] = made.to_dict()
        # What the config of the pipeline says, as far as this component knows.
        self._configured = dict(self._settings)
        self._add_strings()
        self._warn_of_idle_thresholds()
        if nlp is not None:
            self._pipelines.add(nlp)

    # --- settings -----------------------------------------------------------------------

    batch_size = Setting[int]("Padded tokens that the model sees at once.")
    overwrite = Setting[bool]("Whether entities that a Doc has already are removed.")
    set_ents = Setting[bool]("Whether `doc.ents` is set.")
    spans_key = Setting[str | None]("The span group that is set, if any.")
    threshold = Setting[Threshold]("The lowest score of an entity, for all labels or by label.")
    decoys = Setting[list[str]]("Wordings that are asked for, but never written to a Doc.")
    label_definitions = Setting[Mapping[str, str]]("What labels mean, for the prompt.")
    examples = Setting[ExamplesInput | None]("Solved examples for the prompt, or their path.")
    readable_labels = Setting[bool]("Whether `set_labels` words names that are code (PERSON).")

    @property
    def cfg(self) -> Mapping[str, Any]:
        """RETURNS (Mapping[str, Any]): All settings with the labels, to be read. They are
        changed through the attributes of the component, which check them."""
        return MappingProxyType(self._settings)

    def change_settings(self, **values: Any) -> None:
        """Change several settings at once, for instance `set_ents` with `spans_key`.

        values (Any): The settings, by name.
        RAISES (ValueError): E007, E008 and E017 for values that cannot work; nothing is changed
            then.
        """
        unknown = ", ".join(sorted(values.keys() - CHECKS.keys()))
        if unknown:
            raise ValueError(Errors.E035.format(unknown=unknown, known=", ".join(CHECKS)))
        # Of a path only whoever sets it can say whether the file is meant to be there.
        make_shots(read_examples(values.get("examples")))
        rest = {field: self._settings[field] for field in CHECKS}
        self._settings.update(check_settings({**rest, **values}))
        if "threshold" in values:
            self._warn_of_idle_thresholds()
        self._show_in_config()

    def _warn_of_idle_thresholds(self) -> None:
        """Warn (W012) of thresholds for labels that nobody looks for: a slip of the pen."""
        threshold, labels = self.threshold, self._settings["labels"]
        # Without labels each Doc has its own, which may be any.
        idle = set(threshold) - set(labels) if isinstance(threshold, Mapping) and labels else set()
        if idle:
            text = ", ".join(map(repr, sorted(idle)))
            warnings.warn(Warnings.W012.format(name=self.name, labels=text), stacklevel=4)

    def _show_in_config(self) -> None:
        """Write what was changed into the config of the pipeline, which is saved with it."""
        shown = {k: v for k, v in self._settings.items() if v != self._configured[k]}
        if list(self._settings["labels"]) != list(self._configured["labels"]):
            shown["labels"] = self._settings["labels"]  # in another order
        # Pairs, since not every key can stand in a config file.
        shown = {
            k: list(map(list, v.items())) if isinstance(v, dict) else v for k, v in shown.items()
        }
        if "labels" in shown:
            shown["labels"] = config_labels(self.label_set, self.readable_labels)
        for nlp in self._pipelines:
            for name, component in nlp.components:
                if component is self:
                    nlp.get_pipe_config(name).update(shown)
                    self._configured = dict(self._settings)

    # --- labels -------------------------------------------------------------------------

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The labels that are looked for, as in `ent.label_`."""
        return tuple(self._settings["labels"])

    @property
    def label_data(self) -> dict[str, str]:
        """RETURNS (dict[str, str]): Entity label -> wording in the prompt, for `spacy init
        labels` and `initialize`."""
        return dict(self._settings["labels"])

    @property
    def label_set(self) -> LabelSet:
        """RETURNS (LabelSet): The labels with their wordings."""
        labels = self._settings["labels"]
        return LabelSet(tuple(labels.keys()), tuple(labels.values()))

    def set_labels(self, labels: LabelsInput) -> None:
        """Look for other labels from now on. Nothing is trained or loaded for that.

        labels (Sequence[str] | Mapping[str, str]): Labels, or a mapping from the
            label of the entity to its wording in the prompt.
        RAISES (ValueError): E001 to E005 for labels that the format cannot carry.
        """
        made = LabelSet.make(labels, readable=self.readable_labels)
        self._settings["labels"] = made.to_dict()
        self._add_strings()
        self._show_in_config()

    def _add_strings(self) -> None:
        for label in self._settings["labels"]:
            self.vocab.strings.add(label)

    def add_label(self, label: str, wording: str | None = None) -> int:
        """Look for one more label.

        label (str): The label of the entity.
        wording (str | None): Its wording in the prompt, the label itself by default. For a label
            that is there already, its new wording.
        RETURNS (int): 0 if the label is there already, otherwise 1.
        RAISES (ValueError): E001 to E005, see `set_labels`.
        """
        labels = dict(self._settings["labels"])
        is_new = label not in labels
        if wording is not None:
            labels[label] = wording
        elif is_new:
            labels = self.label_set.adopt([*labels, label], readable=self.readable_labels).to_dict()
        self.set_labels(labels)
        return int(is_new)

    def labels_of(self, doc: Doc) -> LabelSet:
        """The labels to look for in a Doc: its own, or those of the component.

        doc (Doc): The Doc; `doc._.gner_labels` counts when it is not None.
        RETURNS (LabelSet): The labels, with the component's wordings where it has them. Empty
            when the Doc says that there is nothing to look for, as passages without
            entities do in corpora with open types.
        RAISES (ValueError): E006 when neither of the two has labels, E026 when the Doc's own
            cannot be used.
        """
        own = own_value(doc, "gner_labels", self.name)
        if own is None:
            labels = self.label_set
        else:
            try:
                return self.label_set.adopt(own, readable=self.readable_labels)
            except ValueError as error:
                raise ValueError(Errors.E026.format(reason=error)) from error
        if not len(labels):
            raise ValueError(Errors.E006.format(name=self.name))
        return labels

    def decoys_of(self, doc: Doc) -> list[str]:
        """The wordings that are asked for beside the labels of a Doc, but never written to it.

        doc (Doc): The Doc; `doc._.gner_decoys` counts when it is not None.
        RETURNS (list[str]): The Doc's own, or those of the component.
        RAISES (ValueError): E026 when the Doc's own cannot be used.
        """
        own = own_value(doc, "gner_decoys", self.name)
        if own is None:
            return list(self.decoys)
        try:
            return check_settings({"decoys": own})["decoys"]  # type: ignore[no-any-return]
        except ValueError as error:
            raise ValueError(Errors.E026.format(reason=error)) from error

    # --- saving ---------------------------------------------------------------------------

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component to a directory: settings, labels, and the model as a Hugging
        Face directory.

        path (str | Path): The directory.
        exclude (Iterable[str]): "cfg", "vocab" or "model".
        RAISES (ValueError): E021, see `spacy_gner.backbones.storage`.
        """
        serialize = {
            "cfg": lambda p: write_object(p, self._saved_settings(Path(path))),
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
            "model": lambda p: get_shim(self.model).to_disk(p),
        }
        util.to_disk(path, serialize, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "ConfiguredPipe":
        """Load the component from a directory. A setting that its config gives otherwise than
        the config did that was saved has been overridden, or edited, and stays: what a config
        says is what runs.

        path (str | Path): The directory.
        exclude (Iterable[str]): "cfg", "vocab" or "model".
        RETURNS (ConfiguredPipe): This component.
        RAISES (ValueError): E023 when the model's directory cannot be read, E033 when the
            saved settings cannot be used, E045 for links out of the directory.
        """
        check_links(Path(path))
        deserialize: dict[str, Callable[[Any], Any]] = {
            "cfg": lambda p: self._restore(Path(p).read_bytes(), overridable=True),
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude),
            "model": lambda p: get_shim(self.model).from_disk(p),
        }
        util.from_disk(path, deserialize, exclude)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Pack the component.

        exclude (Iterable[str]): "cfg", "vocab" or "model".
        RETURNS (bytes): The component, with its weights unless `save_weights` is false.
        RAISES (ValueError): E022 for weights above 4 GiB.
        """
        serialize = {
            "cfg": lambda: srsly.json_dumps(self._saved_settings(None)),
            "vocab": lambda: self.vocab.to_bytes(exclude=exclude),
            "model": lambda: get_shim(self.model).to_bytes(),
        }
        return util.to_bytes(serialize, exclude)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "ConfiguredPipe":
        """Unpack a component. All its settings are taken over.

        bytes_data (bytes): What `to_bytes` gave.
        exclude (Iterable[str]): "cfg", "vocab" or "model".
        RETURNS (ConfiguredPipe): This component.
        """
        deserialize = {
            "cfg": lambda b: self._restore(b, overridable=False),
            "vocab": lambda b: self.vocab.from_bytes(b, exclude=exclude),
            "model": lambda b: get_shim(self.model).from_bytes(b),
        }
        util.from_bytes(bytes_data, deserialize, exclude)
        return self

    def _saved_settings(self, directory: Path | None) -> dict[str, Any]:
        # A pipeline that took this component from another one (`source`) has a config that this
        # component cannot reach: what was written beside it tells.
        configured = {**self._configured, **({} if directory is None else read_config(directory))}
        labels = list(configured["labels"].items())
        # The file with the examples may not be where the pipeline goes.
        examples = read_examples(self.examples)
        config = {**configured, "labels": labels}
        trained = self._trained_format
        return {**self._settings, "examples": examples, "config": config, "trained_format": trained}

    def _restore(self, data: bytes, overridable: bool) -> None:
        """Take over saved settings.

        data (bytes): What was saved.
        overridable (bool): Whether a setting stays that this component's config gives otherwise
            than the saved config did.
        RAISES (ValueError): E033, see `read_saved`, and E017 where the settings of both do not go
            together; nothing is changed then.
        """
        settings, configured, trained_format = read_saved(data, self.name)
        for field, value in configured.items():
            own = self._configured[field]
            same = own == value
            if field == "labels":
                same = list(own.items()) == list(value.items())  # the order of labels counts
            if overridable and not same:
                settings.pop(field, None)
        settings = {**self._settings, **settings}
        # Those that stay may not go with those that come.
        check_settings({field: settings[field] for field in CHECKS})
        self._settings, self._trained_format = settings, trained_format
        # Loading the vocab has replaced the strings that were there.
        self._add_strings()
        self._show_in_config()
