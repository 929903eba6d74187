# Everything on a machine with Python ≥ 3.11, git and make:
#   make run     sets up .venv and runs the analysis; the results are in results/
#   make test    sets up .venv and runs the tests and checks
#
#   make reference                        runs config/reference.yaml in reference/; UNTIL=simulate: a part
#   make check-config CONFIG=file.yaml    says whether a configuration is valid
#   make dag                              prints the graph of rules, for Mermaid
#   make docs                             builds the documentation in site/
#   make schema                           writes the configuration's schema and reference
#   make clean                            removes all results

PYTHON ?= python3
CORES  ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
CONFIG ?= config.yaml
FOLDER ?=
UNTIL  ?=

VENV  := .venv
BIN   := $(VENV)/bin
PIP   := $(BIN)/pip install --quiet --no-compile
READY := $(VENV)/ready
TOOLS := $(VENV)/tools
SITE  := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
CHECKS := set -x; $(BIN)/mypy && $(BIN)/snakemake --lint --configfile tests/data/config.yaml && $(SITE)

# Where it is set, each process would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run reference test lint style docs check-config dag schema clean help

run: $(READY)
	@$(BIN)/python -m workflow.scripts.check_config config.yaml $(CONFIG) > /dev/null
	PYTHONPATH="$$PWD/workflow/plugins$${PYTHONPATH:+:$$PYTHONPATH}" $(BIN)/snakemake --cores $(CORES) --configfile $(CONFIG) \
	  $(addprefix --directory ,$(FOLDER)) $(addprefix --until ,$(UNTIL)) $$(test -t 2 && echo --logger progress)
	@test -n "$(UNTIL)" || echo "Done. Open $(addsuffix /,$(FOLDER))results/index.html; results/README.md says what else is there."

reference:
	@$(MAKE) run CONFIG=config/reference.yaml FOLDER=reference

# What takes long is checked beside the tests, and says after them what it found.
test: style
	@{ $(CHECKS); } > $(VENV)/checks.log 2>&1 & checks=$$!; \
	$(BIN)/pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder; tests=$$?; \
	wait $$checks; checks=$$?; cat $(VENV)/checks.log; exit $$((tests | checks))

lint: style
	@$(CHECKS)

style: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules

docs: $(TOOLS)
	$(SITE)
	@echo "Open site/index.html."

check-config: $(READY)
	$(BIN)/python -m workflow.scripts.check_config config.yaml $(CONFIG)

schema: $(READY)
	$(BIN)/python -m workflow.scripts.check_config --write-schema

dag: $(READY)
	@$(BIN)/snakemake --configfile $(CONFIG) --rulegraph mermaid-js

clean: ## removes all that a run made
	find results -mindepth 1 ! -name README.md -delete

help:
	@sed -n 's/^#   //p' Makefile

# torch first: what else needs torch must find it there, and not bring its own. Modules are compiled
# when they are first imported, which most never are.
$(READY): envs/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Installing the pinned requirements into $(VENV); this takes a few minutes, once."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) "$$(grep '^torch==' envs/requirements.txt)"
	$(PIP) --use-pep517 --requirement envs/requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(TOOLS): $(READY) $(wildcard envs/requirements-*.txt)
	$(PIP) --requirement envs/requirements-dev.txt
	@touch $@
