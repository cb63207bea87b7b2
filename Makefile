# The whole manual. Needs: make, Python 3.11 or newer with venv, and a Python package index.
# Each target prepares .venv by itself; nothing is installed again while nothing has changed.

BIN := .venv/bin
# `make check` must not touch the data in var/.
SCRATCH := TRACESTORE_DATA_DIR=$(CURDIR)/build/check

.PHONY: help up demo test check bench audit sbom

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1	\2/p' Makefile

up: .venv/.installed ## start everything on this machine and print how to use it
	@exec $(BIN)/python manage.py up

demo: .venv/.installed ## the same, with a simulated fleet of agents that sends traces
	@exec $(BIN)/python manage.py up --demo

test: .venv/.installed-dev ## run all tests (make test ARGS='tests/spans -x' for some)
	@echo "Running the tests, two files at a time."
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/.installed-dev ## formatter, linter, bandit, types, import rules, migrations, docs
	@echo "Format";       $(BIN)/ruff format --check --quiet .
	@echo "Lint";         $(BIN)/ruff check --quiet .
	@echo "Security";     $(BIN)/bandit --quiet --recursive --configfile pyproject.toml tracestore dashboard ingest
	@echo "Types";        $(SCRATCH) $(BIN)/mypy
	@echo "Import rules"; $(BIN)/lint-imports
	@echo "Django";       $(SCRATCH) $(BIN)/python manage.py check
	@echo "Migrations";   $(SCRATCH) $(BIN)/python manage.py makemigrations --check --dry-run
	@echo "Docs";         $(BIN)/pytest -q tests/operations/test_documents.py tests/operations/test_book.py

bench: .venv/.installed-dev ## measure this machine: about two minutes, prints a table
	@$(BIN)/python -m benchmarks.bench $(ARGS)

audit: .venv/.installed-dev ## known vulnerabilities of what is installed (asks PyPI's database, so it needs the network)
	@$(BIN)/pip-audit --local --skip-editable --strict --progress-spinner off

sbom: .venv/.installed ## a bill of materials: build/sbom.json (CycloneDX)
	@mkdir -p build
	@$(SCRATCH) $(BIN)/python manage.py bill_of_materials > build/sbom.json
	@echo "Wrote build/sbom.json."

.venv/bin/python:
	@for python in python3.13 python3.12 python3.11 python3 python; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making .venv with $$($$python --version)."; \
			rm -f .venv/.installed .venv/.installed-dev; \
			if $$python -m venv .venv; then exit 0; fi; \
			rm -rf .venv; \
			echo "$$python cannot make virtual environments: install its venv package (Debian: python3-venv)." >&2; exit 1; \
		fi; \
	done; echo "No Python 3.11 or newer was found: install one, then run make again." >&2; exit 1

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing Tracestore and what it needs into .venv (about 1.5 GB, a minute or two, only once)."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing Tracestore with its test tools into .venv (about 1.5 GB, a minute or two, only once)."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ .venv/.installed
