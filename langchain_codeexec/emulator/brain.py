"""What decides the emulator's answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.gemini.transport import EndpointKind
    from langchain_codeexec.gemini.wire import GenerateContentRequest, GenerateContentResponse, Part

__all__ = ["Brain", "Prompt"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A checked request as a brain sees it.

    Attributes:
        model: Bare model name.
        endpoint: Which service the client believes it talks to.
        request: The body, keys in camelCase, already found valid, a cached content that it names in front.
        cached: How many tokens of it are that cached content's, by modality.
        notes: What a brain cares to say about how it came to its answer. The emulator's page shows it; clients
            do not see it.
    """

    model: str
    endpoint: EndpointKind
    request: GenerateContentRequest
    cached: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    notes: list[str] = field(default_factory=list, compare=False, repr=False)


class Brain(Protocol):
    """Decides what the model says.

    `respond` is a generator of parts. When it yields an `executableCode` part, the emulator runs the code,
    puts the `codeExecutionResult` part and any images into the answer, and sends the `ExecutionResult`
    back as the value of that `yield`; every other `yield` gives `None`. Ids and thought signatures are the
    emulator's business. It runs in a worker thread of its own, so it may block.

    Two things a brain may do beyond that: yield a list of parts, which goes out as it is (nothing is run and
    nothing added), and return the fields of the response it sets itself (`finishReason`, `usageMetadata`,
    `promptFeedback` and so on), which replace the emulator's. It may raise `EmulatedError` to answer with an
    error.
    """

    def respond(
        self, prompt: Prompt
    ) -> Generator[Part | list[Part], ExecutionResult | None, GenerateContentResponse | None]:
        """Answer one request, part by part."""
        ...
