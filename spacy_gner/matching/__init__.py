from .back_tokenization import BackTokenizer, make_back_tokenizer
from .diagnosis import Discrepancies, diagnose
from .matcher import LCSMatcher, Matcher

__all__ = [
    "BackTokenizer",
    "Discrepancies",
    "LCSMatcher",
    "Matcher",
    "diagnose",
    "make_back_tokenizer",
]
