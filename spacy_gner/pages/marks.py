"""Entities of a text as marks in a page, nested and overlapping ones too."""

import heapq
from collections.abc import Iterable
from typing import NamedTuple


class MarkedSpan(NamedTuple):
    """An entity to be marked.

    start (int): Its first character.
    end (int): The character after its last.
    label (str): Its label.
    score (float | None): In [0, 1].
    flag (str): A further CSS class.
    note (str): Shown on hover, after label and score.
    """

    start: int
    end: int
    label: str
    score: float | None = None
    flag: str = ""
    note: str = ""

    @property
    def title(self) -> str:
        """RETURNS (str): What is shown on hover."""
        score = "" if self.score is None else f"score {self.score:.2f}"
        return ", ".join(filter(None, [self.label, score, self.note]))


class Event(NamedTuple):
    """A step through a text with marks: a text, or the begin or end of a mark.

    text (str): A text; empty for a mark.
    opens (MarkedSpan | None): The mark that begins here.
    closes (MarkedSpan | None): The mark that ends here.
    is_end (bool): Whether the entity ends where its mark closes: not where another entity
        cuts it in two.
    """

    text: str = ""
    opens: MarkedSpan | None = None
    closes: MarkedSpan | None = None
    is_end: bool = True


def mark_events(text: str, spans: Iterable[MarkedSpan]) -> list[Event]:
    """Cut a text into texts and marks, as a page needs them: nested, never crossing.

    text (str): The text.
    spans (Iterable[MarkedSpan]): Its entities, in any order. One that crosses the end of
        another is cut in two there; one without characters is left out.
    RETURNS (list[Event]): All characters of the text, in order. Every mark that opens closes.
    """
    queue = []
    for order, span in enumerate(spans):
        start, end = max(0, span.start), min(span.end, len(text))
        if start < end:
            queue.append((start, -end, order, span))
    heapq.heapify(queue)
    events: list[Event] = []
    opened: list[tuple[int, MarkedSpan, bool]] = []
    position = 0

    def write_until(end: int) -> None:
        nonlocal position
        if end > position:
            events.append(Event(text[position:end]))
            position = end

    def close_until(start: int) -> None:
        while opened and opened[-1][0] <= start:
            end, span, is_end = opened.pop()
            write_until(end)
            events.append(Event(closes=span, is_end=is_end))

    while queue:
        start, negative_end, order, span = heapq.heappop(queue)
        end = -negative_end
        close_until(start)
        is_end = True
        if opened and end > opened[-1][0]:
            heapq.heappush(queue, (opened[-1][0], negative_end, order, span))
            end, is_end = opened[-1][0], False
        write_until(start)
        events.append(Event(opens=span))
        opened.append((end, span, is_end))
    close_until(len(text))
    write_until(len(text))
    return events
