"""Scores that mean something: what `python -m spacy_gner calibrate` has found out about a model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import Errors

FILE = "calibration.json"
FORMAT = 1


@dataclass(frozen=True)
class Calibration:
    """A temperature for each precision of a model (Guo et al. 2017, "On Calibration of Modern
    Neural Networks", section 4.2), for the probability that an entity is right.

    temperatures (Mapping[str, float]): By precision ("float32"), each above 0. Above 1 means
        that the model is too sure of itself.
    """

    temperatures: Mapping[str, float]

    def __call__(self, score: float, dtype: str) -> float:
        """Correct a score. The order of entities by score stays what it was.

        score (float): The probability of an entity as the decoder found it, in [0, 1].
        dtype (str): The precision of the weights. One that was not measured is taken
            for float32, or for any that was.
        RETURNS (float): In [0, 1].
        """
        known = self.temperatures
        temperature = known.get(dtype) or known.get("float32") or next(iter(known.values()))
        return temper(score, temperature)

    def with_temperature(self, dtype: str, temperature: float) -> "Calibration":
        """RETURNS (Calibration): With this temperature for a precision, the others as they are."""
        return Calibration({**self.temperatures, dtype: temperature})

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
            temperatures = {str(k): float(v) for k, v in values["temperatures"].items()}
            if not temperatures or not all(0 < t < float("inf") for t in temperatures.values()):
                raise ValueError("a temperature is a number above 0")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(Errors.E036.format(path=path, reason=error)) from error
        return cls(temperatures)

    def write(self, folder: Path) -> Path:
        """folder (Path): See `read`. RETURNS (Path): The file."""
        values = {"format": FORMAT, "temperatures": dict(sorted(self.temperatures.items()))}
        path = folder / FILE
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf8")
        return path


def temper(score: float, temperature: float) -> float:
    """score (float): A probability.
    temperature (float): Divides its log-odds.
    RETURNS (float): A probability."""
    if score <= 0 or score >= 1:
        return min(1.0, max(0.0, score))
    odds: float = ((1 - score) / score) ** (1 / temperature)
    return 1 / (1 + odds)
