"""The public interface: names that can be imported, and names that configs use.

Both are frozen in public_names.json. A change there is a change for users: a public name keeps
its signature, a registered one its signature, its defaults and what it does (otherwise it becomes
`.v2`, and `.v1` stays). Where the change is wanted, write the file anew and look at its diff:

    UPDATE_PUBLIC_NAMES=1 python -m pytest tests/test_public.py
"""

import inspect
import json
import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import spacy_gner

FROZEN = Path(__file__).with_name("public_names.json")
# Registries for configs; commands are tested by themselves.
GROUPS = ("spacy_", "thinc_")


def signature_of(value):
    """Names, kinds and defaults of parameters; annotations read otherwise in other Pythons."""
    if not callable(value):
        return type(value).__name__
    if getattr(value, "_is_protocol", False):
        return "protocol"
    shown = []
    for parameter in inspect.signature(value).parameters.values():
        default = parameter.default
        if default is not inspect.Parameter.empty and not isinstance(
            default, str | int | float | bool | tuple | list | dict | None
        ):
            default = f"<{type(default).__name__}>"
        shown.append(str(parameter.replace(annotation=inspect.Parameter.empty, default=default)))
    return f"({', '.join(shown)})"


def public_names():
    from spacy_gner.pipeline.factory import DEFAULT_CONFIG

    public = {}
    for name in sorted(spacy_gner.__all__):
        value = getattr(spacy_gner, name)
        public[name] = signature_of(value)
        if inspect.isclass(value):
            members = inspect.getmembers(value, lambda v: inspect.isfunction(v) or is_property(v))
            for member, function in members:
                if not member.startswith("_") and member in vars_of_ours(value):
                    shown = "property" if is_property(function) else signature_of(function)
                    public[f"{name}.{member}"] = shown
    registered = {
        f"{point.group}: {point.name}": signature_of(point.load())
        for point in distribution("spacy-gner").entry_points
        if point.group.startswith(GROUPS)
    }
    return {
        "public": public,
        "registered": dict(sorted(registered.items())),
        "config of gner": DEFAULT_CONFIG,
    }


def is_property(value):
    return isinstance(value, property) or type(value).__name__ in ("Setting", "cached_property")


def vars_of_ours(value):
    ours = [cls for cls in value.__mro__ if cls.__module__.startswith("spacy_gner")]
    return {name for cls in ours for name in vars(cls)}


def test_public_names_are_as_they_were():
    found = json.loads(json.dumps(public_names()))
    if os.environ.get("UPDATE_PUBLIC_NAMES"):
        text = json.dumps(found, indent=2, ensure_ascii=False)
        FROZEN.write_text(text + "\n", encoding="utf8")
    expected = json.loads(FROZEN.read_text(encoding="utf8"))
    for part in expected:
        assert found[part] == expected[part], f"{part} changed: see the top of this file"
    assert found.keys() == expected.keys()


def test_registered_names_carry_a_version():
    names = json.loads(FROZEN.read_text(encoding="utf8"))["registered"]
    for name in names:
        group, _, short = name.partition(": ")
        assert group == "spacy_factories" or short.startswith("spacy_gner.")
        assert group == "spacy_factories" or short.rsplit(".", 1)[1][:1] == "v"


def test_public_names_can_be_imported():
    for name in spacy_gner.__all__:
        assert getattr(spacy_gner, name) is not None
        assert name in dir(spacy_gner)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = spacy_gner.no_such_name


def test_public_names_are_lazy():
    code = (
        "import sys, spacy_gner; dir(spacy_gner)\n"
        "assert not {'spacy', 'torch', 'transformers'} & set(sys.modules)\n"
        # torch comes with thinc where it is installed.
        "from spacy_gner import Annotator, GNER, Entity, LabelSet, load\n"
        "assert Annotator and load and 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
