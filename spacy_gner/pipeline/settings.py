"""Checks on the plain settings of the component, when it is made."""

from typing import Any

from ..errors import Errors


def check_settings(
    batch_size: int, threshold: float | None, set_ents: bool, spans_key: str | None
) -> None:
    """Refuse settings that cannot work.

    batch_size (int): Tokens per batch, 1 or more.
    threshold (float | None): A probability.
    set_ents (bool): With false a `spans_key` must say where entities go.
    spans_key (str | None): Name of a span group, not empty.
    RAISES (ValueError): E017, with what to write instead.
    """
    if batch_size < 1:
        _refuse("batch_size", "1 or more tokens", batch_size)
    if threshold is not None and not 0.0 <= threshold <= 1.0:
        _refuse("threshold", "a probability from 0 to 1, or null", threshold)
    if spans_key is not None and not spans_key:
        _refuse("spans_key", "the name of a span group, or null", spans_key)
    if not set_ents and spans_key is None:
        _refuse("set_ents", "true unless spans_key names a span group", set_ents)


def _refuse(field: str, expected: str, found: Any) -> None:
    raise ValueError(Errors.E017.format(field=field, expected=expected, found=found))
