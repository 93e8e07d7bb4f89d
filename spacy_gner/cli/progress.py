"""How far a run is, in words; within long documents too."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from tqdm import tqdm


class Progress:
    """A bar that counts finished words.

    n_words (int | None): Words in all texts; None if nobody knows, and then nothing is shown:
        on standard input there is no end in sight, and somebody may be typing.
    """

    def __init__(self, n_words: int | None) -> None:
        self._bar = tqdm(
            total=n_words,
            unit="word",
            unit_scale=True,
            file=sys.stderr,
            disable=n_words is None,
            desc="annotate",
        )
        self._total = n_words or 0
        self._finished = 0
        self._in_work = 0
        self._shown = 0

    def finish(self, n_words: int) -> None:
        """Count a text that is done.

        n_words (int): Its words.
        """
        self._finished += n_words
        self._in_work = max(0, self._in_work - n_words)
        self._show(self._finished)

    def skip(self, n_words: int) -> None:
        """Count a text that an earlier run has done: it says nothing about the time that is left.

        n_words (int): Its words.
        """
        self._bar.initial += n_words
        self.finish(n_words)

    def work(self, n_words: int) -> None:
        """Count words whose text is not done yet.

        n_words (int): Words of a part of it.
        """
        self._in_work += n_words
        self._show(self._finished + self._in_work)

    def _show(self, n_words: int) -> None:
        # Parts overlap, and a text may be read more than once, for many labels: never too far.
        n_words = min(n_words, self._total)
        if n_words > self._shown:
            self._bar.update(n_words - self._shown)
            self._shown = n_words

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()


class CountingDecoder:
    """A decoder that tells how many words it has answered, piece by piece.

    decoder (Decoder): What answers. How its requests are batched does not change them.
    piece (int): About how many words it is given at a time.
    count (Callable[[int], None]): Gets the number of words of each piece.
    """

    def __init__(self, decoder: Any, piece: int, count: Callable[[int], None]) -> None:
        self.decoder = decoder
        self.piece = piece
        self.count = count
        self.format_type = decoder.format_type

    def __call__(self, backbone: Any, requests: Sequence[Any], batch_tokens: int) -> list[Any]:
        """RETURNS (list[Generation]): What the decoder answers, in the order of the requests."""
        answers: list[Any] = []
        piece: list[Any] = []
        n_words = 0
        for number, request in enumerate(requests, 1):
            piece.append(request)
            n_words += len(request.words)
            if n_words >= self.piece or number == len(requests):
                answers.extend(self.decoder(backbone, piece, batch_tokens))
                self.count(n_words)
                piece, n_words = [], 0
        return answers
