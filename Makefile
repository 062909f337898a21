# Everything from a bare checkout with Python (3.11 or later), pip and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
FILES ?= sample

.PHONY: help demo test quick real evaluate lint docs bench wheel deployment clean
help:
	@echo "make demo      three nights of the sample feeds through the real flow, then the stories"
	@echo "make test      all tests"
	@echo "make quick     the tests without Prefect, the language model and the slow ones: some two minutes on two cores"
	@echo "make real      one night of the real documents, if they are beside the repository"
	@echo "make evaluate  the stages and the baselines on labelled articles: the sample, or FILES=..."
	@echo "make lint      ruff, mypy and import-linter"
	@echo "make docs      what is generated of the documents: docs/schema.md"
	@echo "make wheel     wheel and sdist in dist/, installed and lived with in an empty folder: some ten minutes"
	@echo "make deployment  hadolint, a compose linter and systemd-analyze on deploy/"
	@echo "make bench     the benchmarks that docs/benchmarks.md quotes"

# torch comes first and pinned: resolved later it would pull gigabytes of CUDA.
$(BIN)/.installed: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(BIN)/.installed
	@PREFECT_LOGGING_LEVEL=WARNING $(BIN)/python -m flows.demo demo

real: $(BIN)/.installed
	@PREFECT_LOGGING_LEVEL=WARNING $(BIN)/python -m flows.demo real

evaluate: $(BIN)/.installed
	@$(BIN)/newsclust evaluate $(FILES)

test: $(BIN)/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile

quick: $(BIN)/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not flow and not model and not browser"

docs: $(BIN)/.installed
	$(BIN)/python docs/make_schema.py

lint: $(BIN)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BIN)/.installed
	$(BIN)/python -m benchmarks.night
	$(BIN)/python -m benchmarks.embedding
	$(BIN)/python -m benchmarks.duplicates
	$(BIN)/python -m benchmarks.extraction
	$(BIN)/python -m benchmarks.index_pages
	$(BIN)/python -m benchmarks.fetching
	$(BIN)/python -m benchmarks.views

# Pins come from deploy/requirements.lock, not from the environment of who works here.
wheel:
	deploy/check_wheel.sh dist

deployment:
	deploy/check_deployment.sh

clean:
	rm -rf $(VENV) dist data/demo data/real .mypy_cache .ruff_cache .pytest_cache .hypothesis
