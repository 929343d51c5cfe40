"""What is said to be public can be imported, and nothing heavy comes along before it is used."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from typing import Any

import pytest

import langchain_codeexec

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(langchain_codeexec.__path__, "langchain_codeexec.")
    if not module.name.rpartition(".")[2].startswith("_")
)


def test_every_name_of_all_is_there() -> None:
    for name in ["langchain_codeexec", *MODULES]:
        module: Any = importlib.import_module(name)
        exported = getattr(module, "__all__", [])
        assert len(exported) == len(set(exported)), name
        assert [export for export in exported if not hasattr(module, export)] == [], name
        assert set(exported) <= set(dir(module)), name


@pytest.mark.parametrize(
    "package", ["langchain_codeexec", "langchain_codeexec.planning", "langchain_codeexec.emulator"]
)
def test_other_names_are_not(package: str) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        importlib.import_module(package).no_such_name  # noqa: B018 -- the attribute is the test


def test_the_chat_model_brings_no_network_library_along() -> None:
    program = (
        "import sys, langchain_core.language_models.chat_models as core; before = set(sys.modules)\n"
        "from langchain_codeexec import ChatGeminiCodeExecution\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - {'langchain_core', 'langchain_codeexec', 'pydantic'}))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {
        "httpx",
        "httpcore",
        "google",
        "requests",
        "starlette",
        "uvicorn",
        "typer",
        "rich",
        "numpy",
        "langchain",
    }
    assert not heavy & set(eval(ran.stdout))
