"""Docs to requests: which prompts a Doc needs, within the length of the model."""

import math
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..backbones.backbone import Backbone
from ..decoding.request import Request
from ..errors import Errors, Warnings
from ..formats import LabelSet, Scheme, Template
from ..matching import make_back_tokenizer
from .windows import DocWords, Windower, WordWindow

# The share of a window that instruction and labels may take, before the labels are
# split into groups.
_MAX_OVERHEAD = 0.6
# The share of words that are reckoned with the longest tag instead of O. More of them
# only make an output longer than the model was trained for: nothing is cut, as long as
# the model has positions for it.
_ENTITY_SHARE = 0.25
_CACHED_LABEL_SETS = 256


@dataclass(frozen=True)
class PlannedRequest:
    """A request, and where its words stand in the Doc.

    request (Request): What the decoder gets.
    window (WordWindow): Which words of the Doc it has.
    labels (LabelSet): The labels of its prompt.
    """

    request: Request
    window: WordWindow
    labels: LabelSet


class Planner:
    """Plans the requests of Docs for one backbone.

    backbone (Backbone): Knows lengths.
    template (Template): Writes prompts.
    scheme (Scheme): Writes tags.
    windower (Windower): Cuts Docs.
    """

    def __init__(
        self, backbone: Backbone, template: Template, scheme: Scheme, windower: Windower
    ) -> None:
        self.backbone = backbone
        self.template = template
        self.scheme = scheme
        self.windower = windower
        length = windower.max_tokens or backbone.max_length
        limit = backbone.hard_limit
        self.max_tokens = length if limit is None else min(length, limit)
        self.back_tokenizer = make_back_tokenizer(backbone.tokenizer)
        self._groups: OrderedDict[LabelSet, list[LabelSet]] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        # None, wherever a component is pickled: the model does not travel with its plans.
        return (type(None), ())

    def is_made_of(
        self, backbone: Backbone, template: Template, scheme: Scheme, windower: Windower
    ) -> bool:
        """RETURNS (bool): Whether these are the very parts that it was made of."""
        pairs = (
            (self.backbone, backbone),
            (self.template, template),
            (self.scheme, scheme),
            (self.windower, windower),
        )
        return all(own is other for own, other in pairs)

    def plan(self, words: DocWords, labels: LabelSet) -> list[PlannedRequest]:
        """Plan one Doc.

        words (DocWords): Its words.
        labels (LabelSet): The labels to look for.
        RETURNS (list[PlannedRequest]): One per window and group of labels.
        RAISES (ValueError): E024 when not even one label leaves room for words.
        """
        planned = []
        for group in self.groups(labels):
            budget = self.max_tokens - self.overhead(group)

            def cost(texts: Sequence[str], group: LabelSet = group) -> list[int]:
                return self.word_costs(texts, group)

            for window in self.windower(words, cost, budget):
                texts = tuple(words.texts[i] for i in window.words)
                prompt = self.template.prompt(texts, group.wordings, self.scheme)
                request = Request(prompt, texts, group.wordings, self.scheme)
                planned.append(PlannedRequest(request, window, group))
        return planned

    def groups(self, labels: LabelSet) -> list[LabelSet]:
        """Split labels that need too much of the window into groups of about equal size.

        labels (LabelSet): The labels.
        RETURNS (list[LabelSet]): One group when they fit.
        RAISES (ValueError): E024, see `plan`.
        """
        if labels in self._groups:
            self._groups.move_to_end(labels)
            return self._groups[labels]
        for n_groups in range(1, len(labels) + 1):
            size = math.ceil(len(labels) / n_groups)
            groups = [
                labels.subset(range(i, min(i + size, len(labels))))
                for i in range(0, len(labels), size)
            ]
            # One label per prompt may take all but what a few words need.
            share = _MAX_OVERHEAD if size > 1 else 0.9
            if all(self.overhead(group) <= share * self.max_tokens for group in groups):
                break
        else:
            longest = max(labels.wordings, key=len)
            n_tokens = self.overhead(labels.subset([labels.wordings.index(longest)]))
            raise ValueError(
                Errors.E024.format(n_tokens=n_tokens, max_tokens=self.max_tokens, label=longest)
            )
        self._warn_of_unspelled(labels)
        self._groups[labels] = groups
        if len(self._groups) > _CACHED_LABEL_SETS:
            self._groups.popitem(last=False)
        return groups

    def _warn_of_unspelled(self, labels: LabelSet) -> None:
        """Say which labels the model cannot write (W005): its vocabulary lacks a character, or
        its tokenizer changes one."""
        tags = self.scheme.tags(labels.wordings)
        ids = self.backbone.target_ids([f"word({tag})" for tag in tags])
        texts = [self.backbone.decode(row) for row in ids]
        lost = {t for t, text in zip(tags, texts, strict=True) if not text.endswith(f"({t})")}
        names = [w for w in labels.wordings if any(tag[2:] == w for tag in lost)]
        if names:
            text = ", ".join(map(repr, names))
            warnings.warn(Warnings.W005.format(labels=text), stacklevel=6)

    def overhead(self, labels: LabelSet) -> int:
        """RETURNS (int): Tokens of a prompt without words, and of the end of an output."""
        prompt = self.template.prompt((), labels.wordings, self.scheme)
        return len(self.backbone.prompt_ids([prompt.text])[0]) + 1

    def word_costs(self, texts: Sequence[str], labels: LabelSet) -> list[int]:
        """RETURNS (list[int]): Tokens that each word needs in prompt and output (causal), or
        in the output, the longer of the two (seq2seq)."""
        # Schemes that leave words out need no more than those that write them all.
        costs = [len(ids) for ids in self.backbone.target_ids([f"{text}(O)" for text in texts])]
        if self.backbone.is_causal:
            plain = self.backbone.target_ids(list(texts))
            costs = [c + len(ids) for c, ids in zip(costs, plain, strict=True)]
        tags = self.scheme.tags(labels.wordings)
        lengths = [len(i) for i in self.backbone.target_ids([f"{tag}({tag})" for tag in tags])]
        plain_tags = [len(i) for i in self.backbone.target_ids(tags)]
        tag_costs = [a - b for a, b in zip(lengths, plain_tags, strict=True)]
        extra = max(0, max(tag_costs) - tag_costs[0])
        expected = [c + math.ceil(_ENTITY_SHARE * extra) for c in costs]
        limit = self.backbone.hard_limit
        if limit is None:
            return expected
        # Even if every word got the longest tag, the model must have positions for it.
        overhead = self.overhead(labels)
        share = (self.max_tokens - overhead) / max(1, limit - overhead)
        return [
            max(e, math.ceil((c + extra) * share)) for e, c in zip(expected, costs, strict=True)
        ]
