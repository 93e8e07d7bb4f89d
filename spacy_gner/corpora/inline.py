"""`spacy_gner.InlineCorpus.v1`: a passage a line, entities as `[mention](type)`."""

from collections.abc import Iterator

from spacy import registry
from spacy.language import Language

from .files import decode, iter_lines
from .markup import CharSpan, parse_inline
from .passage import Passage
from .read_report import CorpusError, ReadReport
from .reader import CorpusReader
from .tokenize import tokenize


@registry.readers("spacy_gner.InlineCorpus.v1")
class InlineCorpus(CorpusReader):
    """Reads running text with inline markup. The types are open: the inventory of
    each passage is the types that occur in it, in order of appearance.

    A token that a mention starts or ends inside of is cut there, in both Docs of the
    Example, so that every mention is aligned. Blank lines are passed over.

    path and kwargs: See `CorpusReader`; a directory is searched for .txt and .md.
    """

    suffixes = (".txt", ".md")

    def _passages(self, nlp: Language, report: ReadReport) -> Iterator[Passage]:
        for place, text, spans in self._texts(report, self.on_error):
            try:
                tokens = tokenize(
                    nlp, text, place, cuts=[offset for span in spans for offset in span[:2]]
                )
            except CorpusError as error:
                report.handle(error, self.on_error)
                continue
            report.split_tokens += tokens.n_split
            yield Passage(
                words=tokens.words,
                spaces=tokens.spaces,
                entities=[
                    (tokens.word_at_start[start], tokens.word_at_end[end] + 1, label)
                    for start, end, label in spans
                ],
                labels=list(dict.fromkeys(label for _, _, label in spans)),
                is_open=True,
            )

    def _texts(
        self, report: ReadReport, on_error: str
    ) -> Iterator[tuple[str, str, list[CharSpan]]]:
        for path in self.files():
            for number, line in iter_lines(path):
                place = f"{path}:{number}"
                try:
                    if line.strip():
                        yield place, *parse_inline(decode(line, place), place)
                except CorpusError as error:
                    report.handle(error, on_error)

    def _scan_labels(self) -> set[str]:
        texts = self._texts(ReadReport(), on_error="skip")
        return {label for _, _, spans in texts for _, _, label in spans}
