"""LangChain, LangGraph and pydantic read annotations at run time: those of everything public are there to be read."""

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator
from functools import cached_property
from types import FunctionType, ModuleType

from langchain_core.tools import StructuredTool
from pydantic import BaseModel

import langchain_codeexec
from langchain_codeexec import ChatGeminiCodeExecution, code_executions
from langchain_codeexec.emulator import GeminiEmulator
from langchain_codeexec.grounding import CalculatedAnswer

# Commands and fixtures import what they need when they run; what runs in the sandbox's child is read by nobody.
_WITHOUT = ("__main__", "pytest_plugin", "._", ".cli", "sandbox.child")
_MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(langchain_codeexec.__path__, "langchain_codeexec.")
    if not any(part in name for part in _WITHOUT)
]


def _public(module: ModuleType) -> Iterator[tuple[str, typing.Any]]:
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if inspect.isclass(value) and value.__module__ == module.__name__:
            yield name, value
            for member_name, member in vars(value).items():
                function = _function_of(member)
                if function and function.__module__ == module.__name__:
                    yield f"{name}.{member_name}", function
        elif inspect.isfunction(value):
            yield name, value


def _function_of(member: object) -> FunctionType | None:
    if isinstance(member, property):
        member = member.fget
    elif isinstance(member, cached_property):
        member = member.func
    elif isinstance(member, classmethod | staticmethod):
        member = member.__func__
    return member if isinstance(member, FunctionType) else None


def _unresolved(value: typing.Any) -> str:
    try:
        if inspect.isclass(value):
            inspect.get_annotations(value, eval_str=True)
        else:
            typing.get_type_hints(value, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        return repr(error)
    return ""


def test_annotations_of_all_that_is_public_resolve() -> None:
    public = {
        (name, key): value for name in _MODULES for key, value in _public(importlib.import_module(name))
    }
    assert {key: error for key, value in public.items() if (error := _unresolved(value))} == {}


def test_whoever_reads_annotations_can(scenes: GeminiEmulator) -> None:
    def double(number: int) -> int:
        """Double a number."""
        return 2 * number

    class Total(BaseModel):
        total: int

    class Report(BaseModel):
        answer: CalculatedAnswer

    llm = ChatGeminiCodeExecution(model="gemini-3-flash-preview", api_key="any", base_url=scenes.url)
    question = "What is the sum of the first 50 primes?"
    bound = llm.with_fallbacks([llm]).bind_tools([double])
    assert "5117" in bound.invoke(question).text
    assert llm.with_fallbacks([llm]).with_structured_output(Total).invoke(question)
    assert StructuredTool.from_function(code_executions).args_schema
    assert "answer" in Report.model_fields
