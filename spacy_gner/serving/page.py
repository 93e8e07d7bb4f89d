"""The page that a server shows: one file, and the policy that allows nothing but it."""

import base64
import hashlib
import re
from pathlib import Path


def read_page() -> tuple[str, str]:
    """Read the page.

    RETURNS (tuple[str, str]): The HTML, and a Content-Security-Policy that runs its own
        script and style, by their hashes, and nothing else.
    """
    page = (Path(__file__).parent / "page.html").read_text(encoding="utf8")
    script = _hash(page, "script")
    style = _hash(page, "style")
    policy = (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page, policy


def _hash(page: str, tag: str) -> str:
    (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digest = hashlib.sha256(content.encode("utf8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
