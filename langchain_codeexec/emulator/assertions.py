"""A request an emulator received, for a test to look into."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from langchain_codeexec.emulator.brain import Prompt, last_text
from langchain_codeexec.emulator.interactions.reading import prompt_from
from langchain_codeexec.emulator.parsing import declared_functions, parse_message, tool_kinds
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.emulator.targets import GENERATING, Target
from langchain_codeexec.gemini.wire import Content, EndpointKind

__all__ = ["ReceivedRequest"]


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request the emulator received, as it was sent. Credentials are not kept.

    Attributes:
        path: URL path without the query.
        endpoint: Which service it was for; `None` where the path belongs to neither.
        model: Bare model name; empty where the path names none.
        method: `generateContent`, `streamGenerateContent`, `countTokens`, `createInteraction` and the like; `GET`
            for a look-up of a model.
        body: The JSON body before any normalising; `None` where there was none or it was not JSON.
        status: HTTP status of the answer. A stream that failed after its beginning has 200; 0 is no answer at all.
        received: When it came.
        number: Its number on the emulator's page; 0 where the page did not record it.
    """

    path: str
    endpoint: EndpointKind | None
    model: str
    method: str
    body: Any
    status: int
    received: datetime
    number: int = 0

    @property
    def generates(self) -> bool:
        """Whether it is a request to generate content."""
        return self.method in GENERATING and isinstance(self.body, dict)

    @property
    def streamed(self) -> bool:
        """Whether it is for a stream."""
        asks = self.method == "createInteraction" and self.generates and self.body.get("stream")
        return self.method == "streamGenerateContent" or asks is True

    @property
    def prompt(self) -> Prompt:
        """The request as a brain sees it, keys in camelCase; as it was sent where it could not be read."""
        endpoint, request = self.endpoint or "developer", self.body
        with suppress(EmulatedError):  # the service refused it for that as well
            target = Target(endpoint, "v1beta", self.model, self.method)
            steps = self.method == "createInteraction"
            request = (
                prompt_from(self.body, target)
                if steps
                else parse_message("GenerateContentRequest", self.body, target)
            )
        return Prompt(self.model, endpoint, cast("Any", request))

    @property
    def text(self) -> str:
        """What the last turn says, function responses as JSON."""
        return last_text(self.prompt)

    @property
    def contents(self) -> list[Content]:
        """The whole conversation."""
        return self.prompt.request.get("contents") or []

    @property
    def system(self) -> str:
        """The text of the system instruction."""
        parts = (self.prompt.request.get("systemInstruction") or {}).get("parts") or []
        return "".join(part.get("text", "") for part in parts)

    @property
    def tools(self) -> frozenset[str]:
        """The kinds of its tools: `codeExecution`, `functionDeclarations` and so on."""
        return frozenset(tool_kinds(self.prompt.request))

    @property
    def functions(self) -> frozenset[str]:
        """The names of its functions."""
        return frozenset(one.get("name", "") for one in declared_functions(self.prompt.request))
