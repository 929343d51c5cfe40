"""One answer in the making: a brain's parts, executed, linked and signed as the service does, and counted.

From Gemini 3 on code and calls have ids and thought signatures. The emulator's signatures hold no thoughts. They
say which of the two services minted them, because the services do not accept each other's.
"""

from __future__ import annotations

import base64
import secrets
import string
import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from functools import partial
from hashlib import sha256
from typing import NamedTuple, Protocol, TypeAlias, cast

from langchain_codeexec.emulator.brain import Brain, Prompt
from langchain_codeexec.emulator.parsing import bytes_from_base64, calling_config, declared_functions
from langchain_codeexec.emulator.service_errors import EmulatedError
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.emulator.tokens import Usage, cut_text, part_tokens, text_tokens
from langchain_codeexec.executions import ExecutionRequest, ExecutionResult, InlineFile, Outcome
from langchain_codeexec.executors.base import ExecutorSession
from langchain_codeexec.gemini.input_files import input_file_name
from langchain_codeexec.gemini.wire import (
    CodeExecutionResult,
    EndpointKind,
    ExecutableCode,
    GenerateContentRequest,
    GenerateContentResponse,
    Part,
)

__all__ = [
    "MENDING_ATTEMPTS",
    "Answer",
    "Run",
    "Sessions",
    "input_files",
    "is_changed",
    "mint_id",
    "mint_signature",
    "minted_by",
]

_Emitted: TypeAlias = Generator[Part, None, ExecutionResult | None]

_MARKS: dict[EndpointKind, bytes] = {"vertex": b"emulated-vertex:", "developer": b"emulated-developer:"}
_ALPHABET = string.ascii_lowercase + string.digits
_SIGNED = frozenset({"toolCall", "toolResponse"})


def mint_id() -> str:
    """A random id of eight characters, as Gemini 3 gives code and function calls."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def mint_signature(endpoint: EndpointKind) -> str:
    """An opaque signature, base64."""
    body = _MARKS[endpoint] + secrets.token_bytes(16)
    return base64.b64encode(body + _seal(body)).decode("ascii")


_SEAL = 8


def _seal(body: bytes) -> bytes:
    return sha256(body).digest()[:_SEAL]


def is_changed(signature: str) -> bool:
    """Whether a signature was the emulator's and is not as it was minted."""
    if minted_by(signature) is None:
        return False
    raw = bytes_from_base64(signature)
    return raw[-_SEAL:] != _seal(raw[:-_SEAL])


def minted_by(signature: str) -> EndpointKind | None:
    """Which emulated service minted a signature; `None` for one that is not the emulator's.

    Args:
        signature: Base64, standard or URL-safe, padded or not.
    """
    try:
        raw = bytes_from_base64(signature)
    except ValueError:
        return None
    return next((endpoint for endpoint, mark in _MARKS.items() if raw.startswith(mark)), None)


MENDING_ATTEMPTS = 5
"""How often in a row the model may write code anew that failed; the documentation of code execution says so."""


def input_files(request: GenerateContentRequest) -> tuple[InlineFile, ...]:
    """The user's inline files as the sandbox names them: `input_file_0.csv`, `input_file_1.png` and so on."""
    blobs = [
        part["inlineData"]
        for content in request.get("contents") or []
        if content.get("role") != "model"
        for part in content.get("parts") or []
        if "inlineData" in part
    ]
    return tuple(
        InlineFile(
            data=bytes_from_base64(blob.get("data", "")),
            mime_type=blob.get("mimeType", ""),
            name=input_file_name(index, blob.get("mimeType", "")),
        )
        for index, blob in enumerate(blobs)
    )


class Run(NamedTuple):
    """When a program ran, by `time.perf_counter`, and what it took."""

    began: float
    ended: float
    outcome: str
    cpu_time: float | None
    peak_memory: int | None


class Sessions(Protocol):
    """The part of an executor that an answer needs."""

    def session(self) -> AbstractContextManager[ExecutorSession]:
        """Open a session; leaving it frees what it holds."""
        ...


