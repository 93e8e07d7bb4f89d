"""Make the adapter that the package ships from the one that training wrote.

    python export.py TRAINED --output FOLDER --version 1.0 [--on-top-of SHIPPED]
    python export.py TRAINED --output FOLDER --version 1.0 [--average-with SHIPPED]

Writes float16 safetensors with the version in their metadata, and a configuration with nothing
in it but what loading needs. With `--on-top-of`, TRAINED was begun anew beside an adapter that
was merged into the weights: both become one whose rank is the sum of theirs, which adds exactly
what the two add. With `--average-with`, TRAINED went on from the shipped adapter: the result is
half way between the two (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path, help="adapter directory in peft's format")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--on-top-of", type=Path, help="adapter directory")
    parser.add_argument("--average-with", type=Path, help="adapter directory")
    args = parser.parse_args()
    config, weights = read(args.trained)
    if args.average_with is not None:
        config, weights = average(read(args.average_with), (config, weights))
    if args.on_top_of is not None:
        config, weights = add(read(args.on_top_of), (config, weights))
    write(args.output, config, weights, args.version)


def read(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """RETURNS (tuple[dict, dict[str, torch.Tensor]]): Configuration and float32 weights."""
    config = json.loads((folder / CONFIG).read_text(encoding="utf8"))
    return config, {name: t.float() for name, t in load_file(folder / WEIGHTS).items()}


def add(
    first: tuple[dict[str, Any], dict[str, torch.Tensor]],
    second: tuple[dict[str, Any], dict[str, torch.Tensor]],
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Put two adapters of the same layers into one.

    first (tuple): Configuration and weights.
    second (tuple): Likewise.
    RETURNS (tuple): Likewise, scaled by 1.
    RAISES (ValueError): When they adapt different layers.
    """
    check_layers(first[1], second[1])
    scales = [config["lora_alpha"] / config["r"] for config, _ in (first, second)]
    weights = {}
    for name in first[1]:
        pair = [first[1][name], second[1][name]]
        if ".lora_A." in name:
            weights[name] = torch.cat(pair, dim=0)
        else:
            scaled = [scale * tensor for scale, tensor in zip(scales, pair, strict=True)]
            weights[name] = torch.cat(scaled, dim=1)
    rank = first[0]["r"] + second[0]["r"]
    return {**first[0], "r": rank, "lora_alpha": rank}, weights


def average(
    first: tuple[dict[str, Any], dict[str, torch.Tensor]],
    second: tuple[dict[str, Any], dict[str, torch.Tensor]],
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Take the mean of each matrix of two adapters, the second of which went on from the first.

    first (tuple): Configuration and weights.
    second (tuple): Likewise.
    RETURNS (tuple): Likewise.
    RAISES (ValueError): When they differ in their layers, rank or scale.
    """
    check_layers(first[1], second[1])
    for name in ("r", "lora_alpha"):
        if first[0][name] != second[0][name]:
            raise ValueError(f"One adapter has {name} {first[0][name]}, one {second[0][name]}.")
    return second[0], {name: (first[1][name] + second[1][name]) / 2 for name in first[1]}


def check_layers(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    """RAISES (ValueError): When two adapters belong to different layers."""
    if first.keys() != second.keys():
        odd = sorted(first.keys() ^ second.keys())[:3]
        raise ValueError(f"The adapters belong to different layers, such as {odd}.")


def write(
    folder: Path, config: dict[str, Any], weights: dict[str, torch.Tensor], version: str
) -> None:
    """Write an adapter.

    folder (Path): Where to.
    config (dict): As peft knows it; only what is needed is kept.
    weights (dict[str, torch.Tensor]): The matrices.
    version (str): For the metadata.
    RAISES (ValueError): When a value does not fit float16.
    """
    half = {name: tensor.half().contiguous() for name, tensor in sorted(weights.items())}
    broken = [name for name, tensor in half.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ValueError(f"Not finite in float16: {broken[:3]}")
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"format": "pt", "model": "gner-smollm2-135m", "version": version}
    save_file(half, folder / WEIGHTS, metadata=metadata)
    # safetensors lets only the owner read; a package is for everybody.
    (folder / WEIGHTS).chmod(0o644)
    kept = {
        "base_model_name_or_path": BASE,
        "bias": "none",
        "inference_mode": True,
        "lora_alpha": config["lora_alpha"],
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": config["r"],
        "target_modules": sorted(config["target_modules"]),
        "task_type": "CAUSAL_LM",
    }
    (folder / CONFIG).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
