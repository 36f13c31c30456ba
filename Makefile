# make run        install, download the demo models, start the secretary in the foreground
# make install    add extras: make install EXTRA=postgres,redis
# make stop       stop it
# make status     show whether it runs and is ready
# make check      formatting, lint, types, import rules
# make test       all tests but the long ones: without a cluster, then on a cluster and beside it vLLM and XTTS, then delays
# make test-long  the long tests: many kills, both databases, Serve's default mode, full tables
# make test-cluster  the tests on a cluster, but those of delays
# make test-delays   the tests on a cluster that measure delays, so that nothing may run beside them
# make test-vllm  the tests of vLLM, in an environment with PyTorch
# make test-xtts  the tests of XTTS, in the same environment
# make test-clients  the snippets of docs/clients.md, with the clients in an environment of their own
# make test-fast  unit and architecture tests
# make bench      the benchmarks of docs/performance.md

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3,$(if $(shell $(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo yes),$(p))))
VENV := .venv
TORCH_VENV := .venv-torch
CLIENTS_VENV := .venv-clients
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST := $(BIN)/python -m pytest --durations=25
PARALLEL := -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help run install stop status check format test test-long test-fast test-cluster test-delays test-torch test-vllm test-xtts \
	test-clients test-needs bench clean

help:
	@grep '^# make' Makefile | sed 's/^# //'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "No virtual environment; on Debian and Ubuntu: apt install python3-venv, then the same command again."; exit 1; }

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing the secretary and its demo engines (a minute or two) ..."
	$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "Installing what checks and tests need ..."
	$(PIP) -e '.[test,lint]'
	@touch $@

# Everything is pinned, so pip resolves nothing. vLLM and XTTS fit into one environment. The package index has torchaudio
# for CUDA only: without its libraries it runs on a CPU too, with all that XTTS uses of it.
$(TORCH_VENV)/.installed: constraints-torch.txt pyproject.toml
	@echo "Installing vLLM and XTTS for CPUs into $(TORCH_VENV) (a few minutes) ..."
	$(PYTHON) -m venv --clear $(TORCH_VENV)
	$(TORCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r constraints-torch.txt
	rm -f $(TORCH_VENV)/lib/python3.*/site-packages/torchaudio/lib/*.so
	for init in $(TORCH_VENV)/lib/python3.*/site-packages/torchcodec/__init__.py; do \
		echo 'raise ImportError("torchcodec needs the libraries of CUDA")' >$$init; done
	$(TORCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# Without Node.js the snippets in JavaScript are skipped. wyoming-openai is written for Python 3.12; without the type
# parameters of two functions it runs on 3.11.
$(CLIENTS_VENV)/.installed: constraints-clients.txt tests/clients/package.json
	@echo "Installing clients of the OpenAI API into $(CLIENTS_VENV) (a few minutes) ..."
	$(PYTHON) -m venv --clear $(CLIENTS_VENV)
	$(CLIENTS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python \
		-r constraints-clients.txt
	$(CLIENTS_VENV)/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' || \
		sed -i -E -e '1i from __future__ import annotations' -e 's/^( *def \w+)\[\w+(: \w+)?\]\(/\1(/' \
			$(CLIENTS_VENV)/lib/python3.*/site-packages/wyoming_openai/handler.py \
			$(CLIENTS_VENV)/lib/python3.*/site-packages/wyoming_openai/utilities.py
	if command -v npm >/dev/null; then mkdir -p $(CLIENTS_VENV)/node && \
		cp tests/clients/package.json tests/clients/package-lock.json $(CLIENTS_VENV)/node && \
		npm ci --prefix $(CLIENTS_VENV)/node --no-audit --no-fund --silent; fi
	@touch $@

run: $(VENV)/.demo
	@extras=$$($(BIN)/python -m deployments.command.extras); \
	if [ -n "$$extras" ]; then \
		echo "Installing what your settings and graph.yaml ask for: $$extras ..."; $(MAKE) --no-print-directory install EXTRA=$$extras; fi
	@$(BIN)/secretary up

# vLLM needs older versions of some packages than those of constraints.txt.
install: $(VENV)/.demo
	@test -n "$(EXTRA)" || { echo "Name one or several, for example: make install EXTRA=postgres,redis"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(if $(findstring vllm,$(EXTRA)),,-c constraints.txt) \
		-e '.[$(EXTRA)]'

stop: $(VENV)/.demo
	@$(BIN)/secretary down

status: $(VENV)/.demo
	@$(BIN)/secretary status

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The tests of vLLM and XTTS take the processor time that those on a cluster leave.
test: test-needs $(TORCH_VENV)/.installed
	$(PYTEST) $(PARALLEL) -m 'not cluster and not long and not clients' tests
	$(MAKE) --jobs=2 --output-sync=target test-cluster test-torch
	$(MAKE) test-delays

test-cluster: test-needs
	$(PYTEST) -m 'cluster and not long and not delays' tests/serve

test-delays: test-needs
	$(PYTEST) -m 'cluster and not long and delays' tests/serve

test-torch:
	nice $(MAKE) test-vllm test-xtts

test-vllm: $(TORCH_VENV)/.installed
	$(TORCH_VENV)/bin/python -m pytest --durations=10 tests/vllm

test-xtts: $(TORCH_VENV)/.installed
	$(TORCH_VENV)/bin/python -m pytest --durations=10 tests/xtts

test-clients: $(VENV)/.test $(CLIENTS_VENV)/.installed
	$(PYTEST) tests/clients

test-long: test-needs
	$(PYTEST) $(PARALLEL) -m 'long and not cluster' tests
	$(PYTEST) -m 'long and cluster' tests

test-fast: $(VENV)/.test
	$(PYTEST) $(PARALLEL) -m 'not cluster and not long' tests/unit tests/architecture

test-needs: $(VENV)/.test browser servers
	@$(BIN)/secretary models pull --demo vosk-ko

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks all

.PHONY: browser
browser:
	@command -v chromium >/dev/null && command -v chromium-headless-shell >/dev/null || { \
	  if [ "$$(id -u)" = 0 ]; then \
	    echo "Installing Debian's chromium for the browser tests ..."; \
	    apt-get update -qq && export DEBIAN_FRONTEND=noninteractive && \
	      { apt-get install -y -qq --no-install-recommends chromium chromium-headless-shell || \
	        apt-get install -y -qq --no-install-recommends chromium; } >/dev/null || command -v chromium >/dev/null; \
	  else command -v chromium >/dev/null || { echo "The browser tests need chromium: sudo apt-get install chromium"; exit 1; }; fi; }

.PHONY: servers
servers:
	@missing=""; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="postgresql"; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v v2ray >/dev/null || missing="$$missing v2ray"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then \
	    echo "Installing Debian's $$missing for the tests of storage and proxies ..."; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	  else echo "The tests of storage and proxies need servers: sudo apt-get install $$missing"; exit 1; fi; \
	fi

clean:
	rm -rf $(VENV) $(TORCH_VENV) $(CLIENTS_VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
