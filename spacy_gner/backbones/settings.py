"""What a config says about a model: plain values, checked, picklable."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_type_hints

from spacy.util import registry

from ..errors import Errors

FAMILIES = ("auto", "seq2seq", "causal")
DEFAULT_MODEL = "gner-smollm2-135m"
BASE_HUB_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
DTYPES = ("auto", "float32", "bfloat16", "float16")
# Lengths that the published checkpoints were trained with (paper, appendix B), in tokens.
MAX_LENGTH = {"seq2seq": 640, "causal": 1280}
# The embedded default has learned from single sentences, and is at its best with them.
DEFAULT_MAX_LENGTH = 512
INSTRUCTION_FORMAT = "[INST] {prompt} [/INST]"


# The keys and values of one label set take 8 MB with the embedded default, and 80 MB with a 7B
# model in bfloat16; a table of tags with some hundreds of words takes one.
CACHE_BYTES = 512 * 2**20


@registry.misc("spacy_gner.Lora.v1")
@dataclass(frozen=True)
class Lora:
    """Train a low-rank adapter (Hu et al. 2021, through peft) instead of all weights: for a
    `lora` block in the model's config. It is put in place with the first update.

    While a pipeline is trained the adapter stays apart from the weights; saving writes
    both, and loading merges them, so that inference costs nothing. A loaded pipeline
    that is trained again gets a new adapter on the merged weights, with two exceptions
    that continue the adapter it has: `resume`, and `save_weights = false`, where
    the adapter is all that is saved.

    rank (int): Inner size of the adapter.
    alpha (float): Its output is scaled by alpha / rank.
    dropout (float): Dropout in front of it, in [0, 1).
    targets (Sequence[str] | None): Names of the layers that get one, as peft's
        `target_modules`; None: all linear layers but the output layer.
    resume (bool): Continue the adapter that the model comes with (that of the embedded
        default, or of a loaded pipeline); its own rank, alpha, and targets then hold. Without
        one, a new one is begun.
    RAISES (ValueError): E505 for values that make no adapter.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: Sequence[str] | None = None
    resume: bool = False

    def __post_init__(self) -> None:
        usable = self.rank >= 1 and self.alpha > 0 and 0 <= self.dropout < 1
        if not usable or (self.targets is not None and not list(self.targets)):
            raise ValueError(
                Errors.E505.format(
                    rank=self.rank, alpha=self.alpha, dropout=self.dropout, targets=self.targets
                )
            )
        if self.targets is not None:
            object.__setattr__(self, "targets", tuple(self.targets))


@dataclass(frozen=True)
class BackboneSettings:
    """See `spacy_gner.pipeline.architectures.build_transformer` for the fields."""

    name: str
    revision: str | None = None
    family: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    max_length: int | None = None
    prompt_format: str | None = None
    trust_remote_code: bool = False
    save_weights: bool = True
    cache_bytes: int = CACHE_BYTES
    tag_tokens: bool = False
    lora: Lora | None = None
    gradient_checkpointing: bool = False
    mixed_precision: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(
                Errors.E017.format(
                    field="model.name",
                    expected="a directory or the name of a model",
                    found=self.name,
                )
            )
        if self.family not in FAMILIES:
            raise ValueError(
                Errors.E017.format(field="family", expected=f"one of {FAMILIES}", found=self.family)
            )
        if self.dtype not in DTYPES:
            raise ValueError(Errors.E015.format(dtype=self.dtype))
        if self.max_length is not None and self.max_length < 1:
            raise ValueError(
                Errors.E017.format(
                    field="max_length", expected="1 or more tokens, or null", found=self.max_length
                )
            )
        if self.cache_bytes < 0:
            raise ValueError(
                Errors.E017.format(
                    field="cache_bytes", expected="0 or more bytes", found=self.cache_bytes
                )
            )
        if self.prompt_format is not None and "{prompt}" not in self.prompt_format:
            raise ValueError(
                Errors.E017.format(
                    field="prompt_format",
                    expected="a text with {prompt} in it, such as '[INST] {prompt} [/INST]'",
                    found=self.prompt_format,
                )
            )

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict): Values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> "BackboneSettings":
        """Read what `to_dict` gave, from a file that may hold anything.

        values (dict): The values.
        RETURNS (BackboneSettings): The settings.
        RAISES (ValueError): E017 or a reason, for values of the wrong shape.
        """
        if not isinstance(values, dict):
            raise ValueError("its settings are no object")
        hints = get_type_hints(cls)
        for name, value in values.items():
            if name not in hints:
                raise ValueError(f"it has a setting {name!r} that is not known")
            if name != "lora" and not isinstance(value, hints[name]):
                raise ValueError(f"its setting {name!r} is {value!r}")
        lora = values.get("lora")
        try:
            return cls(**{**values, "lora": None if lora is None else Lora(**lora)})
        except TypeError as error:
            raise ValueError(f"its settings cannot be read ({error})") from error
