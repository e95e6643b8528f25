# every target sets itself up from nothing: python3 (3.11 to 3.13), pip and make are enough

PYTHON ?= python3
# the second stack, tested by `test-all` where it is installed; the version number is read by pyenv alone
PYTHON312 ?= PYENV_VERSION=3.12.1 python3.12
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers/.ready
SIMULATOR := .venv-nest/.ready
CELLS := .venv-cells/.ready
PAGES := .venv-docs/.ready
TORCH := .venv-torch/.ready
NEURON := .venv-neuron/.ready

# small networks run slower on several threads than on one
export XLA_FLAGS ?= --xla_cpu_multi_thread_eigen=false
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

# $(call environment,python,what to install): the environment in whose folder the target lies
define environment
@echo "setting up $(@D) (once, some minutes) ..."
$(1) -m venv $(@D)
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(2)
endef

.PHONY: setup train test test-slow test-gpu test-lowest test-all lint types bench bench-outsiders nest-parity nest-bench neuron-record neuron-parity cells-bench docs nir-parity notebooks clean

setup: $(READY)

$(READY): pyproject.toml constraints/py311.txt constraints/py312.txt
	@echo "setting up $(VENV) (once, some minutes) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "vestige needs Python 3.11 to 3.13: make PYTHON=python3.11")'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]' \
		-c constraints/$$($(BIN)/python -c 'import sys; print("py311" if sys.version_info < (3, 12) else "py312")').txt
	@touch $@

train: $(READY)
	$(BIN)/vestige train $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/pyright --pythonpath $(BIN)/python

test: lint
	JAX_PLATFORMS=cpu $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow and not gpu" $(ARGS)

test-slow: lint
	JAX_PLATFORMS=cpu $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not gpu" $(ARGS)

# on a machine with a GPU: jax gets its CUDA parts, of the version that is there; without one every test says so
CUDA ?= cuda12

test-gpu: lint
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "jax[$(CUDA)]==$$($(BIN)/python -c 'import jax; print(jax.__version__)')"
	env -u JAX_PLATFORMS XLA_PYTHON_CLIENT_PREALLOCATE=false $(BIN)/python -m pytest -q -m gpu tests/gpu $(ARGS)

# the lowest versions that are allowed; `test-all` runs the newest
LOWEST := .venv-lowest/.ready

$(LOWEST): pyproject.toml constraints/lowest.txt
	$(call environment,$(PYTHON),-e '.[test]' -c constraints/lowest.txt)
	@touch $@

test-lowest: $(LOWEST)
	JAX_PLATFORMS=cpu .venv-lowest/bin/python -m pytest -q -n 2 --dist loadfile -m "not slow and not gpu" $(ARGS)

test-all: test-slow test-lowest types
	@if $(PYTHON312) -c '' 2>/dev/null; then \
		$(MAKE) test-slow VENV=.venv312 PYTHON="env $(PYTHON312)"; \
	else \
		echo "no python3.12 here: the second stack was not tested"; \
	fi

# the peer lives in an environment of its own
$(PEERS): benchmarks/peers/requirements.txt
	$(call environment,env $(PYTHON312),-r $<)
	@touch $@

bench: $(READY) $(PEERS)
	JAX_PLATFORMS=cpu $(BIN)/python benchmarks/parity.py
	JAX_PLATFORMS=cpu $(BIN)/python benchmarks/estimators.py
	JAX_PLATFORMS=cpu $(BIN)/python benchmarks/run.py $(ARGS)

# libraries on torch, in an environment of their own: it brings gigabytes; once it is there, `bench` asks it as well
$(TORCH): benchmarks/outsiders/requirements.txt
	$(call environment,$(PYTHON),-r $<)
	@touch $@

bench-outsiders: $(TORCH)
	$(MAKE) bench ARGS='$(ARGS)'

# the simulator lives in an environment of its own, and answers from a process of its own
$(SIMULATOR): benchmarks/nest/requirements.txt
	$(call environment,$(PYTHON),-r $<)
	@touch $@

nest-parity: $(READY) $(SIMULATOR)
	JAX_PLATFORMS=cpu $(BIN)/python benchmarks/nest/parity.py $(ARGS)

nest-bench: $(READY) $(SIMULATOR)
	JAX_PLATFORMS=cpu $(BIN)/python benchmarks/nest/speed.py $(ARGS)

# the same for the simulator of cells, whose channels need a C++ compiler
$(NEURON): benchmarks/cells/neuron/requirements.txt $(wildcard benchmarks/cells/neuron/mod/*.mod)
	$(call environment,$(PYTHON),-r $<)
	@cd .venv-neuron && PATH="$$PWD/bin:$$PATH" nrnivmodl ../benchmarks/cells/neuron/mod >build.log 2>&1 || { cat build.log; exit 1; }
	@touch $@

neuron-record: $(NEURON)
	.venv-neuron/bin/python benchmarks/cells/neuron/record.py tests/cells/data/neuron.npz
	.venv-neuron/bin/python benchmarks/cells/neuron/record_swc.py tests/cells/data

neuron-parity: $(READY) $(NEURON)
	JAX_PLATFORMS=cpu $(BIN)/python benchmarks/cells/neuron/parity.py $(ARGS)
	JAX_PLATFORMS=cpu $(BIN)/python benchmarks/cells/neuron/swc_parity.py

# peers with compartments, in an environment of their own
$(CELLS): benchmarks/cells/peers/requirements.txt
	$(call environment,env $(PYTHON312),-r $<)
	@touch $@

cells-bench: $(READY) $(CELLS)
	JAX_PLATFORMS=cpu $(BIN)/python benchmarks/cells/speed.py $(ARGS)

# pages are made from text and source: neither jax nor the library is installed for them
$(PAGES): constraints/docs.txt
	$(call environment,$(PYTHON),-r $<)
	@touch $@

docs: $(PAGES)
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet --site-dir build/site
	@echo "the pages are in build/site"

# tutorials as executed notebooks, made from the pages, so that there is one source and no output in git
NOTEBOOKS ?= quickstart concepts states snn-tutorial nest-neurons nest-bw cells

notebooks: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[notebooks]'
	mkdir -p build/notebooks && cp -r docs/figures build/notebooks/
	cd build/notebooks && for page in $(NOTEBOOKS); do \
		JAX_PLATFORMS=cpu $(abspath $(BIN))/jupytext --quiet --set-kernel python3 --to ipynb --execute ../../docs/$$page.md -o $$page.ipynb || exit 1; \
	done
	@echo "the notebooks are in build/notebooks"

# other readers of NIR
nir-parity: $(READY) $(TORCH)
	JAX_PLATFORMS=cpu $(BIN)/python benchmarks/nir/parity.py

clean:
	rm -rf .venv .venv312 .venv-lowest .venv-peers .venv-nest .venv-neuron .venv-cells .venv-docs .venv-torch build/site build/notebooks .pytest_cache .ruff_cache .hypothesis
