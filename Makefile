# make demo    train a real model on shipped real data
# make test    all tests
# make values  whether what is known of values still holds of the installed Keras, in ten minutes
# make lint    style, types and import contracts

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := runs/demo/$(shell date +%Y%m%d-%H%M%S)

.PHONY: help demo test lint values format clean

help:
	@sed -n 's/^# //p' Makefile

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.graphspec: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[tensorflow-cpu]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.graphspec

demo: $(VENV)/.graphspec
	$(BIN)/graphspec validate specs/
	$(BIN)/graphspec summary specs/same_digit.yaml
	$(BIN)/graphspec train specs/same_digit.yaml --run-dir $(RUN)
	$(BIN)/graphspec evaluate $(RUN)
	$(BIN)/graphspec predict $(RUN) --split test --limit 5
	@echo "The run lies in $(RUN):" && ls $(RUN)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/graphspec fmt --check specs

values: $(VENV)/.dev
	$(BIN)/python scripts/make_values.py --check

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) runs studies dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
