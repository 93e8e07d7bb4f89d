"""The `gner` component: named entities by a generative model, for labels of the user's choice."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer

from ..decoding.request import Decoder, check_format
from ..extensions import register_extensions
from ..formats import Format, LabelSet, TaggedWords
from ..formats.labels import LabelsInput
from ..matching import BackTokenizer, Matcher, Matching
from ..planning.guidance import ExamplesInput
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
from .configured import ConfiguredPipe
from .learned import format_sample, learned_format, warn_of_language, warn_of_other_format
from .predictions import DocPrediction, Entity
from .settings import Threshold
from .shim import get_shim
from .workers import use_one_thread_in_fork, warn_of_device_in_worker, words_of_a_piece

register_extensions()


class GNER(ConfiguredPipe):
    """Pipeline component for generative named entity recognition (Ding et al. 2024).

    The model reads an instruction, the labels and the words, and writes every word with
    its tag. What it wrote is aligned with the tokens, and becomes `doc.ents`.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[Any, Any],
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
        threshold: Threshold = "auto",
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
        self._planner: Planner | None = None
        self._is_format_checked = False
        self._has_warned_of_language = False
        if isinstance(format, TaggedWords):
            get_shim(model).tag_tokens = format.tag_tokens
        settings = {
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
        self._configure(settings, labels, nlp)

    # --- prediction -----------------------------------------------------------------------

    @property
    def planner(self) -> Planner:
        """RETURNS (Planner): Plans prompts for the model, which is loaded if need be."""
        codec = get_shim(self.model).backbone.codec
        parts = (codec, self.format, self.window, self.label_definitions, self.examples)
        if self._planner is None or not self._planner.is_made_of(*parts):
            self._planner = Planner(*parts)
            self._is_format_checked = False
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
        done. The first pieces are small, so that somebody who looks on does not wait."""
        docs: list[Doc] = []
        n_words, enough, at_most = 0, 0, 0
        for doc in stream:
            docs.append(doc)
            n_words += len(doc)
            if n_words and not enough:
                # A model that cannot be loaded is no fault of a Doc: not for the handler, which
                # would be told again for each of them.
                use_one_thread_in_fork()
                _ = self.planner
                at_most = words_of_a_piece(
                    self.batch_size, get_shim(self.model).backbone.device.type
                )
                enough = max(1, at_most // 8)
            if len(docs) >= n_docs or n_words >= enough > 0:
                yield docs
                docs, n_words, enough = [], 0, min(2 * enough, at_most)
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
        if not self._is_format_checked:
            self._is_format_checked = True
            warn_of_other_format(self.format, self._learned_format())
        if not self._has_warned_of_language:
            source = None if self._trained_format else get_shim(self.model).settings.name
            self._has_warned_of_language = warn_of_language(docs, self.name, source)
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
        if not self.format.is_nested:
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
        return entity.label in labels.names and entity.score >= self._lowest_score(entity.label)

    def _lowest_score(self, label: str) -> float:
        """RETURNS (float): The score that entities of a label must have, by `threshold` and, where
        that is "auto", by the model's calibration."""
        threshold = self.threshold
        if isinstance(threshold, Mapping):
            threshold = threshold.get(label)
        if isinstance(threshold, str):
            return get_shim(self.model).threshold
        return threshold or 0.0

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
        self._trained_format = None
        if nlp is not None:
            self._pipelines.add(nlp)
        readable = self.readable_labels
        given = self.label_set
        if labels is not None:
            given = LabelSet.make(labels, readable=readable)
        found = collect_labels(get_examples, given, self.augmentation, self.spans_key, self.name)
        if labels is None:
            # Names that the corpus brings without a wording.
            bare = {n for n, wording in found.items() if n == wording} - set(given.names)
            worded = LabelSet.make({n: w for n, w in found.items() if n not in bare})
            given = worded.adopt(list(found), readable=readable)
        self.set_labels(given.to_dict())

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
        loss = weight = 0.0
        if batch is not None:
            logits, backprop = self.model.begin_update(batch)
            loss, d_logits = self.get_loss(examples, (batch, logits))
            backprop(d_logits)
            weight = float(batch.weights.sum())
            self._trained_format = format_sample(self.format)
        losses[self.name] += get_shim(self.model).trainer.mean_loss(loss, weight)
        if sgd is not None:
            self.finish_update(sgd)
        return losses

    def _learned_format(self) -> str | None:
        """RETURNS (str | None): A sample of the format that the weights were trained with; None
        when nobody knows."""
        return self._trained_format or learned_format(get_shim(self.model).settings.name)

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
        from ..training.encoding import empty_batch, encode_examples

        trainer = get_shim(self.model).trainer
        batch = encode_examples(
            examples,
            planner=self.planner,
            labels=self.label_set,
            weights=self.token_weights,
            augmentation=self.augmentation,
            drop=drop,
            readable_labels=self.readable_labels,
            share=trainer.share,
            spans_key=self.spans_key,
            component=self.name,
        )
        if batch is None and trainer.passes_together:
            return empty_batch(self.planner.codec)
        return batch
