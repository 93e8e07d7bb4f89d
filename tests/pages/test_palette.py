import subprocess
import sys
from itertools import combinations

import pytest

from spacy_gner.pages.palette import COLORS, LINES, Palette, palette_css

# Machado et al. 2009, severity 1.0: what is left of linear RGB.
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def _linear(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def _lab(linear):
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    xyz = [
        sum(m * max(0, c) for m, c in zip(row, linear, strict=True)) / w
        for row, w in zip(matrix, white, strict=True)
    ]
    f = [v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colors_stay_apart_with_any_color_blindness(kind):
    seen = []
    for color in COLORS:
        linear = _linear(color)
        seen.append(
            _lab([sum(m * c for m, c in zip(row, linear, strict=True)) for row in BLINDNESS[kind]])
        )
    distances = [
        sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
        for one, other in combinations(seen, 2)
    ]
    # 2.3 is what an eye can just tell apart.
    assert min(distances) > 3 * 2.3


def test_dark_text_can_be_read_on_every_color():
    def luminance(color):
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), _linear(color), strict=True))

    for color in COLORS:
        assert (luminance(color) + 0.05) / (luminance("#1f2933") + 0.05) >= 4.5  # WCAG AA


def test_forty_labels_have_forty_looks_and_eight_have_eight_colors():
    palette = Palette()
    looks = [palette.classes(f"label {i}") for i in range(len(COLORS) * len(LINES))]
    assert len(set(looks)) == 40
    assert len({look.split()[0] for look in looks[:8]}) == 8
    assert palette.classes("label 3") == looks[3]
    assert palette.classes("one more") in looks  # and no error


def test_a_label_looks_the_same_in_every_process():
    code = "from spacy_gner.pages.palette import Palette; print(Palette().classes('person'))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == Palette().classes("person")


def test_every_class_has_a_rule():
    css = palette_css()
    for look in (Palette().classes(f"{i}") for i in range(100)):
        assert all(f".{name} " in css for name in look.split())
