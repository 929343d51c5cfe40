"""A tool choice in any of LangChain's forms to `toolConfig`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from langchain_codeexec.errors import ToolDeclarationError
from langchain_codeexec.translation.declarations import camel_case, dumped, function_names

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
            a list of names, OpenAI's or Anthropic's dict, or Gemini's own `toolConfig`, as a dict or an object.
        tools: What the request declares.

    Raises:
        ToolDeclarationError: The choice names a function that is not declared, or is of no known form.
    """
    if choice is None or choice is False:
        return {}
    names = function_names(tools)
    if own := _own_config(dumped(choice) or choice):
        return own
    mode, allowed = _mode_and_names(choice)
    if unknown := [name for name in allowed if name not in names]:
        raise ToolDeclarationError(
            f"tool_choice names {', '.join(map(repr, unknown))}, "
            f"the declared functions: {', '.join(names) or 'none'}"
        )
    if not names:  # there is nothing to choose, and the service refuses a choice
        return {}
    config = {"mode": mode, **({"allowedFunctionNames": allowed} if allowed else {})}
    return cast("ToolConfig", {"functionCallingConfig": config})


def _own_config(choice: Any) -> ToolConfig | None:
    """Gemini's own `toolConfig` in either case, `None` for anything else."""
    if not isinstance(choice, dict):
        return None
    config = {camel_case(key): value for key, value in choice.items()}
    if not config.keys() & _OWN_KEYS:
        return None
    calling = config.get("functionCallingConfig")
    if isinstance(calling, dict):
        config["functionCallingConfig"] = {camel_case(key): value for key, value in calling.items()}
    return cast("ToolConfig", config)


def _mode_and_names(choice: Any) -> tuple[str, list[str]]:
    chosen = _named(choice) if isinstance(choice, dict) else choice
    if chosen is True:
        return "ANY", []
    if isinstance(chosen, str):
        if chosen in _CODE_CHOICES:
            return "NONE", []
        return (_MODES[chosen.lower()], []) if chosen.lower() in _MODES else ("ANY", [chosen])
    if isinstance(chosen, list | tuple) and chosen and all(isinstance(name, str) for name in chosen):
        return "ANY", list(chosen)
    raise ToolDeclarationError(
        f"tool_choice {choice!r} is of no known form; use a mode ({', '.join(_MODES)}) or a function's name"
    )


def _named(choice: Mapping[str, Any]) -> Any:
    """What OpenAI's or Anthropic's dict chooses: a function's name or a mode."""
    function = choice.get("function")
    named = function.get("name") if isinstance(function, dict) else choice.get("name")
    return named or choice.get("type")
