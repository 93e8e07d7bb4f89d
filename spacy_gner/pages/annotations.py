"""A page of texts with their entities, as `annotate --format html` writes it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from .marks import MarkedSpan, mark_events
from .palette import Palette
from .render import environment


class AnnotationPage:
    """Writes a page text by text: however long it is, only the counts are kept in memory.

    stream (TextIO): Where to write, UTF-8.
    title (str): The title of the page.
    """

    def __init__(self, stream: TextIO, title: str = "Entities"):
        self.stream = stream
        self.palette = Palette()
        self.counts: Counter[str] = Counter()
        self.n_texts = 0
        # Its macros are attributes, which no type checker knows.
        template: Any = environment().get_template("annotations.html").module
        self._template = template
        self._write(self._template.head(title))

    def add(
        self,
        text: str,
        entities: Iterable[Mapping[str, Any]],
        title: str = "",
        error: str | None = None,
    ) -> None:
        """Write one text.

        text (str): The text.
        entities (Iterable[Mapping]): Its entities: "start" and "end" (character offsets), "label",
            and where there is one "score". They may overlap.
        title (str): What to call the text, for instance its file and line.
        error (str | None): Why the text could not be annotated.
        """
        spans = [MarkedSpan(e["start"], e["end"], e["label"], e.get("score")) for e in entities]
        self.n_texts += 1
        self.counts.update(span.label for span in spans)
        events = mark_events(text, spans)
        # The order of appearance, not of iteration, decides about colors.
        for event in events:
            if event.opens is not None:
                self.palette.classes(event.opens.label)
        self._write(
            self._template.article(self.n_texts, title, events, self.palette.classes, error)
        )
        self.stream.flush()

    def close(self) -> None:
        """Write the legend and end the page. The stream stays open."""
        labels = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        self._write(self._template.foot(labels, self.n_texts, self.palette.classes))
        self.stream.flush()

    def _write(self, html: str) -> None:
        # Halves of surrogate pairs have no place in UTF-8, NUL has none in HTML.
        self.stream.write(html.encode("utf8", "replace").decode("utf8").replace("\0", "\ufffd"))
