"""What the tokens of a target weigh in the loss."""

from dataclasses import dataclass

from spacy.util import registry

from ..errors import Errors


@registry.misc("spacy_gner.TokenWeights.v1")
@dataclass(frozen=True)
class TokenWeights:
    """Weights of target tokens in the loss. The defaults are the paper's: all
    alike. On small budgets other weights decide: the words are only copied, and most
    tags are O, so that with equal weights a model learns to copy long before it tags.

    words (float): The tokens of the words, up to where `word(tag)` and the same word with
        another tag part.
    outside (float): The tokens that spell O, and the end of the output.
    entities (float): The tokens that spell any other tag.
    RAISES (ValueError): E502 for negative weights, and when all are 0.
    """

    words: float = 1.0
    outside: float = 1.0
    entities: float = 1.0

    def __post_init__(self) -> None:
        weights = (self.words, self.outside, self.entities)
        if min(weights) < 0 or not any(weights):
            raise ValueError(Errors.E502.format(weights=weights))

    def of_tag(self, tag: str | None) -> float:
        """tag (str | None): A BIO tag, None for a word without annotation.
        RETURNS (float): The weight of the tokens that spell it; 0 for None, so
            that what nobody annotated is not trained as O."""
        if tag is None:
            return 0.0
        return self.outside if tag == "O" else self.entities

    def of_role(self, role: str) -> float:
        """role (str): The role of a `Piece`: "word", "outside" or "entity".
        RETURNS (float): The weight of its tokens."""
        by_role = {"word": self.words, "outside": self.outside, "entity": self.entities}
        return by_role[role]
