"""The ingredients of a call, and the requests that can be made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from langchain_codeexec.gemini.capabilities import Capabilities, capabilities
from langchain_codeexec.messages.history_as_text import (
    contents_with_code_as_text,
    contents_with_functions_as_text,
)
from langchain_codeexec.messages.tools import CODE_EXECUTION, declares_code_execution, tool_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_codeexec.gemini.wire import (
        Content,
        EndpointKind,
        FunctionDeclaration,
        GenerateContentRequest,
        Tool,
    )

__all__ = ["Draft"]

Json = dict[str, Any]

_SCHEMA_KEYS: Final = frozenset({"responseMimeType", "responseJsonSchema", "responseSchema"})


@dataclass(frozen=True)
class Draft:
    """What a call is about, all in the wire's terms.

    Attributes:
        model: The model's name.
        endpoint: The service it is reached at.
        contents: The conversation, functions and code both as the wire has them.
        tools: Everything declared, code execution included if it is wanted.
        system: System text, if there is any.
        tool_choice: As the user gave it.
        config: The `generationConfig`.
        rest: Further fields of the body, as they are.
    """

    model: str
    endpoint: EndpointKind
    contents: list[Content]
    tools: list[Tool]
    system: Content | None = None
    tool_choice: Any = None
    config: Json = field(default_factory=dict)
    rest: Json = field(default_factory=dict)

    @property
    def accepts(self) -> Capabilities:
        """What the model accepts, as far as is known by now."""
        return capabilities(self.model, self.endpoint)

    @property
    def wants_code(self) -> bool:
        """Whether code execution is declared."""
        return declares_code_execution(self.tools)

    @property
    def wants_schema(self) -> bool:
        """Whether the answer is to be JSON."""
        return not _SCHEMA_KEYS.isdisjoint(self.config)

    @property
    def functions(self) -> list[FunctionDeclaration]:
        """The declared functions."""
        return [function for tool in self.tools for function in tool.get("functionDeclarations", ())]

    @property
    def choice_mode(self) -> str:
        """What the tool choice demands of functions: AUTO, ANY, NONE or VALIDATED."""
        return tool_config(self.tool_choice, self.tools).get("functionCallingConfig", {}).get("mode", "AUTO")

    @property
    def others(self) -> list[Tool]:
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

        Args:
            code: Whether it declares code execution.
            functions: The functions it declares, others than the user's included.
            schema: Whether it demands JSON where the call does.
            contents: A conversation that has gone on, instead of the call's.
        """
        told = list(self.contents if contents is None else contents)
        if not code:
            told = contents_with_code_as_text(told)
        if self.functions and not functions:
            told = contents_with_functions_as_text(told)
        request: Json = {"contents": told}
        if self.system:
            request["systemInstruction"] = self.system
        if tools := self._tools(code=code, functions=functions):
            request["tools"] = tools
        if choice := self._choice(tools):
            request["toolConfig"] = choice
        config = self.config if schema else {k: v for k, v in self.config.items() if k not in _SCHEMA_KEYS}
        if config:
            request["generationConfig"] = config
        return cast("GenerateContentRequest", {**request, **self.rest})

    def _tools(self, *, code: bool, functions: Sequence[FunctionDeclaration]) -> list[Tool]:
        own: list[Tool] = [{"functionDeclarations": list(functions)}] if functions else []
        return [*own, *self.others, *([self._code_tool()] if code else [])]

    def _code_tool(self) -> Tool:
        return next((tool for tool in self.tools if "codeExecution" in tool), CODE_EXECUTION)

    def _choice(self, tools: list[Tool]) -> Json:
        """The tool choice as far as it speaks of functions that are declared."""
        has_functions = any("functionDeclarations" in tool for tool in tools)
        config: Json = dict(tool_config(self.tool_choice, tools)) if has_functions else {}
        if has_functions and declares_code_execution(tools) and self.accepts.server_side_flag:
            config["includeServerSideToolInvocations"] = True
        return config
