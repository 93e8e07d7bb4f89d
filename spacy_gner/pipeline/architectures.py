"""The registered model architectures: Hugging Face models as thinc models."""

from collections.abc import Callable
from typing import Any

from spacy.util import registry
from thinc.api import Model

from ..backbones.settings import DEFAULT_MODEL, BackboneSettings, Lora
from .shim import BackboneShim


def _build(settings: BackboneSettings) -> Model:
    # A wrong device is found now, at configuration time, though only where the config names
    # one, since that check needs torch. The name is checked by the component's factory:
    # when a saved pipeline is loaded, its source need not be there any more.
    if settings.device != "auto" or settings.dtype != "auto":
        import torch

        from ..backbones.device import resolve_device, resolve_dtype

        device = resolve_device(settings.device)
        if settings.dtype != "auto":
            resolve_dtype(settings.dtype, torch.device(device), "")
    return Model("gner_backbone", _forward, shims=[BackboneShim(settings)])


def _forward(model: Model, batch: Any, is_train: bool) -> tuple[Any, Callable[..., Any]]:
    return model.shims[0](batch, is_train)


@registry.architectures("spacy_gner.Auto.v1")
def build_auto(
    name: str = DEFAULT_MODEL,
    revision: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    max_length: int | None = None,
    prompt_format: str | None = None,
    trust_remote_code: bool = False,
    save_weights: bool = True,
    lora: Lora | None = None,
    gradient_checkpointing: bool = False,
    mixed_precision: bool = False,
) -> Model:
    """A language model through transformers, encoder-decoder or decoder-only as its
    config says. Nothing is loaded before the first Doc or the first update.

    name (str): A local directory, the embedded default ("gner-smollm2-135m"), or a name
        on the model hub ("dyyyyyyyy/GNER-T5-large").
    revision (str | None): Branch, tag or commit on the hub.
    device (str): "auto" (follows `spacy.prefer_gpu()`), "cpu", "cuda:0", "mps".
    dtype (str): "auto" (bfloat16 on CUDA where it is fast, else float32), "float32",
        "bfloat16", "float16" (not for T5). Weights that are trained should be float32.
    max_length (int | None): Tokens of the prompt and of the output each (seq2seq,
        default 640), or of both together (causal, default 1280, for the embedded
        default 512).
    prompt_format (str | None): How a prompt is wrapped, with "{prompt}" in it. Default
        for causal models "[INST] {prompt} [/INST]", for seq2seq the prompt alone.
    trust_remote_code (bool): Whether code that comes with a model may run.
    save_weights (bool): Whether `to_disk` writes the weights. False writes a reference
        (and the LoRA adapter, if one was trained).
    lora (Lora | None): Train a low-rank adapter instead of all weights, see
        `spacy_gner.Lora.v1`.
    gradient_checkpointing (bool): Less memory in training, more time.
    mixed_precision (bool): bfloat16 autocast in training, on CUDA devices only.
    RETURNS (Model[TrainingBatch, torch.Tensor]): The model.
    RAISES (ValueError): E010 to E017 for what can be told without loading.
    """
    return _build(
        BackboneSettings(
            name,
            revision,
            "auto",
            device,
            dtype,
            max_length,
            prompt_format,
            trust_remote_code,
            save_weights,
            lora,
            gradient_checkpointing,
            mixed_precision,
        )
    )


@registry.architectures("spacy_gner.Seq2Seq.v1")
def build_seq2seq(
    name: str,
    revision: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    max_length: int | None = None,
    trust_remote_code: bool = False,
    save_weights: bool = True,
    lora: Lora | None = None,
    gradient_checkpointing: bool = False,
    mixed_precision: bool = False,
) -> Model:
    """An encoder-decoder model such as GNER-T5. As `spacy_gner.Auto.v1`, and any other
    family raises E013 when it is loaded. See `build_auto` for the arguments."""
    return _build(
        BackboneSettings(
            name,
            revision,
            "seq2seq",
            device,
            dtype,
            max_length,
            None,
            trust_remote_code,
            save_weights,
            lora,
            gradient_checkpointing,
            mixed_precision,
        )
    )


@registry.architectures("spacy_gner.Causal.v1")
def build_causal(
    name: str = DEFAULT_MODEL,
    revision: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    max_length: int | None = None,
    prompt_format: str | None = None,
    trust_remote_code: bool = False,
    save_weights: bool = True,
    lora: Lora | None = None,
    gradient_checkpointing: bool = False,
    mixed_precision: bool = False,
) -> Model:
    """A decoder-only model such as GNER-LLaMA. As `spacy_gner.Auto.v1`, and any other
    family raises E013 when it is loaded. See `build_auto` for the arguments."""
    return _build(
        BackboneSettings(
            name,
            revision,
            "causal",
            device,
            dtype,
            max_length,
            prompt_format,
            trust_remote_code,
            save_weights,
            lora,
            gradient_checkpointing,
            mixed_precision,
        )
    )
