import os

import pytest
from hypothesis import settings

# No test may depend on a network: what is not on the machine is not there.
os.environ["HF_HUB_OFFLINE"] = "1"
# Tiny models are slower with several threads, and the tests run in several processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Machines are busy: a slow example is no failure.
settings.register_profile("default without deadline", deadline=None)
settings.load_profile("default without deadline")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run tests on the 135M default")
    parser.addoption("--fuzz", action="store_true", help="random inputs for FUZZ_MINUTES a target")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="needs --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
