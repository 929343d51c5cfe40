"""A tool choice in any of LangChain's forms to `toolConfig`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from langchain_codeexec.errors import ToolDeclarationError
from langchain_codeexec.translation.declarations import camel_case, function_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_codeexec.gemini.wire import Tool, ToolConfig

__all__ = ["tool_config"]

_MODES: Final = {"auto": "AUTO", "any": "ANY", "required": "ANY", "none": "NONE", "validated": "VALIDATED"}
_CODE_CHOICES: Final = frozenset({"code_execution", "codeExecution", "code_interpreter"})
_OWN_KEYS: Final = frozenset({"functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"})


def tool_config(choice: Any, tools: Sequence[Tool]) -> ToolConfig:
    """Translate a tool choice; it speaks of functions only and leaves code execution as it is.

    Args:
        choice: `None`, a bool, a mode (`auto`, `any`, `required`, `none`, `validated`), a function's name or
            a list of names, OpenAI's or Anthropic's dict, or Gemini's own `toolConfig`.
        tools: What the request declares.

    Raises:
        ToolDeclarationError: The choice names a function that is not declared, or is of no known form.
    """
    names = function_names(tools)
    if isinstance(choice, dict) and (own := _own_config(choice)) is not None:
        return own
    if choice is None or choice is False or not names:
        return {}
    mode, allowed = _mode_and_names(choice)
    if unknown := [name for name in allowed if name not in names]:
        raise ToolDeclarationError(
            f"tool_choice names {', '.join(map(repr, unknown))}, the declared functions: {', '.join(names)}"
        )
    config = {"mode": mode, **({"allowedFunctionNames": allowed} if allowed else {})}
    return cast("ToolConfig", {"functionCallingConfig": config})


def _own_config(choice: Mapping[str, Any]) -> ToolConfig | None:
    """Gemini's own `toolConfig` in either case, `None` for a dict that is none."""
    config = {camel_case(key): value for key, value in choice.items()}
    if not config.keys() & _OWN_KEYS:
        return None
    calling = config.get("functionCallingConfig")
    if isinstance(calling, dict):
        config["functionCallingConfig"] = {camel_case(key): value for key, value in calling.items()}
    return cast("ToolConfig", config)


def _mode_and_names(choice: Any) -> tuple[str, list[str]]:
    if isinstance(choice, dict):
        function = choice.get("function")
        named = function.get("name") if isinstance(function, dict) else choice.get("name")
        choice = named or choice.get("type")
    if choice is True:
        return "ANY", []
    if isinstance(choice, str):
        if choice in _CODE_CHOICES:
            return "NONE", []
        return (_MODES[choice.lower()], []) if choice.lower() in _MODES else ("ANY", [choice])
    if isinstance(choice, (list, tuple)) and choice and all(isinstance(name, str) for name in choice):
        return "ANY", list(choice)
    raise ToolDeclarationError(
        f"tool_choice {choice!r} is of no known form; use a mode ({', '.join(_MODES)}) or a function's name"
    )
