"""What a tokenizer makes of a word (paper, appendix D, "Back Tokenization")."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BackTokenizer = Callable[[Sequence[str]], list[str]]


def make_back_tokenizer(
    tokenizer: "PreTrainedTokenizerBase", cache_size: int = 65_536
) -> BackTokenizer:
    """Make a function that tokenizes words and puts their tokens together again.

    The result is what a model with this tokenizer writes when it copies the word:
    a T5 whose vocabulary lacks "ë" makes "bront" of "brontë".

    tokenizer (PreTrainedTokenizerBase): A fast tokenizer of transformers.
    cache_size (int): How many words to remember; all are forgotten when there are more.
    RETURNS (Callable[[Sequence[str]], list[str]]): From words to as many words,
        without white space at their ends; "" for a word that cannot be spelled at all.
    """
    return _CachedBackTokenizer(tokenizer, cache_size)


class _CachedBackTokenizer:
    def __init__(self, tokenizer: "PreTrainedTokenizerBase", cache_size: int):
        self._tokenizer = tokenizer
        self._cache_size = cache_size
        self._cache: dict[str, str] = {}

    def __call__(self, words: Sequence[str]) -> list[str]:
        # A copy of what is known, so that another thread may empty the cache meanwhile.
        forms = {word: self._cache.get(word) for word in words}
        missing = [word for word, form in forms.items() if form is None]
        if missing:
            found = dict(zip(missing, self._round_trip(missing), strict=True))
            forms.update(found)
            self._cache.update(found)
            if len(self._cache) > self._cache_size:
                self._cache.clear()
        return [forms[word] or "" for word in words]

    def _round_trip(self, words: list[str]) -> list[str]:
        # split_special_tokens: "</s>" in a text is plain text, and is tokenized as such.
        tokens = self._tokenizer(
            words,
            add_special_tokens=False,
            split_special_tokens=True,
            return_attention_mask=False,
            verbose=False,
        )
        return [
            self._tokenizer.decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            ).strip()
            for ids in tokens["input_ids"]
        ]
