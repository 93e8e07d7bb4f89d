"""Loading models and tokenizers through transformers: safetensors only, precision always
passed explicitly, and nothing made up for what a file lacks."""

import os
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
)

from ..errors import Errors, Warnings
from .adapters import WEIGHTS, has_tokenizer, import_peft
from .codec import POSITION_FIELDS
from .device import dtype_argument, resolve_device, resolve_dtype
from .families import family_names
from .gguf import tidy_tokenizer
from .hf_objects import HFObjects
from .settings import BASE_HUB_NAME, DEFAULT_MODEL, BackboneSettings
from .sources import Source, cached_base, check_name, resolve_source
from .tag_tokens import add_tag_tokens, make_room

MODEL_CLASSES = {"seq2seq": AutoModelForSeq2SeqLM, "causal": AutoModelForCausalLM}
TRUST_VARIABLE = "SPACY_GNER_TRUST_REMOTE_CODE"
# More than any model has: they are made one by one, before the weights are looked at.
_MAX_LAYERS = 10_000
# Buffers that old checkpoints have, and that models compute themselves today.
_BUFFERS = re.compile(r"(inv_freq|masked_bias|attn\.bias|attention\.bias|position_ids)$")


def load_pretrained(
    settings: BackboneSettings,
    source: Source | None = None,
    tag_tokens: Sequence[str] = (),
) -> tuple[Any, str]:
    """Load tokenizer and model.

    settings (BackboneSettings): What to load, where to put it, in which precision.
    source (Source | None): Where from; None finds it by the name in the settings.
    tag_tokens (Sequence[str]): Tokens to add, where the vocabulary lacks them.
    RETURNS (tuple[HFObjects, str]): The objects, with the adapter of the source in the weights; and
        "seq2seq" or "causal".
    RAISES (ValueError): E010 to E019, E023 and E040 to E045 when that cannot be done.
    """
    source = source or resolve_source(settings.name)
    check_consent(settings)
    hub: dict[str, Any] = {"trust_remote_code": settings.trust_remote_code}
    if source.is_directory:
        # A directory has all it needs: never ask the network.
        hub["local_files_only"] = True
    elif source.revision or settings.revision:
        hub["revision"] = source.revision or settings.revision
    config = _load_config(source, settings, hub)
    family = model_family(config, settings)
    device = resolve_device(settings.device)
    dtype = resolve_dtype(settings.dtype, device, config.model_type)
    tokenizer = _load_tokenizer(source, settings, hub)
    model = _load_model(source, settings, family, config, dtype, hub)
    if source.adapter is not None:
        tokenizer, model = apply_adapter(tokenizer, model, source.adapter)
    _check_sizes(tokenizer, model, settings.name)
    if tag_tokens:
        add_tag_tokens(tokenizer, model, tag_tokens)
    return HFObjects(tokenizer, model.to(device).eval(), None), family


def check_consent(settings: BackboneSettings) -> None:
    """Whether code that comes with a model runs is for the user to say, outside of any config: the
    config may have come with the pipeline.

    settings (BackboneSettings): The settings.
    RAISES (ValueError): E044 when they ask for it without the user's consent.
    """
    agreed = os.environ.get(TRUST_VARIABLE, "").lower() in ("1", "true", "yes")
    if settings.trust_remote_code and not agreed:
        raise ValueError(Errors.E044.format(name=settings.name))


def check_source(settings: BackboneSettings) -> None:
    """Find early what can be told without loading weights or touching the network.

    settings (BackboneSettings): What is to be loaded.
    RAISES (ValueError): As `check_name`; for the directory of a model also E023 for a config that
        cannot be read, E013 for a model of a wrong family, E016 for T5 in float16.
    """
    check_name(settings.name)
    check_consent(settings)
    if (Path(settings.name) / "config.json").is_file():
        hub = {"trust_remote_code": settings.trust_remote_code, "local_files_only": True}
        config = _load_config(resolve_source(settings.name), settings, hub)
        model_family(config, settings)
        if settings.dtype != "auto":
            resolve_dtype(settings.dtype, torch.device("cpu"), config.model_type)


def _load_config(source: Source, settings: BackboneSettings, hub: dict[str, Any]) -> Any:
    try:
        config = AutoConfig.from_pretrained(source.location, **hub)
        _check_config(config)
        return config
    # Whatever a file of any shape makes transformers raise.
    except Exception as error:
        raise ValueError(_not_found(source, settings.name, error)) from error


