"""The `gner` component: named entities by a generative model, for labels of the user's choice."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer

from ..backbones.files import write_object
from ..decoding.request import Decoder, check_format
from ..errors import Errors
from ..extensions import own_value, register_extensions
from ..formats import Format, LabelSet, Mentions, TaggedWords
from ..formats.labels import LabelsInput
from ..matching import BackTokenizer, Matcher, Matching
from ..planning.guidance import ExamplesInput, read_examples
from ..planning.planner import PlannedRequest, Planner
from ..planning.windows import Windower
from ..planning.words import DocWords
from ..training.inventory import collect_labels
from .annotations import write_entities
from .assembly import (
    drop_overlaps,
    merge_entities,
    merge_spans,
    predict_window,
    window_entities,
)
from .predictions import DocPrediction, Entity
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
from .workers import use_one_thread_in_fork, warn_of_device_in_worker, words_of_a_piece

register_extensions()


class GNER(TrainablePipe):
    """Pipeline component for generative named entity recognition (Ding et al. 2024).

    The model reads an instruction, the labels and the words, and writes every word with
    its tag. What it wrote is aligned with the tokens, and becomes `doc.ents`.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str = "gner",
        *,
        labels: LabelsInput,
        decoder: Decoder,
        format: Format,
        matcher: Matcher,
        window: Windower,
        batch_size: int = 4096,
        overwrite: bool = False,
        set_ents: bool = True,
        spans_key: str | None = None,
        threshold: Threshold = None,
        decoys: Sequence[str] = (),
        label_definitions: Mapping[str, str] | None = None,
        examples: ExamplesInput | None = None,
        readable_labels: bool = True,
        nlp: Language | None = None,
        augmentation: Callable[..., Any] | None = None,
        token_weights: Any = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Initialize a component. See `make_gner` for the arguments.

        vocab (Vocab): The shared vocabulary.
        model (Model): From an architecture such as `spacy_gner.Transformer.v1`.
        name (str): The name of the component in its pipeline.
        nlp (Language | None): The pipeline whose config shows the settings.
        RAISES (ValueError): E001 to E005 for labels, E017 for other settings, E025 for a
            format that the decoder cannot write.
        """
        check_format(decoder, format)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.decoder = decoder
        self.format = format
        self.matcher = matcher
        self.window = window
        self.augmentation = augmentation
        self.token_weights = token_weights
        self._settings = check_settings(
            {
                "batch_size": batch_size,
                "overwrite": overwrite,
                "set_ents": set_ents,
                "spans_key": spans_key,
                "threshold": threshold,
                "decoys": decoys,
                "label_definitions": label_definitions,
                "examples": examples,
                "readable_labels": readable_labels,
            }
        )
        self._planner: Planner | None = None
        if isinstance(format, TaggedWords):
            get_shim(model).tag_tokens = format.tag_tokens
        self.set_labels(labels)
        # What the config of the pipeline says, as far as this component knows.
        self._configured = dict(self._settings)
        self._pipelines = Pipelines(() if nlp is None else (nlp,))

    # --- settings -----------------------------------------------------------------------

    batch_size = Setting[int]("Padded tokens that the model sees at once.")
    overwrite = Setting[bool]("Whether entities that a Doc has already are removed.")
    set_ents = Setting[bool]("Whether `doc.ents` is set.")
    spans_key = Setting[str | None]("The span group that is set, if any.")
    threshold = Setting[Threshold]("The lowest score of an entity, for all labels or by label.")
    decoys = Setting[list[str]]("Wordings that are asked for, but never written to a Doc.")
    label_definitions = Setting[dict[str, str]]("What labels mean, for the prompt.")
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
        RAISES (ValueError): E017 for values that cannot work; nothing is changed then.
        """
        unknown = ", ".join(sorted(values.keys() - CHECKS.keys()))
        if unknown:
            raise ValueError(Errors.E035.format(unknown=unknown, known=", ".join(CHECKS)))
        rest = {field: self._settings[field] for field in CHECKS}
        self._settings.update(check_settings({**rest, **values}))
        self._show_in_config()

    def _show_in_config(self) -> None:
        """Write what was changed into the config of the pipeline, which is saved with it."""
        shown = {k: v for k, v in self._settings.items() if v != self._configured[k]}
        if list(self._settings["labels"]) != list(self._configured["labels"]):
            shown["labels"] = self._settings["labels"]  # in another order
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
        for label in made.names:
            self.vocab.strings.add(label)
        if hasattr(self, "_configured"):
            self._show_in_config()

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

    # --- prediction -----------------------------------------------------------------------

    @property
    def planner(self) -> Planner:
        """RETURNS (Planner): Plans prompts for the model, which is loaded if need be."""
        codec = get_shim(self.model).backbone.codec
        parts = (codec, self.format, self.window, self.label_definitions, self.examples)
        if self._planner is None or not self._planner.is_made_of(*parts):
            self._planner = Planner(*parts)
        return self._planner

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Apply the component to a stream of Docs, and hand them out as they are done. A Doc
        that fails goes to the error handler alone; the others are annotated.

        stream (Iterable[Doc]): Docs.
        batch_size (int): Docs to buffer at most. How many tokens the model sees at once is the
            component's own `batch_size`.
        YIELDS (Doc): The Docs, in order.
        """
        error_handler = self.get_error_handler()
        for docs in self._pieces(stream, batch_size):
            try:
                self.set_annotations(docs, self.predict(docs))
            except Exception as error:
                if len(docs) == 1:
                    error_handler(self.name, self, docs, error)
                    continue
                yield from self._pipe_singly(docs, error_handler)
            else:
                yield from docs

    def _pieces(self, stream: Iterable[Doc], n_docs: int) -> Iterator[list[Doc]]:
        """YIELDS (list[Doc]): Docs that are predicted together: enough of them to fill batches
        with sentences of similar length, but no more, since none is handed out before all are
        done."""
        docs: list[Doc] = []
        n_words, enough = 0, 0
        for doc in stream:
            docs.append(doc)
            n_words += len(doc)
            if n_words and not enough:
                # A model that cannot be loaded is no fault of a Doc: not for the handler, which
                # would be told again for each of them.
                use_one_thread_in_fork()
                _ = self.planner
                enough = words_of_a_piece(
                    self.batch_size, get_shim(self.model).backbone.device.type
                )
            if len(docs) >= n_docs or n_words >= enough > 0:
                yield docs
                docs, n_words = [], 0
        if docs:
            yield docs

    def _pipe_singly(self, docs: Iterable[Doc], error_handler: Callable[..., Any]) -> Iterator[Doc]:
        for doc in docs:
            try:
                self.set_annotations([doc], self.predict([doc]))
            except Exception as error:
                error_handler(self.name, self, [doc], error)
            else:
                yield doc

    def predict(self, docs: Iterable[Doc]) -> list[DocPrediction]:
        """Find the entities of Docs, without changing them.

        docs (Iterable[Doc]): Docs.
        RETURNS (list[DocPrediction]): One per Doc, in order.
        RAISES (ValueError): E006, E024, E026; and E010 to E019 when the model, which
            is loaded now if it has not been, cannot be.
        """
        docs = list(docs)
        all_words = [DocWords.from_doc(doc, self.window.join_hyphens) for doc in docs]
        if not any(words.texts for words in all_words):
            return [DocPrediction((), ()) for _ in all_words]
        labels = [self.labels_of(doc) for doc in docs]
        asked = [
            own.with_decoys(self.decoys_of(doc)) for own, doc in zip(labels, docs, strict=True)
        ]
        planned: list[tuple[int, PlannedRequest]] = []
        use_one_thread_in_fork()
        planner, backbone = self.planner, get_shim(self.model).backbone
        warn_of_device_in_worker(backbone.device.type)
        if backbone.model.training:
            # An update was interrupted between its two passes.
            backbone.model.eval()
        for i, words in enumerate(all_words):
            if words.texts and len(labels[i]):
                planned += [(i, request) for request in planner.plan(words, asked[i])]
        requests = [request.request for _, request in planned]
        generations = self.decoder(backbone, requests, self.batch_size)
        answered = list(zip(planned, generations, strict=True))
        predictions = [DocPrediction((), ()) for _ in all_words]
        for i, group in groupby(answered, key=lambda pair: pair[0][0]):
            answers = [(p, g) for (_, p), g in group]
            predictions[i] = self._assemble(
                all_words[i], labels[i], answers, planner.back_tokenizer
            )
        return predictions

    def _assemble(
        self,
        words: DocWords,
        labels: LabelSet,
        answered: Sequence[tuple[PlannedRequest, Any]],
        back_tokenizer: BackTokenizer,
    ) -> DocPrediction:
        matching = Matching(self.matcher, back_tokenizer)
        calibrated = get_shim(self.model).calibrated
        windows = []
        groups: dict[LabelSet, list[Entity]] = {}
        for planned, generation in answered:
            prediction = predict_window(planned, generation, matching)
            windows.append(prediction)
            found = window_entities(words, planned, prediction)
            scored = [replace(entity, score=calibrated(entity.score)) for entity in found]
            groups.setdefault(planned.labels, []).extend(scored)
        if not isinstance(self.format, Mentions):
            groups = {own: drop_overlaps(group) for own, group in groups.items()}
        entities = merge_entities(groups.values())
        # Decoys have had their say by now: what is one of them is not something else.
        entities = tuple(entity for entity in entities if self._is_wanted(entity, labels))
        spans = entities
        if self.format.may_overlap:
            every = merge_spans(groups.values(), labels)
            spans = tuple(entity for entity in every if self._is_wanted(entity, labels))
        return DocPrediction(entities, tuple(windows), spans)

    def _is_wanted(self, entity: Entity, labels: LabelSet) -> bool:
        threshold = self.threshold
        if isinstance(threshold, Mapping):
            threshold = threshold.get(entity.label)
        return entity.label in labels.names and entity.score >= (threshold or 0.0)

    def set_annotations(self, docs: Iterable[Doc], predictions: Iterable[DocPrediction]) -> None:
        """Write predictions into Docs: `doc.ents`, `span._.gner_score`, `doc.spans`.

        docs (Iterable[Doc]): The Docs.
        predictions (Iterable[DocPrediction]): What `predict` gave for them.
        """
        for doc, prediction in zip(docs, predictions, strict=True):
            write_entities(doc, prediction, self.cfg)

    # --- training ---------------------------------------------------------------------------

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: LabelsInput | None = None,
    ) -> None:
        """Prepare for training: collect the labels. The weights come from the source that
        the config names; they are loaded with the first update or the first Doc. What was
        trained before is forgotten.

        get_examples (Callable[[], Iterable[Example]]): Gives gold-standard Examples.
        nlp (Language | None): The pipeline.
        labels (Sequence[str] | Mapping[str, str] | None): The labels, for instance
            those that `spacy init labels` wrote; None collects them from the inventories
            and entities of the examples, after those that the config names. Corpora with
            open types add none: each of their passages brings its own.
        RAISES (ValueError): E507 when there are annotated examples, but nothing to look for.
        """
        util.logger.debug("Initializing %s", self.name)
        get_shim(self.model).begin_afresh()
        given = self.label_set if labels is None else LabelSet.make(labels)
        inventory = collect_labels(get_examples, given, self.augmentation)
        self.set_labels(inventory if labels is None else labels)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of Examples. Their references give words, tags and labels.

        examples (Iterable[Example]): The batch.
        drop (float): 0 switches dropout off; with any other value the rates apply that the
            model's own config (and the adapter's) gives.
        sgd (Optimizer | None): Updates the weights right away; without it gradients add up
            until `finish_update`.
        losses (dict[str, float] | None): Where to add the loss, under the component's name:
            the mean cross entropy of the target tokens.
        RETURNS (dict[str, float]): The losses.
        RAISES (ValueError): E501 for an entity with a label that the prompt does not ask for;
            E010 to E019 when the model cannot be loaded.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "GNER.update")
        batch = self._encode(examples, drop)
        if batch is not None:
            logits, backprop = self.model.begin_update(batch)
            loss, d_logits = self.get_loss(examples, (batch, logits))
            backprop(d_logits)
            losses[self.name] += loss
        if sgd is not None:
            self.finish_update(sgd)
        return losses

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score a batch of Examples with the component's scorer.

        examples (Iterable[Example]): The Examples.
        kwargs (Any): For the scorer, which gets `set_ents` and `spans_key` too.
        RETURNS (dict[str, Any]): The scores.
        """
        settings = {"set_ents": self.set_ents, "spans_key": self.spans_key}
        scores: dict[str, Any] = super().score(examples, **{**settings, **kwargs})
        return scores

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """Find the loss and its gradient.

        examples (Iterable[Example]): The Examples that the batch was made of.
        scores (tuple[TrainingBatch, torch.Tensor]): The batch, since prompts and targets are
            drawn anew in each update, and the logits of its N target tokens.
        RETURNS (tuple[float, torch.Tensor]): See `spacy_gner.training.forward.get_loss`.
        """
        from ..training.forward import get_loss

        batch, logits = scores
        return get_loss(batch, logits)

    def _encode(self, examples: Iterable[Example], drop: float) -> Any:
        # Imported here, since torch takes seconds.
        from ..training.encoding import encode_examples

        return encode_examples(
            examples,
            planner=self.planner,
            labels=self.label_set,
            weights=self.token_weights,
            augmentation=self.augmentation,
            drop=drop,
            readable_labels=self.readable_labels,
        )

    # --- saving and loading -----------------------------------------------------------------

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

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "GNER":
        """Load the component from a directory. A setting that its config gives otherwise than
        the config did that was saved has been overridden, or edited, and stays: what a config
        says is what runs.

        path (str | Path): The directory.
        exclude (Iterable[str]): "cfg", "vocab" or "model".
        RETURNS (GNER): This component.
        RAISES (ValueError): E023 when the model's directory cannot be read, E033 when the
            saved settings cannot be used.
        """
        deserialize: dict[str, Callable[[Any], Any]] = {
            "cfg": lambda p: self._restore(Path(p).read_bytes(), overridable=True),
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude),
            "model": lambda p: get_shim(self.model).from_disk(p),
        }
        util.from_disk(path, deserialize, exclude)
        self._planner = None
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

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "GNER":
        """Unpack a component. All its settings are taken over.

        bytes_data (bytes): What `to_bytes` gave.
        exclude (Iterable[str]): "cfg", "vocab" or "model".
        RETURNS (GNER): This component.
        """
        deserialize = {
            "cfg": lambda b: self._restore(b, overridable=False),
            "vocab": lambda b: self.vocab.from_bytes(b, exclude=exclude),
            "model": lambda b: get_shim(self.model).from_bytes(b),
        }
        util.from_bytes(bytes_data, deserialize, exclude)
        self._planner = None
        return self

    def _saved_settings(self, directory: Path | None) -> dict[str, Any]:
        # A pipeline that took this component from another one (`source`) has a config that this
        # component cannot reach: what was written beside it tells.
        configured = {**self._configured, **({} if directory is None else read_config(directory))}
        labels = list(configured["labels"].items())
        # The file with the examples may not be where the pipeline goes.
        examples = read_examples(self.examples)
        config = {**configured, "labels": labels}
        return {**self._settings, "examples": examples, "config": config}

    def _restore(self, saved: bytes, overridable: bool) -> None:
        settings, configured = read_saved(saved, self.name)
        for field, value in configured.items():
            own = self._configured[field]
            same = own == value
            if field == "labels":
                same = list(own.items()) == list(value.items())  # the order of labels counts
            if overridable and not same:
                settings.pop(field, None)
        self._settings = {**self._settings, **settings}
        check_settings({field: self._settings[field] for field in CHECKS})
        # Loading the vocab has replaced the strings that were there.
        for label in self.labels:
            self.vocab.strings.add(label)
        self._show_in_config()
