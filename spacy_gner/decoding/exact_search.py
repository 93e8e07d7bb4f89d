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
from collections.abc import Sequence

import numpy as np
import torch
from spacy.util import registry

from ..backbones.backbone import Backbone
from ..errors import Errors
from ..formats import TaggedWords
from .batching import plan_batches
from .beam_search import check_at_least
from .drafted_greedy import GPU_OVERHEAD, OVERHEAD, check_drafts, tag_tokens
from .follow import draft_width
from .forward import ModelView
from .line import Draft, Line, Sentence
from .request import Decoder, Generation, Request, check_format
from .search import Fork, Search
from .session import Session, can_share_batches
from .tags import tag_table

# Forks that are computed together, when there are too few sentences to fill a batch.
_MIN_ROWS = 4


class ExactSearch:
    """See `make_exact_search` for the arguments."""

    format_type = TaggedWords

    def __init__(
        self, max_forks: int = 8, max_draft: int = 256, pass_overhead: float | None = None
    ):
        check_at_least("max_forks", max_forks, 0)
        check_drafts(max_draft, pass_overhead)
        self.max_forks = max_forks
        self.max_draft = max_draft
        self.pass_overhead = pass_overhead

    def __call__(
        self, backbone: Backbone, requests: Sequence[Request], batch_tokens: int
    ) -> list[Generation]:
        """See `Decoder`. RAISES (ValueError): E025 for a format that does not write every
        word, E401 for a sentence that is too long for the model, E402 for models
        without keys and values of every token."""
        for request in requests:
            check_format(self, request.format)
        prompts = backbone.prompt_ids([request.prompt.text for request in requests])
        lengths = []
        for request, prompt in zip(requests, prompts, strict=True):
            used = len(prompt) if backbone.is_causal else 0
            lengths.append(len(prompt) + request.n_output)
            limit = backbone.hard_limit
            if limit is not None and used + request.n_output > limit:
                raise ValueError(Errors.E401.format(n_tokens=lengths[-1], limit=limit))
        if not can_share_batches(backbone):
            batch_tokens = 1
        result: list[Generation | None] = [None] * len(requests)
        for batch in plan_batches(lengths, batch_tokens):
            run = _Run(self, backbone, [requests[i] for i in batch])
            n_rows = max(len(batch), min(_MIN_ROWS, batch_tokens // lengths[batch[0]]))
            for i, generation in zip(batch, run([prompts[i] for i in batch], n_rows), strict=True):
                result[i] = generation
        return [g for g in result if g is not None]


class _Run:
    """The search for one batch of sentences."""

    def __init__(
        self,
        settings: ExactSearch,
        backbone: Backbone,
        requests: Sequence[Request],
    ):
        self._settings = settings
        self._backbone = backbone
        self._requests = requests
        self._view = ModelView(backbone)
        overhead = OVERHEAD.get(backbone.device.type, GPU_OVERHEAD)
        self._overhead = overhead if settings.pass_overhead is None else settings.pass_overhead
        tokens = tag_tokens(backbone, requests)
        self._vocabulary = torch.tensor(tokens, dtype=torch.long, device=backbone.device)
        self._columns = {token: i for i, token in enumerate(tokens)}
        self._searches = [Search(settings.max_forks) for _ in requests]
        self._passes = [0] * len(requests)
        self._first = []
        for request in requests:
            table = tag_table(backbone, request.format, request.wordings)
            self._first.append(Line(Sentence(request, table)))

    @torch.inference_mode()
    def __call__(self, prompts: Sequence[Sequence[int]], n_rows: int) -> list[Generation]:
        """RETURNS (list[Generation]): One per request.

        prompts (Sequence[Sequence[int]]): The tokens of their prompts.
        n_rows (int): How many taggings are computed together."""
        session = Session(self._backbone, self._view, self._requests, prompts)
        starts = [len(p) if self._backbone.is_causal else 1 for p in prompts]
        self._complete(session, list(enumerate(map(Fork, self._first))))
        while True:
            forks = self._next_forks(n_rows)
            if not forks:
                break
            snapshots, lengths = [], []
            for number, fork in forks:
                search, line = self._searches[number], fork.line
                assert search.snapshot is not None and search.root is not None
                line.fed = _n_common(line.tokens, search.root.tokens[: search.root.fed])
                snapshots.append(search.snapshot)
                lengths.append(starts[number] + line.fed)
            session = Session.resume(self._backbone, self._view, snapshots, lengths)
            self._complete(session, forks)
        return [self._generation(i) for i in range(len(self._requests))]

    def _next_forks(self, n_rows: int) -> list[tuple[int, Fork]]:
        """RETURNS (list[tuple[int, Fork]]): Forks with the numbers of their sentences: as many
        of each as fit, at least one of each sentence that is not done."""
        open_searches = []
        for number, search in enumerate(self._searches):
            if search.may_go_on:
                open_searches.append((number, search))
            else:
                search.snapshot = None
        forks: list[tuple[int, Fork]] = []
        n_left = n_rows
        for i, (number, search) in enumerate(open_searches):
            n_forks = -(-n_left // (len(open_searches) - i))
            found = search.next_forks(n_forks)
            n_left -= len(found)
            forks += [(number, fork) for fork in found]
        return forks

    def _complete(self, session: Session, rows: list[tuple[int, Fork]]) -> None:
        """Go on with taggings until each is complete, or worse than the best one."""
        while True:
            staying = []
            for i, (number, fork) in enumerate(rows):
                search = self._searches[number]
                if fork.line.place is not None and fork.line.total > search.best_total:
                    staying.append(i)
                    continue
                is_first = search.root is None
                search.finish(fork)
                if is_first and search.may_go_on:
                    session.settle()
                    search.snapshot = session.snapshot(i)
            if not staying:
                return
            if len(staying) < len(rows):
                session.select(staying)
                rows = [rows[i] for i in staying]
            self._step(session, rows)

    def _step(self, session: Session, rows: Sequence[tuple[int, Fork]]) -> None:
        """One pass."""
        limit = self._settings.max_draft
        lines = [fork.line for _, fork in rows]
        bars = [self._searches[number].best_total for number, _ in rows]
        drafts = [line.draft(limit, bar) for line, bar in zip(lines, bars, strict=True)]
        width = draft_width([draft.reach for draft in drafts], self._overhead)
        starts = [
            [*todo, *line.tokens[line.fed :]]
            for todo, line in zip(session.todo, lines, strict=True)
        ]
        todo = [len(tokens) for tokens in session.todo]
        # Up to the next choice everything is certain; the first pass may be all of it.
        fed = [[*start, *draft.tokens[:width]] for start, draft in zip(starts, drafts, strict=True)]
        wanted = [
            [len(start) - 1 + n for n, _, _ in draft.choices if n <= len(tokens) - len(start)]
            for start, draft, tokens in zip(starts, drafts, fed, strict=True)
        ]
        logits = session.feed(fed, wanted, self._vocabulary).float().cpu().numpy()
        at, kept = 0, []
        for i, (number, fork) in enumerate(rows):
            n_kept = self._advance(fork, number, drafts[i], logits[at : at + len(wanted[i])])
            at += len(wanted[i])
            n_new = min(len(fed[i]) - todo[i], n_kept)
            fork.line.fed += n_new
            kept.append(todo[i] + n_new)
        session.keep(kept)
        for number in {number for number, _ in rows}:
            self._passes[number] += 1

    def _advance(self, fork: Fork, number: int, draft: Draft, logits: np.ndarray) -> int:
        """RETURNS (int): How many of the tokens that were not fed before are right."""
        line = fork.line
        before = line.fed
        n_known = len(line.tokens)
        drafted = draft.tokens
        alternatives = line.advance(draft, list(logits), self._columns)
        self._searches[number].note(fork, alternatives)
        new = line.tokens[n_known:]
        return n_known - before + _n_common(new, drafted)

    def _generation(self, number: int) -> Generation:
        request, search = self._requests[number], self._searches[number]
        line = search.best
        assert line is not None
        assert isinstance(request.format, TaggedWords)
        text, parts = request.format.tagged(request.words, line.tags)
        scores = tuple(min(1.0, math.exp(p)) for p in line.log_probs)
        return Generation(
            text,
            tuple(parts),
            scores,
            forward_passes=self._passes[number],
            forks=search.n_forks,
            cut_short=search.is_open,
            log_prob=line.total,
        )


@registry.misc("spacy_gner.ExactSearch.v1")
def make_exact_search(
    max_forks: int = 8, max_draft: int = 256, pass_overhead: float | None = None
) -> Decoder:
    """Make the decoder that forces the words and finds the most probable tagging.

    max_forks (int): How many alternatives are followed up for a sentence, at most. With 0 the
        result is the greedy tagging. A sentence that had promising alternatives left is
        marked as `cut_short`; it gets the best tagging that was found.
    max_draft (int): About how many tokens are drafted at once, at most.
    pass_overhead (float | None): As in `spacy_gner.DraftedGreedy.v1`.
    RETURNS (Decoder): The decoder.
    RAISES (ValueError): E017 for negative numbers.
    """
    return ExactSearch(max_forks, max_draft, pass_overhead)


def _n_common(a: Sequence[int], b: Sequence[int]) -> int:
    """RETURNS (int): How many tokens both begin with."""
    n_common = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n_common += 1
    return n_common
