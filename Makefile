# Two commands do all the set-up: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PY := .venv/bin/python
STAMP := .venv/.ready
# Hundreds of daemons are started by the tests: none is to compile all of its sources again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup debian demo demo-check test tree lint type imports docs docs-check words screenshots bench torture fuzz device-lab pins deb deb-test image image-lock image-test clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## the virtual environment and the Debian packages

$(STAMP): requirements/dev.txt pyproject.toml tools/setup.sh tests/npm/package.json
	@bash tools/setup.sh

demo: setup ## a whole simulated store and core; prints where to look; Ctrl-C stops it
	@$(PY) -m gateway demo $(ARGS)

demo-check: setup ## the same without a person; last line is JSON, exit 0 only if all holds
	@$(PY) -m gateway demo --check

test: setup tree lint type imports docs-check ## everything CI checks
	$(PY) -m pytest -n 4 --dist loadgroup $(ARGS)

# Beside the checks, which use one core: a test that comes first waits for it. The first time it takes a minute.
tree:
	@$(PY) -m tests.appliance.tree &

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

type:
	.venv/bin/mypy

imports:
	.venv/bin/lint-imports

docs: setup ## write the generated documents again
	$(PY) -m tools.documents write

docs-check: setup
	$(PY) -m tools.documents check

words: setup ## bring the catalogues in gateway/words/ up to date with the code, and say what is not translated
	$(PY) -m tools.words write

screenshots: setup ## the pictures of README.md, from a running demo
	$(PY) -m tools.screenshots

bench: setup ## benchmarks, one JSON object a line; NAME=queue runs one
	$(PY) -m bench $(NAME)

torture: setup ## no sale lost, none doubled: the long campaigns; NAME=kills runs one, SHORT=1 the short ones
	@$(PY) -m torture $(NAME)

fuzz: setup ## every codec against 10^5 chunks of anything; minutes; ARGS="--driver NAME --seed N"
	$(PY) -m tests.drivers.fuzz $(ARGS)

device-lab: setup ## our drivers over a real kernel's USB, HID and serial drivers, in QEMU; minutes
	@bash tools/setup.sh lab
	@$(PY) -m lab $(NAME)

deb: setup ## the Debian packages of a box, into dist/; ARCH=arm64 makes one of the two
	@bash tools/setup.sh deb
	@$(PY) -m deb $(if $(ARCH),--arch $(ARCH))

deb-test: setup ## the package in Debian 12 and 13 and emulated arm64, under a real systemd, lintian; half an hour the first time
	@bash tools/setup.sh deb-test
	$(PY) -m pytest tests/deb -m 'long or not long' $(ARGS)

image: setup ## the SD card's image into dist/, as root; ARCH=arm64 (a Raspberry Pi) or amd64; minutes, docs/image.md
	@bash tools/setup.sh deb
	@bash tools/setup.sh image
	@$(PY) -m deb --arch $(or $(ARCH),arm64)
	@$(PY) -m images build $(or $(ARCH),arm64) $(ARGS)

image-lock: setup ## the newest versions of the image's Debian packages, into images/lock-ARCH.txt
	@bash tools/setup.sh image
	@$(PY) -m images lock $(or $(ARCH),arm64)

image-test: setup ## the built image in QEMU: a day with a scanner, a scale, a printer and a power cut; ARCH as for image
	@bash tools/setup.sh image
	@$(PY) -m images.story $(or $(ARCH),arm64)

pins: ## compile requirements/*.txt again (hashes, no registry address)
	.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/box.txt
	.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra core pyproject.toml -o requirements/core.txt
	.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra core --extra dev pyproject.toml -o requirements/dev.txt
	.venv/bin/uv pip compile -q --python-version 3.13 --python-platform x86_64-manylinux_2_34 --generate-hashes --no-emit-index-url --no-header requirements/emupos.in -o requirements/emupos.txt

clean: ## the virtual environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
