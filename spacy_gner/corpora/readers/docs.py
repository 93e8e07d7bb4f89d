"""Docs in spaCy's binary format."""

import zlib
from collections.abc import Iterator
from dataclasses import replace

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ...errors import Errors
from ...extensions import inventory_of
from ..document import Document, from_words, known_origin
from ..passage import DATASET_KEY, OPEN_LABELS_KEY
from ..read_report import CorpusError
from ..source import Source
from .options import ReadOptions, Results

# Where `annotate` keeps source, line and metadata of a Doc (a key of `doc.user_data`).
ORIGIN_KEY = "gner_origin"
# What a file that zlib compressed begins with.
_ZLIB = (b"x\x9c", b"x\xda", b"x\x01", b"x\x5e")


def is_docbin(head: bytes) -> bool:
    """Tell Docs from text.

    head (bytes): The beginning of a file.
    RETURNS (bool): Whether it is compressed as Docs are. Text can begin like that too ("x^2"), but
        does not go on so.
    """
    if not head.startswith(_ZLIB):
        return False
    try:
        # What `DocBin` writes first.
        return b"attrs" in zlib.decompressobj().decompress(head, 100)
    except zlib.error:
        return False


def load_docs(source: Source, vocab: Vocab) -> Iterator[Doc]:
    """Load the Docs of a file.

    source (Source): The file.
    vocab (Vocab): Of the Docs.
    YIELDS (Doc): The Docs.
    RAISES (CorpusError): E219 for bytes that are something else.
    """
    with source.open() as file:
        data = file.read()
    try:
        docs = DocBin().from_bytes(data)
    # Whatever zlib and msgpack raise for bytes that are something else.
    except Exception as error:
        raise CorpusError(Errors.E219.format(place=source.name, error=error)) from None
    yield from docs.get_docs(vocab)


def read_docs(source: Source, options: ReadOptions) -> Results:
    """Read words, entities and inventories of Docs: not the annotation of other components.

    source (Source): The file.
    options (ReadOptions): Not needed.
    YIELDS (Document): A document a Doc.
    RAISES (CorpusError): What `load_docs` raises.
    """
    for number, doc in enumerate(load_docs(source, Vocab()), 1):
        yield document_of(doc, source, number)


def document_of(doc: Doc, source: Source, number: int) -> Document:
    """Make a document of a Doc.

    doc (Doc): Its words, entities, inventory and data set are kept.
    source (Source): Its file.
    number (int): Its number in the file, from 1.
    RETURNS (Document): The document.
    """
    origin = known_origin(doc.user_data.get(ORIGIN_KEY))
    document = from_words(
        [token.text for token in doc],
        [(ent.start, ent.end, ent.label_) for ent in doc.ents],
        [token.i for token in doc if not token.ent_iob],
        [bool(token.whitespace_) for token in doc],
        place=f"{source.name}, Doc {number}",
        labels=inventory_of(doc),
        is_open=bool(doc.user_data.get(OPEN_LABELS_KEY)),
        dataset=doc.user_data.get(DATASET_KEY),
        **(origin or {"source": source.name, "line": number}),
    )
    entities = [
        span._replace(score=ent._.gner_score)
        for span, ent in zip(document.entities, doc.ents, strict=True)
    ]
    return replace(document, entities=entities)
