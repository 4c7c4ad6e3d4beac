# Một Lần. `make` alone lists the targets; `make run` and `make test` need Python 3.11+ and nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# A Python that can make a virtual environment; Debian's cannot without python3-venv. The system's own
# comes first: it is built with profile-guided optimisation, as that of the image is, and one that a
# version manager compiled is mostly not; then everything takes up to a quarter longer.
FITS := import sys, venv, ensurepip; raise SystemExit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in /usr/bin/python3 python3.11 python3.12 python3.13 python3 python; do \
	$$p -c '$(FITS)' 2>/dev/null && { command -v $$p; break; }; done)
# What is installed, by the SHA-256 of the lock that it came from (docs/decisions/0001).
HASH = import hashlib, sys; print(hashlib.sha256(b"".join(open(f, "rb").read() for f in sys.argv[1:])).hexdigest())
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist worksteal
# Several of our commands in one process: each of its own would load the whole house again.
define COUNTRY
import sys
from wsgi import cli
for words in ("secrets init", "db upgrade", "demo", *sys.argv[1:]):
    try:
        cli(words.split(), prog_name="motlan")
    except SystemExit as end:
        if end.code:
            raise
endef
export COUNTRY
ARGS ?=

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# $(call install,LOCK,STAMPS): the lock's packages and ourselves, unless a stamp says they are there.
define install
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later with venv is needed (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@want=$$($(PYTHON) -c '$(HASH)' $(1)); \
	if [ "$$(cat $(VENV)/.installed-$(1) 2>/dev/null)" != "$$want" ] || ! $(BIN)/python -c '' 2>/dev/null; then \
		$(BIN)/python -c '' 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); } && \
		echo "installing $(1) into $(VENV) …" && \
		$(PIP) install --require-hashes --only-binary :all: --no-deps -r $(1) && \
		$(PIP) install --no-deps --editable . && \
		$(PIP) check && \
		for lock in $(2); do $(PYTHON) -c '$(HASH)' $$lock > $(VENV)/.installed-$$lock; done; \
	fi
endef

.PHONY: setup
setup: ## the virtual environment, with what tests and checks need
	$(call install,requirements-dev.lock,requirements-dev.lock requirements.lock)
	@$(BIN)/python -m tests.clients.programs

.PHONY: setup-run
setup-run:
	$(call install,requirements.lock,requirements.lock)

run demo: export MOTLAN_DEMO ?= 1
run demo: export MOTLAN_COUNTERS ?= examples/demo/counters.csv
run demo: export MOTLAN_OUTBOUND_ALLOW ?= localhost,127.0.0.1,::1

.PHONY: run
run: setup-run ## the whole country on this machine: http://localhost:8000, sample service on 8001
	@exec $(BIN)/python -c "$$COUNTRY" serve

.PHONY: demo
demo: setup-run ## migrate the database and load the demo country; what is there stays
	@$(BIN)/python -c "$$COUNTRY"

.PHONY: test
test: setup ## the whole suite: SQLite, PostgreSQL, express lane off; browser where Chromium is
	@failed=""; \
	$(PYTEST) --database=sqlite $(ARGS) || failed="$$failed SQLite"; \
	$(PYTEST) --database=postgresql $(ARGS) || failed="$$failed PostgreSQL"; \
	$(PYTEST) --database=sqlite --lane=off tests/protocol $(ARGS) || failed="$$failed Flask's-door"; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi; \
	echo "the suite holds on SQLite, on PostgreSQL and through both doors (see LEFT OUT above, if any)"

.PHONY: test-quick
test-quick: setup ## units and protocol on SQLite, at most a minute
	@$(PYTEST) --database=sqlite -m "not slow and not browser" \
		tests/identity tests/consent tests/protocol tests/architecture $(ARGS)

.PHONY: check
check: setup ## what CI runs besides the tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/python -m tests.check_migrations
	@! grep -nE 'https?://|file:' requirements.lock requirements-dev.lock
	@! git grep -nIE '(^|[^A-Za-z0-9_.-])/(work|root|home|Users)/' -- . ':!Makefile'
	@echo "check: all is well"

.PHONY: bench
bench: setup ## measure it on PostgreSQL, beside npm oidc-provider; ARGS=--database=sqlite without
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: drill
drill: setup ## the long fault runs: kills, races, restored databases
	@failed=""; \
	for database in sqlite postgresql; do \
		$(BIN)/python -m pytest -v -s -o faulthandler_timeout=0 --drill --database=$$database tests/drills $(ARGS) || failed="$$failed $$database"; \
	done; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi

.PHONY: migration
migration: setup ## a new numbered migration: make migration name=0013_what_it_does
	@test -n "$(name)" || { echo "say its name: make migration name=0013_what_it_does" >&2; exit 1; }
	@$(BIN)/flask --app wsgi db revision --autogenerate --rev-id "$(name)" --message "$(name)"

.PHONY: translations
translations: setup ## collect every sentence of the pages; then write what is missing in messages.po, and again
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(BIN)/pybabel --quiet extract --mapping identity/translations/babel.cfg --keyword MenuEntry:2 --keyword Waiting:2 \
		--add-location file --sort-by-file --output "$$folder/messages.pot" identity consent && \
	$(BIN)/pybabel --quiet update --input-file "$$folder/messages.pot" --output-dir identity/translations \
		--locale en --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --init-missing --width 100
	@$(BIN)/pybabel --quiet compile --directory identity/translations

.PHONY: design
design: ## compile the style sheet from design/; wants Node and npm, which nothing else does
	@cd design && npm ci --silent --ignore-scripts && node compile.js

.PHONY: pictures
pictures: setup ## take docs/pictures anew, with Chromium; look at each before it is committed
	@$(BIN)/python -m tests.pictures

.PHONY: docs
docs: setup ## write docs/openapi.json from the doors and hold the pages to the code
	@$(BIN)/python -c 'from wsgi import app; print(app.test_client().get("/api/openapi.json", base_url="http://localhost:8000").text)' > docs/openapi.json
	@$(BIN)/python -m pytest -q tests/architecture

.PHONY: locks
locks: setup ## resolve the dependencies anew; review the difference like code
	@for lock in requirements.lock "requirements-dev.lock --extra dev"; do \
		set -- $$lock; out=$$1; shift; \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-build \
			--no-header --no-emit-index-url $$* --upgrade pyproject.toml --output-file $$out; \
	done

.PHONY: image
image: ## a container image, mot-lan
	docker build --tag mot-lan .

.PHONY: clean
clean: ## remove what was made, but never data: MOTLAN_HOME stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis test-results htmlcov .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
