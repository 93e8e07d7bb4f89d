"""From the words of an output to the words of a sentence."""

from .back_tokenization import BackTokenizer, make_back_tokenizer
from .diagnosis import Discrepancies, diagnose
from .matcher import LCSMatcher, Matcher, Matching
from .mentions import occurrences

__all__ = [
    "BackTokenizer",
    "Discrepancies",
    "LCSMatcher",
    "Matcher",
    "Matching",
    "diagnose",
    "make_back_tokenizer",
    "occurrences",
]
