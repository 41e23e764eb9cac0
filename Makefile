# What a newcomer types first; every target installs what it needs into .venv.
PYTHON ?= python3
CONFIG ?= sample
ARGS ?=
DATASET ?= sample
TORCH ?= 2.13.0
PYTHON_GPU ?= python3.12
JAX_GPU ?= 0.11.2
PYTHON_HERE = .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help install run test check parity long browser tour accuracy bench figures gpu-compile clean

help:  ## list these commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 13

install: .venv/installed  ## make .venv and install the project with its test tools
.venv/installed: pyproject.toml
	@echo "Installing mnist_sum and its test tools into .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(PYTHON_HERE) -m pip install --quiet --editable '.[experiments,export,test]'
	@touch $@

run: install  ## train CONFIG (sample if not given) with ARGS: make run CONFIG=base ARGS="--epochs 3"
	@echo "Training config $(CONFIG): $(PYTHON_HERE) -m experiments.run --config $(CONFIG) $(ARGS)"
	@$(PYTHON_HERE) -m experiments.run --config $(CONFIG) $(ARGS)

test: install  ## run the tests
	@echo "Testing: $(PYTHON_HERE) -m pytest"
	@$(PYTHON_HERE) -m pytest

check: install  ## run the linter, the formatter's check and the type checker
	$(PYTHON_HERE) -m ruff check
	$(PYTHON_HERE) -m ruff format --check
	$(PYTHON_HERE) -m mypy

.venv/parity: .venv/installed
	@echo "Installing PyTorch into .venv, to compare with"
	@$(PYTHON_HERE) -m pip install --quiet torch==$(TORCH) --editable '.[parity]'
	@touch $@

parity: .venv/parity  ## compare with the original's network in PyTorch
	@$(PYTHON_HERE) -c "import scipy, torch"
	@$(PYTHON_HERE) -m pytest -m parity

long: install  ## run the long versions of tests: kill a run twenty times, train on two processes
	@echo "Testing at length: $(PYTHON_HERE) -m pytest -m long"
	@$(PYTHON_HERE) -m pytest -m long

# Browsers differ in name: Debian's is chromium, that of GitHub's machines google-chrome.
.venv/browser: .venv/installed
	@echo "Installing Selenium into .venv, and Debian's Chromium where no browser is"
	@$(PYTHON_HERE) -m pip install --quiet --editable '.[browser]'
	@{ command -v chromium || command -v google-chrome; } >/dev/null && command -v chromedriver >/dev/null \
	|| { apt-get update -qq && apt-get install -qq --no-install-recommends chromium chromium-driver; } >/dev/null \
	|| { echo "error: Chromium cannot be installed here; install it and its chromedriver, or try again as root." >&2; exit 2; }
	@touch $@

browser: .venv/browser  ## draw on the page in a real browser, without a window
	@echo "Testing in a browser: $(PYTHON_HERE) -m pytest -m browser"
	@$(PYTHON_HERE) -m pytest -m browser -n0

.venv/tour: .venv/installed
	@echo "Installing what runs a notebook into .venv"
	@$(PYTHON_HERE) -m pip install --quiet --editable '.[notebook]'
	@touch $@

tour: .venv/tour  ## run the notebook docs/tour.ipynb from top to bottom
	@echo "Running the tour: $(PYTHON_HERE) -m pytest -m tour"
	@$(PYTHON_HERE) -m pytest -m tour -n0

accuracy: install  ## train fast with three seeds on MNIST, and compare with its record
	@$(PYTHON_HERE) -m pytest -m accuracy -n0

bench: .venv/parity  ## measure the speed of base in turns with PyTorch, on DATASET (sample if not given)
	@$(PYTHON_HERE) -m experiments.workshop.bench --config base --dataset $(DATASET) $(ARGS)

figures: install  ## write the tables of results in README.md and docs/ from their records
	@$(PYTHON_HERE) -m experiments.workshop.figures

# The compiler of another JAX would count other kernels.
.venv-gpu/installed: pyproject.toml
	@echo "Installing JAX for CUDA into .venv-gpu (once, some 4 GB)"
	@$(PYTHON_GPU) -m venv .venv-gpu
	@.venv-gpu/bin/python -m pip install --quiet 'jax[cuda13]==$(JAX_GPU)' --editable '.[experiments]'
	@touch $@

gpu-compile: .venv-gpu/installed  ## compile for an H100, which need not be there, and record what it launches
	@.venv-gpu/bin/python -m experiments.workshop.gpu.launches

clean:  ## remove the environment and the tools' caches, not the results in runs/
	rm -rf .venv .venv-gpu .mypy_cache .pytest_cache .ruff_cache
