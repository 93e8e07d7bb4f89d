"""Annotation of more texts than one process gets through, on engines that exist.

Nothing is imported here: Ray comes with the extra `ray`.
"""
