# Two commands matter: `make demo` and `make test`. Everything else is for people who work on locum.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: install demo test browser check bench docs clean
.DEFAULT_GOAL := demo

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,check,oracle,duckdb,text,embedded,dictionary,gallery]'
	@touch $(STAMP)

demo: install
	$(BIN)/locum demo

test: install browser
	$(BIN)/python -m pytest -n auto

# The pages are looked at in Debian's Chromium; without it their tests are skipped, and say so.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	    { apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y chromium; } >/dev/null 2>&1; } || \
	  echo "There is no Chromium here: the tests of pages in a browser will be skipped."

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
