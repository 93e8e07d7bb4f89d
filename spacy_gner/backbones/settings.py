"""What a config says about a model: plain values, checked, picklable."""

from dataclasses import asdict, dataclass
from typing import Any

from ..errors import Errors

KINDS = ("auto", "seq2seq", "causal")
DTYPES = ("auto", "float32", "bfloat16", "float16")
# Lengths that the published checkpoints were trained with (paper, appendix B), in tokens.
MAX_LENGTH = {"seq2seq": 640, "causal": 1280}
INSTRUCTION_FORMAT = "[INST] {prompt} [/INST]"


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adaptation, see `spacy_gner.training.lora.make_lora`."""

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] | None = None
    resume: bool = False


@dataclass(frozen=True)
class BackboneSettings:
    """See `spacy_gner.pipeline.architectures.build_auto` for the fields."""

    name: str
    revision: str | None = None
    kind: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    max_length: int | None = None
    prompt_format: str | None = None
    trust_remote_code: bool = False
    save_weights: bool = True
    lora: LoraSettings | None = None
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
        if self.kind not in KINDS:
            raise ValueError(
                Errors.E017.format(field="kind", expected=f"one of {KINDS}", found=self.kind)
            )
        if self.dtype not in DTYPES:
            raise ValueError(Errors.E015.format(dtype=self.dtype))
        if self.max_length is not None and self.max_length < 1:
            raise ValueError(
                Errors.E017.format(
                    field="max_length", expected="1 or more tokens, or null", found=self.max_length
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
    def from_dict(cls, values: dict[str, Any]) -> "BackboneSettings":
        """values (dict): What `to_dict` gave. RETURNS (BackboneSettings): The settings."""
        lora = values.get("lora")
        if lora is not None:
            targets = lora["targets"]
            lora = LoraSettings(**{**lora, "targets": None if targets is None else tuple(targets)})
        return cls(**{**values, "lora": lora})
