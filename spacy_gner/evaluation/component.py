"""The `gner` component as a predictor for evaluations."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..matching import make_back_tokenizer
from ..pipeline.gner import GNER
from ..pipeline.predictions import DocPrediction
from ..pipeline.shim import get_shim
from .repair import Reading
from .runner import Question


class ComponentPredictor:
    """Asks a `gner` component, with the labels of each question.

    nlp (Language): The pipeline. Its other components do not run.
    component (GNER): The component.
    """

    def __init__(self, nlp: Language, component: GNER):
        self.nlp = nlp
        self.component = component

    def __call__(self, questions: Sequence[Question]) -> Sequence[DocPrediction]:
        """Predict the entities of sentences.

        questions (Sequence[tuple[Sequence[str], Sequence[str]]]): Words and labels.
        RETURNS (Sequence[DocPrediction]): One for each.
        """
        docs = []
        for words, labels in questions:
            doc = Doc(self.nlp.vocab, words=list(words))
            doc._.gner_labels = list(labels)
            docs.append(doc)
        return self.component.predict(docs)

    @property
    def reading(self) -> Reading:
        """RETURNS (Reading): How the raw outputs of this model are read. Loads the model."""
        tokenizer = get_shim(self.component.model).backbone.tokenizer
        return Reading(self.component.format, make_back_tokenizer(tokenizer))

    def decoder_name(self, given: str | None = None) -> str:
        """The name of the decoder, for the report.

        given (str | None): The registered name, where the user chose one.
        RETURNS (str): The registered name: as chosen, or as in the pipeline's config.
        """
        config = self.nlp.get_pipe_config(self.component.name)
        return given or config["decoder"].get("@misc", type(self.component.decoder).__name__)

    def describe(self) -> dict[str, Any]:
        """RETURNS (dict): `parameters` (how many the model has), `device` and `dtype`; for beam
        search `num_beams`. Loads the model."""
        backbone = get_shim(self.component.model).backbone
        parameters = list(backbone.model.parameters())
        num_beams = getattr(self.component.decoder, "num_beams", None)
        return {
            **({} if num_beams is None else {"num_beams": num_beams}),
            "parameters": sum(parameter.numel() for parameter in parameters),
            "device": str(backbone.device),
            "dtype": str(parameters[0].dtype).removeprefix("torch."),
        }

    def identity(self) -> str:
        """What tells this component from another of the same name: its settings, and a
        sample of its weights. Loads the model.

        RETURNS (str): 16 hexadecimal digits.
        """
        config = self.nlp.get_pipe_config(self.component.name)
        digest = hashlib.sha256(repr((config, self.component.labels)).encode("utf8"))
        for name, weight in get_shim(self.component.model).backbone.model.named_parameters():
            sample = weight.detach().flatten()[:256].float().cpu().numpy()
            digest.update(f"{name}{tuple(weight.shape)}".encode())
            digest.update(sample.tobytes())
        return digest.hexdigest()[:16]


def model_identity(model: str) -> dict[str, Any]:
    """What tells one state of a model from another.

    model (str): A directory or a name.
    RETURNS (dict): `name`; for a directory also its files with sizes and times, so that
        a model that was trained further is not taken for the earlier one.
    """
    folder = Path(model)
    if not folder.is_dir():
        return {"name": model}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "name": str(folder.resolve()),
        "files": [
            [str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns]
            for path in files
        ],
    }
