# Needs Python 3.11 or newer and the package index, nothing else. `make help` lists what there is.

.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 8000
# The first Python here that is new enough; PYTHON=… chooses another one.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
# Secrets for commands that need settings and touch no data.
THROWAWAY = env $$($(PY) -m config.first_run --throwaway) DATA_DIR=$(CURDIR)/$(VENV)/throwaway

.PHONY: help demo run operator test lint format types bench lock messages screenshots clean
help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.for-running ## the whole product on a local sandbox, with Teams, codes and an operator
	@$(PY) -m config.service.demo.environment --port $(PORT)

run: $(VENV)/.for-running ## the product against the real service; data under var/
	@$(PY) -m config.first_run
	@$(PY) manage.py up --first-operator --port $(PORT)

operator: $(VENV)/.for-running ## one more operator, or the first
	@$(PY) -m config.first_run
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py createsuperuser

test: $(VENV)/.for-developing ## on SQLite; on PostgreSQL and in a browser where there is one. FULL=1: leaving out nothing
	@FULL=$(FULL) $(PY) -m tests.run

lint: $(VENV)/.for-developing ## style and mistakes
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

format: $(VENV)/.for-developing ## put the style right
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: $(VENV)/.for-developing ## mypy, strict
	@$(THROWAWAY) $(PY) -m mypy

bench: $(VENV)/.for-developing ## redemptions a second, how long a lone one takes, Teams synced and accounts imported a second, operator pages
	@$(PY) -m benchmarks.redeem
	@$(PY) -m benchmarks.sync
	@$(PY) -m benchmarks.imports
	@$(PY) -m benchmarks.sweep
	@$(PY) -m benchmarks.admin_lists

screenshots: $(VENV)/.for-developing ## the pictures of the README, taken from a running demo
	@$(PY) -m tests.browser.screenshots

messages: $(VENV)/.for-developing ## collect new strings into the catalogue and compile it (needs gettext)
	@$(THROWAWAY) $(PY) manage.py makemessages --verbosity 0 -l zh_Hans --no-location --no-obsolete -i .venv -i tests -i sandbox -i benchmarks
	@$(THROWAWAY) $(PY) manage.py compilemessages --verbosity 0 -l zh_Hans -i .venv
	@msgfmt --statistics -o /dev/null locale/zh_Hans/LC_MESSAGES/django.po

lock: $(VENV)/.for-developing ## write the hashed requirements anew from the .in files
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt

clean: ## remove the environment; the next target makes it again
	@rm -rf $(VENV)

# The environment: made once, filled again only when a lock changed.

$(PY):
	@test -n "$(PYTHON)" || { echo "Seatkeeper needs Python 3.11 or newer; this machine has $$(python3 --version 2>/dev/null || echo none)."; \
		echo "Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python) or say PYTHON=/path/to/it."; exit 1; }
	@echo "Making the environment in $(VENV)…"
	@$(PYTHON) -m venv $(VENV) || { echo "Making it failed. On Debian and Ubuntu: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.for-running: requirements.txt | $(PY)
	@echo "Installing what Seatkeeper runs on…"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.for-developing: requirements-dev.txt | $(PY)
	@echo "Installing what the tests need…"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.for-running
