"""The factory of the `gner` component and its default config."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Model

from ..backbones.settings import BackboneSettings
from ..backbones.sources import check_name
from ..decoding.request import Decoder
from ..formats import Format
from ..matching import Matcher
from ..planning.guidance import make_shots, read_examples
from ..planning.windows import Windower
from .gner import GNER
from .settings import check_keys
from .shim import get_shim

DEFAULT_CONFIG: dict[str, Any] = {
    "labels": [],
    "model": {"@architectures": "spacy_gner.Transformer.v1"},
    "decoder": {"@misc": "spacy_gner.ExactSearch.v1"},
    "format": {"@misc": "spacy_gner.BIO.v1"},
    "matcher": {"@misc": "spacy_gner.LCSMatcher.v1"},
    "window": {"@misc": "spacy_gner.Window.v1"},
    "augmentation": {"@misc": "spacy_gner.Augmentation.v1"},
    "token_weights": {"@misc": "spacy_gner.TokenWeights.v1"},
    "batch_size": 4096,
    "overwrite": False,
    "set_ents": True,
    "spans_key": None,
    "threshold": "auto",
    "decoys": [],
    "label_definitions": {},
    "examples": None,
    "readable_labels": True,
    "scorer": {"@scorers": "spacy_gner.ner_scorer.v1"},
}


@Language.factory(
    "gner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "span._.gner_score"],
    default_config=DEFAULT_CONFIG,
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_gner(
    nlp: Language,
    name: str,
    labels: Any,
    model: Model[Any, Any],
    decoder: Decoder,
    format: Format,
    matcher: Matcher,
    window: Windower,
    augmentation: Callable[..., Any] | None,
    token_weights: Any,
    batch_size: Any,
    overwrite: Any,
    set_ents: Any,
    spans_key: Any,
    threshold: Any,
    decoys: Any,
    label_definitions: Any,
    examples: Any,
    readable_labels: Any,
    scorer: Callable[..., dict[str, Any]] | None,
) -> GNER:
    """Make a `gner` component.

    nlp (Language): The pipeline.
    name (str): The name of the component in it.
    labels (list[str] | dict[str, str]): What to look for: labels, or entity label -> wording
        in the prompt. Can be changed at any time, and for single Docs.
    model (Model): The language model, `spacy_gner.Transformer.v1`.
    decoder (Decoder): How its output is found: `spacy_gner.BeamSearch.v1`,
        `.DraftedGreedy.v1` or `.ExactSearch.v1`.
    format (Format): How the model is asked and how its answer is read, `spacy_gner.BIO.v1` for
        all of GNER's published checkpoints.
    matcher (Matcher): Aligns output and words, `spacy_gner.LCSMatcher.v1`.
    window (Windower): Cuts long Docs, `spacy_gner.Window.v1`.
    augmentation (Callable | None): Changes prompts in training, `spacy_gner.Augmentation.v1`.
    token_weights (TokenWeights): Weights in the loss, `spacy_gner.TokenWeights.v1`.
    batch_size (int): Padded tokens that the model sees at once.
    overwrite (bool): Whether entities that a Doc has already are removed; otherwise they are
        kept, and win over predicted ones that overlap.
    set_ents (bool): Whether `doc.ents` is set.
    spans_key (str | None): A span group in `doc.spans` that is set as well; its
        `attrs["scores"]` has the scores. In training its spans are the gold entities, in Docs
        that have it.
    threshold (float | str | dict[str, float] | None): Entities with a lower score are dropped; by
        label, where it is a mapping (labels that are not in it have no threshold). "auto" is the
        threshold of the model's calibration, where it brings one; None keeps all.
    decoys (list[str]): Wordings that are asked for beside the labels, but never written to a
        Doc: what is one of them is not taken for one of the labels.
    label_definitions (dict[str, str]): Label, or its wording -> one sentence on what it means,
        for the prompt.
    examples (str | list[dict] | None): Solved examples for the prompt (few-shot), each
        `{"text": …, "entities": {label: [mention, …]}}`; or the path of a .json, .jsonl or
        .yml file with them.
    readable_labels (bool): Whether labels without a wording whose name was made for programs
        (`PERSON`, `WORK_OF_ART`, `dateOfBirth`) stand in the prompt in words.
    scorer (Callable | None): The scoring method.
    RETURNS (GNER): The component.
    RAISES (ValueError): E001 to E005, E010 to E017, E023 and E034 for what cannot work.
    """
    check_keys("labels", labels)
    check_keys("threshold", threshold)
    check_keys("label_definitions", label_definitions)
    if not _is_being_loaded(nlp, name):
        make_shots(read_examples(examples))
        _check_source(get_shim(model).settings)
    return GNER(
        nlp.vocab,
        model,
        name,
        labels=labels,
        decoder=decoder,
        format=format,
        matcher=matcher,
        window=window,
        augmentation=augmentation,
        token_weights=token_weights,
        batch_size=batch_size,
        overwrite=overwrite,
        set_ents=set_ents,
        spans_key=spans_key,
        threshold=threshold,
        decoys=decoys,
        label_definitions=label_definitions,
        examples=examples,
        readable_labels=readable_labels,
        nlp=nlp,
        scorer=scorer,
    )


def _check_source(settings: BackboneSettings) -> None:
    check_name(settings.name)
    if Path(settings.name).is_dir():
        # Transformers is needed to read the directory, and will be needed for the first Doc.
        from ..backbones.loading import check_source

        check_source(settings)


def _is_being_loaded(nlp: Language, name: str) -> bool:
    # When spaCy loads a saved pipeline, the meta.json of that pipeline is there before its
    # components are. The weights then come with the pipeline, and the directory that they
    # once came from may be gone.
    return name in getattr(nlp, "_meta", {}).get("pipeline", ())
