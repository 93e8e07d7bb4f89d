"""One batch in as many processes as there are: writes loss and gradients of the first one."""

import sys
from pathlib import Path

from safetensors.torch import save_file

from spacy_gner.formats import BIO
from spacy_gner.pipeline.gner import GNER
from spacy_gner.pipeline.shim import get_shim
from spacy_gner.training.augmentation import Augmentation
from spacy_gner.training.processes import Processes
from spacy_gner.training.sharding import own_part
from tests.models import SHORT
from tests.training.examples import LABELS, NLP, examples


def whole(gradient):
    return gradient.full_tensor() if hasattr(gradient, "full_tensor") else gradient.clone()


def main(model: str, output: Path) -> None:
    """Run one forward and backward pass."""
    processes = Processes()
    config = {
        "labels": list(LABELS),
        "model": {
            "@architectures": "spacy_gner.Transformer.v1",
            "name": model,
            "device": "cpu",
        },
        "format": {"@misc": "spacy_gner.BIO.v1", **SHORT},
    }
    component = NLP.create_pipe("gner", config=config)
    assert isinstance(component, GNER) and isinstance(component.format, BIO)
    component.augmentation = Augmentation(external_labels=(0, 2), seed=7)
    trainer = get_shim(component.model).trainer
    trainer.processes = processes
    # An odd number, so that the shares differ in size; or one, so that a process has none.
    losses = component.update(examples()[: int(sys.argv[3])])
    (weight,) = processes.add_up([trainer.pending_weight])
    named = [(n, p) for n, p in trainer.backbone.model.named_parameters() if p.requires_grad]
    processes.add_gradients([p for _, p in named])
    gradients = {name: whole(p.grad) for name, p in named}
    if processes.is_main:
        n_own = sum(own_part(p.detach()).numel() for _, p in named)
        notes = {"loss": repr(losses[component.name]), "weight": repr(weight)}
        notes["share"] = repr(n_own / sum(p.numel() for _, p in named))
        save_file(gradients, output, {**notes, "size": str(processes.size)})
    processes.leave()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
