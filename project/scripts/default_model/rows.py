"""Prompts and targets in tokens, with the openings of tags as tokens of their own."""

import random
from dataclasses import dataclass
from typing import Any

from stream import Asked
from tokenizers import AddedToken

from spacy_gner.backbones.settings import INSTRUCTION_FORMAT
from spacy_gner.formats import BIO, Guidance

OPENINGS = ("(O)", "(B-", "(I-")
FORMAT = BIO()
# Of the tokens of words, which are only copied, this share is in the loss.
WORD_SHARE = 0.15
WORD_WEIGHT, OUTSIDE_WEIGHT, ENTITY_WEIGHT = 0.3, 1.0, 1.5


@dataclass(frozen=True)
class Branch:
    """Tokens that hang on the line: they see what stands up to their parent, and themselves.

    start (int): Index of the first.
    end (int): Index behind the last.
    parent (int): Index of the token that they follow.
    """

    start: int
    end: int
    parent: int


@dataclass(frozen=True)
class Wanted:
    """A token to be predicted.

    place (int): Index of the token that predicts it.
    token (int): The token.
    weight (float): Its weight in the loss.
    """

    place: int
    token: int
    weight: float


@dataclass(frozen=True)
class Row:
    """A prompt with its target.

    ids (list[int]): Tokens, length N: the line, then the branches.
    positions (list[int]): Their positions, length N.
    branches (list[Branch]): Labels whose place in the line O took.
    wanted (list[Wanted]): What the loss looks at.
    """

    ids: list[int]
    positions: list[int]
    branches: list[Branch]
    wanted: list[Wanted]


def add_tag_tokens(tokenizer: Any) -> list[list[int]]:
    """Add the openings to a tokenizer, as ordinary tokens: no blank is taken away around them.

    tokenizer (PreTrainedTokenizerFast): Gets the tokens.
    RETURNS (list[list[int]]): For each opening, the tokens that spelled it behind a word.
    """
    word = tokenizer("x", add_special_tokens=False).input_ids
    spelled = []
    for opening in OPENINGS:
        ids = tokenizer("x" + opening, add_special_tokens=False).input_ids
        spelled.append(ids[len(word) :])
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in OPENINGS])
    return spelled


def prompt_text(asked: Asked) -> str:
    """RETURNS (str): The prompt, with the definitions, in the model's format."""
    guidance = Guidance(asked.definitions)
    text = FORMAT.prompt(asked.sentence.words, asked.labels, guidance).text
    return INSTRUCTION_FORMAT.replace("{prompt}", text)


class RowEncoder:
    """Writes rows.

    tokenizer (PreTrainedTokenizerFast): With the openings.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._backend = tokenizer.backend_tokenizer
        self._eos = int(tokenizer.eos_token_id)
        self._openings = [tokenizer.convert_tokens_to_ids(opening) for opening in OPENINGS]
        self._pieces: dict[str, list[int]] = {}

    def __call__(self, asked: Asked, rng: random.Random, dropout: float) -> Row:
        """Write a row. Tags that are dropped are O in the line, as in a draft of all O; they are
        wanted all the same, and the tokens of their label hang on a branch.

        asked (Asked): Sentence, labels and definitions.
        rng (random.Random): Decides which words are in the loss, and which tags are dropped.
        dropout (float): The probability to be dropped, for every entity tag.
        RETURNS (Row): Its tokens.
        """
        ids = list(self._backend.encode(prompt_text(asked), add_special_tokens=True).ids)
        wanted: list[Wanted] = []
        hanging: list[tuple[int, list[int]]] = []
        for word, tag in zip(asked.sentence.words, asked.sentence.tags, strict=True):
            piece = self._piece(FORMAT.spell(word, tag))
            start = max(i for i, token in enumerate(piece) if token in self._openings)
            for token in piece[:start]:
                if rng.random() < WORD_SHARE:
                    wanted.append(Wanted(len(ids) - 1, token, WORD_WEIGHT))
                ids.append(token)
            spelled = piece[start:]
            weight = OUTSIDE_WEIGHT if tag == "O" else ENTITY_WEIGHT
            if tag != "O" and rng.random() < dropout:
                wanted.append(Wanted(len(ids) - 1, spelled[0], weight))
                hanging.append((len(ids) - 1, spelled))
                spelled = self._openings[:1]
            else:
                for i, token in enumerate(spelled):
                    wanted.append(Wanted(len(ids) - 1 + i, token, weight))
            ids += spelled
        wanted.append(Wanted(len(ids) - 1, self._eos, OUTSIDE_WEIGHT))
        positions = list(range(len(ids)))
        branches = []
        for parent, spelled in hanging:
            start = len(ids)
            for i, token in enumerate(spelled[:-1]):
                wanted.append(Wanted(start + i, spelled[i + 1], ENTITY_WEIGHT))
                ids.append(token)
                positions.append(parent + 1 + i)
            branches.append(Branch(start, len(ids), parent))
        return Row(ids, positions, branches, wanted)

    def _piece(self, text: str) -> list[int]:
        """RETURNS (list[int]): The tokens of `word(tag)` behind another one."""
        if text not in self._pieces:
            if len(self._pieces) >= 200_000:
                self._pieces.clear()
            ids = self._backend.encode(f") {text}", add_special_tokens=False).ids
            self._pieces[text] = ids[1:]
        return self._pieces[text]
