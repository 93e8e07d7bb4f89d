"""The loss: cross entropy over target tokens, weighted by what they stand for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spacy.util import registry

from ..errors import Errors

if TYPE_CHECKING:
    import torch

    from .encoding import TrainingBatch


@dataclass(frozen=True)
class TokenWeights:
    """Weights of target tokens in the loss, see `make_token_weights`."""

    words: float = 1.0
    outside: float = 1.0
    entities: float = 1.0

    def of_tag(self, tag: str | None) -> float:
        """tag (str | None): A BIO tag, None for a word without annotation.
        RETURNS (float): The weight of the tokens that spell it; 0 for None, so
            that what nobody annotated is not trained as O."""
        if tag is None:
            return 0.0
        return self.outside if tag == "O" else self.entities


@registry.misc("spacy_gner.TokenWeights.v1")
def make_token_weights(
    words: float = 1.0, outside: float = 1.0, entities: float = 1.0
) -> TokenWeights:
    """Make the weights of target tokens in the loss. The defaults are the paper's: all
    alike. On small budgets other weights decide: the words are only copied, and most
    tags are O, so that with equal weights a model learns to copy long before it tags.

    words (float): The tokens of the words, up to where `word(tag)` and the same word with
        another tag part.
    outside (float): The tokens that spell O, and the end of the output.
    entities (float): The tokens that spell any other tag.
    RETURNS (TokenWeights): The weights.
    RAISES (ValueError): E502 for negative weights, and when all are 0.
    """
    weights = (words, outside, entities)
    if min(weights) < 0 or not any(weights):
        raise ValueError(Errors.E502.format(weights=weights))
    return TokenWeights(words, outside, entities)


def get_loss(batch: "TrainingBatch", logits: "torch.Tensor") -> tuple[float, "torch.Tensor"]:
    """Cross entropy, summed over the target tokens with their weights.

    The gradient is that of the sum. `finish_update` divides it by the sum of
    the weights of everything since the last update, so that it makes no
    difference how many sub-batches a batch was cut into.

    batch (TrainingBatch): N target tokens.
    logits (torch.Tensor): (N, vocabulary).
    RETURNS (tuple[float, torch.Tensor]): The mean loss per unit of weight, in nats, for the
        log; and the gradient of the weighted sum, (N, vocabulary).
    """
    import torch

    targets = batch.targets.to(logits.device)[:, None]
    weights = batch.weights.to(logits.device)[:, None]
    with torch.no_grad():
        # One table of the size of the logits is all that is allocated.
        log_p = torch.log_softmax(logits.detach().float(), dim=-1)
        chosen = log_p.gather(1, targets)
        loss = -(chosen * weights).sum() / weights.sum().clamp_min(1e-12)
        gradient = log_p.exp_()
        gradient.scatter_add_(1, targets, torch.full_like(chosen, -1.0))
        gradient.mul_(weights)
    return float(loss), gradient
