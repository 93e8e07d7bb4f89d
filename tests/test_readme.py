"""The tables of the README against the code."""

import inspect
import re
from pathlib import Path

from spacy_gner.pipeline.architectures import build_transformer
from spacy_gner.pipeline.factory import DEFAULT_CONFIG

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", README, flags=re.MULTILINE))


def shown(value):
    if isinstance(value, dict):
        return next(iter(value.values()), "{}")
    return {None: "null", True: "true", False: "false"}.get(value, str(value))


def test_readme_has_every_field_of_the_component():
    for field, default in DEFAULT_CONFIG.items():
        assert ROWS[field] == (shown(default) if default != [] else "[]"), field


def test_readme_has_every_field_of_the_model():
    for field, parameter in inspect.signature(build_transformer).parameters.items():
        assert ROWS[field].strip('"') == shown(parameter.default), field
