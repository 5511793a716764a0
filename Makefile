# Two commands: `make run` starts the demo centre, `make test` proves it. Both install what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_FLAGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# The locked Node of the virtual environment stands in where the machine has none (or an old one).
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test soak web lint types unit clean lock openapi

run: $(VENV)/.installed web/dist/.built
	$(BIN)/ccplatform run --demo --data-dir var $(RUN_FLAGS)

test: $(VENV)/.test-installed web/dist/.built
	tests/system-packages
	$(MAKE) --no-print-directory lint types web-test
	$(BIN)/pytest -n 2

# Long soaks, big fuzz runs and kill series; by hand.
soak: $(VENV)/.test-installed web/dist/.built
	tests/system-packages
	$(BIN)/pytest -m soak --timeout 3600

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.test-installed
	$(BIN)/mypy

.PHONY: web-test
web-test: $(VENV)/.test-installed web/node_modules/.installed
	$(BIN)/python -m ccplatform.app.openapi --check web/openapi.json
	cd web && npm run --silent check

openapi: $(VENV)/.test-installed
	$(BIN)/python -m ccplatform.app.openapi web/openapi.json
	cd web && npm run --silent types

$(VENV)/.installed: requirements.lock pyproject.toml hatch_build.py $(wildcard gateway/media/compiled/*)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.test-installed: $(VENV)/.installed requirements-test.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-test.lock
	touch $@

# What bench.quality needs besides: built from source with the locked tools, not with what pip would fetch for it.
$(VENV)/.bench-installed: $(VENV)/.installed requirements-bench.lock requirements-bench-build.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-bench-build.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-build-isolation -r requirements-bench.lock
	touch $@

$(VENV)/.node: $(VENV)/.installed
	node --version 2>/dev/null | grep -qE '^v(2[0-9]|[3-9][0-9])\.' \
	  || $(BIN)/python -m pip install --quiet --require-hashes -r requirements-node.lock
	touch $@

web/node_modules/.installed: $(VENV)/.node web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch $@

WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) web/index.html web/vite.config.ts web/tsconfig.json
web/dist/.built: web/node_modules/.installed $(WEB_SOURCES)
	cd web && npm run --silent build
	touch $@

# New versions of everything, after a look at what changed.
lock: $(VENV)/.test-installed
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-header \
	  --group test pyproject.toml -c requirements.lock -o requirements-test.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-header \
	  --group pyproject.toml:node -o requirements-node.lock
	for group in bench bench-build; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-header \
	    --group pyproject.toml:$$group -c requirements.lock -o requirements-$$group.lock || exit 1; \
	done

.PHONY: bench
bench: $(VENV)/.bench-installed

clean:
	rm -rf $(VENV) web/node_modules web/dist var
