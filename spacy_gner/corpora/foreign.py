"""Files that are no text, though they may be read as such: told by their first bytes."""

import re

_MARKS = (
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "a zip archive (as are .docx, .xlsx, .odt, .epub)"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"{\\rtf", "RTF"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF89a", "an image"),
    (b"BZh91AY&SY", "an archive of bzip2"),
    (b"\xfd7zXZ", "an archive of xz"),
    (b"\x28\xb5\x2f\xfd", "an archive of zstd"),
    (b"7z\xbc\xaf", "an archive of 7-Zip"),
    (b"SQLite format 3\0", "a database"),
)
# A chat's "<anna> hi" is no markup: a tag is one of HTML's, has an attribute, or is closed.
_MARKUP = re.compile(
    rb"\s*<(?:!doctype|!--|\?xml|(?:html|head|body|div|p|br|hr|table|ul|ol|meta)[\s/>]"
    rb"|[a-z][\w:.-]*\s+[\w:.-]+\s*=\s*[\"'])",
    re.IGNORECASE,
)
_TAG = re.compile(rb"\s*<([a-z][\w:.-]*)>", re.IGNORECASE)


def foreign_kind(head: bytes) -> str | None:
    """Tell a file that is no text.

    head (bytes): Its beginning.
    RETURNS (str | None): What it looks like; None for what may be text.
    """
    return next((kind for mark, kind in _MARKS if head.startswith(mark)), None)


def is_markup(head: bytes) -> bool:
    """RETURNS (bool): Whether text is HTML or XML, by its beginning."""
    tag = _TAG.match(head)
    return bool(_MARKUP.match(head) or (tag and b"</" + tag[1] + b">" in head))
