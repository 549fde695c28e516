# make run: from nothing to a leaderboard. make test: from nothing to a tested program.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run cost test torture gate lint format docs bench clean help
.DEFAULT_GOAL := help

help:  ## Show the targets.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/'

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("bench needs Python 3.11 or newer: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[all]'
	touch $@

$(VENV)/developing: $(VENV)/installed
	$(PIP) --editable '.[dev]'
	touch $@

run: $(VENV)/installed  ## Train and score the registry's models on the shipped tasks, write reports/leaderboard.md, look at the cost.
	$(BIN)/bench run --models models.yaml --no-cost
	$(BIN)/bench report
	$(BIN)/bench cost --quick --model all-MiniLM-L6-v2 --tasks hardware_store

cost: $(VENV)/installed  ## Measure what they cost, for numbers to keep (10 minutes for the first task; leave the machine alone meanwhile).
	$(BIN)/bench cost --models models.yaml
	$(BIN)/bench report

test: $(VENV)/developing  ## Run the whole test suite.
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

MINUTES ?= 10
SEED ?= 1
ONLY ?=
torture: $(VENV)/developing  ## Kill, damage, starve and attack the program (MINUTES=10 SEED=1; ONLY=reference: 4,000 flipped bits in results/).
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m torture --minutes $(MINUTES) --seed $(SEED) --only "$(ONLY)"

gate: $(VENV)/installed  ## Score the shipped tasks anew and hold the scores to the committed ones (a minute).
	BENCH=$(BIN)/bench .ci/gate

lint: $(VENV)/developing  ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/developing  ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/developing  ## Write the leaderboard, the README's tables, docs/cli.md and the table of families anew.
	$(BIN)/bench report
	$(BIN)/python tests/test_docs.py
	PYTHONPATH=tests $(BIN)/python -m models.families

bench: $(VENV)/developing  ## Measure the program's own speed, as ratios (needs BENCH_DATA; takes some 20 minutes).
	$(BIN)/python -m pytest benchmarks -s

clean:  ## Remove the virtual environment and what tools left.
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
