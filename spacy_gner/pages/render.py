"""The templates of the pages."""

import base64
import hashlib
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .palette import palette_css

_TEMPLATES = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The environment of the templates. Whatever they are given is escaped, unless it is
    `Markup`.

    RETURNS (Environment): With the globals `css` and `js` (the content of a file of the
        package, as markup), `palette_css` and `script_hash`.
    """
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        source=_source, palette_css=lambda: Markup(palette_css()), script_hash=_script_hash
    )
    return made


def _source(name: str) -> Markup:
    """RETURNS (Markup): A style sheet or script of the package."""
    return Markup((_TEMPLATES / name).read_text(encoding="utf8").strip())


def _script_hash(name: str) -> str:
    """RETURNS (str): What a Content-Security-Policy calls a script: no other one may run."""
    digest = hashlib.sha256(_source(name).encode("utf8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
