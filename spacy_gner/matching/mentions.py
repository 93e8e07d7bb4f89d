"""Where a mention stands in a sentence: for answers that give strings without positions."""

from collections.abc import Sequence

from .back_tokenization import BackTokenizer


def occurrences(
    words: Sequence[str], mention: str, back_tokenizer: BackTokenizer | None = None
) -> list[tuple[int, int]]:
    """Find all places where whole words make up a mention, without regard to case and
    blanks: "Smith-Jones" is the words "Smith", "-" and "Jones".

    words (Sequence[str]): The words of the sentence.
    mention (str): The mention.
    back_tokenizer (Callable[[Sequence[str]], list[str]] | None): What the model's tokenizer
        makes of words. Words stand as it writes them where the mention is not found otherwise.
    RETURNS (list[tuple[int, int]]): First word and word after the last; in order.
    """
    wanted = "".join(mention.split()).casefold()
    if not wanted:
        return []
    found = _find([word.casefold() for word in words], wanted)
    if not found and back_tokenizer is not None:
        forms = back_tokenizer(words)
        found = _find(["".join(form.split()).casefold() for form in forms], wanted)
    return found


def _find(words: Sequence[str], wanted: str) -> list[tuple[int, int]]:
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    position = 0
    for i, word in enumerate(words):
        if word:  # a word that the tokenizer cannot write is part of no mention
            starts[position] = i
            position += len(word)
            ends[position] = i + 1
    text = "".join(words)
    found = []
    at = text.find(wanted)
    while at >= 0:
        first, after = starts.get(at), ends.get(at + len(wanted))
        if first is not None and after is not None:
            found.append((first, after))
        at = text.find(wanted, at + 1)
    return found
