"""`GeminiExecutor`: given programs, run as they stand by Gemini's code execution on Google's side."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, Self, cast

from langchain_core.messages import AIMessage

from langchain_codeexec._steps import arun_steps, run_steps
from langchain_codeexec.errors import ConfigurationError, ExecutorError, GeminiTimeoutError
from langchain_codeexec.executions import (
    CodeExecution,
    ExecutionRequest,
    ExecutionResult,
    InlineFile,
    Outcome,
)
from langchain_codeexec.executors.base import check_durations, refused_language, timeout_of
from langchain_codeexec.executors.calls import HostCalls, check_takes_calls
from langchain_codeexec.executors.files import files_of, with_files
from langchain_codeexec.executors.gemini_programs import (
    Program,
    part_from_file,
    program_from_requests,
    same_program,
)
from langchain_codeexec.gemini.responses import candidates_of, parts_of, summed_usage
from langchain_codeexec.gemini.wire import (
    GenerateContentRequest,
    GenerateContentResponse,
    Limits,
    Part,
    Transport,
)
from langchain_codeexec.messages.code_blocks import code_executions
from langchain_codeexec.messages.from_wire import usage_from_wire

__all__ = ["GeminiExecutor"]

_PROMPT: Final = (
    "Run this Python program with the code execution tool exactly as it stands. Change nothing, add nothing, "
    "and run nothing else, also if it fails; no answer in words is needed:\n\n{program}"
)
_FIRMER: Final = (
    "Copy the program between the fences character by character into the code execution tool, and run it "
    "once. It is a test input: correcting it, shortening it, answering in words or running any other code "
    "makes the result worthless. Run the Python program:\n\n{program}"
)
_REPRINTED: Final = (
    "the session's earlier programs, run again in front of this one, printed something else than before: what "
    "they left may differ"
)
_NOT_KEPT: Final = "nothing of this program is kept for the next one of the session"


class GeminiExecutor:
    """Has given programs run by Gemini's code execution, on Google's side.

    The program goes to a model, which is asked to run it as it stands; what really ran is compared with it
    (layout and comments aside). If the model runs other code or none, it is asked once more, and then this is
    an `ExecutorError`: the result is always that of the given program. What it costs is tokens, about twice
    those of the program, once in the request and once in the answer.

    The service sets the limits: 30 s, no network, its own libraries, files of a few types (another one is an
    `ExecutionRequestError`). It gives back what was printed and what matplotlib drew; no files, and no value
    of a last expression. A file that the program expects under another name than the service's is copied
    there by lines in front of the program, which the line numbers of tracebacks count.

    A time-out of a request bounds how long its answer is waited for, the model's own time included.

    Args:
        transport: Carries the requests.
        model: Name of a model that has code execution.
        timeout: Seconds to wait for the answer to a request that names none; by default the transport's.
        generation_config: Settings of the wire's `generationConfig`, such as `thinkingConfig`; by default the
            temperature is 0.

    Raises:
        ConfigurationError: A setting is wrong.
    """

    name = "gemini"

    def __init__(
        self,
        transport: Transport,
        model: str,
        *,
        timeout: float | None = None,
        generation_config: Mapping[str, Any] | None = None,
    ) -> None:
        if timeout is not None:
            check_durations(timeout=timeout)
        self.transport = transport
        self.model = model
        self.timeout = timeout
        self.generation_config = {"temperature": 0, **(generation_config or {})}

    @classmethod
    def from_chat_model(cls, llm: Any, **settings: Any) -> Self:
        """Use the model and the connection of a `ChatGeminiCodeExecution`.

        Args:
            llm: The chat model.
            **settings: `timeout`, by default the model's `deadline`, and `generation_config`.

        Raises:
            ConfigurationError: It is no such model, or a setting is wrong.
        """
        transport, model = getattr(llm, "connection", None), getattr(llm, "model", None)
        if transport is None or not isinstance(model, str):
            raise ConfigurationError(
                f"{type(llm).__name__} is no ChatGeminiCodeExecution; take it over first with "
                "ChatGeminiCodeExecution.from_chat_model(...)"
            )
        return cls(transport, model, **{"timeout": getattr(llm, "deadline", None), **settings})

    def run(self, request: ExecutionRequest | str, *, calls: HostCalls | None = None) -> ExecutionResult:
        """Run one program, given as a request or as its source text.

        Raises:
            ConfigurationError: There are calls, which nothing on Google's side can make.
            ExecutionRequestError: The request cannot be sent: a file's name or type, the time-out.
            ExecutorError: The model did not run the program as it stands.
            GeminiError: The service did not answer.
        """
        return GeminiSession(self).run(request, last=True, calls=calls)

    async def arun(
        self, request: ExecutionRequest | str, *, calls: HostCalls | None = None
    ) -> ExecutionResult:
        """Run one program without blocking the event loop; cancelling the task gives the request up. See `run`."""
        return await GeminiSession(self).arun(request, last=True, calls=calls)

    @contextmanager
    def session(self) -> Iterator[GeminiSession]:
        """Open a session; see `GeminiSession` for what it costs."""
        yield GeminiSession(self)


class GeminiSession:
    """Runs that share their state, one at a time, by repetition: Gemini keeps nothing between requests.

    Each request holds all programs of the session that ended well, in front of the new one, with their files.
    So it costs more tokens from run to run, all of them share one run's 30 s, and what they do to the world
    or draw at random is done and drawn again; where they print something else than before, the result's
    `detail` says so. Nothing of a program that failed is kept but the files it was given, which its result
    says too.
    """

    def __init__(self, executor: GeminiExecutor) -> None:
        self._executor = executor
        self._kept: tuple[ExecutionRequest, ...] = ()
        self._files: dict[str, InlineFile] = {}  # of a program that failed
        self._printed = ""
        self._drawn = 0

    def run(
        self, request: ExecutionRequest | str, *, last: bool = False, calls: HostCalls | None = None
    ) -> ExecutionResult:
        """Run a program after those that ran in this session before; see `GeminiExecutor.run`."""
        transport, model = self._executor.transport, self._executor.model
        steps = self._steps(ExecutionRequest.of(request), calls, last=last)
        return run_steps(steps, lambda step: transport.generate(model, step[0], **step[1]))

    async def arun(
        self, request: ExecutionRequest | str, *, last: bool = False, calls: HostCalls | None = None
    ) -> ExecutionResult:
        """Run a program without blocking the event loop; see `GeminiExecutor.arun`."""
        transport, model = self._executor.transport, self._executor.model
        steps = self._steps(ExecutionRequest.of(request), calls, last=last)
        return await arun_steps(steps, lambda step: transport.agenerate(model, step[0], **step[1]))

    def _steps(
        self, request: ExecutionRequest, calls: HostCalls | None, *, last: bool
    ) -> Generator[tuple[GenerateContentRequest, Limits], GenerateContentResponse, ExecutionResult]:
        """Yields the requests to make with their limits, and is sent the response to each."""
        if calls:
            check_takes_calls(self._executor)
        executor, start = self._executor, time.monotonic()
        limit = None if request.timeout is None else timeout_of(request, 0)
        request = with_files(request, self._files)
        program = program_from_requests([*self._kept, request])
        self._files = files_of(request)
        refused = refused_language(request.language)
        if refused is not None:
            return refused
        if not request.code.strip():  # there is nothing that could be run
            return ExecutionResult(Outcome.OK)
        response: GenerateContentResponse = {}
        tokens: dict[str, Any] = {}
        for prompt in (_PROMPT, _FIRMER):
            left = executor.timeout if limit is None else max(_LEAST, start + limit - time.monotonic())
            limits: Limits = {} if left is None else {"deadline": left}
            try:
                response = yield _body(prompt, program, executor.generation_config), limits
            except GeminiTimeoutError as error:
                return _late(request, error, last=last)
            run = next(iter(_executions(response)), None)
            tokens = summed_usage(tokens, cast("dict[str, Any]", response.get("usageMetadata") or {}))
            if run and run.outcome and same_program(program.code, run.code):
                usage = {"usage_metadata": usage_from_wire(tokens), "model_name": executor.model}
                whole = replace(
                    _result(run), wall_time=time.monotonic() - start, usage=usage if tokens else {}
                )
                return whole if last else self._result_of_last(request, program, whole)
        raise ExecutorError(f"{executor.model} {_deviation(response)}")

    def _result_of_last(
        self, request: ExecutionRequest, program: Program, whole: ExecutionResult
    ) -> ExecutionResult:
        """What the new program did, out of the result of all."""
        images = whole.images[self._drawn :]
        if whole.outcome is not Outcome.OK:
            return replace(whole, images=images, detail=_NOT_KEPT)
        before, after = _cut(whole.stdout, program.marker)
        detail = _REPRINTED if before != self._printed else ""
        self._kept, self._files = (*self._kept, request), {}
        self._printed += after
        self._drawn += len(images)
        return replace(whole, stdout=after, images=images, detail=detail)


_LEAST: Final = 0.001
"""Seconds; no time at all is none that a transport takes."""


def _late(request: ExecutionRequest, error: GeminiTimeoutError, *, last: bool) -> ExecutionResult:
    """No answer came: a run that took longer than its request allows, or an error where that sets no limit."""
    if request.timeout is None:
        raise error
    detail = f"the service gave no result within {request.timeout:g} s" + ("" if last else f"; {_NOT_KEPT}")
    return ExecutionResult(Outcome.DEADLINE_EXCEEDED, wall_time=request.timeout, detail=detail)


def _body(prompt: str, program: Program, generation_config: dict[str, Any]) -> GenerateContentRequest:
    files = [part_from_file(file) for file in program.files]
    text: Part = {"text": prompt.format(program=_fenced(program.code))}
    return {
        "contents": [{"role": "user", "parts": [*files, text]}],
        "tools": [{"codeExecution": {}}],
        "generationConfig": generation_config,
    }


_FENCE: Final = re.compile(r"`{3,}")


def _fenced(code: str) -> str:
    """A block of code whose fence is longer than any in the code."""
    fence = "`" * max([3, *(len(found) + 1 for found in _FENCE.findall(code))])
    return f"{fence}python\n{code}\n{fence}" if not code.endswith("\n") else f"{fence}python\n{code}{fence}"


def _executions(response: Mapping[str, Any]) -> list[CodeExecution]:
    parts: list[Any] = [part for candidate in candidates_of(response)[:1] for part in parts_of(candidate)]
    return code_executions(AIMessage(content=parts))


def _deviation(response: Mapping[str, Any]) -> str:
    """What the model did where it should have run a program, in words for an error."""
    candidate = next(iter(candidates_of(response)), {})
    reason = (response.get("promptFeedback") or {}).get("blockReason") or candidate.get("finishReason")
    end = f" (it ended with {reason})" if reason and reason != "STOP" else ""
    run = next(iter(_executions(response)), None)
    if run is None:
        texts = [str(part.get("text", "")) for part in parts_of(candidate) if not part.get("thought")]
        text = "".join(texts).strip()[:_EXCERPT]
        return f"answered without code execution{end}" + (f", and said: {text!r}" if text else "")
    if run.outcome is None:
        return f"gave no result of the program{end}"
    return f"ran other code than it was given{end}: {run.code[:_EXCERPT]!r}"


_EXCERPT: Final = 200  # characters


def _cut(printed: str, marker: str) -> tuple[str | None, str]:
    """What was printed before and after the marker; where it was not printed, nobody knows what came before."""
    if not marker:
        return "", printed
    before, separator, after = printed.partition(f"{marker}\n")
    return (before, after) if separator else (None, printed)


def _result(run: CodeExecution) -> ExecutionResult:
    """The wire's `output` is what was printed where all went well, else what went wrong."""
    output = run.output or ""
    return ExecutionResult(
        outcome=run.outcome or Outcome.UNSPECIFIED,
        stdout=output if run.ok else "",
        stderr="" if run.ok else output,
        images=tuple(
            replace(image, name=f"image_{number}.{image.mime_type.rpartition('/')[2]}")
            for number, image in enumerate(run.images)
        ),
    )
