import subprocess
import sys

import pytest

import spacy_gner


def test_public_names_can_be_imported():
    for name in spacy_gner.__all__:
        assert getattr(spacy_gner, name) is not None
        assert name in dir(spacy_gner)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = spacy_gner.no_such_name


def test_public_names_are_lazy():
    code = (
        "import sys, spacy_gner; dir(spacy_gner)\n"
        "assert not {'spacy', 'torch', 'transformers'} & set(sys.modules)\n"
        "from spacy_gner import *\n"
        # torch comes with thinc where it is installed.
        "assert Annotator and load and 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
