"""Scores that mean something: what `python -m spacy_gner calibrate` has found out about a model."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ..errors import Errors

FILE = "calibration.json"
FORMAT = 1
# Probabilities nearer to 0 or 1 are taken for this far from them: float32 knows no others.
_NEAREST = 1e-6


@dataclass(frozen=True)
class Scale:
    """How the probability that a decoder gives an entity becomes the probability that it is
    right: log-odds are divided by a temperature (Guo et al. 2017, "On Calibration of Modern Neural
    Networks", 4.2), then shifted (Platt 1999). The temperature alone cannot do it, since the
    entities that are predicted are the likeliest of many: half of those with a probability of 0.8
    may be wrong.

    temperature (float): Above 0. Above 1 means that the model is too sure of itself.
    shift (float): Added to the log-odds.
    threshold (float): Entities with a lower score, corrected, are rather left out: F1 was highest
        then, on the sentences of the fit. In [0, 1].
    """

    temperature: float
    shift: float = 0.0
    threshold: float = 0.0

    def __call__(self, score: float) -> float:
        """Correct a score. The order of entities by score stays what it was.

        score (float): The probability of an entity as the decoder found it, in [0, 1].
        RETURNS (float): In [0, 1].
        """
        # The logistic function; written with exp it overflows for low temperatures.
        return (1 + math.tanh((log_odds(score) / self.temperature + self.shift) / 2)) / 2


_FIELDS = [field.name for field in fields(Scale)]


def log_odds(score: float) -> float:
    """RETURNS (float): Of a probability; finite also for 0 and 1."""
    score = min(1 - _NEAREST, max(_NEAREST, score))
    return math.log(score / (1 - score))


@dataclass(frozen=True)
class Calibration:
    """The scales of a model, one for each precision that was measured.

    scales (Mapping[str, Scale]): By precision, such as "float32".
    """

    scales: Mapping[str, Scale]

    def __call__(self, score: float, dtype: str) -> float:
        """Correct a score.

        score (float): The probability of an entity as the decoder found it, in [0, 1].
        dtype (str): The precision of the weights. One that was not measured is taken
            for float32, or for any that was.
        RETURNS (float): In (0, 1).
        """
        return self.scale_of(dtype)(score)

    def scale_of(self, dtype: str) -> Scale:
        """RETURNS (Scale): For a precision, see `__call__`."""
        scale = self.scales.get(dtype) or self.scales.get("float32")
        return scale or next(iter(self.scales.values()))

    def with_scale(self, dtype: str, scale: Scale) -> "Calibration":
        """RETURNS (Calibration): With this scale for a precision, the others as they are."""
        return Calibration({**self.scales, dtype: scale})

    @classmethod
    def read(cls, folder: Path) -> "Calibration | None":
        """Read what `write` wrote.

        folder (Path): Of a model, an adapter, or a saved backbone.
        RETURNS (Calibration | None): None where there is nothing.
        RAISES (ValueError): E036 for a file that cannot be used.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            values = json.loads(path.read_text(encoding="utf8"))
            if values["format"] != FORMAT:
                raise ValueError(f"its format is {values['format']}, not {FORMAT}")
            scales = {
                str(dtype): Scale(*(float(scale[name]) for name in _FIELDS))
                for dtype, scale in values["scales"].items()
            }
            if not scales or not all(
                0 < s.temperature < math.inf and math.isfinite(s.shift) and 0 <= s.threshold <= 1
                for s in scales.values()
            ):
                raise ValueError(
                    "a temperature is a number above 0, a shift any number, a threshold one from "
                    "0 to 1"
                )
        # Of integers with hundreds of digits there are no floats, and JSON may be nested too deep.
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise ValueError(Errors.E036.format(path=path, reason=error)) from error
        return cls(scales)

    def write(self, folder: Path) -> Path:
        """folder (Path): See `read`. RETURNS (Path): The file."""
        scales = {dtype: asdict(scale) for dtype, scale in sorted(self.scales.items())}
        path = folder / FILE
        values = {"format": FORMAT, "scales": scales}
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf8")
        return path
