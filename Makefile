# Each target sets up what it needs in a virtual environment of its own.
PYTHON ?= python3
PIP_FLAGS ?= --quiet --disable-pip-version-check
PYTEST_FLAGS ?= -n 2 --dist worksteal
# Without bytecode each of the tests' processes would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint bench clean

demo: .venv-demo/ready
	.venv-demo/bin/langchain-codeexec demo

test: .venv-test/ready
	.venv-test/bin/python -m pytest $(PYTEST_FLAGS)

lint: .venv-test/ready
	.venv-test/bin/ruff check .
	.venv-test/bin/ruff format --check .
	.venv-test/bin/mypy
	.venv-test/bin/pyright --pythonpath .venv-test/bin/python
	.venv-test/bin/lint-imports

bench: .venv-test/ready
	.venv-test/bin/python -m tests.benchmarks

.venv-demo/ready: pyproject.toml
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python -m pip install $(PIP_FLAGS) --editable '.[cli,plots]'
	touch $@

.venv-test/ready: pyproject.toml
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python -m pip install $(PIP_FLAGS) --upgrade 'pip>=25.1'
	.venv-test/bin/python -m pip install $(PIP_FLAGS) --editable '.[all]' --group test --group lint
	touch $@

clean:
	rm -rf .venv-demo .venv-test .venv-floor .venv-genai .venv-adk .venv-litellm .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-output
