# `make` lists what there is. Everything but `lock` runs in .venv, which is set up on first use.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup up demo test check lint format types imports bench chaos audit lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Options of a command go into ARGS: make up ARGS="--port-base 9000"'

setup: $(READY) ## Make the virtual environment (the other targets do it by themselves)

up: $(READY) ## Run the whole stack until Ctrl-C
	$(BIN)/python starter.py up $(ARGS)

demo: $(READY) ## Take orders down every path, and show what happened
	@$(BIN)/python -m sandbox.demo $(ARGS)

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: lint types imports test ## Run what CI runs

lint: $(READY) ## Check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(READY) ## Format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(READY) ## Check the types
	$(BIN)/mypy .

imports: $(READY) ## Check that imports point one way
	$(BIN)/lint-imports

bench: $(READY) ## Measure Orderflow beside the floor
	$(BIN)/python -m bench $(ARGS)

chaos: $(READY) ## Orders at all payment providers while everything goes wrong
	$(BIN)/python -m bench chaos $(ARGS)

audit: $(READY) ## Ask the database of `make up` whether the laws hold
	@$(BIN)/python starter.py audit $(ARGS)

lock: ## Choose the versions anew and write requirements.lock
	@$(require_python)
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && set -e && \
	$(PYTHON) -m venv "$$tools" && "$$tools/bin/pip" install --quiet uv && \
	"$$tools/bin/uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --upgrade --extra sandbox --extra dev \
		pyproject.toml -o requirements.lock

clean: ## Remove the virtual environment and the caches; data directories stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last: a setup that was cut off is begun again.
$(READY): requirements.lock
	@$(require_python)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements.lock
	@touch $@

define require_python
test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3' >&2; exit 1; }
endef
