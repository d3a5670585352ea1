# make demo    train a real model on shipped real data
# make test    the tests, but for those that take minutes
# make slow    those that take minutes
# make long    those that take longest, of which `make slow` tries a smaller version
# make smoke   a short run of the tests with the newest releases that the ranges allow, and one with the oldest
# make docs    the documentation site → site/html/index.html, which opens from a disk
# make values  whether what is known of values still holds of the installed Keras, in twelve minutes
# make package  the wheel and the sdist, checked, installed and used in bare environments → dist/
# make upgrade-keras  install the newest Keras, regenerate all that is read from it, and print what changed
# make lint    style, types and import contracts
# make vscode  build the extension of VS Code, editors/vscode/build/graphspec.vsix
# make lock    resolve the ranges of pyproject.toml anew: all of the above but smoke install what locks/ names

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python
ITSELF := --no-deps --no-build-isolation --editable .
RUN := runs/demo/$(shell date +%Y%m%d-%H%M%S)

.PHONY: help demo test slow long lint docs values upgrade-keras vscode package format lock smoke smoke-newest smoke-oldest clean

help:
	@sed -n 's/^# //p' Makefile

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.graphspec: pyproject.toml locks/demo.txt | $(BIN)/python
	$(PIP) --requirement locks/demo.txt
	$(PIP) $(ITSELF)
	@touch $@

# uv installs in a third of the time that pip takes.
$(BIN)/uv: | $(BIN)/python
	$(PIP) 'uv>=0.7'

$(VENV)/.dev: pyproject.toml locks/dev.txt | $(BIN)/uv
	$(UV) $(VENV) --requirement locks/dev.txt
	$(UV) $(VENV) $(ITSELF)
	@touch $@ $(VENV)/.graphspec

demo: $(VENV)/.graphspec
	$(BIN)/graphspec validate specs/
	$(BIN)/graphspec summary specs/same_digit.yaml
	$(BIN)/graphspec train specs/same_digit.yaml --run-dir $(RUN)
	$(BIN)/graphspec evaluate $(RUN)
	$(BIN)/graphspec predict $(RUN) --split test --limit 5
	@echo "The run lies in $(RUN):" && ls $(RUN)

# Slow tests of `smoke` are left to the runs with the newest and the oldest releases. The longest files begin first, so that
# no core waits for the other at the end.
MARKS_test := not slow and not long
MARKS_slow := slow and not smoke
MARKS_long := long
# Only files that have the word, and those of security, hold tests with the mark: to read all takes half a minute.
FIRST := training distribution tuning from_keras
FILES_slow = $(shell grep -rlw slow $(FIRST:%=tests/%) --include='*.py') \
	$(shell grep -rlw slow tests --include='*.py' --exclude-dir=security $(FIRST:%=--exclude-dir=%)) tests/security
FILES_long = $(shell grep -rl mark.long tests --include='*.py')
FILES_smoke = $(shell grep -rlw smoke tests --include='*.py')

test slow long: $(VENV)/.dev
	$(BIN)/python -m pytest $(FILES_$@) -m '$(MARKS_$@)' -n auto --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/graphspec fmt --check specs

$(VENV)-docs/.docs: pyproject.toml locks/docs.txt | $(BIN)/uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)-docs
	$(UV) $(VENV)-docs --requirement locks/docs.txt
	$(UV) $(VENV)-docs $(ITSELF)
	@touch $@

docs: $(VENV)-docs/.docs
	$(VENV)-docs/bin/python scripts/make_site.py

values: $(VENV)/.dev
	$(BIN)/python scripts/make_values.py --check
	$(BIN)/python scripts/make_comparisons.py --check
	$(BIN)/python scripts/make_optuna.py --check
	$(BIN)/python scripts/make_applications.py --check
	$(BIN)/python scripts/make_versions.py --check --environments $(VENV)-keras
	if $(BIN)/python -c 'import importlib.util as i, sys; sys.exit(not i.find_spec("keras_hub"))'; \
		then $(BIN)/python scripts/make_backbones.py --check; else echo "backbones.json: keras-hub is not installed"; fi

upgrade-keras: $(VENV)/.dev
	$(BIN)/uv pip install --quiet --python $(BIN)/python --upgrade keras
	$(BIN)/python scripts/upgrade_keras.py

vscode:
	editors/vscode/build.sh

package: $(VENV)/.dev
	rm -rf dist
	$(BIN)/hatchling build
	$(BIN)/uv tool run --constraints locks/package.txt twine check --strict dist/*
	$(BIN)/python scripts/check_package.py dist

# One lock for every platform and Python, without the addresses that this machine installs from.
RESOLVE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--fork-strategy fewest --no-annotate --no-emit-index-url --no-emit-find-links --constraint locks/floors.txt \
	--custom-compile-command 'make lock'
COMPILE := $(RESOLVE) pyproject.toml --group build

lock: | $(BIN)/uv
	$(COMPILE) --extra dev --output-file locks/dev.txt
	$(COMPILE) --extra tensorflow-cpu --constraint locks/dev.txt --output-file locks/demo.txt
	$(COMPILE) --extra docs --constraint locks/dev.txt --output-file locks/docs.txt
	$(RESOLVE) --group package --constraint locks/dev.txt --output-file locks/package.txt

# What was newest when the environments were made may be so no more.
smoke:
	rm -f $(VENV)-newest/.test $(VENV)-oldest/.test
	$(MAKE) smoke-newest smoke-oldest

# The newest releases are tried with the newest Python that is at hand, the oldest with that of .venv. The oldest
# TensorFlow has no wheel for Python 3.13: there, the oldest that has one is taken.
PYTHONS := python3.13 ~/.pyenv/versions/3.13.*/bin/python python3.12 ~/.pyenv/versions/3.12.*/bin/python $(BIN)/python
PYTHON_newest = $(shell for each in $(PYTHONS); do $$each -c 'import sys; print(sys.executable)' 2> /dev/null && break; done)
PYTHON_oldest = $(BIN)/python
RESOLUTION_newest := highest
RESOLUTION_oldest := lowest-direct

$(VENV)-newest/.test $(VENV)-oldest/.test: $(VENV)-%/.test: pyproject.toml | $(BIN)/uv
	$(BIN)/uv venv --quiet --clear --python $(PYTHON_$*) $(VENV)-$*
	$(UV) $(VENV)-$* --upgrade --no-build --resolution $(RESOLUTION_$*) --requirement pyproject.toml --extra test
	$(UV) $(VENV)-$* --no-deps --editable .
	@touch $@

smoke-newest smoke-oldest: smoke-%: $(VENV)-%/.test
	$(VENV)-$*/bin/python -m pytest $(FILES_smoke) -m smoke -n auto --dist loadfile -p no:cacheprovider

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(VENV)-keras $(VENV)-docs $(VENV)-newest $(VENV)-oldest site runs studies dist editors/vscode/build .mypy_cache .ruff_cache .pytest_cache .hypothesis
