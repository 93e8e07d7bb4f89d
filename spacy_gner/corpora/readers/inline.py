"""Running text with inline markup: a passage a line, entities as `[mention](type)`."""

from ..document import Document, TextSpan
from ..files import decode
from ..markup import parse_inline
from ..read_report import CorpusError
from ..source import Source
from .options import ReadOptions, Results


def read_inline(source: Source, options: ReadOptions) -> Results:
    """Read a passage a line; blank lines are passed over. The types are open: the inventory of
    each passage is the types that occur in it, in order of appearance. Tokens are cut where a
    mention starts or ends inside them, so that every mention is aligned.

    source (Source): The file.
    options (ReadOptions): Not needed.
    YIELDS (Document | CorpusError): A passage.
    """
    for number, line in source.lines():
        if not line.strip():
            continue
        place = f"{source.name}:{number}"
        try:
            text, spans = parse_inline(decode(line, place), place)
        except CorpusError as error:
            yield error
            continue
        yield Document(
            text,
            [TextSpan(*span) for span in spans],
            place,
            labels=list(dict.fromkeys(label for _, _, label in spans)),
            is_open=True,
            cuts_tokens=True,
            source=source.name,
            line=number,
        )
