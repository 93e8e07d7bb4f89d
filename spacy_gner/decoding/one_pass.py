"""The cheapest tagging: one pass over the sentence with every word tagged O.

The model is given the whole answer, with O behind every word, and says at each word what it would
have written there. From these distributions the most probable tagging that the format allows is
found (Viterbi). What is neglected is that a tag depends on the tags before it: a model that was
trained with wrong tags before a word (history dropout) knows how to read past them, another one
may not. A second pass over the tagging that was found gives its scores.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from spacy.util import registry

from ..backbones.backbone import Backbone
from ..formats import TaggedWords
from ..planning.request import Request
from .batching import plan_batches
from .common import check_lengths, choice_log_probs, n_common, tag_tokens
from .forward import ModelView
from .likely_tags import likely_tags
from .packed_session import PackedSession, packed_model
from .request import Generation, TokensFed, check_format
from .scores import probability
from .sentence import Reading, Sentence
from .session import Session, can_share_batches
from .tags import TagNode, TagTrie, tag_table

# Labels are not read where O is at least so probable.
_SURELY_OUTSIDE = 0.99
# Nor what comes behind beginnings of tags that are less probable.
_UNLIKELY = 0.005
# Rows that read one label each, where a pass cannot have branches.
_MAX_ROWS = 32

Path = tuple[int, ...]
# A choice to be read: the sentence, the word, how many tokens stand before its tag, and the
# beginning of the tag.
_Job = tuple[int, int, int, Path]


@registry.misc("spacy_gner.OnePass.v1")
class OnePass:
    """The decoder that forces the words and reads all tags at once.

    verify (bool): Whether a second pass over the tagging that was found gives its scores. Without
        it they are what the model said after words tagged O.
    """

    format_type = TaggedWords

    def __init__(self, verify: bool = True):
        self.verify = verify

    def __call__(
        self, backbone: Backbone, requests: Sequence[Request], batch_tokens: int
    ) -> list[Generation]:
        """See `Decoder`. RAISES (ValueError): As `ExactSearch`."""
        for request in requests:
            check_format(self, request.format)
        prompts = backbone.codec.prompt_ids([request.prompt.input for request in requests])
        lengths = check_lengths(backbone, requests, prompts)
        if not can_share_batches(backbone):
            batch_tokens = 1
        result: list[Generation | None] = [None] * len(requests)
        for batch in plan_batches(lengths, batch_tokens):
            run = _Run(backbone, [requests[i] for i in batch], [prompts[i] for i in batch])
            for i, generation in zip(batch, run(self.verify), strict=True):
                result[i] = generation
        return [g for g in result if g is not None]


@dataclass
class _Row:
    """A sentence and its tagging.

    sentence (Sentence): The sentence, with the logits that were read.
    tags (list[str]): The tagging that was found.
    log_probs (list[float]): The log-probabilities of its tags.
    """

    sentence: Sentence
    tags: list[str] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    n_passes: int = 1
    n_dropped: int = 0

    def tokens(self, tags: Sequence[str]) -> list[int]:
        """RETURNS (list[int]): The tokens of a tagging."""
        pieces = [word.piece(tag) for word, tag in zip(self.sentence.words, tags, strict=True)]
        return [token for piece in pieces for token in piece]

    def places(self, tags: Sequence[str]) -> list[tuple[int, int, Path]]:
        """RETURNS (list[tuple[int, int, tuple[int, ...]]]): The choices on the way to a tagging:
        how many of its tokens stand before each, its word, and the beginning of its tag."""
        found, start = [], 0
        words = zip(self.sentence.words, tags, strict=True)
        for number, (word, tag) in enumerate(words):
            suffix = word.trie.suffixes[tag]
            start += len(word.stem)
            found += [(start + d, number, suffix[:d]) for d, _, _ in word.trie.choices(tag)]
            start += len(suffix)
        return found

    def read(self, word: int, path: Path, logits: np.ndarray, in_entity: bool = False) -> None:
        """Take note of what the model said about a choice. See `Reading`."""
        self.sentence.readings[word, path] = Reading(in_entity, logits)

    def trie(self, index: int, previous: str) -> TagTrie:
        """RETURNS (TagTrie): The tags that a word may have after a tag."""
        words = self.sentence.words
        return self.sentence.table.allowed(words[index], previous, index == len(words) - 1)

    def choice(self, index: int, path: Path, tokens: Sequence[int]) -> np.ndarray:
        """RETURNS (np.ndarray): Log-probabilities of the next tokens of a word's tag. Where that
        was not read, since the word is not expected to get there, all are alike."""
        reading = self.sentence.readings.get((index, path))
        if reading is None:
            return choice_log_probs(np.zeros(len(tokens)))
        columns = self.sentence.columns
        return choice_log_probs(reading.logits[[columns[token] for token in tokens]])

    def log_prob(self, index: int, previous: str, tag: str) -> float:
        """RETURNS (float): The log-probability of a word's tag after another tag."""
        trie = self.trie(index, previous)
        return math.fsum(
            float(self.choice(index, trie.suffixes[tag][:depth], tokens)[chosen])
            for depth, tokens, chosen in trie.choices(tag)
        )

    def find(self) -> None:
        """Find the most probable tagging."""
        start = self.sentence.start()
        found = likely_tags(self.sentence, start.point) if start.point is not None else []
        self.tags = [*start.tags, *(tag for tag, _ in found)]
        self.log_probs = [*(0.0 for _ in start.tags), *(value for _, value in found)]

    def unread_paths(self, index: int) -> list[Path]:
        """RETURNS (list[tuple[int, ...]]): The beginnings of a word's tags that it may have, and
        behind which there is a choice that was not read."""
        tags = self.sentence.table.tags
        # After the tags of one label the choices are as after those of another.
        before = ["O", *(tag for tag in tags if tag[2:] == tags[1][2:])]
        found: dict[Path, None] = {}
        for previous in before:
            stack: list[tuple[TagNode, Path, float]] = [(self.trie(index, previous).root, (), 0.0)]
            while stack:
                node, path, total = stack.pop()
                if len(node.children) < 2:
                    stack += [(child, (*path, t), total) for t, child in node.children.items()]
                    continue
                if (index, path) not in self.sentence.readings:
                    found[path] = None
                    continue
                values = self.choice(index, path, list(node.children))
                for value, (token, child) in zip(values, node.children.items(), strict=True):
                    if total + value > math.log(_UNLIKELY):
                        stack.append((child, (*path, token), total + float(value)))
        return list(found)


