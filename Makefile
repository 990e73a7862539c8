# Everything a contributor runs; `make` alone lists it. Needs Python 3.11 or newer, make and PyPI.

PYTHON ?= python3
WORKERS ?= 3
PYTEST_FLAGS ?=
SEED ?= $(shell od -An -N3 -tu4 /dev/urandom | tr -d ' ')
ROUNDS ?= 100

BIN := .venv/bin
INSTALLED := .venv/.installed
PEERS := .venv-peers
AZURITE := .azurite/.installed
NODE_INSTALLED := examples/node/node_modules/.installed
GENERATED := client/hydria/v1
PROTOS := $(sort $(wildcard protos/hydria/*/*.proto))
PROTOC = $(BIN)/python -m grpc_tools.protoc -I protos \
	--plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
	--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc

# Tests start hundreds of processes: what Python compiled is kept, also where the environment forbids.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo serve test test-slow test-azure prove examples bench bench-peers check format protos protos-check breaking clean

help: ## List these targets.
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  %-13s %s\n' "$$name" "$$text"; done

setup: $(INSTALLED) ## Make .venv and install Hydria with its development tools into it.

$(INSTALLED): pyproject.toml | $(BIN)/python
	@echo "Installing into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[server,dev]'
	@touch $(INSTALLED)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Hydria needs Python 3.11 or newer; '$(PYTHON)' is" \
			"$$($(PYTHON) --version 2>/dev/null || echo not there)." \
			"Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "'$(PYTHON) -m venv' failed (on Debian: apt install python3-venv)." >&2; exit 1; }

demo: $(INSTALLED) ## Tell Hydria's story on real files: log, change, train, serve; draws where it comes from.
	$(BIN)/python -m hydria.demo

serve: $(INSTALLED) ## Run a server on 127.0.0.1:50051 (HYDRIA_* variables change that).
	$(BIN)/python -m hydria_server

test: $(INSTALLED) ## Run the tests that take minutes at most; of random examples a part.
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m "not slow" $(PYTEST_FLAGS)

test-slow: $(INSTALLED) ## Run the tests that need gigabytes or minutes; all random examples.
	$(BIN)/python -m pytest -q -m "slow or random or hypothesis" --hypothesis-profile thorough $(PYTEST_FLAGS)

test-azure: $(INSTALLED) $(AZURITE) ## Test references to az:// against Azurite (needs Node.js 20).
	AZURITE_REQUIRED=1 $(BIN)/python -m pytest -q -n 0 tests/client/test_references_to_az.py $(PYTEST_FLAGS)

$(AZURITE):
	@command -v npm >/dev/null || { \
		echo "Azurite needs Node.js 20 or newer, with npm; it is not there." >&2; exit 1; }
	@echo "Installing Azurite into .azurite ..."
	@npm install --prefix .azurite --no-audit --no-fund --no-save --silent azurite@3.37.0
	@touch $@

prove: $(INSTALLED) ## Run the random histories of one seed, longer: SEED=17, ROUNDS=100.
	$(BIN)/python -m pytest -q -n 0 -k seed_that_was_asked_for --seed $(SEED) --rounds $(ROUNDS) \
		tests/faults/test_simulation.py tests/faults/test_chaos.py $(PYTEST_FLAGS)

examples: $(INSTALLED) $(NODE_INSTALLED) ## Run the clients in other languages against a server (needs Node.js 20).
	EXAMPLES_REQUIRED=1 $(BIN)/python -m pytest -q tests/examples $(PYTEST_FLAGS)

$(NODE_INSTALLED): examples/node/package.json examples/node/package-lock.json
	@command -v npm >/dev/null || { \
		echo "the examples need Node.js 20 or newer, with npm; it is not there." >&2; exit 1; }
	@cd examples/node && npm ci --no-audit --no-fund --silent
	@touch $(NODE_INSTALLED)

bench: $(INSTALLED) ## Measure the named workloads; JSON lines, tables and a plot.
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.report

bench-peers: $(INSTALLED) $(PEERS)/.installed ## Measure Hydria beside what else one could pick.
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.report

# One by one: a peer that cannot be installed is reported as such, and the others are measured.
$(PEERS)/.installed: $(BIN)/python
	@$(BIN)/python -m venv $(PEERS)
	@for package in hf_xet mlflow dvc; do \
		echo "Installing $$package into $(PEERS) ..."; \
		$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check $$package || \
			echo "$$package cannot be installed here" >&2; done
	@touch $@

check: $(INSTALLED) ## Check format, style, types, layers and the contract.
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory protos-check
	$(BIN)/buf lint
	@$(MAKE) --no-print-directory breaking

format: $(INSTALLED) ## Rewrite the code in the house format, and fix what can be fixed safely.
	$(BIN)/python -m ruff format .
	$(BIN)/python -m ruff check --fix .

protos: $(INSTALLED) ## Regenerate client/hydria/v1 from protos/.
	rm -f $(GENERATED)/*_pb2*
	$(PROTOC) --python_out=client --grpc_python_out=client --mypy_out=quiet:client --mypy_grpc_out=quiet:client \
		$(PROTOS)

protos-check: $(INSTALLED) ## Fail when client/hydria/v1 is not what `make protos` makes.
	@fresh="$$(mktemp -d)" && trap 'rm -rf "$$fresh"' EXIT && \
	$(PROTOC) --python_out="$$fresh" --grpc_python_out="$$fresh" \
		--mypy_out=quiet:"$$fresh" --mypy_grpc_out=quiet:"$$fresh" $(PROTOS) && \
	diff -rq -x __init__.py -x __pycache__ "$$fresh/hydria/v1" $(GENERATED) && \
	echo "$(GENERATED) is fresh" || { \
		echo "$(GENERATED) is not what protos/ says; run: make protos" >&2; exit 1; }

breaking: $(INSTALLED) ## Fail when protos/ breaks a client of the newest release.
	@tag="$$(git tag --list 'v*' --sort=-v:refname 2>/dev/null | head -n 1)"; \
	if [ -z "$$tag" ]; then echo "no release tag yet, so nothing can break"; \
	else echo "buf breaking against $$tag"; $(BIN)/buf breaking --against ".git#tag=$$tag"; fi

clean: ## Remove .venv, caches and build results.
	rm -rf .venv .venv-peers .azurite examples/node/node_modules build dist hydria-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
