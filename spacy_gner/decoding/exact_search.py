"""The most probable tagging, given the words.

The words are forced, so that none can be lost, added or changed, and each gets one of
the tags that the format allows after the tag before. The log-probability of a tagging is
the sum over the choices between tags, each normalized over the tokens that were allowed
there. Forced tokens cost nothing: they are conditions, not choices.

A first tagging takes the likeliest token everywhere. Then alternatives that it did not
take are followed up, the one with the best bound first, while any bound beats the best
tagging (see `Search`). This finds what beam search approximates: the model may correct
a tag in view of later words (paper, section 6 and Figure 6).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from spacy.util import registry

from ..backbones.backbone import Backbone
from ..formats import TaggedWords
from ..planning.request import Request
from .batching import plan_batches
from .common import (
    check_at_least,
    check_lengths,
    check_not_negative,
    draft_width,
    draft_widths,
    n_common,
    pass_overhead,
    tag_tokens,
)
from .forward import ModelView
from .one_pass import OnePass
from .packed_session import PackedSession, packed_model
from .partial_tagging import Draft, PartialTagging
from .request import Generation, TokensFed, check_format
from .scores import probability
from .search import Fork, Search
from .sentence import Sentence
from .session import Session, can_share_batches
from .tags import tag_table

# Forks that are computed together, when there are too few sentences to fill a batch.
_MIN_ROWS = 4
# Words that forks may tag again: so many for each fork that is allowed, and these besides, so that
# forks of a sentence may run to its end, and those of a long text may not all do that.
_WORDS_PER_FORK, _FREE_WORDS = 2, 24
# A short text is searched, however unsure it is: the search needs a pass for a surprise.
_FEW_SURPRISES = 5


@registry.misc("spacy_gner.ExactSearch.v1")
class ExactSearch:
    """The decoder that forces the words and finds the most probable tagging.

    max_forks_per_word (float | None): How many alternatives are followed up, at most, per word of
        the text; together they may tag two words again for each of them, and 24 more. With 0 the
        result is the greedy tagging; null sets no bound. A text that had promising alternatives
        left is `cut_short`; it gets the best tagging that was found.
    approximate_after (int | None): A fork whose last tags, this many, are again those of the
        tagging that it left is given up unless it is better so far. Forks are chosen by the
        same estimate. With null the search is exact: forks are followed up while they can win
        (and all that can are, unless `max_forks_per_word` forbids it).
    one_pass_above (float | None): Bounds the work for long texts that the model is unsure about.
        Where more than this share of the words, and more than five, are expected to get other tags
        than those drafted, by what the first draft says, the text gets the tagging of `OnePass`,
        and is `cut_short`. Only on the path for CPUs, which reads first drafts to their ends, and
        never in the exact search.
    max_draft (int): About how many tokens are drafted at once, at most.
    pass_overhead (float | None): As in `spacy_gner.DraftedGreedy.v1`.
    RAISES (ValueError): E017 for negative numbers.
    """

    format_type = TaggedWords

    def __init__(
        self,
        max_forks_per_word: float | None = 0.25,
        approximate_after: int | None = 2,
        one_pass_above: float | None = None,
        max_draft: int = 256,
        pass_overhead: float | None = None,
    ):
        check_not_negative("max_forks_per_word", max_forks_per_word)
        if approximate_after is not None:
            check_at_least("approximate_after", approximate_after, 1)
        check_not_negative("one_pass_above", one_pass_above)
        check_at_least("max_draft", max_draft, 0)
        check_not_negative("pass_overhead", pass_overhead)
        self.max_forks_per_word = max_forks_per_word
        self.approximate_after = approximate_after
        self.one_pass_above = one_pass_above
        self.max_draft = max_draft
        self.pass_overhead = pass_overhead

    def __call__(
        self, backbone: Backbone, requests: Sequence[Request], batch_tokens: int
    ) -> list[Generation]:
        """See `Decoder`. RAISES (ValueError): E025 for a format that does not write every
        word, E401 for a sentence that is too long for the model, E402 for models
        without keys and values of every token, E403 for logits that are no numbers."""
        for request in requests:
            check_format(self, request.format)
        prompts = backbone.codec.prompt_ids([request.prompt.input for request in requests])
        lengths = check_lengths(backbone, requests, prompts)
        if not can_share_batches(backbone):
            batch_tokens = 1
        result: list[Generation | None] = [None] * len(requests)
        for batch in plan_batches(lengths, batch_tokens):
            run = _Run(self, backbone, [requests[i] for i in batch])
            n_rows = max(len(batch), min(_MIN_ROWS, batch_tokens // lengths[batch[0]]))
            found = run([prompts[i] for i in batch], n_rows)
            if run.unsure:
                unsure = [requests[batch[number]] for number in run.unsure]
                left = OnePass()(backbone, unsure, batch_tokens)
                for number, other in zip(run.unsure, left, strict=True):
                    found[number] = run.in_place_of_search(number, other)
            for number, i in enumerate(batch):
                result[i] = found[number]
        return [g for g in result if g is not None]

    def search(self, request: Request) -> Search:
        """RETURNS (Search): The search for a request, with its limits."""
        max_forks = max_words = math.inf
        if self.max_forks_per_word is not None:
            max_forks = math.ceil(self.max_forks_per_word * len(request.words))
            max_words = _FREE_WORDS + _WORDS_PER_FORK * max_forks
        return Search(max_forks, self.approximate_after, max_words)


class _Run:
    """The search for one batch of sentences."""

    def __init__(self, settings: ExactSearch, backbone: Backbone, requests: Sequence[Request]):
        self._settings = settings
        self._backbone = backbone
        self._requests = requests
        self._overhead = pass_overhead(settings.pass_overhead, backbone)
        tokens = tag_tokens(backbone, requests)
        self._vocabulary = torch.tensor(tokens, dtype=torch.long, device=backbone.device)
        self._columns = {token: i for i, token in enumerate(tokens)}
        self._packed = packed_model(backbone)
        self._view = ModelView(backbone)
        is_bounded = self._packed is not None and settings.approximate_after is not None
        self._limit = settings.one_pass_above if is_bounded else None
        # Forks with what was computed for them, whose turn has not come.
        self._waiting: list[tuple[int, Fork, Any]] = []
        # How many tokens stand before the answer of each request.
        self._starts: list[int] = []
        self._searches = [settings.search(request) for request in requests]
        self._passes = [0] * len(requests)
        self._prompt_fed = [0] * len(requests)
        self._first: list[Fork] = []
        # Those that are left to `OnePass`.
        self.unsure: list[int] = []
        for request in requests:
            table = tag_table(backbone, request.format, request.wordings)
            sentence = Sentence(request, table, self._columns)
            self._first.append(Fork(PartialTagging(sentence)))

    @torch.inference_mode()
    def __call__(self, prompts: Sequence[Sequence[int]], n_rows: int) -> dict[int, Generation]:
        """RETURNS (dict[int, Generation]): By number of the request, without those in `unsure`.

        prompts (Sequence[Sequence[int]]): The tokens of their prompts.
        n_rows (int): How many taggings are computed together."""
        session: Any
        if self._packed is not None:
            session = PackedSession(self._backbone, self._packed, self._requests, prompts)
            n_rows = max(_MIN_ROWS, 2 * len(prompts))
        else:
            session = Session(self._backbone, self._view, self._requests, prompts)
        self._starts = [len(p) if self._backbone.codec.is_causal else 1 for p in prompts]
        rows = list(enumerate(self._first))
        while True:
            rows = self._finish(session, self._resume(session, rows))
            # Padded rows begin together.
            forks = [] if rows and self._packed is None else self._next_forks(rows, n_rows)
            if forks:
                session = self._begin(session, forks)
                rows = [*rows, *forks]
            elif rows:
                self._step(session, rows)
            # The turn of those that wait may have come with what was finished just now.
            elif not self._waiting:
                numbers = set(range(len(self._requests))).difference(self.unsure)
                return {number: self._generation(number) for number in numbers}

    def _next_forks(self, rows: Sequence[tuple[int, Fork]], n_rows: int) -> list[tuple[int, Fork]]:
        """Choose the forks that are begun next.

        rows (Sequence[tuple[int, Fork]]): What is computed already.
        n_rows (int): How many may be computed together.
        RETURNS (list[tuple[int, Fork]]): Forks with the numbers of their sentences. Each sentence
            that is not done has one at least.
        """
        n_running = Counter(number for number, *_ in [*rows, *self._waiting])
        waiting = []
        for number, search in enumerate(self._searches):
            if search.may_go_on:
                waiting.append(number)
            elif not n_running[number]:
                search.snapshot = None
        forks: list[tuple[int, Fork]] = []
        for number in waiting:
            n_forks = max(1, n_rows // len(waiting)) - n_running[number]
            found = self._searches[number].next_forks(n_forks)
            forks += [(number, fork) for fork in found]
        return forks

    def _begin(self, session: Any, forks: Sequence[tuple[int, Fork]]) -> Any:
        """RETURNS (Session | PackedSession): The session that computes forks: with what it computes
        already, if rows need no padding."""
        snapshots, lengths = [], []
        for number, fork in forks:
            search, tagging = self._searches[number], fork.tagging
            assert search.snapshot is not None and search.root is not None
            tagging.fed = n_common(tagging.tokens, search.root.tokens[: search.root.fed])
            snapshots.append(search.snapshot)
            lengths.append(self._starts[number] + tagging.fed)
        if self._packed is not None:
            session.add(snapshots, lengths)
            return session
        return Session.resume(self._backbone, self._view, snapshots, lengths)

    def _resume(self, session: Any, rows: list[tuple[int, Fork]]) -> list[tuple[int, Fork]]:
        """RETURNS (list[tuple[int, Fork]]): The rows, with those that need not wait any more."""
        waiting, self._waiting = self._waiting, []
        for number, fork, row in waiting:
            search = self._searches[number]
            if search.is_lost(fork) or not search.must_wait(fork):
                session.rejoin(row)
                rows = [*rows, (number, fork)]
            else:
                self._waiting.append((number, fork, row))
        return rows

    def _finish(self, session: Any, rows: list[tuple[int, Fork]]) -> list[tuple[int, Fork]]:
        """RETURNS (list[tuple[int, Fork]]): The rows without the taggings that are complete, or
        that cannot become the best ones."""
        staying = []
        for i, (number, fork) in enumerate(rows):
            search = self._searches[number]
            if number in self.unsure:
                continue
            if fork.tagging.point is not None and not search.is_lost(fork):
                if self._packed is not None and search.must_wait(fork):
                    self._waiting.append((number, fork, session.snapshot(i)))
                else:
                    staying.append(i)
                continue
            if self._packed is not None and fork.tagging.point is None:
                fork.snapshot = session.snapshot(i)
            search.finish(fork)
            # With padding it is a copy, which is made of the first tagging alone.
            if self._packed is None and fork.number < 0 and search.may_go_on:
                session.settle()
                search.snapshot = session.snapshot(i)
        if len(staying) < len(rows):
            session.select(staying)
        return [rows[i] for i in staying]

    def _step(self, session: Any, rows: Sequence[tuple[int, Fork]]) -> None:
        """One pass."""
        drafts = [self._draft(number, fork) for number, fork in rows]
        if self._packed is None:
            width = draft_width([draft.reach for draft in drafts], self._overhead)
            for draft in drafts:
                draft.tokens = draft.tokens[:width]
        else:
            self._cut(session, rows, drafts)
        taggings = [fork.tagging for _, fork in rows]
        todo = [len(tokens) for tokens in session.unfed]
        starts = [
            [*todo, *tagging.tokens[tagging.fed :]]
            for todo, tagging in zip(session.unfed, taggings, strict=True)
        ]
        fed = [[*start, *draft.tokens] for start, draft in zip(starts, drafts, strict=True)]
        wanted = [
            [len(start) - 1 + n for n, _, _ in draft.choices if n <= len(tokens) - len(start)]
            for start, draft, tokens in zip(starts, drafts, fed, strict=True)
        ]
        if self._packed is not None:
            branches = [
                [(len(start) + at, tokens) for at, tokens, _ in draft.branches]
                for start, draft in zip(starts, drafts, strict=True)
            ]
            found = session.feed(fed, wanted, self._vocabulary, branches)
        else:
            found = session.feed(fed, wanted, self._vocabulary)
        logits = found.float().cpu().numpy()
        at, kept = 0, []
        for i, (number, fork) in enumerate(rows):
            behind = at + len(wanted[i])
            n_kept = self._advance(number, fork, drafts[i], logits[at:behind])
            at = behind
            for _, _, point in drafts[i].branches:
                if point.word >= len(fork.tagging.tags):
                    fork.tagging.sentence.read(point, logits[at])
                at += 1
            n_new = min(len(fed[i]) - todo[i], n_kept)
            fork.tagging.fed += n_new
            kept.append(todo[i] + n_new)
            if fork.number < 0 and not fork.n_fed and self._is_unsure(fork.tagging):
                self.unsure.append(number)
            self._prompt_fed[number] += todo[i]
            n_branches = sum(len(tokens) for _, tokens, _ in drafts[i].branches)
            fork.n_fed += len(fed[i]) - todo[i] + n_branches
        session.keep(kept)
        for number in {number for number, _ in rows}:
            self._passes[number] += 1

    def _draft(self, number: int, fork: Fork) -> Draft:
        """RETURNS (Draft): How a tagging may go on, cut where more of it is not worth while."""
        search = self._searches[number]
        is_first = fork.number < 0 and not fork.n_fed and self._packed is not None
        return fork.tagging.draft(
            self._settings.max_draft,
            search.best_total,
            search.rejoin_words(fork),
            self._packed is not None,
            is_first,
            is_first and self._limit is not None,
        )

    def _cut(self, session: Any, rows: Sequence[tuple[int, Fork]], drafts: list[Draft]) -> None:
        """Cut drafts where more of them is not worth while. First drafts are read to their ends."""
        n_tokens = sum(map(len, session.unfed))
        cut = []
        for (_, fork), draft in zip(rows, drafts, strict=True):
            n_tokens += len(fork.tagging.tokens) - fork.tagging.fed
            if fork.number < 0 and not fork.n_fed:
                n_tokens += len(draft.tokens)
            else:
                cut.append(draft)
        widths = draft_widths(
            [draft.reach for draft in cut], n_tokens, self._overhead, session.least_tokens
        )
        for draft, width in zip(cut, widths, strict=True):
            draft.tokens = draft.tokens[:width]
            draft.branches = [branch for branch in draft.branches if branch[0] <= width]

    def _is_unsure(self, tagging: PartialTagging) -> bool:
        """RETURNS (bool): Whether too many words will get other tags than those drafted, by what
        the first draft says about them."""
        if self._limit is None:
            return False
        least = max(_FEW_SURPRISES, self._limit * len(tagging.sentence.words))
        return tagging.expected_surprises > least

    def _advance(self, number: int, fork: Fork, draft: Draft, logits: np.ndarray) -> int:
        """RETURNS (int): How many of the tokens that were not fed before are right."""
        tagging = fork.tagging
        before = tagging.fed
        n_known = len(tagging.tokens)
        search = self._searches[number]
        search.note(fork, *tagging.advance(draft, list(logits), search.rejoin_words(fork)))
        new = tagging.tokens[n_known:]
        return n_known - before + n_common(new, draft.tokens)

    def in_place_of_search(self, number: int, found: Generation) -> Generation:
        """RETURNS (Generation): What one pass found, with what was computed here as well."""
        fed = found.tokens_fed
        assert fed is not None
        return replace(
            found,
            forward_passes=found.forward_passes + self._passes[number],
            forks=0,
            cut_short=True,
            tokens_fed=replace(
                fed,
                prompt=fed.prompt + self._prompt_fed[number],
                dropped=fed.dropped + self._first[number].n_fed,
            ),
        )

    def _generation(self, number: int) -> Generation:
        request, search = self._requests[number], self._searches[number]
        best, first = search.best, self._first[number]
        assert best is not None
        assert isinstance(request.format, TaggedWords)
        text, parts = request.format.tagged(request.words, best.tags)
        n_kept = len(first.tagging.tokens)
        return Generation(
            text,
            tuple(parts),
            tuple(map(probability, best.log_probs)),
            forward_passes=self._passes[number],
            forks=search.n_forks,
            cut_short=search.is_open,
            log_prob=best.total,
            tokens_fed=TokensFed(
                self._prompt_fed[number],
                min(first.n_fed, n_kept),
                max(0, first.n_fed - n_kept),
                search.n_won,
                search.n_lost,
            ),
        )
