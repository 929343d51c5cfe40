"""What decides the emulator's answers.

What a script may answer to one request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from langchain_codeexec.emulator.service_errors import EmulatedError
    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.gemini.wire import (
        EndpointKind,
        GenerateContentRequest,
        GenerateContentResponse,
        Part,
    )

__all__ = ["Brain", "Prompt", "Said", "Step"]


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

    A brain with an attribute `stand_in`, a few words, has them behind the model's name in its answers, so that a
    kept answer is not taken for the service's.

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


_Listed: TypeAlias = "list[str | Part | EmulatedError]"
Said: TypeAlias = "Generator[Part | list[Part], ExecutionResult | None, GenerateContentResponse | None]"
"""An answer said piece by piece."""
Step: TypeAlias = "str | _Listed | GenerateContentResponse | EmulatedError | Callable[[Prompt], Step | Said]"
"""The answer to one request.

- a text;
- a list of parts, where a text stands for a text part and an `EmulatedError` breaks off there. Code is
  really run; if a `codeExecutionResult` follows every code, the list goes out as it is written;
- a whole response, sent as it is written, completed by what it lacks (a field set to `None` stays out);
- an `EmulatedError`;
- a function of the prompt that gives one of these, or that yields texts and parts: what `yield` gives it for
  code is the `ExecutionResult`, so that it can write failing code anew.
"""
