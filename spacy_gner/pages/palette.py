"""Colors of labels: the same on every page, distinct within one."""

from collections.abc import Iterator
from hashlib import sha256

# The "light" scheme of Paul Tol (Colour Schemes, SRON technical note 2021), without its gray:
# backgrounds for dark text that stay apart with any kind of color blindness.
COLORS = (
    "#77aadd",
    "#ee8866",
    "#eedd88",
    "#ffaabb",
    "#99ddff",
    "#44bb99",
    "#bbcc33",
    "#aaaa00",
)
# Where a page has more labels than colors, lines under the text tell them apart.
LINES = ("none", "solid", "dashed", "dotted", "double")


class Palette:
    """Gives each label of a page a look. A label has the same color on every page, unless
    another label of the page came first and took it.
    """

    def __init__(self) -> None:
        self._looks: dict[str, tuple[int, int]] = {}
        self._taken: set[tuple[int, int]] = set()

    def classes(self, label: str) -> str:
        """The CSS classes of a label.

        label (str): The label.
        RETURNS (str): Such as "c3 u0". Up to 40 labels have looks of their own.
        """
        if label not in self._looks:
            wanted = list(_preferences(label))
            self._looks[label] = next(
                (look for look in wanted if look not in self._taken), wanted[0]
            )
            self._taken.add(self._looks[label])
        color, line = self._looks[label]
        return f"c{color} u{line}"


def _preferences(label: str) -> Iterator[tuple[int, int]]:
    # `hash` of a string differs from process to process, sha256 does not.
    first = int.from_bytes(sha256(label.encode("utf8", "surrogatepass")).digest()[:4], "big")
    for line in range(len(LINES)):
        for step in range(len(COLORS)):
            yield (first + step) % len(COLORS), line


def palette_css() -> str:
    """RETURNS (str): The rules for the classes that `Palette.classes` gives."""
    colors = [f".c{i} {{ background: {color}; }}" for i, color in enumerate(COLORS)]
    lines = [f".u{i} {{ border-bottom: 3px {line} #1f2933; }}" for i, line in enumerate(LINES)]
    return "\n".join([*colors, *lines])
