# Everything here works from a bare checkout with Python 3.11 or later and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080
DATA ?= ./demo-data

.DEFAULT_GOAL := help
.PHONY: help demo test check fix bench soak accuracy import-report rights-report lock sdk reference clean

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.server ## Make the demo repertoire and serve it on port $(PORT)
	$(BIN)/yuefu demo --data $(DATA) --port $(PORT)

test: $(VENV)/.dev ## Run all tests
	$(BIN)/pytest -n auto $(ARGS)

check: $(VENV)/.dev ## Lint, types, layers, dependencies, generated files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/python tools/generate_sdk.py --check
	$(BIN)/python tools/generate_reference.py --check

fix: $(VENV)/.dev ## Mend what the linter can mend, and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.dev ## Measure speed; writes docs/benchmarks.md
	$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/.dev ## Try takedowns, kills and the books many times; writes docs/soak.md
	$(BIN)/python -m soak $(ARGS)

accuracy: $(VENV)/.accuracy ## Measure pitch lines, tempi and highlights; writes docs/accuracy.md
	$(BIN)/python -m accuracy $(ARGS)

import-report: $(VENV)/.server ## Import the folder SONGS=… and write docs/import-report.md
	@test -n "$(SONGS)" || { echo "Say which folder: make import-report SONGS=path/to/songs"; exit 1; }
	rm -rf .pytest_cache/import-report
	-$(BIN)/yuefu import "$(SONGS)" --vendor 1 --data .pytest_cache/import-report --report docs/import-report.md

rights-report: $(VENV)/.server ## Read the rights messages in the folder MESSAGES=… and write docs/import-report.md
	@test -n "$(MESSAGES)" || { echo "Say which folder: make rights-report MESSAGES=path/to/messages"; exit 1; }
	rm -rf .pytest_cache/rights-report
	-$(BIN)/yuefu ern import "$(MESSAGES)" --vendor 1 --dry-run --data .pytest_cache/rights-report --report docs/import-report.md

sdk: $(VENV)/.dev ## Generate the SDK's methods from the operations
	$(BIN)/python tools/generate_sdk.py

reference: $(VENV)/.dev ## Write docs/reference/ from the operations
	$(BIN)/python tools/generate_reference.py

lock: $(VENV)/.dev ## Pin every dependency anew (uses uv)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python tools/lock.py

clean: ## Remove what make made
	rm -rf $(VENV) demo-data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A stamp a kind of install: the server's packages for the demo, everything for work on the project.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Yuefu needs Python 3.11 or later; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV) || { echo "No venv module: install your system's python3-venv package."; exit 1; }

$(VENV)/.server: requirements/server.lock pyproject.toml | $(VENV)/bin/python
	$(call install,requirements/server.lock)
	@touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml | $(VENV)/bin/python
	$(call install,requirements/dev.lock)
	@touch $@ $(VENV)/.server

# The baseline is heavy and needed nowhere else, so it comes on top.
$(VENV)/.accuracy: requirements/accuracy.lock $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/accuracy.lock
	@touch $@

define install
	@echo "Installing what $(1) pins…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endef
