"""Which way a request was made, as far as it tells itself.

A client's plan stays with the client; what it offers to the model comes along. `delegated` and `one_sided` are
recognised by what the chat model of this package sends for them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_codeexec.emulator.page.reading import Reading

__all__ = ["plan_of"]

_STAND_IN = re.compile(r"code_execution(?:_\d+)?|run_python")
_CODE_TOLD = re.compile(r"I ran this code:\n```")
_CALL_TOLD = re.compile(r"I called \S+ with \{|\S+ returned: [\[{]")


def plan_of(reading: Reading) -> dict[str, str]:
    """The way a request was made, and what tells so.

    Returns:
        `way`: `native`, `delegated`, `one_sided`, `code_execution`, `functions` or `plain`; `why`: sentences.
    """
    code = any(kind == "codeExecution" for kind, _ in reading.declared)
    names = [declaration.get("name", "") for declaration in reading.functions]
    stand_in = next((name for name in names if not code and _STAND_IN.fullmatch(name)), None)
    functions = "1 function" if len(names) == 1 else f"{len(names)} functions"
    declared = f"{functions} {'is' if len(names) == 1 else 'are'} declared"
    rows = (
        (code and names, "native", f"Code execution and {functions} are declared; the model chooses."),
        (stand_in, "delegated", f"{declared}; {stand_in} stands for code execution."),
        (
            code and _says(reading, _CALL_TOLD),
            "one_sided",
            "Only code execution is declared; what functions did is told as text.",
        ),
        (
            names and _says(reading, _CODE_TOLD),
            "one_sided",
            f"{declared}, code execution is not; what code did is told as text.",
        ),
        (code, "code_execution", "Code execution is declared, no function is."),
        (names, "functions", f"{declared}, code execution is not."),
        (True, "plain", "Neither code execution nor a function is declared."),
    )
    return next({"way": way, "why": why} for holds, way, why in rows if holds)


def _says(reading: Reading, pattern: re.Pattern[str]) -> bool:
    """Whether a text of the conversation begins so."""
    return any(
        pattern.match(part.get("text", ""))
        for content in reading.asked.get("contents") or []
        for part in content.get("parts") or []
    )
