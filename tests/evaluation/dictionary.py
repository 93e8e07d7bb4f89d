"""A predictor that looks words up: deterministic, with known mistakes."""

from spacy_gner.decoding.request import Generation
from spacy_gner.pipeline.predictions import DocPrediction, Entity, WindowPrediction


class DictionaryPredictor:
    """Tags every word that is in the dictionary. Counts what it is asked.

    entries (dict[str, str]): Word to label.
    stop_after (int | None): Raise KeyboardInterrupt instead of answering call number so.
    """

    def __init__(self, entries, stop_after=None):
        self.entries = entries
        self.stop_after = stop_after
        self.n_calls = 0
        self.n_sentences = 0

    def __call__(self, sentences):
        if self.n_calls == self.stop_after:
            raise KeyboardInterrupt
        self.n_calls += 1
        self.n_sentences += len(sentences)
        return [self._predict(sentence.words, sentence.labels) for sentence in sentences]

    def _predict(self, words, labels):
        found = [self.entries.get(word) for word in words]
        found = [label if label in labels else None for label in found]
        tags = tuple("O" if label is None else f"B-{label}" for label in found)
        text = " ".join(f"{word}({tag})" for word, tag in zip(words, tags, strict=True))
        entities = tuple(
            Entity(index, index + 1, label, 0.75) for index, label in enumerate(found) if label
        )
        generation = Generation(text, (), (), forward_passes=2, forks=1, cut_short=True)
        window = WindowPrediction(words, labels, (), generation)
        return DocPrediction(entities, (window,))
