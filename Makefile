# Two commands on a fresh machine: `make demo` and `make test`; two for a release: `make audit` and `make release`.
# `make coverage` runs the tests and counts lines, in half as long again.
# Settings: PYTHON=python3.12 VENV=folder
# PIP_ARGS="..." (passed to pip install), INPUT=my.mp4 (for demo), OUT=folder (for demo).
PYTHON ?= python3
VENV ?= .venv
OUT ?= out
PIP_ARGS ?=
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/ci.txt $(PIP_ARGS)
RECIPE := pyproject.toml requirements/ci.txt

.PHONY: demo test coverage audit release clean

ifdef INPUT
demo: $(VENV)/.with-mediapipe
	$(BIN)/flowlift lift "$(INPUT)" -o "$(OUT)/"
else
demo: $(VENV)/.with-base
	$(BIN)/flowlift demo -o "$(OUT)/"
endif

test: $(VENV)/.with-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest --quiet --durations=20

coverage: $(VENV)/.with-dev
	$(BIN)/pytest --quiet --cov --cov-report=term

audit: $(VENV)/.with-dev
	$(BIN)/python release/audit.py

release: $(VENV)/.with-dev
	$(BIN)/python release/build.py dist

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

# Each stamp is younger than what it was installed from, so a second run installs nothing.
$(VENV)/.created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "flowlift needs Python 3.11 or newer (make PYTHON=...)")'
	$(PYTHON) -m venv "$(VENV)"
	touch $@

$(VENV)/.with-base: $(VENV)/.created $(RECIPE)
	$(PIP_INSTALL) --editable .
	touch $@

$(VENV)/.with-mediapipe: $(VENV)/.created $(RECIPE)
	$(PIP_INSTALL) --editable '.[mediapipe]'
	touch $@

$(VENV)/.with-dev: $(VENV)/.created $(RECIPE)
	$(PIP_INSTALL) --editable '.[all,dev]'
	touch $@
