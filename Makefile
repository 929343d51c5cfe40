# Each target sets up what it needs in a virtual environment of its own.
PYTHON ?= python3
PIP_FLAGS ?= --quiet --disable-pip-version-check
# One process more than cores: many tests wait for a while.
PYTEST_FLAGS ?= -n 3 --dist worksteal
# Without bytecode each of the tests' processes would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test coverage lint bench clean

demo: .venv-demo/ready
	.venv-demo/bin/langchain-codeexec demo

test: .venv-test/ready
	.venv-test/bin/python -m pytest $(PYTEST_FLAGS)

# What is run and how, `[tool.slipcover]` in pyproject.toml says.
coverage: .venv-test/ready
	.venv-test/bin/python -m slipcover --json --out coverage.json -m pytest -p slipcover.pytest_plugin $(PYTEST_FLAGS)
	.venv-test/bin/python -m slipcover --fail-under 95 --out coverage.json --merge coverage.json

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
	rm -rf .venv-demo .venv-test .venv-floor .venv-genai .venv-adk .venv-litellm .venv-ray .venv-postgres .pytest_cache .mypy_cache .ruff_cache .hypothesis coverage.json demo-output
