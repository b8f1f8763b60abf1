# `exec` makes each program a direct child of make, and the program ends when make does:
# its id is handed over, so that nothing runs on when make is killed.
PYTHON ?= python3
export HEALTHSITE_PARENT := $(shell echo $$PPID)

# Before a second command: then it is a shell's child, not make's.
INSTALL = HEALTHSITE_PARENT= $(PYTHON) bootstrap.py install

.PHONY: help run test check bench faults real-networks check-locks lock clean

help:
	@echo 'make run     install what is missing and run the site   (PORT=8000 HEALTHSITE_DATA=./var)'
	@echo 'make test    install what is missing and run the tests  (ARGS="-k name")'
	@echo 'make check   linters, types, import contracts, migrations, deploy check, lock files'
	@echo 'make bench   measure against nginx and plain Wagtail     (BENCH=delivery)'
	@echo 'make faults  kill, freeze and swallow while shares are counted and posts are sent (FAULT=events)'
	@echo 'make real-networks  try connectors and admin on real servers, which it installs'
	@echo 'make check-locks  resolve the lock files for each system and Python, without installing'
	@echo 'make lock    write the lock files anew from pyproject.toml'
	@echo 'make clean   remove .venv and caches; the data folder stays'
	@echo 'PYTHON=python3.12 chooses another Python.'

run:
	@exec $(PYTHON) bootstrap.py run

test:
	@exec $(PYTHON) bootstrap.py test $(ARGS)

check:
	@exec $(PYTHON) bootstrap.py check

bench:
	@$(INSTALL) && exec .venv/bin/python -m bench $(BENCH)

faults:
	@$(INSTALL) && exec .venv/bin/python -m tests.faults $(FAULT)

real-networks:
	@$(INSTALL) && exec .venv/bin/python -m tests.real_networks

check-locks:
	@$(INSTALL) && .venv/bin/python -m tests.lock_platforms

EXPORT = .venv/bin/uv export --quiet --frozen --no-emit-project --no-annotate --no-header --format requirements-txt
lock:
	@$(INSTALL)
	.venv/bin/uv lock
	$(EXPORT) --no-dev -o requirements.lock
	$(EXPORT) -o requirements-dev.lock
	sed -n 's/^\(uv==[^ ;]*\).*/\1/p' requirements-uv.lock | .venv/bin/uv pip compile --quiet --universal \
	  --generate-hashes --no-annotate --no-header -o requirements-uv.lock -

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-results
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
