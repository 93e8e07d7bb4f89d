from .gner import GNER

__all__ = ["GNER"]
