"""Docs to requests: which prompts a Doc needs, within the length of the model.

All that is known about the number of tokens is here; training asks the same planner.
"""

import math
import threading
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..backbones.codec import TextCodec
from ..errors import Errors, Warnings
from ..formats import Format, Guidance, LabelSet, Shot, TaggedWords
from ..matching import make_back_tokenizer
from .guidance import ExamplesInput, definitions_of, make_shots, read_examples
from .request import Request
from .windows import Windower, WordWindow
from .words import DocWords

# The share of a window that instruction and labels may take, before the labels are
# split into groups; one label alone may take all but what a few words need.
_MAX_OVERHEAD = 0.6
_MAX_OVERHEAD_OF_ONE = 0.9
# The share of words that are reckoned with the longest tag instead of O. More of them
# only make an output longer than the model was trained for: nothing is cut, as long as
# the model has positions for it.
_ENTITY_SHARE = 0.25
_CACHED_LABEL_SETS = 256
_CACHED_WORDS = 20_000


@dataclass(frozen=True)
class LabelGroup:
    """Labels that one prompt asks for, and all that depends on them alone.

    labels (LabelSet): The labels.
    guidance (Guidance): What the prompt says about them.
    overhead (int): Tokens of a prompt without words, and of the end of an output.
    extra (int): How many tokens a word needs more in the output when it is an entity of the
        longest label.
    """

    labels: LabelSet
    guidance: Guidance
    overhead: int
    extra: int


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
    """Plans the requests of Docs for one model. Safe to share between threads.

    codec (TextCodec): Counts tokens, and knows how many the model takes.
    format (Format): Writes prompts, and knows what answers look like.
    windower (Windower): Cuts Docs.
    definitions (Mapping[str, str] | None): Label or its wording -> what it means.
    examples (ExamplesInput | None): Solved examples, or their path.
    RAISES (ValueError): E008 for examples that cannot be used.
    """

    def __init__(
        self,
        codec: TextCodec,
        format: Format,
        windower: Windower,
        definitions: Mapping[str, str] | None = None,
        examples: ExamplesInput | None = None,
    ) -> None:
        self.codec = codec
        self.format = format
        self.windower = windower
        self.definitions = {} if definitions is None else definitions
        self.examples = examples
        self.shots = make_shots(read_examples(examples))
        length = windower.max_tokens or codec.max_length
        limit = codec.hard_limit
        self.max_tokens = length if limit is None else min(length, limit)
        self.back_tokenizer = make_back_tokenizer(codec.tokenizer)
        self._lock = threading.Lock()
        self._groups: OrderedDict[LabelSet, list[LabelGroup]] = OrderedDict()
        self._word_costs: dict[str, tuple[int, int]] = {}
        self._label_costs: dict[str, int] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # None, wherever a component is pickled: the model does not travel with its plans.
        return (type(None), ())

    def is_made_of(self, *parts: Any) -> bool:
        """RETURNS (bool): Whether these are the arguments that it was made of."""
        own = (self.codec, self.format, self.windower, self.definitions, self.examples)
        return all(a is b or a == b for a, b in zip(own, parts, strict=True))

    def plan(self, words: DocWords, labels: LabelSet) -> list[PlannedRequest]:
        """Plan one Doc.

        words (DocWords): Its words.
        labels (LabelSet): The labels to look for.
        RETURNS (list[PlannedRequest]): One per window and group of labels.
        RAISES (ValueError): E024 when not even one label leaves room for words.
        """
        planned = []
        for group in self.groups(labels):
            wordings = group.labels.wordings
            for window in self.windows(words, group):
                texts = tuple(words.texts[i] for i in window.words)
                prompt = self.format.prompt(texts, wordings, group.guidance)
                n_output = self.output_length(texts, group)
                request = Request(prompt, texts, wordings, self.format, n_output)
                planned.append(PlannedRequest(request, window, group.labels))
        return planned

    def windows(self, words: DocWords, group: LabelGroup) -> list[WordWindow]:
        """Cut a Doc into what one prompt can show.

        words (DocWords): Its words.
        group (LabelGroup): The labels of the prompt.
        RETURNS (list[WordWindow]): The windows, see `Windower`.
        """
        cost = partial(self.word_costs, group=group)
        return self.windower(words, cost, self.max_tokens - group.overhead)

    def groups(self, labels: LabelSet) -> list[LabelGroup]:
        """Split labels that one prompt cannot hold into groups of about equal size.

        labels (LabelSet): The labels.
        RETURNS (list[LabelGroup]): One group when they fit.
        RAISES (ValueError): E024, see `plan`.
        """
        with self._lock:
            known = self._groups.get(labels)
            if known is not None:
                self._groups.move_to_end(labels)
                return known
        groups = self._split(labels)
        with self._lock:
            self._groups[labels] = groups
            if len(self._groups) > _CACHED_LABEL_SETS:
                self._groups.popitem(last=False)
        return groups

    def _split(self, labels: LabelSet) -> list[LabelGroup]:
        at_once = self.format.labels_per_prompt or len(labels)
        for n_groups in range(math.ceil(len(labels) / at_once), len(labels) + 1):
            size = math.ceil(len(labels) / n_groups)
            starts = range(0, len(labels), size)
            parts = [labels.subset(range(i, min(i + size, len(labels)))) for i in starts]
            groups = [self._group(part) for part in parts]
            share = _MAX_OVERHEAD if size > 1 else _MAX_OVERHEAD_OF_ONE
            if all(group.overhead <= share * self.max_tokens for group in groups):
                return self._with_shots(groups)
        worst = max(groups, key=lambda group: group.overhead)
        raise ValueError(
            Errors.E024.format(
                n_tokens=worst.overhead,
                max_tokens=self.max_tokens,
                label=worst.labels.wordings[0],
            )
        )

    def _with_shots(self, groups: list[LabelGroup]) -> list[LabelGroup]:
        """RETURNS (list[LabelGroup]): The groups with as many examples as fit beside them."""
        total = len(self.shots)
        for n_shots in range(total, 0, -1):
            found = [self._group(group.labels, self.shots[:n_shots]) for group in groups]
            if all(group.overhead <= _MAX_OVERHEAD * self.max_tokens for group in found):
                break
        else:
            n_shots, found = 0, groups
        if n_shots < total:
            text = Warnings.W008.format(total=total, used=n_shots, max_tokens=self.max_tokens)
            warnings.warn(text, stacklevel=7)
        return found

    def _group(self, labels: LabelSet, shots: Sequence[Shot] = ()) -> LabelGroup:
        wordings = labels.to_dict()
        shown = []
        for shot in shots:
            spans = [(a, b, wordings[name]) for a, b, name in shot.spans if name in wordings]
            shown.append(Shot(shot.words, tuple(spans)))
        guidance = Guidance(definitions_of(labels, self.definitions), tuple(shown))
        prompt = self.format.prompt((), labels.wordings, guidance)
        overhead = len(self.codec.prompt_ids([prompt.input])[0]) + 1
        costs = self._costs_of_labels(labels)
        return LabelGroup(labels, guidance, overhead, max(0, *costs.values()))

    def _costs_of_labels(self, labels: LabelSet) -> dict[str, int]:
        """RETURNS (dict[str, int]): For each wording how many tokens a word needs more when it
        is an entity of that label. Warns (W005) of those that the model cannot write: its
        vocabulary lacks a character, or its tokenizer changes one."""
        known = self._label_costs
        new = [wording for wording in labels.wordings if wording not in known]
        spellings = [self._spellings(wording) for wording in new]
        ids = iter(self.codec.target_ids([text for texts in spellings for text in texts]))
        plain = self._costs_of_words(["word"])["word"][1]
        found: dict[str, int] = {}
        lost: list[str] = []
        for wording, texts in zip(new, spellings, strict=True):
            rows = [next(ids) for _ in texts]
            found[wording] = max(map(len, rows)) - plain
            if any(
                wording in text and wording not in self.codec.decode(row)
                for text, row in zip(texts, rows, strict=True)
            ):
                lost.append(wording)
        if lost:
            text = ", ".join(map(repr, lost))
            warnings.warn(Warnings.W005.format(labels=text), stacklevel=8)
        with self._lock:
            if len(self._label_costs) + len(found) > _CACHED_WORDS:
                self._label_costs = {}
            self._label_costs.update(found)
        return {w: found[w] if w in found else known[w] for w in labels.wordings}

    def _spellings(self, wording: str) -> list[str]:
        """RETURNS (list[str]): The answers for a sentence of one word that is an entity."""
        if isinstance(self.format, TaggedWords):
            return [self.format.spell("word", tag) for tag in self.format.tags([wording])[1:]]
        return [self.format.write(["word"], [(0, 1, wording)], [wording])]

    def word_costs(self, texts: Sequence[str], group: LabelGroup) -> list[int]:
        """Tokens that words are expected to need in prompt and output (causal), or in the
        output, the longer of the two (seq2seq).

        texts (Sequence[str]): The words, length N.
        group (LabelGroup): The labels of the prompt.
        RETURNS (list[int]): Length N.
        """
        known = self._costs_of_words(texts)
        costs = [sum(known[text]) for text in texts]
        expected = [cost + math.ceil(_ENTITY_SHARE * group.extra) for cost in costs]
        limit = self.codec.hard_limit
        if limit is None:
            return expected
        # Even if every word got the longest tag, the model must have positions for it.
        share = (self.max_tokens - group.overhead) / max(1, limit - group.overhead)
        return [
            max(e, math.ceil((c + group.extra) * share))
            for e, c in zip(expected, costs, strict=True)
        ]

    def output_length(self, texts: Sequence[str], group: LabelGroup) -> int:
        """RETURNS (int): Tokens of an output in which every word is an entity of the longest
        label, or as many as the format allows.

        texts (Sequence[str]): The words.
        group (LabelGroup): The labels of the prompt."""
        known = self._costs_of_words(texts)
        limit = self.format.max_new_tokens
        return limit or sum(known[text][1] + group.extra for text in texts)

    def _costs_of_words(self, texts: Sequence[str]) -> dict[str, tuple[int, int]]:
        """RETURNS (dict[str, tuple[int, int]]): For each word its tokens in the prompt, as far
        as they share the window with the output, and in the output when it is no entity."""
        known = self._word_costs
        costs = {text: known[text] for text in texts if text in known}
        new = list(dict.fromkeys(text for text in texts if text not in costs))
        if not new:
            return costs
        is_tagged = isinstance(self.format, TaggedWords)
        plain = written = [0] * len(new)
        if self.codec.is_causal or not is_tagged:
            plain = written = list(map(len, self.codec.target_ids(new)))
        if isinstance(self.format, TaggedWords):
            outputs = [self.format.spell(text, "O") for text in new]
            written = list(map(len, self.codec.target_ids(outputs)))
        if not self.codec.is_causal:
            plain = [0] * len(new)
        found = dict(zip(new, zip(plain, written, strict=True), strict=True))
        with self._lock:
            if len(self._word_costs) + len(found) > _CACHED_WORDS:
                self._word_costs = {}
            self._word_costs.update(found)
        return costs | found
