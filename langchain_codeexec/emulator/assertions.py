"""What an emulator was asked, for assertions.

What came in.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from langchain_codeexec.emulator.brain import Prompt
from langchain_codeexec.emulator.conditions import When, last_text, shown_prompt
from langchain_codeexec.emulator.parsing import parse_message
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.emulator.targets import Target

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from langchain_codeexec.gemini.wire import Content, EndpointKind, GenerateContentRequest

__all__ = ["AskedRequest", "RecordedRequest", "asked_requests", "assert_asked"]

_GENERATING = frozenset({"generateContent", "streamGenerateContent"})


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """A request to generate content.

    Attributes:
        model: Bare model name.
        body: The body, keys in camelCase; as it was sent where it could not be read.
        status: HTTP status of the answer.
        streamed: Whether a stream was asked for.
        prompt: The request as a brain sees it.
    """

    model: str
    body: GenerateContentRequest
    status: int
    streamed: bool
    prompt: Prompt

    @property
    def text(self) -> str:
        """What the last turn says, function responses as JSON."""
        return last_text(self.prompt)

    @property
    def contents(self) -> list[Content]:
        """The whole conversation."""
        return self.body.get("contents") or []

    @property
    def system(self) -> str:
        """The text of the system instruction."""
        parts = (self.body.get("systemInstruction") or {}).get("parts") or []
        return "".join(part.get("text", "") for part in parts)

    @property
    def tools(self) -> frozenset[str]:
        """The kinds of its tools: `codeExecution`, `functionDeclarations` and so on."""
        return frozenset(kind for tool in self.body.get("tools") or [] for kind in tool)

    @property
    def functions(self) -> frozenset[str]:
        """The names of its functions."""
        return frozenset(
            declaration.get("name", "")
            for tool in self.body.get("tools") or []
            for declaration in tool.get("functionDeclarations") or []
        )


def asked_requests(recorded: Iterable[RecordedRequest]) -> tuple[AskedRequest, ...]:
    """The requests to generate content among those recorded."""
    return tuple(_asked(one) for one in recorded if one.method in _GENERATING and isinstance(one.body, dict))


def assert_asked(
    asked: Iterable[AskedRequest],
    *,
    times: int | None = None,
    tools: Collection[str] | None = None,
    functions: Collection[str] | None = None,
    **conditions: str,
) -> None:
    """Check that something was asked.

    Args:
        asked: Where to look.
        times: How often; by default at least once.
        tools: The kinds of tools it declares, all of them.
        functions: The functions it declares, all of them.
        **conditions: `text`, `regex` and `model` as in `When`.

    Raises:
        AssertionError: It shows what was asked instead.
    """
    every = list(asked)
    when = When(reply="", **conditions)
    fitting = [
        one
        for one in every
        if when.fits(one.prompt)
        and (tools is None or one.tools == frozenset(tools))
        and (functions is None or one.functions == frozenset(functions))
    ]
    if bool(fitting) if times is None else len(fitting) == times:
        return
    wanted: dict[str, Any] = {**when.conditions, "tools": tools, "functions": functions}
    shown = {name: value for name, value in wanted.items() if value is not None}
    lines = [f"Asked: {shown_prompt(one.prompt)}" for one in every] or ["Nothing was asked."]
    expected = "at least once" if times is None else f"{times} times"
    raise AssertionError("\n".join([f"{shown} was asked {len(fitting)} times, not {expected}", *lines]))


def _asked(recorded: RecordedRequest) -> AskedRequest:
    endpoint = recorded.endpoint or "developer"
    body: Any = recorded.body
    with suppress(EmulatedError):  # the service refused it for that as well
        target = Target(endpoint, "v1beta", recorded.model, recorded.method)
        body = cast("Any", parse_message("GenerateContentRequest", body, target))
    streamed = recorded.method == "streamGenerateContent"
    return AskedRequest(
        recorded.model, body, recorded.status, streamed, Prompt(recorded.model, endpoint, body)
    )


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request the emulator received, as it was sent. Credentials are not kept.

    Attributes:
        path: URL path without the query.
        endpoint: Which service it was for; `None` where the path belongs to neither.
        model: Bare model name; empty where the path names none.
        method: `generateContent`, `streamGenerateContent`, `countTokens`; `GET` for a look-up.
        body: The JSON body before any normalising; `None` where there was none or it was not JSON.
        status: HTTP status of the answer. A stream that failed after its beginning has 200; 0 is no answer at all.
        number: Its number on the emulator's page, from 1 on; 0 where it has none.
        received: When it came.
    """

    path: str
    endpoint: EndpointKind | None
    model: str
    method: str
    body: Any
    status: int
    number: int = 0
    received: datetime | None = None
