"""Declared functions that run code or solve tasks with it: where code execution itself is not declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.functions.choice import Call
from langchain_codeexec.emulator.rules.phrasing import phrase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.emulator.rules.conversation import Declaration
    from langchain_codeexec.emulator.rules.solution import Solution

__all__ = ["delegated"]

_NAME = phrase(r"code_?execution|execute_?(?:python|code)|run_?(?:python|code)|python|code_?interpreter")
_CODE_PARAMETER = phrase(r"code|source|script|program|query|command")
_TASK_PARAMETER = phrase(r"task|question|instruction|request|prompt|problem|input|text|goal")


def delegated(text: str, solution: Solution, declarations: Sequence[Declaration]) -> Call | None:
    """A call that has a declared function run the solution's program, or do the task described in words."""
    for declaration in declarations:
        names = declaration.required or tuple(declaration.properties)
        if not _NAME.search(declaration.name) or len(names) != 1:
            continue
        if _TASK_PARAMETER.search(names[0]):
            return Call(declaration.name, {names[0]: text})
        if _CODE_PARAMETER.search(names[0]):
            return Call(declaration.name, {names[0]: solution.code})
    return None
