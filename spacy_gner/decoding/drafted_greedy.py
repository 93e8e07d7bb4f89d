"""Lossless fast decoding: the output is drafted, and the model only checks the draft.

The words are known and most tags are O, so the rest of the output is drafted and fed in
one pass. The tokens that the model would have written itself are kept, up to and including
the first one that differs from the draft. The text is that of greedy decoding, token for
token, whatever the model writes. The method is shallow aggressive decoding (Sun et al., ACL 2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from spacy.util import registry

from ..backbones.backbone import Backbone
from ..formats import TaggedWords
from ..planning.request import Request
from .batching import plan_batches
from .common import (
    check_at_least,
    check_not_negative,
    draft_width,
    output_limits,
    pass_overhead,
    tag_tokens,
    warn_if_cut,
)
from .follow import DraftTracker
from .forward import ModelView
from .free_text import read_choices
from .request import Generation, check_format
from .scores import Recorder, ScoreRecord
from .session import Session, can_share_batches
from .tags import tag_table


@dataclass
class _Row:
    """An output that is being written.

    number (int): Index of its request.
    limit (int): Tokens that it may have.
    follower (DraftTracker): Drafts it.
    record (ScoreRecord): What scores need.
    ids (list[int]): Its tokens so far.
    """

    number: int
    limit: int
    follower: DraftTracker
    record: ScoreRecord
    ids: list[int] = field(default_factory=list)
    passes: int = 0
    ended: bool = False

    def take(self, tokens: Sequence[int], end_ids: Sequence[int]) -> int:
        """RETURNS (int): How many of the tokens the output takes."""
        for n_taken, token in enumerate(tokens, start=1):
            if token in end_ids:
                self.ended = True
                return n_taken
            self.ids.append(token)
            self.follower.push(token)
            if len(self.ids) >= self.limit:
                return n_taken
        return len(tokens)

    @property
    def is_done(self) -> bool:
        return self.ended or len(self.ids) >= self.limit


@registry.misc("spacy_gner.DraftedGreedy.v1")
class DraftedGreedy:
    """The lossless fast decoder: the text of greedy decoding in a fraction of the passes.

    max_new_tokens (int | None): Tokens that an output may have. None derives the number
        from the input, so that every word can get its longest tag.
    max_draft (int): Tokens that are drafted at once, at most. 0 drafts nothing, which
        is plain greedy decoding.
    pass_overhead (float | None): What a forward pass costs beside its tokens, in tokens:
        the larger, the longer drafts are. None takes a measured value for the device.
    RAISES (ValueError): E017 for numbers below 1 (0 for `max_draft` and `pass_overhead`).
    """

    format_type = TaggedWords

    def __init__(
        self,
        max_new_tokens: int | None = None,
        max_draft: int = 256,
        pass_overhead: float | None = None,
    ):
        if max_new_tokens is not None:
            check_at_least("max_new_tokens", max_new_tokens, 1)
        check_at_least("max_draft", max_draft, 0)
        check_not_negative("pass_overhead", pass_overhead)
        self.max_new_tokens = max_new_tokens
        self.max_draft = max_draft
        self.pass_overhead = pass_overhead

    def __call__(
        self, backbone: Backbone, requests: Sequence[Request], batch_tokens: int
    ) -> list[Generation]:
        """See `Decoder`. RAISES (ValueError): E402 for models without keys and values of
        every token."""
        for request in requests:
            check_format(self, request.format)
        prompts = backbone.codec.prompt_ids([request.prompt.input for request in requests])
        limits = output_limits(backbone, requests, prompts, self.max_new_tokens)
        lengths = [len(p) + limit for p, limit in zip(prompts, limits, strict=True)]
        if not can_share_batches(backbone):
            batch_tokens = 1
        result: list[Generation | None] = [None] * len(requests)
        for batch in plan_batches(lengths, batch_tokens):
            generations = self._generate(
                backbone,
                [requests[i] for i in batch],
                [prompts[i] for i in batch],
                [limits[i] for i in batch],
            )
            for i, generation in zip(batch, generations, strict=True):
                result[i] = generation
        generations = [g for g in result if g is not None]
        warn_if_cut(generations, limits)
        return generations

    @torch.inference_mode()
    def _generate(
        self,
        backbone: Backbone,
        requests: Sequence[Request],
        prompts: Sequence[Sequence[int]],
        limits: Sequence[int],
    ) -> list[Generation]:
        session = Session(backbone, ModelView(backbone), requests, prompts)
        recorder = Recorder(tag_tokens(backbone, requests), backbone.device)
        rows = []
        for number, (request, limit) in enumerate(zip(requests, limits, strict=True)):
            table = tag_table(backbone, request.format, request.wordings)
            closing = frozenset(backbone.codec.tokens_with(table.format.closing).values())
            follower = DraftTracker(request, table, closing, backbone.codec.eos_id)
            record = ScoreRecord(recorder, tag_tokens(backbone, [request]))
            rows.append(_Row(number, limit, follower, record))
        done: list[_Row] = []
        overhead = pass_overhead(self.pass_overhead, backbone)
        while rows:
            self._step(session, rows, recorder, backbone.codec.end_ids, overhead)
            done += [row for row in rows if row.is_done]
            staying = [i for i, row in enumerate(rows) if not row.is_done]
            if len(staying) < len(rows):
                session.select(staying)
                rows = [rows[i] for i in staying]
        done.sort(key=lambda row: row.number)
        return [
            _finish(backbone, request, row) for request, row in zip(requests, done, strict=True)
        ]

    def _step(
        self,
        session: Session,
        rows: Sequence[_Row],
        recorder: Recorder,
        end_ids: Sequence[int],
        overhead: float,
    ) -> None:
        """One pass: draft, check, keep what is right."""
        drafts, reach = [], []
        for row in rows:
            tokens, chances = row.follower.draft(min(self.max_draft, row.limit - len(row.ids) - 1))
            drafts.append(tokens)
            reach.append(chances)
        width = draft_width(reach, overhead)
        drafts = [draft[:width] for draft in drafts]
        # What the model wrote last has not been put through it yet.
        starts = [
            todo if todo else [row.ids[-1]] for todo, row in zip(session.unfed, rows, strict=True)
        ]
        logits = session.feed(
            [[*start, *draft] for start, draft in zip(starts, drafts, strict=True)],
            [range(len(s) - 1, len(s) + len(d)) for s, d in zip(starts, drafts, strict=True)],
        )
        best, log_probs, columns = recorder.greedy(logits)
        at, kept = 0, []
        for row, start, draft in zip(rows, starts, drafts, strict=True):
            written = best[at : at + len(draft) + 1]
            n_right = 0
            while n_right < len(draft) and draft[n_right] == written[n_right]:
                n_right += 1
            row.follower.learn_from(written, n_right)
            n_taken = row.take(written[: n_right + 1], end_ids)
            row.record.add(log_probs[at : at + n_taken], columns[at : at + n_taken])
            row.passes += 1
            # The last token is the model's own: it is fed by the next pass.
            kept.append(len(start) + n_taken - 1)
            at += len(draft) + 1
        session.keep(kept)


def _finish(backbone: Backbone, request: Request, row: _Row) -> Generation:
    text = backbone.codec.decode(row.ids)
    parts = request.format.parse(text, request.wordings)
    scores = row.record.probabilities(read_choices(backbone, request, row.ids, parts))
    return Generation(text, tuple(parts), scores, row.ended, forward_passes=row.passes)
