# pullcheck's doors. Every target starts from a fresh clone: what it needs is installed first, once, into .venv.

SHELL := bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# The first of these that is 3.11 or newer and can make a virtual environment is used; `make PYTHON=/path demo` names one.
PYTHON := python3 python3.13 python3.12 python3.11
# The stages without I/O: the tests take each of their branches.
PURE_STAGES := admission images keychain registry verdict report

.PHONY: help demo test truth servers cluster bench lint format lock clean

help: ## Print this help
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name does; do printf '  make %-8s %s\n' "$$name" "$$does"; done

demo: $(VENV)/requirements.txt ## Play the story: a real webhook, a real registry, seven scenes
	@$(BIN)/python -m tests.demo

test: lint ## Run every check and every test that this machine can run
	@$(BIN)/python -m pytest $(PURE_STAGES:%=--cov=webhook.%) --cov-branch --cov-fail-under=100 \
	  --cov-report=term-missing:skip-covered

truth: servers ## Write docs/truth.md anew: every scene on a real node, a million random cases (needs Go and root)
	@$(BIN)/python -m tests.truth.report
	@$(BIN)/python -m tests.truth.differential --cases 1000000 --seed 1 --record

servers: $(VENV)/requirements-dev.txt ## Build the real servers of the cluster tests into a cache outside the repository (needs Go)
	@$(BIN)/python -m tests.cluster.servers

cluster: servers ## Open a shell in a private one-node Kubernetes with pullcheck installed (needs root)
	@$(BIN)/python -m tests.cluster shell --with tests.cluster.story --with tests.cluster.pullcheck

bench: $(VENV)/requirements-dev.txt ## Write docs/performance.md anew: reviews a second beside bare answers, in two minutes (needs Go)
	@$(BIN)/python -m tests.bench

lint: $(VENV)/requirements-dev.txt ## Check style, form and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(VENV)/requirements-dev.txt ## Bring the code into its form
	@$(BIN)/ruff check --fix --exit-zero --quiet
	@$(BIN)/ruff format

# The lock's tool lives in a throw-away environment: neither the product nor its tests need it. Extras stay in the lock:
# without them pip 23.2, which Python 3.11 brings, looks for the newest release of what is wanted with one: an unpinned one.
lock: | $(BIN)/python ## Pin, with hashes, what pyproject.toml asks for (UPGRADE=1: the newest versions)
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && set -e && \
	$(BIN)/python -m venv "$$tools" && "$$tools/bin/pip" install --quiet --disable-pip-version-check uv && \
	pin() { "$$tools/bin/uv" pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	  --no-strip-extras $(if $(UPGRADE),--upgrade) "$$@"; } && \
	pin pyproject.toml -o requirements.txt && \
	pin pyproject.toml --group dev -o requirements-dev.txt && \
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	  > "$$tools/build.in" && \
	pin "$$tools/build.in" --no-annotate -o requirements-build.txt

clean: ## Remove the environment and everything else that was made
	rm -rf $(VENV) build dist *.egg-info .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is a copy of the lock that was installed, so that a new timestamp alone installs nothing. What is tested holds
# what runs, pin for pin (tests/test_locks.py), and stamps for both. Wheels only: a bare machine has no compiler.
$(VENV)/requirements.txt $(VENV)/requirements-dev.txt: $(VENV)/%: % | $(BIN)/python
	@set -o pipefail; cmp -s $< $@ || { \
	  echo "Installing $$(grep -c '^[a-z]' $<) packages into $(VENV), once:" && \
	  $(BIN)/python -m pip install --disable-pip-version-check --no-input --require-hashes --only-binary :all: -r $< | \
	    while read -r word package rest; do if [ "$$word" = Collecting ]; then echo "  $$package"; fi; done; }
	@cp $< $(if $(findstring -dev,$<),requirements.txt) $(VENV)

$(BIN)/python:
	@found=; for python in $(PYTHON); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  found=$$python; \
	  "$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
	  echo "Making $(VENV) with $$("$$python" --version)"; \
	  exec "$$python" -m venv --clear $(VENV); \
	done; \
	if [ -n "$$found" ]; then \
	  echo "pullcheck: $$found lacks the module that makes virtual environments (Debian: apt-get install python3-venv)"; \
	else \
	  echo "pullcheck: Python 3.11 or newer is needed; tried: $(PYTHON) (another: make PYTHON=/path/to/python)"; \
	fi >&2; exit 1
