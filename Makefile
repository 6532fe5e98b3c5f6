# Each target does all the set-up it needs, once: a stamp file makes the next call immediate.
# Only Python (>= 3.11, with venv) and make are needed; uv is used where it is present.
# The first Python that really runs (a version manager's shim may not) and is new enough.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  if $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
  then command -v $$p; break; fi; done)
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help demo test test-long test-x32 test-all lint format notebooks benchmark lock doctor clean
help:
	@echo "make demo       locate fifty real earthquakes, write out/demo/report.html"
	@echo "make test       the quick test suite"
	@echo "make test-long  tests of some seconds to a minute each"
	@echo "make test-all   quick, long, single-precision and slow tests, notebooks"
	@echo "make lint       formatting, ruff, pyright, import contracts"

demo: $(VENV)/.run
	@$(BIN)/diffseis demo --out out/demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 -m "not long and not slow and not gpu and not network"

test-long: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 -m "long and not slow and not gpu and not network"

test-x32: $(VENV)/.dev
	DIFFSEIS_TEST_X64=0 $(BIN)/python -m pytest -q -n 2 -m "not slow and not gpu and not network" tests/core tests/location/test_float32.py

test-all: test test-long test-x32 notebooks
	$(BIN)/python -m pytest -q -n 2 -m "slow and not gpu and not network"

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: $(VENV)/.dev
	DIFFSEIS_FAST=1 $(BIN)/python -m pytest -q -n 2 --nbmake --nbmake-timeout=300 -p no:cacheprovider notebooks

benchmark: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks.location

doctor: $(VENV)/.run
	$(BIN)/diffseis doctor

lock:
	tools/lock.sh

clean:
	rm -rf $(VENV) out .pytest_cache .ruff_cache

$(VENV)/.run: requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" tools/install.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	@PYTHON="$(PYTHON)" tools/install.sh $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/.run
