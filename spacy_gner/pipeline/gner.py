"""The `gner` component: named entities by a generative model, for labels of the user's choice."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer

from ..decoding.request import Decoder, check_format
from ..errors import Errors
from ..extensions import register_extensions
from ..formats import Format, LabelSet
from ..formats.labels import LabelsInput
from ..matching import BackTokenizer, Matcher
from ..planning.planner import PlannedRequest, Planner
from ..planning.windows import DocWords, Windower
from ..training.inventory import collect_labels
from .assembly import drop_overlaps, merge_entities, predict_window, window_entities
from .predictions import DocPrediction, Entity
from .settings import check_settings
from .shim import get_shim
from .workers import use_one_thread_in_fork, warn_of_device_in_worker

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
        threshold: float | None = None,
        augmentation: Callable[..., Any] | None = None,
        token_weights: Any = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        """Initialize a component. See `make_gner` for the arguments.

        vocab (Vocab): The shared vocabulary.
        model (Model): From an architecture such as `spacy_gner.Transformer.v1`.
        name (str): The name of the component in its pipeline.
        RAISES (ValueError): E001 to E005 for labels, E017 for other settings, E025 for a
            format that the decoder cannot write.
        """
        check_settings(batch_size, threshold, set_ents, spans_key)
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
        self.cfg: dict[str, Any] = {
            "labels": {},
            "batch_size": batch_size,
            "overwrite": overwrite,
            "set_ents": set_ents,
            "spans_key": spans_key,
            "threshold": threshold,
        }
        self._planner: Planner | None = None
        self.set_labels(labels)

    # --- labels -------------------------------------------------------------------------

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): The labels that are looked for, as in `ent.label_`."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> dict[str, str]:
        """RETURNS (dict[str, str]): Entity label -> wording in the prompt, for `spacy init
        labels` and `initialize`."""
        return dict(self.cfg["labels"])

    @property
    def label_set(self) -> LabelSet:
        """RETURNS (LabelSet): The labels with their wordings."""
        labels = self.cfg["labels"]
        return LabelSet(tuple(labels.keys()), tuple(labels.values()))

    def set_labels(self, labels: LabelsInput) -> None:
        """Look for other labels from now on. Nothing is trained or loaded for that.

        labels (Sequence[str] | Mapping[str, str]): Labels, or a mapping from the
            label of the entity to its wording in the prompt.
        RAISES (ValueError): E001 to E005 for labels that the format cannot carry.
        """
        self.cfg["labels"] = LabelSet.make(labels).to_dict()
        for label in self.cfg["labels"]:
            self.vocab.strings.add(label)

    def add_label(self, label: str, wording: str | None = None) -> int:
        """Look for one more label.

        label (str): The label of the entity.
        wording (str | None): Its wording in the prompt, the label itself by default. For a label
            that is there already, its new wording.
        RETURNS (int): 0 if the label is there already, otherwise 1.
        RAISES (ValueError): E001 to E005, see `set_labels`.
        """
        if label in self.cfg["labels"]:
            if wording is not None:
                self.set_labels({**self.cfg["labels"], label: wording})
            return 0
        self.set_labels({**self.cfg["labels"], label: label if wording is None else wording})
        return 1

    def labels_of(self, doc: Doc) -> LabelSet:
        """The labels to look for in a Doc: its own, or those of the component.

        doc (Doc): The Doc; `doc._.gner_labels` counts when it is not None.
        RETURNS (LabelSet): The labels, with the component's wordings where it has them. Empty
            when the Doc says that there is nothing to look for, as passages without
            entities do in corpora with open types.
        RAISES (ValueError): E006 when neither of the two has labels, E026 when the Doc's own
            cannot be used.
        """
        own = doc._.gner_labels
        if own is None:
            labels = self.label_set
        else:
            try:
                return self.label_set.adopt(own)
            except ValueError as error:
                raise ValueError(Errors.E026.format(reason=error)) from error
        if not len(labels):
            raise ValueError(Errors.E006.format(name=self.name))
        return labels

    # --- prediction -----------------------------------------------------------------------

    @property
    def planner(self) -> Planner:
        """RETURNS (Planner): Plans prompts for the model, which is loaded if need be."""
        parts = (get_shim(self.model).backbone.codec, self.format, self.window)
        if self._planner is None or not self._planner.is_made_of(*parts):
            self._planner = Planner(*parts)
        return self._planner

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Apply the component to a stream of Docs. A Doc that fails goes to the error
        handler alone; the others of its batch are annotated.

        stream (Iterable[Doc]): Docs.
        batch_size (int): Docs to buffer. How many tokens the model sees at once is the
            component's own `batch_size`.
        YIELDS (Doc): The Docs, in order.
        """
        error_handler = self.get_error_handler()
        for docs in util.minibatch(stream, size=batch_size):
            if self._planner is None and any(len(doc) for doc in docs):
                # A model that cannot be loaded is no fault of a Doc: not for the handler, which
                # would be told again for each of them.
                use_one_thread_in_fork()
                _ = self.planner
            try:
                self.set_annotations(docs, self.predict(docs))
            except Exception as error:
                if len(docs) == 1:
                    error_handler(self.name, self, docs, error)
                    continue
                yield from self._pipe_singly(docs, error_handler)
            else:
                yield from docs

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
        all_words = [DocWords.from_doc(doc) for doc in docs]
        if not any(words.texts for words in all_words):
            return [DocPrediction((), ()) for _ in all_words]
        labels = [self.labels_of(doc) for doc in docs]
        planned: list[tuple[int, PlannedRequest]] = []
        use_one_thread_in_fork()
        planner, backbone = self.planner, get_shim(self.model).backbone
        warn_of_device_in_worker(backbone.device.type)
        if backbone.model.training:
            # An update was interrupted between its two passes.
            backbone.model.eval()
        for i, words in enumerate(all_words):
            if words.texts and len(labels[i]):
                planned += [(i, request) for request in planner.plan(words, labels[i])]
        requests = [request.request for _, request in planned]
        generations = self.decoder(backbone, requests, self.cfg["batch_size"])
        answered = list(zip(planned, generations, strict=True))
        predictions = [DocPrediction((), ()) for _ in all_words]
        for i, group in groupby(answered, key=lambda pair: pair[0][0]):
            answered_here = [(p, g) for (_, p), g in group]
            predictions[i] = self._assemble(all_words[i], answered_here, planner.back_tokenizer)
        return predictions

    def _assemble(
        self,
        words: DocWords,
        answered: Sequence[tuple[PlannedRequest, Any]],
        back_tokenizer: BackTokenizer,
    ) -> DocPrediction:
        match = partial(self.matcher, back_tokenizer=back_tokenizer)
        windows = []
        groups: dict[LabelSet, list[Entity]] = {}
        for planned, generation in answered:
            prediction = predict_window(planned, generation, match)
            windows.append(prediction)
            found = window_entities(words, planned, prediction)
            groups.setdefault(planned.labels, []).extend(found)
        entities = merge_entities(drop_overlaps(group) for group in groups.values())
        threshold = self.cfg["threshold"]
        if threshold is not None:
            entities = tuple(entity for entity in entities if entity.score >= threshold)
        return DocPrediction(entities, tuple(windows))

    def set_annotations(self, docs: Iterable[Doc], predictions: Iterable[DocPrediction]) -> None:
        """Write predictions into Docs: `doc.ents`, `span._.gner_score`, `doc.spans`.

        docs (Iterable[Doc]): The Docs.
        predictions (Iterable[DocPrediction]): What `predict` gave for them.
        """
        for doc, prediction in zip(docs, predictions, strict=True):
            spans = [Span(doc, e.start, e.end, label=e.label) for e in prediction.entities]
            scores = [e.score for e in prediction.entities]
            # spaCy keeps extensions of spans by their boundaries, whatever the label: an entity
            # that stays must not get another's score, one that goes must not leave its own.
            stays = {(ent.start, ent.end) for ent in doc.ents}
            if self.cfg["overwrite"] and self.cfg["set_ents"]:
                for ent in doc.ents:
                    ent._.gner_score = None
                stays = set()
            for span, score in zip(spans, scores, strict=True):
                if (span.start, span.end) not in stays:
                    span._.gner_score = score
            key = self.cfg["spans_key"]
            if key is not None:
                doc.spans[key] = SpanGroup(doc, name=key, spans=spans, attrs={"scores": scores})
            if self.cfg["set_ents"]:
                self._set_ents(doc, spans)

    def _set_ents(self, doc: Doc, spans: Sequence[Span]) -> None:
        if self.cfg["overwrite"]:
            doc.set_ents(list(spans), default="outside")
            return
        # Entities of other components stay, and what they blocked stays blocked.
        blocked = [doc[t.i : t.i + 1] for t in doc if t.ent_iob == 3 and not t.ent_type]
        present = [ent for ent in doc.ents if ent.label]
        taken = {i for span in (*present, *blocked) for i in range(span.start, span.end)}
        new = [span for span in spans if taken.isdisjoint(range(span.start, span.end))]
        doc.set_ents([*present, *new], blocked=blocked, default="outside")

    # --- training ---------------------------------------------------------------------------

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: LabelsInput | None = None,
    ) -> None:
        """Prepare for training: collect the labels. The weights come from the source that
        the config names; they are loaded with the first update or the first Doc.

        get_examples (Callable[[], Iterable[Example]]): Gives gold-standard Examples.
        nlp (Language | None): The pipeline.
        labels (Sequence[str] | Mapping[str, str] | None): The labels, for instance
            those that `spacy init labels` wrote; None collects them from the inventories
            and entities of the examples, after those that the config names. Corpora with
            open types add none: each of their passages brings its own.
        RAISES (ValueError): E507 when there are annotated examples, but nothing to look for.
        """
        util.logger.debug("Initializing %s", self.name)
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
            "cfg": lambda p: srsly.write_json(p, self.cfg),
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
            "model": lambda p: get_shim(self.model).to_disk(p),
        }
        util.to_disk(path, serialize, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "GNER":
        """Load the component from a directory.

        path (str | Path): The directory.
        exclude (Iterable[str]): "cfg", "vocab" or "model".
        RETURNS (GNER): This component.
        RAISES (ValueError): E023 when the model's directory cannot be read.
        """
        deserialize: dict[str, Callable[[Any], Any]] = {
            "cfg": lambda p: self.cfg.update(srsly.read_json(p)),
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
            "cfg": lambda: srsly.json_dumps(self.cfg),
            "vocab": lambda: self.vocab.to_bytes(exclude=exclude),
            "model": lambda: get_shim(self.model).to_bytes(),
        }
        return util.to_bytes(serialize, exclude)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "GNER":
        """Unpack a component.

        bytes_data (bytes): What `to_bytes` gave.
        exclude (Iterable[str]): "cfg", "vocab" or "model".
        RETURNS (GNER): This component.
        """
        deserialize = {
            "cfg": lambda b: self.cfg.update(srsly.json_loads(b)),
            "vocab": lambda b: self.vocab.from_bytes(b, exclude=exclude),
            "model": lambda b: get_shim(self.model).from_bytes(b),
        }
        util.from_bytes(bytes_data, deserialize, exclude)
        self._planner = None
        return self
