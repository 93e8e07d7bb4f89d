"""Pages that need nothing else: no network, no other file. All text in them is escaped."""

from .annotations import AnnotationPage

__all__ = ["AnnotationPage"]
