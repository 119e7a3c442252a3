# Every target starts from a bare Python >= 3.11 with pip: `make setup` builds .venv from requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: help setup demo test contracts soak cluster gpu zoo initialization check lock clean
.DEFAULT_GOAL := help

help:
	@echo "make setup      build .venv from requirements.lock (about 2 minutes, 5 GB: torch with its GPU libraries)"
	@echo "make demo       a real sweep on digits, its learning-rate table and its report (about 5 minutes)"
	@echo "make test       the test suite"
	@echo "make contracts  every norm at every site, with every optimizer, every study: alone and fused (make test has a selection)"
	@echo "make soak       kill sweeps at random moments, in pairs, on full disks (make test has a few; about 20 minutes)"
	@echo "make cluster    tests on a real Slurm with two nodes on this machine (root on Debian)"
	@echo "make gpu        contract tests on a GPU with PYTHON, which has torch and bnlab, then benchmarks/gpu.py"
	@echo "make zoo        what each norm does: bnlab zoo, into experiments/norm-zoo"
	@echo "make initialization  closed forms at initialization: bnlab laws all, into experiments/initialization"
	@echo "make check      ruff and mypy"
	@echo "make lock       resolve requirements.lock anew from pyproject.toml"

setup: $(STAMP)

# `pip --python` needs no ensurepip in the new environment, which Debian's python3 lacks.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bnlab needs Python 3.11 or newer, %s is %s: make PYTHON=python3.12" % (sys.executable, sys.version.split()[0]))'
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	@test -x $(BIN)/uv || $(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --no-deps --editable .
	@touch $@

demo: setup
	$(BIN)/bnlab sweep experiment=demo
	$(BIN)/bnlab report outputs/demo

# Two workers with one torch thread each: the tests are many small runs. worksteal leaves most files to one worker, so
# that what a file shares is made once.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# -m '' takes also what is marked exhaustive.
contracts: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m '' tests/contracts tests/proofs tests/verbs/test_study.py tests/report/test_odd.py

soak: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m '' tests/soak

cluster: setup
	PYTHON=$(BIN)/python .ci/cluster

# On a machine with a GPU: PYTHON is one whose torch finds it. GPU holds arguments of the benchmark.
gpu:
	$(PYTHON) -m pytest --device cuda -n 8 --dist worksteal tests/contracts tests/training/test_capture.py tests/training/test_memory.py
	$(PYTHON) benchmarks/gpu.py $(GPU)

zoo: setup
	OMP_NUM_THREADS=1 $(BIN)/bnlab zoo --out experiments/norm-zoo

initialization: setup
	OMP_NUM_THREADS=1 $(BIN)/bnlab laws all --out experiments/initialization

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: setup
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache
