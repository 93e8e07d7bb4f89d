"""Loading models and tokenizers through transformers: safetensors only, precision
always passed explicitly."""

from pathlib import Path
from typing import Any

import torch
from spacy_transformers.data_classes import HFObjects
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
)

from ..errors import Errors
from .device import dtype_argument, resolve_device, resolve_dtype
from .gguf import tidy_tokenizer
from .settings import BASE_HUB_NAME, DEFAULT_MODEL, BackboneSettings
from .sources import Source, cached_base, check_name, resolve_source

MODEL_CLASSES = {"seq2seq": AutoModelForSeq2SeqLM, "causal": AutoModelForCausalLM}


def load_pretrained(
    settings: BackboneSettings, source: Source | None = None
) -> tuple[HFObjects, str]:
    """Load tokenizer and model.

    settings (BackboneSettings): What to load, where to put it, in which precision.
    source (Source | None): Where from; None finds it by the name in the settings.
    RETURNS (tuple[HFObjects, str]): The objects (the adapter of the source is merged into
        the weights), and "seq2seq" or "causal".
    RAISES (ValueError): E010 to E019 when that cannot be done.
    """
    source = source or resolve_source(settings.name)
    hub: dict[str, Any] = {"trust_remote_code": settings.trust_remote_code}
    if source.is_directory:
        # A directory has all it needs: never ask the network.
        hub["local_files_only"] = True
    elif settings.revision is not None and not source.is_default:
        hub["revision"] = settings.revision
    try:
        config = AutoConfig.from_pretrained(source.location, **hub)
    except (OSError, ValueError) as error:
        raise ValueError(_not_found(source, settings.name, error)) from error
    family = model_family(config, settings)
    device = resolve_device(settings.device)
    dtype = resolve_dtype(settings.dtype, device, config.model_type)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.location, **hub)
    except Exception as error:  # tokenizers raise all sorts of things
        reason = _first_line(error)
        raise ValueError(Errors.E018.format(name=settings.name, reason=reason)) from error
    if not getattr(tokenizer, "is_fast", False):
        raise ValueError(Errors.E018.format(name=settings.name, reason="there is only a slow one"))
    if source.location == BASE_HUB_NAME:
        tokenizer = tidy_tokenizer(tokenizer)
    try:
        model = MODEL_CLASSES[family].from_pretrained(
            source.location, config=config, use_safetensors=True, **dtype_argument(dtype), **hub
        )
    except (OSError, ValueError) as error:
        if "safetensors" in str(error):
            reason = _first_line(error)
            raise ValueError(Errors.E012.format(name=settings.name, found=reason)) from error
        raise ValueError(_not_found(source, settings.name, error)) from error
    if source.adapter is not None:
        model = merge_adapter(model, source.adapter)
    return HFObjects(tokenizer, model.to(device).eval(), None), family


def check_source(settings: BackboneSettings) -> None:
    """Find early what can be told without loading weights or touching the network.

    settings (BackboneSettings): What is to be loaded.
    RAISES (ValueError): As `check_name`, and as `check_directory` for a local directory.
    """
    check_name(settings.name)
    if (Path(settings.name) / "config.json").is_file():
        check_directory(settings)


def check_directory(settings: BackboneSettings) -> None:
    """Find early what the files of a model's directory cannot be used for, without loading it.

    settings (BackboneSettings): Its name is a directory with a config.
    RAISES (ValueError): E023 for a config that cannot be read, E013 for a model of a wrong
        family, E016 for T5 in float16.
    """
    source = resolve_source(settings.name)
    try:
        config = AutoConfig.from_pretrained(
            source.location, trust_remote_code=settings.trust_remote_code, local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise ValueError(_not_found(source, settings.name, error)) from error
    model_family(config, settings)
    if settings.dtype != "auto":
        resolve_dtype(settings.dtype, torch.device("cpu"), config.model_type)


def model_family(config: Any, settings: BackboneSettings) -> str:
    """Tell the family of a model from its config, and compare it with what was asked for.

    config (PretrainedConfig): The model's config.
    settings (BackboneSettings): `family` is "auto" or what the model must be.
    RETURNS (str): "seq2seq" or "causal".
    RAISES (ValueError): E013 for any other family, and when the two differ.
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )

    remote = getattr(config, "auto_map", None) or {} if settings.trust_remote_code else {}
    if getattr(config, "is_encoder_decoder", False):
        known = config.model_type in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES
        found = "seq2seq" if known or "AutoModelForSeq2SeqLM" in remote else None
    else:
        # Encoders such as BERT have a causal class as well; their config says
        # whether they were made to be decoders.
        known = config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
        encoder = any(
            str(name).endswith(("ForMaskedLM", "Classification", "ForPreTraining"))
            for name in getattr(config, "architectures", None) or ()
        )
        found = "causal" if (known and not encoder) or "AutoModelForCausalLM" in remote else None
    reason = ""
    if found is not None and settings.family not in ("auto", found):
        reason = f"The config asks for '{settings.family}', the model is '{found}'."
    if found is None or reason:
        raise ValueError(
            Errors.E013.format(name=settings.name, model_type=config.model_type, reason=reason)
        )
    return found


def merge_adapter(model: Any, adapter: Path) -> Any:
    """Put a LoRA adapter into the weights of a model.

    model (PreTrainedModel): The base model.
    adapter (Path): Directory with adapter_config.json and adapter_model.safetensors.
    RETURNS (PreTrainedModel): The same model, changed.
    RAISES (ValueError): E012 when the adapter has no safetensors weights.
    """
    from peft import PeftModel

    if not (adapter / "adapter_model.safetensors").is_file():
        raise ValueError(Errors.E012.format(name=adapter, found="no adapter_model.safetensors"))
    return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()


def _not_found(source: Source, name: str, error: Exception) -> str:
    reason = _first_line(error)
    if source.location == BASE_HUB_NAME:
        return Errors.E019.format(
            name=DEFAULT_MODEL, cache=cached_base(), hub=BASE_HUB_NAME, reason=reason
        )
    if source.is_directory:
        return Errors.E023.format(path=source.location, reason=reason)
    return Errors.E010.format(name=name, default=DEFAULT_MODEL, reason=reason)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
