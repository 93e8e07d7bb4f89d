"""What a model has learned, and warnings for what it has not: other formats, other scripts."""

import re
import warnings

from spacy.tokens import Doc
from spacy.util import registry

from ..backbones.settings import DEFAULT_MODEL
from ..errors import Warnings
from ..formats import BIO, Format
from ..formats.checkpoints import blocks_of

# Models whose format is known: the default, and the checkpoints that go with the paper.
_PUBLISHED = re.compile(rf"{re.escape(DEFAULT_MODEL)}|dyyyyyyyy/GNER-.*")
# Scripts without blanks between words: Thai, Lao, Burmese, Khmer, kana and ideographs.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# One token with so many letters of them is no word, but a sentence.
_LETTERS_OF_A_SENTENCE = 12


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


def warn_of_script(doc: Doc) -> None:
    """Warn (W011) of a token that is a whole sentence, since the tokenizer of the pipeline knows
    nothing of a script without blanks. Python shows a warning once.

    doc (Doc): Any Doc.
    """
    if not _UNSPACED.search(doc.text):
        return
    for token in doc:
        if len(_UNSPACED.findall(token.text)) >= _LETTERS_OF_A_SENTENCE:
            warnings.warn(Warnings.W011.format(lang=doc.lang_), stacklevel=4)
            return
