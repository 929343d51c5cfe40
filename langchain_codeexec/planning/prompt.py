"""The prompt by which a model chooses: the rule, the declarations, the end of the conversation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from langchain_core.messages import HumanMessage, SystemMessage

from langchain_codeexec.executions import code_executions
from langchain_codeexec.planning.rules.conversation import attachments_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.messages import BaseMessage

    from langchain_codeexec.gemini.wire import FunctionDeclaration
    from langchain_codeexec.planning.plan import PlanRequest

__all__ = ["planning_prompt"]

_RULE: Final = """\
You decide what an assistant gets for its next step. Do not answer the user.

- code_execution: it may run Python in a sandbox with numpy, pandas, sympy and matplotlib, without network, \
files of the user's or installs. Right for whatever can be computed from what the conversation gives.
- functions: it may call the functions listed, which run on the user's side. Right where the user's own data, \
actions or the outside world are needed. Choose only names from the list, all that the next step needs.
- neither: for small talk, general knowledge, or when an argument must first be asked for.

{both} Calls that are answered need not be made again: if only computing is left, choose code execution."""
_BOTH: Final = {
    True: "Choose one of the two, never both.",
    False: "Choose both only if the next step needs both.",
}

_LAST_MESSAGES: Final = 8
_LONGEST_TEXT: Final = 1500
_LONGEST_DESCRIPTION: Final = 300


def planning_prompt(request: PlanRequest) -> list[BaseMessage]:
    """The messages that ask a model for a plan.

    Args:
        request: What is to be planned; of its conversation the last eight messages are shown.
    """
    functions = "\n".join(map(_signature, request.functions))
    conversation = "\n".join(
        line for message in request.messages[-_LAST_MESSAGES:] for line in _lines(message)
    )
    rule = _RULE.format(both=_BOTH[request.way == "one_sided"])
    return [
        SystemMessage(rule),
        HumanMessage(
            f"Functions:\n{functions}\n\nEnd of the conversation:\n{conversation}\n\n"
            "What does the assistant get for its next step?"
        ),
    ]


def _signature(function: FunctionDeclaration) -> str:
    """One line on a function: its name, parameters (`?` marks optional ones) and description."""
    declared: Any = function
    schema = declared.get("parametersJsonSchema") or declared.get("parameters")
    schema = schema if isinstance(schema, dict) else {}
    properties = schema.get("properties")
    required = schema.get("required") or ()
    names = properties if isinstance(properties, dict) else {}
    parameters = ", ".join(name if name in required else f"{name}?" for name in names)
    description = _short(str(declared.get("description") or ""), _LONGEST_DESCRIPTION)
    return f"- {declared.get('name')}({parameters}): {description}"


def _lines(message: BaseMessage) -> Iterator[str]:
    if text := _short(text_of(message.content)):
        yield f"{message.type}: {text}"
    for mime_type in attachments_of(message.content):
        yield f"{message.type}: [attached {mime_type}]"
    for call in getattr(message, "tool_calls", None) or ():
        arguments = _short(json.dumps(call.get("args"), default=str))
        yield f"{message.type}: [calls {call.get('name')}({arguments})]"
    for run in code_executions(message):
        outcome = run.outcome or "no result"
        yield f"{message.type}: [ran code: {_short(run.code)} -> {outcome}: {_short(run.output or '')}]"


def _short(text: str, longest: int = _LONGEST_TEXT) -> str:
    """A text in one line, its middle left out if it is long."""
    flat = " ".join(text.split())
    half = longest // 2
    return flat if len(flat) <= longest else f"{flat[:half]} … {flat[-half:]}"
