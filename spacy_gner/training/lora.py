"""Low-rank adapters as a block in the config."""

from collections.abc import Sequence

from spacy.util import registry

from ..backbones.settings import LoraSettings
from ..errors import Errors


@registry.misc("spacy_gner.Lora.v1")
def make_lora(
    rank: int = 16,
    alpha: float = 32.0,
    dropout: float = 0.0,
    targets: Sequence[str] | None = None,
    resume: bool = False,
) -> LoraSettings:
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
    RETURNS (LoraSettings): The settings.
    RAISES (ValueError): E505 for values that make no adapter.
    """
    usable = rank >= 1 and alpha > 0 and 0 <= dropout < 1
    if not usable or (targets is not None and not list(targets)):
        raise ValueError(
            Errors.E505.format(rank=rank, alpha=alpha, dropout=dropout, targets=targets)
        )
    return LoraSettings(rank, alpha, dropout, None if targets is None else tuple(targets), resume)
