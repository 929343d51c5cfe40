"""The specification of a call, all in the wire's terms, and the requests that can be made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from langchain_codeexec.gemini.capabilities import SCHEMA_KEYS, Destination
from langchain_codeexec.gemini.wire import (
    Content,
    FunctionDeclaration,
    GenerateContentRequest,
    Tool,
    ToolConfig,
)
from langchain_codeexec.messages.history_as_text import (
    contents_with_code_as_text,
    contents_with_functions_as_text,
)
from langchain_codeexec.messages.tools import CODE_EXECUTION, declares_code_execution, functions_in

__all__ = ["Specification"]

Json = dict[str, Any]


@dataclass(frozen=True)
class Specification:
    """What a call is about."""

    destination: Destination  # the model, and the service it is reached at
    contents: list[Content]  # the conversation, function calls and code both as the wire has them
    tools: list[Tool]  # everything declared, code execution included if it is wanted
    system: Content | None = None  # system text, if there is any
    tool_choice: ToolConfig = field(default_factory=ToolConfig)  # the choice of functions, as on the wire
    config: Json = field(default_factory=dict)  # the `generationConfig`
    rest: Json = field(default_factory=dict)  # further fields of the body, as they are

    @cached_property
    def wants_code(self) -> bool:
        """Whether code execution is declared."""
        return declares_code_execution(self.tools)

    @property
    def wants_schema(self) -> bool:
        """Whether the answer is to be JSON."""
        return not SCHEMA_KEYS.isdisjoint(self.config)

    @cached_property
    def functions(self) -> list[FunctionDeclaration]:
        """The declared functions."""
        return functions_in(self.tools)

    @cached_property
    def built_in_tools(self) -> list[Tool]:
        """The service's other built-in tools."""
        return [tool for tool in self.tools if not tool.keys() & {"functionDeclarations", "codeExecution"}]

    def request(
        self,
        *,
        code: bool,
        functions: Sequence[FunctionDeclaration],
        schema: bool = True,
        contents: Sequence[Content] | None = None,
    ) -> GenerateContentRequest:
        """A request that declares a choice of the tools; what it leaves out is text in its history.

        `functions` holds the delegate, too, and `contents` a conversation that has gone on, instead of the
        call's.
        """
        history = list(self.contents if contents is None else contents)
        if not code and _holds(history, "executableCode", "codeExecutionResult"):
            history = contents_with_code_as_text(history)
        if self.functions and not functions and _holds(history, "functionCall", "functionResponse"):
            history = contents_with_functions_as_text(history)
        tools: list[Tool] = [{"functionDeclarations": list(functions)}] if functions else []
        tools += self.built_in_tools
        if code:
            tools.append(next((tool for tool in self.tools if "codeExecution" in tool), CODE_EXECUTION))
        request: Json = {"contents": history}
        if self.system:
            request["systemInstruction"] = self.system
        if tools:
            request["tools"] = tools
        if choice := self._tool_config(code=code, functions=functions):
            request["toolConfig"] = choice
        config = self.config if schema else {k: v for k, v in self.config.items() if k not in SCHEMA_KEYS}
        if config:
            request["generationConfig"] = config
        return cast("GenerateContentRequest", {**request, **self.rest})

    def _tool_config(self, *, code: bool, functions: Sequence[FunctionDeclaration]) -> Json:
        """The choice, where there are functions to choose from, and the flag for built-in tools beside them."""
        config: Json = dict(self.tool_choice)
        calling = config.pop("functionCallingConfig", None)
        if not functions:
            return config
        if calling:
            config["functionCallingConfig"] = calling
            delegates = [one.get("name") for one in functions if one not in self.functions]
            if delegates:  # their calls are read by us, whole
                config["functionCallingConfig"] = calling = {
                    key: value for key, value in calling.items() if key != "streamFunctionCallArguments"
                }
            if allowed := calling.get("allowedFunctionNames"):
                config["functionCallingConfig"] = {**calling, "allowedFunctionNames": [*allowed, *delegates]}
        if (code or self.built_in_tools) and self.destination.accepts.server_side_flag:
            config["includeServerSideToolInvocations"] = True
        return config


def _holds(contents: Sequence[Content], *kinds: str) -> bool:
    """Whether a conversation has a part of one of these kinds."""
    return any(kind in part for content in contents for part in content.get("parts", ()) for kind in kinds)