def _check_config(config: Any) -> None:
    """Refuse what would run, or never end, before the model itself complains."""
    for value in vars(config).values():
        if hasattr(value, "model_type"):
            _check_config(value)
    # With the package `kernels` transformers gets an attention of this form from the hub.
    attention = [v for k, v in vars(config).items() if k.endswith("_implementation_internal")]
    if any("/" in str(value) for value in attention):
        raise ValueError(f"its attention is code from elsewhere: {attention}")
    for name in ("num_hidden_layers", "num_layers", "num_decoder_layers"):
        n_layers = getattr(config, name, None)
        is_number = isinstance(n_layers, int) and 0 < n_layers <= _MAX_LAYERS
        if n_layers is not None and not is_number:
            raise ValueError(f"{name} is {n_layers!r}")
    if not isinstance(getattr(config, "architectures", None) or [], list):
        raise ValueError("its architectures are no list")
    for name in (*POSITION_FIELDS, "decoder_start_token_id"):
        value = getattr(config, name, None)
        if value is not None and not isinstance(value, int):
            raise ValueError(f"{name} is {value!r}")


def _load_tokenizer(source: Source, settings: BackboneSettings, hub: dict[str, Any]) -> Any:
    tokenizer = load_tokenizer(source.location, settings.name, hub)
    return tidy_tokenizer(tokenizer) if source.location == BASE_HUB_NAME else tokenizer


