# make demo: set up and check a real expression.  make test: set up and pass the tests.  make check: lint, types, imports.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test check docs accuracy clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	$(BIN)/gradtool check "x**2 + 2*x + 1" --at x=3
	$(BIN)/gradtool check "log(1 + exp(x))" --at x=1000 --exit-zero

# Each file stays with one of the two processes, and so does the warm witness that it asks. In the order of the folders:
# by their number of tests, as xdist would have it, the files with one test of a minute come last, beside nothing.
test: $(VENV)/installed
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/installed
	$(BIN)/python docs/generate.py

# The accuracy of every operation in docs/accuracy.md: about two minutes.
accuracy: $(VENV)/installed
	$(BIN)/python docs/generate.py accuracy

# The stamp is newer than what it was made from, so setting up happens once.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all,dev]"
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
