"""GNER's prompt: instruction, labels and sentence (paper, Figure 5; the checkpoints'
own wording, which they depend on to the character)."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Errors
from .format import NO_GUIDANCE, Format, Guidance, Prompt

DESCRIPTION = (
    "Please analyze the sentence provided, identifying the type of entity for each word on a "
    "token-by-token basis.\n"
    "Output format is: word_1(label_1), word_2(label_2), ..."
)


@dataclass(frozen=True)
class Instructions(Format):
    """A format with GNER's prompt. The defaults are those that the published checkpoints were
    trained with; any other text needs a model that was trained with it.

    description (str): The first lines: the task and the format of the output.
    guideline (str): The lines on how entities are marked.
    labels_line (str): The line with the labels, "{labels}" stands for them.
    dataset_line (str): The line with the name of the data set ("{dataset}"), used
        in supervised training when an example has one.
    sentence_line (str): The line with the sentence, "{sentence}".
    labels_per_prompt (int | None): How many labels one prompt asks for; with 1, entities of
        different labels may be nested and overlap. None asks for all that fit.
    RAISES (ValueError): E017 for a line without its placeholder.
    """

    description: str = DESCRIPTION
    guideline: str = ""
    labels_line: str = "Use the specific entity tags: {labels} and O."
    dataset_line: str = "Dataset: {dataset}."
    sentence_line: str = "Sentence: {sentence}"
    labels_per_prompt: int | None = None

    def __post_init__(self) -> None:
        if self.labels_per_prompt is not None and self.labels_per_prompt < 1:
            field, found = "format.labels_per_prompt", self.labels_per_prompt
            raise ValueError(Errors.E017.format(field=field, expected="1 or more", found=found))
        for name in ("labels", "dataset", "sentence"):
            line = getattr(self, f"{name}_line")
            if f"{{{name}}}" not in line:
                field, expected = f"format.{name}_line", f"a line with {{{name}}} in it"
                raise ValueError(Errors.E017.format(field=field, expected=expected, found=line))

    def prompt(
        self,
        words: Sequence[str],
        wordings: Sequence[str],
        guidance: Guidance = NO_GUIDANCE,
        dataset: str | None = None,
    ) -> Prompt:
        """See `Format.prompt`. Definitions follow the labels, line by line; solved examples
        come right before the sentence."""
        task = [self.description, self.guideline, ""]
        lines = [*task, self.labels_line.replace("{labels}", ", ".join(wordings))]
        definitions = guidance.definitions
        lines += [f"{label}: {definitions[label]}" for label in wordings if label in definitions]
        if dataset is not None:
            lines.append(self.dataset_line.replace("{dataset}", dataset))
        head, _, tail = self.sentence_line.partition("{sentence}")
        for shot in guidance.shots:
            lines.append(head + " ".join(shot.words) + tail)
            lines.append(self.write(shot.words, shot.spans, wordings))
        shared = "\n".join([*lines, head])
        instruction = ""
        if self.labels_per_prompt is not None:
            before_labels = self.labels_line.partition("{labels}")[0]
            instruction = "\n".join([*task, before_labels])
        return Prompt(shared + " ".join(words) + tail, shared, instruction=instruction)