def load_tokenizer(location: str, name: str, hub: dict[str, Any]) -> Any:
    """Load a tokenizer.

    location (str): A directory, or a name on the hub.
    name (str): What to call it in an error.
    hub (dict[str, Any]): Arguments for transformers.
    RETURNS (PreTrainedTokenizerFast): The tokenizer.
    RAISES (ValueError): E018 when there is no fast one.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(location, **hub)
    except Exception as error:  # tokenizers raise all sorts of things
        raise ValueError(Errors.E018.format(name=name, reason=_first_line(error))) from error
    if not getattr(tokenizer, "is_fast", False):
        raise ValueError(Errors.E018.format(name=name, reason="there is only a slow one"))
    return tokenizer


def _load_model(
    source: Source,
    settings: BackboneSettings,
    family: str,
    config: Any,
    dtype: torch.dtype,
    hub: dict[str, Any],
) -> Any:
    arguments = {**hub, **dtype_argument(dtype), "config": config, "use_safetensors": True}
    try:
        model, found = MODEL_CLASSES[family].from_pretrained(
            source.location, output_loading_info=True, **arguments
        )
    # Files that are cut off or no safetensors at all, and shapes that do not fit, end in errors of
    # many types.
    except Exception as error:
        reason = _first_line(error)
        if "size mismatch" in str(error) or "ignore_mismatched_sizes" in str(error):
            reason = "there are weights of other shapes"
        elif source.is_directory and "no file named model.safetensors" in str(error):
            raise ValueError(Errors.E012.format(name=settings.name, found=reason)) from error
        elif not source.is_directory and isinstance(error, OSError):
            raise ValueError(_not_found(source, settings.name, error)) from error
        raise ValueError(Errors.E041.format(name=settings.name, reason=reason)) from error
    _check_keys(model, found, settings.name)
    return model


def _check_keys(model: Any, found: dict[str, Any], name: str) -> None:
    parts = {
        "missing": _without_tied(model, found["missing_keys"]),
        "of other shapes": found["mismatched_keys"],
    }
    unexpected = [key for key in found["unexpected_keys"] if not _BUFFERS.search(key)]
    _refuse_made_up(parts, unexpected, name)


def _refuse_made_up(parts: dict[str, Any], unexpected: Sequence[str], name: object) -> None:
    """What is missing would be random, and different each time."""
    if any(parts.values()):
        parts["not known to the model"] = unexpected
        reason = "; ".join(f"{what}: {_some(keys)}" for what, keys in parts.items() if keys)
        raise ValueError(Errors.E041.format(name=name, reason=reason))
    if unexpected:
        warnings.warn(Warnings.W007.format(name=name, names=_some(unexpected)), stacklevel=2)


def _without_tied(model: Any, keys: Iterable[str]) -> list[str]:
    """RETURNS (list[str]): The keys whose parameters are not also found under another name."""
    missing = set(keys)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    loaded = {id(p) for key, p in parameters.items() if key not in missing}
    return sorted(key for key in missing if id(parameters.get(key)) not in loaded)


def _some(keys: Iterable[Any]) -> str:
    names = sorted(str(key[0] if isinstance(key, tuple) else key) for key in keys)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _check_sizes(tokenizer: Any, model: Any, name: str) -> None:
    n_tokens, n_rows = len(tokenizer), model.get_input_embeddings().weight.shape[0]
    if n_tokens > n_rows:
        reason = f"it has {n_tokens} tokens, and the model '{name}' knows {n_rows}"
        raise ValueError(Errors.E040.format(reason=reason))


def model_family(config: Any, settings: BackboneSettings) -> str:
    """Tell the family of a model from its config, and compare it with what was asked for.

    config (PretrainedConfig): The model's config.
    settings (BackboneSettings): `family` is "auto" or what the model must be.
    RETURNS (str): "seq2seq" or "causal".
    RAISES (ValueError): E013 for any other family, and when the two differ.
    """
    remote = getattr(config, "auto_map", None) or {} if settings.trust_remote_code else {}
    if getattr(config, "is_encoder_decoder", False):
        known = config.model_type in family_names("seq2seq")
        found = "seq2seq" if known or "AutoModelForSeq2SeqLM" in remote else None
    else:
        # Encoders such as BERT have a causal class as well; their config says
        # whether they were made to be decoders.
        known = config.model_type in family_names("causal")
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


def apply_adapter(tokenizer: Any, model: Any, adapter: Path) -> tuple[Any, Any]:
    """Put a LoRA adapter into the weights of a model, with the tokens that it adds.

    tokenizer (PreTrainedTokenizerFast): That of the base model.
    model (PreTrainedModel): The base model.
    adapter (Path): Directory with adapter_config.json and adapter_model.safetensors, and with a
        tokenizer if it adds tokens to the vocabulary.
    RETURNS (tuple[PreTrainedTokenizerFast, PreTrainedModel]): The tokenizer, and the same model,
        changed.
    RAISES (ImportError): E038 without peft.
    RAISES (ValueError): E012 when the adapter has no safetensors weights, E041 when they do not
        fit, E018 and E040 for its tokenizer.
    """
    if not (adapter / WEIGHTS).is_file():
        raise ValueError(Errors.E012.format(name=adapter, found=f"no {WEIGHTS}"))
    if has_tokenizer(adapter):
        tokenizer = load_tokenizer(str(adapter), str(adapter), {"local_files_only": True})
        make_room(tokenizer, model, adapter)
    merged = load_adapter(model, adapter).merge_and_unload()
    # peft 0.17 leaves it there, and would take the next adapter for a second one.
    vars(merged).pop("peft_config", None)
    return tokenizer, merged


def load_adapter(model: Any, adapter: Path, is_trainable: bool = False) -> Any:
    """Put a LoRA adapter beside the weights of a model.

    model (PreTrainedModel): The base model.
    adapter (Path): The directory of the adapter.
    is_trainable (bool): Whether it is to be trained.
    RETURNS (PeftModel): The model with its adapter.
    RAISES (ImportError): E038 without peft.
    RAISES (ValueError): E041 when the adapter does not fit the model, or cannot be read.
    """
    peft = import_peft()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peft_model = peft.PeftModel.from_pretrained(
                model, str(adapter), is_trainable=is_trainable
            )
            # Once more, since only this tells what was not found.
            found = peft_model.load_adapter(str(adapter), "default", is_trainable=is_trainable)
    except Exception as error:
        reason = _first_line(error)
        raise ValueError(Errors.E041.format(name=adapter, reason=reason)) from error
    _refuse_made_up({"missing": found.missing_keys}, found.unexpected_keys, adapter)
    return peft_model


def _not_found(source: Source, name: str, error: Exception) -> str:
    reason = _first_line(error)
    if source.location == BASE_HUB_NAME:
        return Errors.E019.format(
            name=DEFAULT_MODEL, cache=cached_base(), hub=BASE_HUB_NAME, reason=reason
        )
    if source.is_directory:
        return Errors.E023.format(path=source.location, reason=reason)
    return Errors.E010.format(name=name, default=DEFAULT_MODEL, reason=reason)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
