"""Docs in spaCy's binary format, with their metadata."""

from collections.abc import Iterable, Mapping
from typing import BinaryIO

from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from ..document import Document
from ..passage import DATASET_KEY, OPEN_LABELS_KEY
from ..readers.docs import ORIGIN_KEY
from ..tokenize import Tokenized
from .records import origin_of, without_surrogates


def write_docs(documents: Iterable[Document], stream: BinaryIO) -> None:
    """Write a DocBin. `doc.user_data["gner_origin"]` holds source, line and metadata.

    documents (Iterable[Document]): With words, or with packed Docs.
    stream (BinaryIO): The file, written at the end.
    """
    docs = DocBin(store_user_data=True)
    vocab = Vocab()
    for document in documents:
        docs.add(make_doc(vocab, document))
    stream.write(docs.to_bytes())


def make_doc(vocab: Vocab, document: Document) -> Doc:
    """Make a Doc of a document.

    vocab (Vocab): Of the Doc.
    document (Document): With words, or with a packed Doc, which is unpacked.
    RETURNS (Doc): With entities and their scores, inventory, and origin. Words without
        annotation are missing, not O.
    """
    if document.packed is not None:
        (doc,) = DocBin().from_bytes(document.packed).get_docs(vocab)
    else:
        words = list(document.words or ())
        spaces = None if document.spaces is None else list(document.spaces)
        doc = Doc(vocab, words=words, spaces=spaces)
        tokens = Tokenized(words, spaces)
        ents = []
        for entity in document.entities:
            found = tokens.word_span(entity.start, entity.end)
            if found is not None:
                ents.append((Span(doc, *found, label=entity.label), entity.score))
        missing = {i for s, e in document.missing for i in tokens.words_within(s, e)}
        doc.set_ents(
            [span for span, _ in ents], missing=[Span(doc, i, i + 1) for i in sorted(missing)]
        )
        for span, score in ents:
            if score is not None:
                span._.gner_score = score
        if document.labels is not None:
            labels = document.labels
            doc._.gner_labels = dict(labels) if isinstance(labels, Mapping) else list(labels)
        if document.dataset is not None:
            doc.user_data[DATASET_KEY] = without_surrogates(document.dataset)
        if document.is_open:
            doc.user_data[OPEN_LABELS_KEY] = True
    doc.user_data[ORIGIN_KEY] = without_surrogates(origin_of(document))
    return doc
