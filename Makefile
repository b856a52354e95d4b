# Everything from a fresh clone: make and Python 3.11+ with venv are all that must be there.
# Debian is what we test on; macOS is written for but not verified.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PYTEST := $(BIN)/python -m pytest

export PIP_CONSTRAINT := $(CURDIR)/constraints/ci.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help venv run test packages check lint types rooms shape bench night screens docs clean

help:
	@echo "make run      trade on paper now (sets everything up first; needs no root)"
	@echo "make test     the test suite, with what it needs"
	@echo "make check    style, types, room rules, shape, then the tests"
	@echo "make bench    the figures        make night    the long campaigns"
	@echo "make screens  the docs' pictures make docs     the generated reference"

# ---------------------------------------------------------------- set-up

$(BIN)/python:
	@sh scripts/make_venv.sh $(VENV)

# Re-installed when the project's file or its pins change; the code itself is installed in place.
$(STAMPS)/run: pyproject.toml constraints/ci.txt | $(BIN)/python
	@echo "Installing StockPulse into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25"
	@$(BIN)/python -m pip install --quiet --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: pyproject.toml constraints/ci.txt $(STAMPS)/run
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@mkdir -p $(STAMPS) && touch $@

venv: $(STAMPS)/dev

# ---------------------------------------------------------------- use

run: $(STAMPS)/run
	@$(BIN)/sp

packages:
	@sh scripts/test_packages.sh

test: venv packages
	@$(PYTEST) -n 2 --dist loadfile --durations=10

check: venv lint types rooms shape test

lint:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types:
	@$(BIN)/mypy

rooms:
	@$(BIN)/lint-imports

shape:
	@$(BIN)/python scripts/shape_gate.py

bench: venv
	@PYTHONPATH=. $(BIN)/python scripts/bench/run.py $(BENCH)

night: venv packages
	@$(BIN)/python scripts/night.py $(NIGHT)

screens: venv
	@if [ -e scripts/screens.py ]; then $(BIN)/python scripts/screens.py; else echo "There are no pictures yet."; fi

docs: venv
	@if [ -e scripts/make_docs.py ]; then $(BIN)/python scripts/make_docs.py; else echo "There is no generated reference yet."; fi

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
