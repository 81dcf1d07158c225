PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
TESTABLE := .venv/.testable
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
PACKAGES := topics probes processors sinks clients deploy tests
SAMPLE := build/sample.pcap

# Without byte code each of the many processes that the tests start would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: run audited page page-if-possible wheel test bench capacity measured lint docs man warmup kafka kafka-stop clean

run:
	$(MAKE) --no-print-directory -j 2 page-if-possible audited
	@if [ -f clients/web/assets/index.html ]; then \
	  echo "Look at it: $(BIN)/argosy web -R build/sample-data shows it at http://127.0.0.1:8561/"; fi

audited: $(INSTALLED) $(SAMPLE)
	$(BIN)/argosy run -r $(SAMPLE) -e edge --data build/sample-data

page:
	$(PYTHON) -m deploy.page

page-if-possible:
	@$(PYTHON) -m deploy.page --optional

wheel: page $(INSTALLED)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist .

test: lint $(if $(CI),page,page-if-possible) warmup
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

bench: $(TESTABLE)
	$(BIN)/python -m tests.bench

capacity: $(INSTALLED)
	$(BIN)/python -m deploy.capacity

measured: $(TESTABLE)
	$(BIN)/python -m tests.bench probe stages alerts databases sites archive
	$(BIN)/python -m deploy.capacity --take build/bench.json --write docs/reference/capacity.md
	$(BIN)/python -m deploy.resources --write
	$(BIN)/python -m deploy.performance --write

lint: $(TESTABLE)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(PACKAGES)
	$(PYTHON) -m deploy.page --check $(if $(CI),,--optional)

docs: $(TESTABLE)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

man: $(INSTALLED)
	$(BIN)/argosy man --write build/man

warmup: $(INSTALLED)
	$(BIN)/argosy warmup

kafka: $(INSTALLED)
	$(BIN)/python -m deploy.kafka start --data build/kafka

kafka-stop: $(INSTALLED)
	$(BIN)/python -m deploy.kafka stop --data build/kafka

clean:
	if [ -d build/kafka ] && [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.kafka stop --data build/kafka; fi
	rm -rf build dist *.egg-info clients/web/assets clients/web/page/node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find $(PACKAGES) -name __pycache__ -type d -prune -exec rm -rf {} +

$(SAMPLE): | $(INSTALLED)
	mkdir -p $(@D)
	$(BIN)/python -m tests.traffic sample $@

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) -e .
	touch $@

$(TESTABLE): $(INSTALLED)
	$(PIP) -e '.[test,docs]'
	touch $@
