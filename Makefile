# Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := runs/demo

.DEFAULT_GOAL := help
.PHONY: help install demo test lint type check wheel bench clean

help:  ## show this
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

$(INSTALLED): pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"seqlab needs Python 3.11 or newer, $(PYTHON) is {v[0]}.{v[1]}; try: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]'
	@touch $@

install: $(INSTALLED)  ## virtual environment with seqlab and the tools of its developers

demo: $(INSTALLED)  ## train show, attend and tell on generated scenes, evaluate it, caption pictures
	$(BIN)/seqlab train task=captioning model=show_attend_tell experiment=demo run_dir=$(DEMO)
	$(BIN)/seqlab eval run=$(DEMO)
	$(BIN)/seqlab predict run=$(DEMO) input='docs/scenes/*.png'

test: $(INSTALLED)  ## the default tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(INSTALLED)  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(INSTALLED)  ## mypy, strict on config, run and cli
	$(BIN)/mypy

check: lint type  ## lint, types and the layering of the imports
	$(BIN)/python -m pytest -q tests/unit/test_layering.py

wheel: $(INSTALLED)  ## build the wheel and use it elsewhere, away from this checkout
	scripts/check_wheel.sh $(CURDIR)/$(BIN)

bench: $(INSTALLED)  ## speed beside the obvious alternative
	$(BIN)/python -m benchmarks.decoder_step
	$(BIN)/python -m benchmarks.beam_search
	$(BIN)/python -m benchmarks.translation
	$(BIN)/python -m benchmarks.grid_lstm
	$(BIN)/python -m benchmarks.memn2n
	$(BIN)/python -m benchmarks.memory_cells
	$(BIN)/python -m benchmarks.replay
	$(BIN)/python -m benchmarks.segmentation
	$(BIN)/python -m benchmarks.c3d
	$(BIN)/python -m benchmarks.video_decoding
	$(BIN)/python -m benchmarks.context

clean:  ## remove what was built, not what was trained
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find seqlab tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