class _Run:
    """One batch of sentences.

    backbone (Backbone): The model.
    requests (Sequence[Request]): Length R.
    prompts (Sequence[Sequence[int]]): Their tokens.
    """

    def __init__(
        self,
        backbone: Backbone,
        requests: Sequence[Request],
        prompts: Sequence[Sequence[int]],
    ):
        self._backbone = backbone
        self._prompts = prompts
        self._packed = packed_model(backbone)
        # Rows that read labels stand at different places.
        self._max_rows = _MAX_ROWS if can_share_batches(backbone) else 1
        tokens = tag_tokens(backbone, requests)
        columns = {token: i for i, token in enumerate(tokens)}
        self._vocabulary = torch.tensor(tokens, dtype=torch.long, device=backbone.device)
        self._rows = []
        for request in requests:
            table = tag_table(backbone, request.format, request.wordings)
            self._rows.append(_Row(Sentence(request, table, columns)))

    @torch.inference_mode()
    def __call__(self, verify: bool) -> list[Generation]:
        """RETURNS (list[Generation]): One per request."""
        outside = [["O"] * len(row.sentence.words) for row in self._rows]
        session = self._start()
        todo = [list(tokens) for tokens in session.unfed]
        texts = [row.tokens(tags) for row, tags in zip(self._rows, outside, strict=True)]
        places = [row.places(tags) for row, tags in zip(self._rows, outside, strict=True)]
        fed = [[*start, *tokens] for start, tokens in zip(todo, texts, strict=True)]
        wanted = [
            [len(start) - 1 + at for at, _, _ in row]
            for start, row in zip(todo, places, strict=True)
        ]
        found = iter(self._feed(session, fed, wanted))
        for row, marks in zip(self._rows, places, strict=True):
            for _, word, path in marks:
                row.read(word, path, next(found))
        session.keep([len(tokens) for tokens in fed])
        session.settle()
        snapshots = [session.snapshot(i) for i in range(len(fed))]
        starts = [len(p) if self._backbone.codec.is_causal else 1 for p in self._prompts]
        self._read_labels(session, snapshots, starts)
        for row in self._rows:
            row.find()
        if verify:
            self._verify(snapshots, starts, texts)
        return [
            _answer(row, len(start), len(tokens))
            for row, start, tokens in zip(self._rows, todo, texts, strict=True)
        ]

    def _start(self) -> Any:
        requests = [row.sentence.request for row in self._rows]
        if self._packed is not None:
            return PackedSession(self._backbone, self._packed, requests, self._prompts)
        self._view = ModelView(self._backbone)
        return Session(self._backbone, self._view, requests, self._prompts)

    def _last_prompt_token(self, number: int) -> int:
        if self._backbone.codec.is_causal:
            return self._prompts[number][-1]
        return self._backbone.codec.decoder_start_id

    def _resume(self, snapshots: Sequence[Any], lengths: Sequence[int]) -> Any:
        if self._packed is not None:
            return PackedSession.resume(self._packed, snapshots, lengths)
        return Session.resume(self._backbone, self._view, snapshots, lengths)

    def _feed(self, session: Any, tokens: Sequence[Any], wanted: Sequence[Any]) -> np.ndarray:
        logits = session.feed(tokens, wanted, self._vocabulary)
        result: np.ndarray = logits.float().cpu().numpy()
        return result

    def _read_labels(self, session: Any, snapshots: Sequence[Any], starts: Sequence[int]) -> None:
        """Read the choices that are not on the way to O, at the words that may be entities: one
        after the other, where a tag has several."""
        while True:
            jobs: list[_Job] = []
            for number, row in enumerate(self._rows):
                at = 0
                for index, word in enumerate(row.sentence.words):
                    at += len(word.stem)
                    if _may_be_entity(row, index):
                        jobs += [(number, index, at, path) for path in row.unread_paths(index)]
                    at += len(word.trie.suffixes["O"])
            if not jobs:
                return
            if self._packed is not None:
                self._read_branches(session, jobs, starts)
            else:
                self._read_rows(snapshots, jobs, starts)
            for number in {number for number, *_ in jobs}:
                self._rows[number].n_passes += 1

    def _read_branches(self, session: Any, jobs: Sequence[_Job], starts: Sequence[int]) -> None:
        """Read choices beside what each row has, without copies."""
        lengths = [row.length for row in session.rows]
        branches: list[list[tuple[int, Path]]] = [[] for _ in self._rows]
        for number, _, at, path in jobs:
            branches[number].append((starts[number] + at - lengths[number], path))
        none: list[list[int]] = [[] for _ in self._rows]
        found = session.feed(none, none, self._vocabulary, branches).numpy()
        session.keep([0] * len(self._rows))
        for (number, index, _, path), logits in zip(jobs, found, strict=True):
            self._rows[number].read(index, path, logits)
            self._rows[number].n_dropped += len(path)

    def _read_rows(
        self, snapshots: Sequence[Any], jobs: Sequence[_Job], starts: Sequence[int]
    ) -> None:
        """Read each choice in a row of its own."""
        for first in range(0, len(jobs), self._max_rows):
            part = jobs[first : first + self._max_rows]
            session = self._resume(
                [snapshots[number] for number, *_ in part],
                [starts[number] + at for number, _, at, _ in part],
            )
            tokens = [list(path) for *_, path in part]
            found = self._feed(session, tokens, [[len(path) - 1] for path in tokens])
            for (number, index, _, path), logits in zip(part, found, strict=True):
                self._rows[number].read(index, path, logits)
                self._rows[number].n_dropped += len(path)

    def _verify(
        self, snapshots: Sequence[Any], starts: Sequence[int], texts: Sequence[Sequence[int]]
    ) -> None:
        """Take the log-probabilities of the tags from a pass over the tagging itself."""
        jobs = []
        for number, (row, outside) in enumerate(zip(self._rows, texts, strict=True)):
            tokens = row.tokens(row.tags)
            same = n_common(tokens, outside)
            if same < len(tokens):
                jobs.append((number, same, tokens))
        if jobs:
            session = self._resume(
                [snapshots[number] for number, _, _ in jobs],
                [starts[number] + same - 1 for number, same, _ in jobs],
            )
            # The last token that both have in common tells what comes after it.
            last = [self._last_prompt_token(number) for number, _, _ in jobs]
            fed = [[token, *job[2]][job[1] :] for token, job in zip(last, jobs, strict=True)]
            marks = []
            for number, same, _ in jobs:
                row = self._rows[number]
                marks.append([mark for mark in row.places(row.tags) if mark[0] >= same])
            wanted = [
                [at - job[1] for at, _, _ in own] for job, own in zip(jobs, marks, strict=True)
            ]
            found = iter(self._feed(session, fed, wanted))
            for (number, _, _), own in zip(jobs, marks, strict=True):
                for _, word, path in own:
                    self._rows[number].read(word, path, next(found))
                self._rows[number].n_passes += 1
        for row in self._rows:
            before = ["", *row.tags]
            row.log_probs = [
                row.log_prob(index, before[index], tag) for index, tag in enumerate(row.tags)
            ]


def _may_be_entity(row: _Row, index: int) -> bool:
    trie = row.sentence.words[index].trie
    total = sum(
        float(row.choice(index, trie.suffixes["O"][:depth], tokens)[chosen])
        for depth, tokens, chosen in trie.choices("O")
    )
    return math.exp(total) < _SURELY_OUTSIDE


def _answer(row: _Row, n_prompt: int, n_tokens: int) -> Generation:
    request = row.sentence.request
    assert isinstance(request.format, TaggedWords)
    text, parts = request.format.tagged(request.words, row.tags)
    return Generation(
        text,
        tuple(parts),
        tuple(map(probability, row.log_probs)),
        forward_passes=row.n_passes,
        log_prob=math.fsum(row.log_probs),
        tokens_fed=TokensFed(n_prompt, n_tokens, row.n_dropped),
    )
