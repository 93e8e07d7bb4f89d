"""What a model has learned, and warnings for what it has not: other formats, languages, scripts."""

import re
import warnings
from collections.abc import Iterable

from spacy.tokens import Doc
from spacy.util import registry

from ..backbones.settings import DEFAULT_MODEL
from ..errors import Warnings
from ..formats import BIO, Format
from ..formats.checkpoints import blocks_of
from .languages import foreign_words

# Models whose format is known: the default, and the checkpoints that go with the paper.
_PUBLISHED = re.compile(rf"{re.escape(DEFAULT_MODEL)}|dyyyyyyyy/GNER-.*")
# Models that are known to have learned from one language. Of all others nothing is known.
_ENGLISH = frozenset({DEFAULT_MODEL})
# Languages of pipelines that may hold English text; "xx" and "mul" are spaCy's for any.
_MAYBE_ENGLISH = frozenset({"en", "xx", "mul", ""})
_LATIN = re.compile(
    "[A-Za-z\u00aa-\u02ff\u1d00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff\uab30-\uab6f\ufb00-\ufb06\uff21-\uff5a]"
)
# Fewer letters of another script may be a formula or a name.
_LETTERS_OF_A_TEXT = 5
# Scripts without blanks between words: Thai, Lao, Burmese, Khmer, kana and ideographs.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# One token with so many letters of them is no word, but a sentence.
_LETTERS_OF_A_SENTENCE = 12
# Words of another language in a warning.
_N_SHOWN = 5


def format_sample(format: Format) -> str:
    """Write a sentence in a format, to be compared with what a model has learned.

    format (Format): The format.
    RETURNS (str): A prompt for one word and one label, and its answer.
    """
    prompt = format.prompt(["Rome"], ["city"])
    return f"{prompt.text}\n{format.write(['Rome'], [(0, 1, 'city')], ['city'])}"


def learned_format(source: str) -> str | None:
    """What the weights of a source were trained with.

    source (str): The name of a model, as in its config.
    RETURNS (str | None): A sample of the format; None when it is not known.
    """
    if _PUBLISHED.fullmatch(source):
        return format_sample(BIO())
    block = blocks_of(source).get("format")
    return None if block is None else format_sample(registry.resolve({"format": block})["format"])


def warn_of_other_format(format: Format, learned: str | None) -> None:
    """Warn (W010) when a model is asked in another way than it has learned: it answers, but
    what it answers is worth little.

    format (Format): How it is asked.
    learned (str | None): A sample of what it has learned.
    """
    if learned is not None and learned != format_sample(format):
        warnings.warn(Warnings.W010.format(format=format.name), stacklevel=4)


def warn_of_language(docs: Iterable[Doc], name: str, model: str | None) -> bool:
    """Warn of the first Doc in a language or a script that nothing can be found in: W011, or W013
    when the model is known to have learned English.

    docs (Iterable[Doc]): Docs.
    name (str): The name of the component.
    model (str | None): The name of the model, as in its config; None when it has been trained
        since, with nobody knows what.
    RETURNS (bool): Whether a warning was given, after which a component gives no other.
    """
    for doc in docs:
        if warn_of_script(doc):
            return True
        found = None
        if model in _ENGLISH and doc.lang_ not in _MAYBE_ENGLISH:
            found = f"the language of the pipeline is '{doc.lang_}'"
        elif model in _ENGLISH and _is_in_another_script(doc.text):
            found = "most letters of a text are not Latin"
        elif model in _ENGLISH and (words := foreign_words(doc.text)):
            found = f"a text is in another language (its words: {', '.join(words[:_N_SHOWN])})"
        if found:
            text = Warnings.W013.format(model=model, name=name, found=found)
            warnings.warn(text, stacklevel=4)
            return True
    return False


def warn_of_script(doc: Doc) -> bool:
    """Warn (W011) of a token that is a whole sentence, since the tokenizer of the pipeline knows
    nothing of a script without blanks.

    doc (Doc): Any Doc.
    RETURNS (bool): Whether there is one.
    """
    if not _UNSPACED.search(doc.text):
        return False
    for token in doc:
        if len(_UNSPACED.findall(token.text)) >= _LETTERS_OF_A_SENTENCE:
            warnings.warn(Warnings.W011.format(lang=doc.lang_), stacklevel=5)
            return True
    return False


def _is_in_another_script(text: str) -> bool:
    if text.isascii():
        return False
    letters = [char for char in text if char.isalpha()]
    others = sum(not _LATIN.match(char) for char in letters)
    return others >= _LETTERS_OF_A_TEXT and 2 * others > len(letters)