class Answer:
    """Runs a brain once and makes its parts the service's: executed, with ids and signatures, and counted.

    Attributes:
        target: Where the request went.
        fresh_usage: Begins a count of its tokens.
        usage: The tokens so far.
        fields: What the brain sets itself in the response; complete once `parts` is exhausted.
        finish_reason: Why the answer ended.
        verbatim: Whether what went out last was a list of parts sent as it is, or nothing at all.
        unsigned_text: Whether the answer ended with a text that lacks the signature Gemini 3 gives, and 2.5 beside
            functions.
        has_calls: Whether functions are called.
        runs: The programs that ran.
        logprobs: How many tokens are weighed at every place of the text; `None` where that is not asked for.
    """

    def __init__(
        self,
        brain: Brain,
        executor: Sessions,
        prompt: Prompt,
        target: Target,
        *,
        send_empty_output: bool = False,
    ) -> None:
        self.target = target
        self.fresh_usage = partial(Usage, prompt.request, target, prompt.cached)
        self.usage = self.fresh_usage()
        self.fields: GenerateContentResponse = {}
        self.finish_reason = "STOP"
        self.verbatim = True
        self.unsigned_text = False
        self.has_calls = False
        self.runs: list[Run] = []
        self._brain = brain
        self._executor = executor
        self._prompt = prompt
        self._send_empty_output = send_empty_output
        config = prompt.request.get("generationConfig") or {}
        self._signs_calls = target.signs or self.usage.thinks
        self._signs_text = target.signs or (self._signs_calls and bool(declared_functions(prompt.request)))
        self._streams_arguments = bool(calling_config(prompt.request).get("streamFunctionCallArguments"))
        self.logprobs = config.get("logprobs", 0) if config.get("responseLogprobs") else None
        self._budget = config.get("maxOutputTokens") or None
        self._stops = config.get("stopSequences") or []
        self._files = input_files(prompt.request)
        self._session: ExecutorSession | None = None
        self._stack = ExitStack()
        self._after_call = False
        self._failures = 0
        self._over = False

    def parts(self) -> Iterator[Part]:
        """Answer part by part; text comes whole. Leaving early closes the brain and the sandbox.

        Raises:
            EmulatedError: The brain answers with an error.
            ExecutorError: The sandbox is broken.
        """
        items = self._brain.respond(self._prompt)
        feedback: ExecutionResult | None = None
        with self._stack, closing(items):
            while not self._over:
                try:
                    item = items.send(feedback)
                except StopIteration as end:
                    self.fields = cast("GenerateContentResponse", end.value or {})
                    return
                feedback = yield from self._item(item)

    def stop(self) -> None:
        """End the answer from another thread, and the code that runs where its session can do that."""
        self._over = True
        if cancel := getattr(self._session, "cancel", None):
            cancel()

    def streams_arguments(self, part: Part) -> bool:
        """Whether a part is a call whose arguments go out piece by piece."""
        return self._streams_arguments and not self.verbatim and "functionCall" in part

    def _item(self, item: Part | list[Part]) -> _Emitted:
        self.verbatim = isinstance(item, list)
        self.unsigned_text = False
        if isinstance(item, list):
            self._after_call = False
            for part in item:
                yield self._counted(part)
            return None
        live = {"text": self._text, "functionCall": self._call, "executableCode": self._code}
        key = next((key for key in live if key in item), "")
        result = yield from live.get(key, self._as_is)(item)
        self._after_call = key == "functionCall"
        return result

    def _counted(self, part: Part) -> Part:
        self.usage.add(part)
        return part

    def _signed(self, part: Part, *, signs: bool) -> Part:
        if not signs or "thoughtSignature" in part:
            return part
        return {**part, "thoughtSignature": mint_signature(self.target.endpoint)}

    def _fits(self, tokens: int) -> bool:
        """Whether so many tokens are within `maxOutputTokens`; ends the answer where they are not."""
        if self._budget is None or self.usage.candidates + tokens <= self._budget:
            return True
        self._end("MAX_TOKENS")
        return False

    def _end(self, reason: str) -> None:
        self.finish_reason = reason
        self._over = True

    def _as_is(self, part: Part) -> _Emitted:
        """What other tools did is signed as well, and what a model made that draws."""
        is_signed = not _SIGNED.isdisjoint(part) or ("inlineData" in part and self.target.draws)
        yield self._counted(self._signed(part, signs=self.target.signs and is_signed))
        return None

    def _text(self, part: Part) -> _Emitted:
        text = part.get("text", "")
        if not part.get("thought"):
            text = self._stopped(text)
        if not self._fits(text_tokens(text)):
            text = cut_text(text, cast("int", self._budget) - self.usage.candidates)
        if self._over and not text:
            return None
        self.unsigned_text = self._signs_text and not part.get("thought") and "thoughtSignature" not in part
        yield self._counted({**part, "text": text})
        return None

    def _stopped(self, text: str) -> str:
        """The text up to the first stop sequence, which ends the answer."""
        places = [place for stop in self._stops if stop and (place := text.find(stop)) >= 0]
        if not places:
            return text
        self._end("STOP")
        return text[: min(places)]

    def _call(self, part: Part) -> _Emitted:
        """Gemini 3 gives every call an id; thoughts sign the first call of a parallel group."""
        if not self._fits(part_tokens(part)[1]):
            return None
        self.has_calls = True
        if self.target.signs:
            part = {**part, "functionCall": {"id": mint_id(), **part.get("functionCall", {})}}
        yield self._counted(self._signed(part, signs=self._signs_calls and not self._after_call))
        return None

    def _code(self, part: Part) -> _Emitted:
        """Run the code and say what it did, its plots after the result; what keeps failing ends the answer."""
        if self._failures > MENDING_ATTEMPTS:
            self._end("TOO_MANY_TOOL_CALLS")
            return None
        if not self._fits(part_tokens(part)[1]):
            return None
        code: ExecutableCode = {"language": "PYTHON", **part.get("executableCode", {})}
        if self.target.signs:
            code = {"id": mint_id(), **code}
        yield self._counted(self._signed({**part, "executableCode": code}, signs=self.target.signs))
        result = self._run(code)
        self._failures = 0 if result.outcome is Outcome.OK else self._failures + 1
        yield self._counted({"codeExecutionResult": self._result(result, code)})
        for image in result.images:
            data = base64.b64encode(image.data).decode("ascii")
            yield self._counted({"inlineData": {"mimeType": image.mime_type, "data": data}})
        return result

    def _run(self, code: ExecutableCode) -> ExecutionResult:
        """Run in the request's session, which opens at the first code and gets the user's files then."""
        if self._session is None:
            self._session = self._stack.enter_context(self._executor.session())
        if self._over:
            raise EmulatedError(499, message="The client went away.")
        files, self._files = self._files, ()
        request = ExecutionRequest(
            code=code.get("code", ""), language=code.get("language", "PYTHON"), files=files
        )
        began = time.perf_counter()
        result = self._session.run(request)
        ended = time.perf_counter()
        self.runs.append(Run(began, ended, result.outcome.value, result.cpu_time, result.peak_memory))
        return result

    def _result(self, result: ExecutionResult, code: ExecutableCode) -> CodeExecutionResult:
        part: CodeExecutionResult = {"outcome": result.outcome.value}
        if result.output or self._send_empty_output:
            part["output"] = result.output
        if "id" in code:
            part["id"] = code["id"]
        return part
