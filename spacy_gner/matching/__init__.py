from .back_tokenisation import BackTokeniser, make_back_tokeniser
from .diagnosis import Discrepancies, diagnose
from .matcher import LCSMatcher, Matcher, make_lcs_matcher

__all__ = [
    "BackTokeniser",
    "Discrepancies",
    "LCSMatcher",
    "Matcher",
    "diagnose",
    "make_back_tokeniser",
    "make_lcs_matcher",
]
