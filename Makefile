PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= demo
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all $(CXXFLAGS)
RESULTS := benchmarks/results
N ?= 100
BENCH_PYTHON ?= $(BIN)/python
TERRAMAMBA_SEED ?= $(shell date +%s)
# Bytecode is kept whatever the shell says: the tests start dozens of interpreters.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fresh coverage test-gpu test-triton test-qgis powercut kills twice disks fuzz sanitize lint format renew bench docs docs-test pictures release clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Bytecode of 18,000 files takes a minute: Python makes it of those that are imported.
$(VENV)/installed: pyproject.toml setup.py constraints.txt $(wildcard src/terramamba/ops/native/*)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile -c constraints.txt -e '.[dev]'
	touch $@

install: $(VENV)/installed  ## Make the environment and install the package for development

demo: install  ## Both jobs trained on synthetic images, and both at once, untrained, on real ones
	$(BIN)/terramamba demo --out $(OUT)
	$(BIN)/terramamba classify map examples/data/jasper_ridge.tif --weights spectral-library --out $(OUT)/at_once_cover.tif
	$(BIN)/terramamba change map examples/data/ucayali_1985.tif examples/data/ucayali_2020.tif --model ir_mad \
		--out $(OUT)/at_once_change.tif --polygons $(OUT)/at_once_change.gpkg

test: install  ## Run the tests, on the same random inputs each time
	$(PYTEST)

test-fresh: install  ## Run the tests on random inputs drawn anew; TERRAMAMBA_SEED=N repeats some
	TERRAMAMBA_SEED=$(TERRAMAMBA_SEED) $(PYTEST)

coverage: install  ## Run the tests and list the lines of each file that none of them ran
	$(PYTEST) --cov=src/terramamba --cov-report=term-missing:skip-covered

test-gpu:  ## Test and time the GPU kernels; a machine with PyTorch for CUDA needs no install
	PYTHONPATH=src $(PYTHON) -m pytest -o addopts= -W ignore::pytest.PytestConfigWarning tests/ops/test_triton_gpu.py

test-triton: install  ## Compile the GPU kernels as models launch them, and fill docs/performance.md with what spills
	$(BIN)/python benchmarks/spills.py --json $(RESULTS)/spills.json
	$(BIN)/python benchmarks/page.py

test-qgis: install  ## Run the plugin in QGIS (Debian: apt-get install qgis python3-qgis) beside the command line
	$(BIN)/pytest -n 0 tests/integrations

powercut: install  ## Cut the power at every recorded step of a map, and of every command, and go on from what may be left
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist load tests/mapping/test_power_cut.py --power-cuts all
	cd tests && PYTHONPATH=. OMP_NUM_THREADS=1 ../$(BIN)/python -W ignore -m reliability.cuts

kills: install  ## Kill every command N times, all over its run, and compare what comes of it (hours; goes on with kills.jsonl)
	cd tests && PYTHONPATH=. OMP_NUM_THREADS=1 ../$(BIN)/python -W ignore -m reliability.kills --kills $(N) --log ../kills.jsonl

twice: install  ## Start every command twice at once, on the same outputs, and compare what comes of it (5 minutes)
	cd tests && PYTHONPATH=. OMP_NUM_THREADS=1 ../$(BIN)/python -W ignore -m reliability.twice

disks: install  ## Have the disk go wrong under every command, go on, and compare (an hour; goes on with disks.jsonl)
	cd tests && PYTHONPATH=. OMP_NUM_THREADS=1 ../$(BIN)/python -W ignore -m reliability.disks --log ../disks.jsonl

fuzz: install  ## Damage N files of all kinds and feed them to the commands that read them (goes on with fuzz.jsonl)
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore tests/fuzz/harness.py --count $(N) --log fuzz.jsonl

sanitize: install  ## Run the CPU kernel under the compiler's sanitizers (a minute; CXXFLAGS=-DPLAIN_VECTORS: as MSVC would)
	CXXFLAGS="$(SANITIZE)" $(BIN)/python setup.py -q build_ext --force --build-lib build/sanitize --build-temp build/sanitize
	$(CXX) -std=c++17 $(SANITIZE) tests/native/driver.cpp build/sanitize/terramamba/ops/_scan.* -o build/sanitize/driver
	ASAN_OPTIONS=malloc_fill_byte=255:max_malloc_fill_size=1073741824 build/sanitize/driver

lint: install  ## Style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install  ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

renew: install  ## Write anew what is made of the code: pages of records, list of models, the plugin's help, the drawing of imports
	$(BIN)/python -m terramamba.raster.readers.formats > docs/formats.md
	$(BIN)/python -m terramamba.data.catalog.page > docs/datasets.md
	$(BIN)/python -m terramamba.scores.score_table > docs/scores.md
	$(BIN)/python -m terramamba.models.listing
	$(BIN)/python integrations/make_qgis.py help
	$(BIN)/python docs/import_graph.py docs/architecture.md

bench: install  ## Time everything beside a plain loop (10 minutes) and fill docs/performance.md
	$(BENCH_PYTHON) -m terramamba bench scan --seconds 4 --long --json $(RESULTS)/scan.json
	$(BENCH_PYTHON) -m terramamba bench scene --json $(RESULTS)/scene.json
	$(BENCH_PYTHON) -m terramamba bench train --long --json $(RESULTS)/train.json
	$(BENCH_PYTHON) benchmarks/growth.py --seconds 3 --json $(RESULTS)/growth.json --plot docs/images/growth.png
	$(BENCH_PYTHON) benchmarks/page.py

# The requirements of an extra, without building the package anew.
EXTRA = $(BIN)/python -c "import tomllib; \
	print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['$(1)'], sep='\n')" \
	| $(BIN)/pip install --quiet -c constraints.txt -r /dev/stdin

$(VENV)/with-docs: $(VENV)/installed
	$(call EXTRA,docs)
	touch $@

NOTEBOOKS := $(patsubst docs/tutorials/%,build/tutorials/%,$(wildcard docs/tutorials/*.ipynb))

build/tutorials/%.ipynb: docs/tutorials/%.ipynb | $(VENV)/with-docs
	$(BIN)/python distribution/site/run_notebook.py $< $@

docs: $(VENV)/with-docs $(NOTEBOOKS)  ## Build the documentation into site/, offline and strict; notebooks are run where they changed
	$(BIN)/mkdocs build --clean

docs-test: $(VENV)/with-docs  ## Run all notebooks of the tutorials anew (a few minutes)
	rm -rf build/tutorials
	$(MAKE) $(NOTEBOOKS)

pictures: install  ## Make the pictures of the documentation's first page anew
	$(BIN)/python distribution/site/pictures.py

release: install  ## Check, tag and note the version in _version.py; DRY=1 only checks (distribution/README.md)
	$(call EXTRA,release)
	$(BIN)/python distribution/release.py $(if $(DRY),--dry)

clean:  ## Remove the environment and what was built
	rm -rf $(VENV) build dist site src/*.egg-info
