"""The registered model architecture: a Hugging Face model as a thinc model."""

from collections.abc import Callable
from typing import Any

from spacy.util import registry
from thinc.api import Model

from ..backbones.settings import CACHE_BYTES, DEFAULT_MODEL, BackboneSettings, Lora
from .shim import BackboneShim


def _forward(model: Model[Any, Any], batch: Any, is_train: bool) -> tuple[Any, Callable[..., Any]]:
    return model.shims[0](batch, is_train)


@registry.architectures("spacy_gner.Transformer.v1")
def build_transformer(
    name: str = DEFAULT_MODEL,
    revision: str | None = None,
    family: str = "auto",
    device: str = "auto",
    dtype: str = "auto",
    max_length: int | None = None,
    prompt_format: str | None = None,
    trust_remote_code: bool = False,
    save_weights: bool = True,
    cache_bytes: int = CACHE_BYTES,
    tag_tokens: bool = False,
    lora: Lora | None = None,
    gradient_checkpointing: bool = False,
    mixed_precision: bool = False,
) -> Model[Any, Any]:
    """A language model through transformers, encoder-decoder or decoder-only. Nothing is loaded
    before the first Doc or the first update.

    name (str): A local directory, the embedded default ("gner-smollm2-135m"), or a name
        on the model hub ("dyyyyyyyy/GNER-T5-large").
    revision (str | None): Branch, tag or commit on the hub.
    family (str): "seq2seq" (encoder-decoder), "causal" (decoder-only), or "auto": as the
        model's own config says. Another family than the model's raises E013.
    device (str): "auto" (follows `spacy.prefer_gpu()`), "cpu", "cuda:0", "mps".
    dtype (str): "auto" (bfloat16 on CUDA where it is fast, else float32), "float32",
        "bfloat16", "float16" (not for T5). Weights that are trained should be float32. With
        "auto" on a CPU they are, and decoders compute with copies in bfloat16 where that pays.
    max_length (int | None): Tokens of the prompt and of the output each (seq2seq,
        default 640), or of both together (causal, default 1280, for the embedded
        default 512).
    prompt_format (str | None): How a prompt is wrapped, with "{prompt}" in it. Default
        for causal models "[INST] {prompt} [/INST]", for seq2seq the prompt alone.
    trust_remote_code (bool): Whether code that comes with a model may run.
    save_weights (bool): Whether `to_disk` writes the weights. False writes a reference
        (and the LoRA adapter, if one was trained).
    cache_bytes (int): How much all that is kept for label sets may take together (keys and
        values of prompts, tokens of tags), in bytes. The least recently used goes first.
    tag_tokens (bool): Whether the openings of tags, "(O)", "(B-" and so on, become tokens of
        their own, to be trained: outputs are a third shorter. A model that was saved with such
        tokens keeps them in any case.
    lora (Lora | None): Train a low-rank adapter instead of all weights, see
        `spacy_gner.Lora.v1`.
    gradient_checkpointing (bool): Less memory in training, more time.
    mixed_precision (bool): bfloat16 autocast in training, on CUDA devices only.
    RETURNS (Model[TrainingBatch, torch.Tensor]): The model. It takes a list of Docs too, as
        `spacy debug model` gives them: each text is then prompt and target.
    RAISES (ValueError): E010 to E017 for what can be told without loading.
    """
    settings = BackboneSettings(
        name,
        revision,
        family,
        device,
        dtype,
        max_length,
        prompt_format,
        trust_remote_code,
        save_weights,
        cache_bytes,
        tag_tokens,
        lora,
        gradient_checkpointing,
        mixed_precision,
    )
    # A wrong device is found now, at configuration time, though only where the config names
    # one, since that check needs torch. The name is checked by the component's factory:
    # when a saved pipeline is loaded, its source need not be there any more.
    if settings.device != "auto" or settings.dtype != "auto":
        from ..backbones.device import resolve_device, resolve_dtype

        resolve_dtype(settings.dtype, resolve_device(settings.device), "")
    return Model("gner_backbone", _forward, shims=[BackboneShim(settings)])
