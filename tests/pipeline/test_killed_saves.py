import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("steps, kills", [(4, 12), pytest.param(1, 200, marks=pytest.mark.slow)])
def test_killed_saves_leave_the_old_or_the_new(steps, kills):
    command = [sys.executable, "-m", "tests.pipeline.killed_saves"]
    command += ["--steps", str(steps), "--kills", str(kills)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, cwd=root)
    assert done.returncode == 0, done.stderr
    counts = re.search(r"(\d+) killed .*old (\d+), new (\d+)", done.stdout)
    assert counts is not None
    killed, old, new = map(int, counts.groups())
    assert killed >= kills and old and new
