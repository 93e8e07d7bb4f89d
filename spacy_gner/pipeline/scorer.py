"""The scorer of the component: spaCy's own entity scores, for `doc.ents` or a span group."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

NerScorer = Callable[..., dict[str, Any]]


def make_ner_scorer(spans_key: str | None = None) -> NerScorer:
    """Build the scorer that is registered as `spacy_gner.ner_scorer.v1`.

    spans_key (str | None): The span group that holds the predictions and the
        reference. None scores what the component sets: `doc.ents`, or with `set_ents = false`
        its span group, which is compared with the same group of the reference, or, where
        a reference has no such group, with its `doc.ents`.
    RETURNS (Callable): Takes Examples, returns strict scores. For `doc.ents` the
        keys are `ents_p`, `ents_r`, `ents_f` and `ents_per_type`, exactly those of
        `spacy.scorer.get_ner_prf`. With a span group they are `spans_KEY_p`,
        `spans_KEY_r`, `spans_KEY_f` and `spans_KEY_per_type` of
        `Scorer.score_spans`. A component with `set_ents = false` has both kinds of keys,
        so that training finds its score. Scores are None where there is no annotation.
    """
    if spans_key is None:
        return score_component
    return _make_group_scorer(spans_key)


def score_component(
    examples: Iterable[Example],
    *,
    set_ents: bool = True,
    spans_key: str | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """Score what a component sets. See `make_ner_scorer`.

    examples (Iterable[Example]): The examples.
    set_ents (bool): The setting of the component.
    spans_key (str | None): The setting of the component.
    RETURNS (dict): The scores.
    """
    if set_ents or spans_key is None:
        return get_ner_prf(examples, **kwargs)
    key = spans_key

    def entities_of(doc: Doc, _: str) -> Iterable[Span]:
        return list(doc.spans.get(key, doc.ents))

    def has_entities(doc: Doc) -> bool:
        return key in doc.spans or doc.has_annotation("ENT_IOB")

    scores = Scorer.score_spans(
        examples,
        "ents",
        getter=entities_of,
        has_annotation=has_entities,
        allow_overlap=True,
        labeled=True,
    )
    named = {f"spans_{key}{name.removeprefix('ents')}": value for name, value in scores.items()}
    return {**scores, **named}


def _make_group_scorer(spans_key: str) -> NerScorer:
    attr = f"spans_{spans_key}"

    def group_of(doc: Doc, _: str) -> Iterable[Span]:
        return list(doc.spans.get(spans_key, []))

    def has_group(doc: Doc) -> bool:
        return spans_key in doc.spans

    def score_group(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        return Scorer.score_spans(
            examples,
            attr,
            getter=group_of,
            has_annotation=has_group,
            allow_overlap=True,
            labeled=True,
        )

    return score_group
