"""`spacy_gner.DocBinCorpus.v1`: Docs in spaCy's binary format, with their label inventories."""

from collections.abc import Iterator

from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..errors import Errors
from .files import open_binary
from .passage import DATASET_KEY, OPEN_LABELS_KEY, Passage
from .read_report import CorpusError, ReadReport
from .reader import CorpusReader


@registry.readers("spacy_gner.DocBinCorpus.v1")
class DocBinCorpus(CorpusReader):
    """Reads what `python -m spacy_gner convert` or `DocBin.to_disk` wrote.

    As with `spacy.Corpus.v1`, but the predicted Doc has the words of the reference, and both
    carry the inventory: evaluation during training asks for the labels of the data
    set, not for those of the component. Docs without an inventory of their own have
    all labels of such Docs in the files.

    Only words, entities and the inventory are taken over: for the annotation of
    other components, read with `spacy.Corpus.v1`.

    path and kwargs: See `CorpusReader`; a directory is searched for .spacy.
    """

    suffixes = (".spacy",)
    _shared: list[str] | None = None

    def _passages(self, nlp: Language, report: ReadReport) -> Iterator[Passage]:
        shared = self._shared_inventory()
        for doc in self._docs(nlp.vocab, report, self.on_error):
            own = doc._.gner_labels
            yield Passage(
                words=[token.text for token in doc],
                spaces=[bool(token.whitespace_) for token in doc],
                entities=[(ent.start, ent.end, ent.label_) for ent in doc.ents],
                labels=shared if own is None else own,
                missing=[token.i for token in doc if not token.ent_iob],
                is_open=bool(doc.user_data.get(OPEN_LABELS_KEY)),
                dataset=doc.user_data.get(DATASET_KEY),
            )

    def _docs(self, vocab: Vocab, report: ReadReport, on_error: str) -> Iterator[Doc]:
        for path in self.files():
            try:
                with open_binary(path) as file:
                    docs = DocBin().from_bytes(file.read())
            # Whatever zlib and msgpack raise for bytes that are something else.
            except Exception as error:
                report.handle(CorpusError(Errors.E219.format(place=path, error=error)), on_error)
                continue
            yield from docs.get_docs(vocab)

    def _shared_inventory(self) -> list[str]:
        """RETURNS (list[str]): The labels of all Docs without an inventory, sorted."""
        if self._shared is None:
            docs = self._docs(Vocab(), ReadReport(), on_error="skip")
            without = (doc for doc in docs if doc._.gner_labels is None)
            self._shared = sorted({ent.label_ for doc in without for ent in doc.ents})
        return self._shared

    def _scan_labels(self) -> set[str]:
        labels = set(self._shared_inventory())
        for doc in self._docs(Vocab(), ReadReport(), on_error="skip"):
            labels.update(doc._.gner_labels or ())
        return labels
