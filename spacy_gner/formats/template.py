"""The prompt: instruction, labels and sentence (paper, Figure 5; the checkpoints'
own wording, which they depend on to the character)."""

from collections.abc import Sequence
from dataclasses import dataclass

from spacy.util import registry

from ..errors import Errors
from .schemes import Scheme

DESCRIPTION = (
    "Please analyze the sentence provided, identifying the type of entity for each word on a "
    "token-by-token basis.\n"
    "Output format is: word_1(label_1), word_2(label_2), ..."
)


@dataclass(frozen=True)
class Prompt:
    """A prompt, and how much of it does not depend on the sentence.

    text (str): The whole prompt.
    shared (str): The beginning of `text` that all sentences with the same
        labels have in common; decoders may compute it once.
    """

    text: str
    shared: str


@dataclass(frozen=True)
class Template:
    """Writes prompts. See `make_template` for the fields."""

    description: str = DESCRIPTION
    guideline: str | None = None
    labels_line: str = "Use the specific entity tags: {labels} and O."
    dataset_line: str = "Dataset: {dataset}."
    sentence_line: str = "Sentence: {sentence}"

    def prompt(
        self,
        words: Sequence[str],
        labels: Sequence[str],
        scheme: Scheme,
        dataset: str | None = None,
    ) -> Prompt:
        """Write the prompt for one sentence.

        words (Sequence[str]): The words, joined by one blank in the prompt.
        labels (Sequence[str]): The wordings of the labels, in the order of the prompt.
        scheme (Scheme): Gives the guideline unless the template has its own.
        dataset (str | None): Name of the data set, for supervised training only.
        RETURNS (Prompt): The text and its shared beginning.
        """
        guideline = scheme.guideline if self.guideline is None else self.guideline
        lines = [
            self.description,
            guideline,
            "",
            self.labels_line.replace("{labels}", ", ".join(labels)),
        ]
        if dataset is not None:
            lines.append(self.dataset_line.replace("{dataset}", dataset))
        head, _, tail = self.sentence_line.partition("{sentence}")
        shared = "\n".join([*lines, head])
        return Prompt(shared + " ".join(words) + tail, shared)


@registry.misc("spacy_gner.Template.v1")
def make_template(
    description: str = DESCRIPTION,
    guideline: str | None = None,
    labels_line: str = "Use the specific entity tags: {labels} and O.",
    dataset_line: str = "Dataset: {dataset}.",
    sentence_line: str = "Sentence: {sentence}",
) -> Template:
    """Make the template of the prompt. The defaults are those that the published
    GNER checkpoints were trained with; any other text needs a model trained with it.

    description (str): The first lines: the task and the format of the output.
    guideline (str | None): The lines on the tagging scheme; None takes the scheme's.
    labels_line (str): The line with the labels, "{labels}" stands for them.
    dataset_line (str): The line with the name of the data set ("{dataset}"), used
        in supervised training when an example has one.
    sentence_line (str): The line with the sentence, "{sentence}".
    RETURNS (Template): The template.
    RAISES (ValueError): E017 for a line without its placeholder.
    """
    lines = {"labels": labels_line, "dataset": dataset_line, "sentence": sentence_line}
    for name, line in lines.items():
        if f"{{{name}}}" not in line:
            field, expected = f"template.{name}_line", f"a line with {{{name}}} in it"
            raise ValueError(Errors.E017.format(field=field, expected=expected, found=line))
    return Template(description, guideline, labels_line, dataset_line, sentence_line)
