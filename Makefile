# Everything runs in .venv, which the first target that needs it creates. `make PYTHON=python3.12 test` chooses the Python.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps

# A hot module is a _NAME.py with a _NAME_c.pxd beside it: it is compiled where there is a C compiler.
PXDS := $(shell find src -name '*.pxd')
HOT := $(patsubst %_c.pxd,%.py,$(filter %_c.pxd,$(PXDS)))
IS_COMPILED = $(BIN)/python -c 'from framegate._build import COMPILED; raise SystemExit(not COMPILED)'

.DEFAULT_GOAL := help
.PHONY: help venv run test interop conformance conformance-quick fuzz soak lint types instructions bench bench-full endurance docs coverage build clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name does; do \
		printf '%-25s %s\n' "$$name" "$$does"; done

venv: $(STAMPS)/built ## the virtual environment .venv, with framegate installed in place and its hot modules compiled

run: venv ## an echo upstream with a proxy in front of it, to try by hand
	$(BIN)/framegate demo

# What touches no hot module, or runs whole programs, need not be tested on the second build too.
PARTS := config plugins gateway handshake conformance hostile interop proxy_protocol
PROGRAMS := benchmarks cli docs examples observe operate telemetry
BUT_FOR_THEM = $(foreach folder,$(PARTS) $(PROGRAMS),--ignore=tests/$(folder))
LOGS := $(VENV)/test-logs

test: venv ## unit and integration tests, on the compiled build (where there is a C compiler) and on the pure one
	@if $(IS_COMPILED); then \
		mkdir -p $(LOGS); \
		$(BIN)/python -m pytest $(BUT_FOR_THEM) >$(LOGS)/compiled 2>&1 & compiled=$$!; \
		{ FRAMEGATE_PURE=1 $(BIN)/python -m pytest $(BUT_FOR_THEM) >$(LOGS)/pure 2>&1; pure=$$?; \
			$(BIN)/python -m pytest $(PARTS:%=tests/%) >$(LOGS)/parts 2>&1 && exit $$pure; } & rest=$$!; \
		$(BIN)/python -m pytest $(PROGRAMS:%=tests/%); programs=$$?; \
		wait $$compiled; compiled=$$?; \
		wait $$rest; rest=$$?; \
		for log in compiled pure parts; do printf '\n== %s\n' $$log; cat $(LOGS)/$$log; done; \
		exit $$((programs || compiled || rest)); \
	else \
		FRAMEGATE_PURE=1 $(BIN)/python -m pytest; \
	fi

interop: venv ## other people's WebSocket peers, npm's ws among them, through the proxy
	@if [ ! -d tests/interop ]; then echo 'make interop: tests/interop is missing' >&2; exit 1; fi
	@if [ -f tests/interop/package.json ] && ! command -v npm >/dev/null; then \
		echo 'make interop: npm is missing; on Debian: apt-get install npm' >&2; exit 1; fi
	if [ -f tests/interop/package.json ]; then npm install --prefix tests/interop --no-audit --no-fund; fi
	FRAMEGATE_INTEROP=1 $(BIN)/python -m pytest tests/interop

conformance: venv ## Autobahn's test suite through framegate, all of it (hours; needs Python 2.7)
	$(BIN)/python -m conformance

conformance-quick: venv ## its core in all modes without compression, and samples of the rest (minutes)
	$(BIN)/python -m conformance --quick --no-report

hostile: venv ## hostile peers at length: memory and descriptors of a process under attack
	FRAMEGATE_HOSTILE=1 $(BIN)/python -m pytest tests/hostile

fuzz: venv ## fuzzers with random cases, TARGET=NAME or all in turn, SECONDS=60 for each, SEED=N to do it again
	$(BIN)/python -m fuzzing $(or $(TARGET),all) --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

soak: venv ## good and bad clients for SECONDS=120: what a gateway and a proxy keep of them (Linux)
	$(BIN)/python -m soak --seconds $(or $(SECONDS),120)

lint: venv ## ruff
	$(BIN)/ruff check .

types: venv ## mypy, strict
	$(BIN)/mypy

instructions: venv ## instruction counts of the hot loops against the recorded ones (Linux; valgrind; ARGS=--record)
	$(BIN)/python -m benchmarks.instructions $(ARGS)

bench: venv ## the benchmarks, without the slow parts (minutes)
	$(BIN)/python -m benchmarks

bench-full: venv ## all of them: every peer, load and setting (about half an hour)
	$(BIN)/python -m benchmarks --full

docs: venv $(STAMPS)/docs ## the documentation as a site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python -m pytest -q tests/docs/test_site.py

# The extra's packages alone: to install framegate once more would remove what was compiled in place.
EXTRA = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")
$(STAMPS)/docs: pyproject.toml $(STAMPS)/built
	$(BIN)/python -c '$(EXTRA)' >$@.packages
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $@.packages
	@touch $@

endurance: venv ## 100,000 sessions in sequence, and a message of 1 GiB: what memory they leave (Linux)
	$(BIN)/python -m benchmarks.endurance

coverage: venv ## branch coverage of codec/ and session/, under the pure build
	FRAMEGATE_PURE=1 $(BIN)/coverage run -m pytest -q --ignore=tests/cli
	$(BIN)/coverage report --include='*/framegate/codec/*,*/framegate/session/*'

build: venv ## the source distribution and the wheel, in dist/
	$(BIN)/pip install --quiet build
	rm -rf build dist
	$(BIN)/python -m build

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist site src/*.egg-info .coverage htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf tests/interop/node_modules benchmarks/.build conformance/.venv27 conformance/reports
	find src tests benchmarks conformance fuzzing soak -name __pycache__ -type d -exec rm -rf {} +
	find src \( -name '*.so' -o -name '*.c' \) -delete

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'framegate needs Python 3.11 or newer: name one with `make PYTHON=python3.12 ...`' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo 'The virtual environment was not created; on Debian: apt-get install python3-venv' >&2; exit 1; }

# The compiling is left to the next step, which shows what it does.
$(STAMPS)/installed: pyproject.toml setup.py | $(BIN)/python
	FRAMEGATE_PURE=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/built: $(STAMPS)/installed $(PXDS) $(HOT)
	FRAMEGATE_STRICT=1 $(BIN)/python setup.py -q build_ext --inplace
	@$(BIN)/framegate --version
	@touch $@
