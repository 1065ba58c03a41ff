# Every command of this project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers
PEERS_READY := $(PEERS)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup demo demo-keep run test check lint types layers contract generate docs lock bench bench-ledger bench-peers sim chaos soak tools clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: $(READY) ## Install everything that is locked into .venv

$(READY): requirements/dev.txt pyproject.toml generated/pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; '$(PYTHON)' is older. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "python3 -m venv failed: on Debian and Ubuntu install the package python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps \
	  -e generated -e clients/python -e .
	@touch $@

demo: $(READY) ## Start adversary providers and the service, and show what it does; no keys needed
	$(BIN)/python tools/demo

demo-keep: $(READY) ## The same on ports 8005 and 8006, until Ctrl-C
	$(BIN)/python tools/demo --keep

run: $(READY) ## Serve, with the keys found in the environment
	$(BIN)/python -m service serve

# Many tests hold real time against a bound: one that fails is run once more, and the report counts it.
test: $(READY) ## The whole test suite, on two cores
	$(BIN)/python -m pytest -n 2 --dist loadfile --reruns 1 -r R

check: lint types layers contract ## Everything else that CI demands

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/basedpyright

layers: $(READY)
	$(BIN)/lint-imports

contract: $(READY) ## buf lint, buf breaking, generated code and docs fresh
	$(BIN)/buf lint
	tools/breaking
	tools/generate --check
	$(BIN)/python tools/config_docs.py --check
	$(BIN)/python tools/errors_docs.py --check
	$(BIN)/python tools/alert_rules.py --check
	$(BIN)/python tools/metrics_docs.py --check
	$(BIN)/python -m tools.dashboards --check

generate: $(READY) ## Write generated/ from protos/
	tools/generate

docs: $(READY) ## Write the docs, rules and dashboards that are made from code
	$(BIN)/python tools/config_docs.py
	$(BIN)/python tools/errors_docs.py
	$(BIN)/python tools/alert_rules.py
	$(BIN)/python tools/metrics_docs.py
	$(BIN)/python -m tools.dashboards

lock: $(READY) ## Compile requirements/*.txt from the floors in pyproject.toml
	tools/lock

chaos: $(READY) ## The whole fault suite on the wall clock; writes its scorecard into docs/reliability.md
	SCORECARD=1 $(BIN)/python -m pytest tests/chaos -o 'python_files=test_*.py outage.py'

soak: $(READY) ## Longer proofs than the suite has time for: minutes
	$(BIN)/python -m pytest tests/soak

sim: $(READY) ## Routing against the formula it replaces, 8 replicas in virtual time: about six minutes
	$(BIN)/python -m tests.benchmark.routing_sim

bench: $(READY) ## CPU per call, as ratios to an empty RPC and to bare litellm; and what telemetry adds
	$(BIN)/python -m tests.benchmark
	$(BIN)/python -m tests.benchmark.telemetry

bench-ledger: $(READY) ## Questions to a ledger of 30 days, SQLite and Redis, as ratios to the bare reads; about fifteen minutes
	$(BIN)/python -m tests.benchmark.ledger

bench-peers: $(READY) $(PEERS_READY) ## Cache hits against LiteLLM proxy's, as ratios; installs it into .venv-peers; about eight minutes
	$(BIN)/python -m tests.benchmark.peers

$(PEERS_READY): requirements/peers.txt
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/peers.txt
	$(PEERS)/bin/python -m pip --disable-pip-version-check check
	@touch $@

tools: $(READY) ## Install grpcurl and grpc_health_probe into .venv/bin, where Go is at hand
	@command -v go >/dev/null || { echo "no Go toolchain here; buf curl (in .venv/bin) does the same" >&2; exit 1; }
	GOBIN=$(CURDIR)/$(BIN) go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3
	GOBIN=$(CURDIR)/$(BIN) go install github.com/grpc-ecosystem/grpc-health-probe@v0.4.40
	mv $(BIN)/grpc-health-probe $(BIN)/grpc_health_probe  # the name that everybody knows

clean: ## Remove .venv, .venv-peers and caches
	rm -rf $(VENV) $(PEERS) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
