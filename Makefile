# Two commands matter: `make demo` and `make test`. Everything else is for people who work on locum.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: install demo test check bench docs clean
.DEFAULT_GOAL := demo

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,check,oracle,duckdb,text,embedded,dictionary,gallery]'
	@touch $(STAMP)

demo: install
	$(BIN)/locum demo

test: install
	$(BIN)/python -m pytest -n auto

check: install
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/python -m benchmarks.run $(BENCH)

docs: install
	$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) .peers build dist
