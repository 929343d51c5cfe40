"""A judge of clients: a program meets one fault a run, and each run gives a verdict on it.

Verdicts come from the requests that arrive and from how the program ends. A program notices what went wrong if it
fails, with an exception or an exit code other than 0, or asks again. What it never did is not judged.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, Literal, TypeAlias

from langchain_codeexec.emulator.answering import minted_by
from langchain_codeexec.emulator.assertions import ReceivedRequest
from langchain_codeexec.emulator.brain import Brain, Parts, Prompt
from langchain_codeexec.emulator.faults import Fault, FaultLike
from langchain_codeexec.emulator.parsing import (
    callable_functions,
    calling_config,
    tool_kinds,
)
from langchain_codeexec.emulator.scenes import SceneBrain
from langchain_codeexec.emulator.schema_filling import Filling
from langchain_codeexec.emulator.server import GeminiEmulator
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.errors import ConfigurationError

__all__ = ["Examiner", "Program", "Verdict", "judge", "run_command"]

State: TypeAlias = Literal["good", "bad", "not seen"]
Program: TypeAlias = Callable[[Mapping[str, str]], str]
"""Runs a client once, with the environment that leads it to the service; how it failed, or nothing."""

_WAIT = 3
"""Seconds a client is to wait: more than most wait unasked."""
_PATIENCE = 10
"""Seconds of silence."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a client does.

    Attributes:
        name: What it should do.
        state: Whether it does; `not seen` where it did not do what would tell.
        why: What was seen.
    """

    name: str
    state: State
    why: str

    def __str__(self) -> str:
        return f"{self.state:8}  {self.name}: {self.why}"


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: the requests to generate content, which answers had code, and how the program failed."""

    requests: Sequence[ReceivedRequest]
    coded: Collection[str]
    failure: str
    was_hit: bool
    position: int = 0

    def repeats(self, plain: _Run) -> int:
        """How often the request that was hit came again, beyond what it does without the fault."""
        hit = self.requests[self.position].body
        now, before = ([one.body for one in run.requests].count(hit) for run in (self, plain))
        return now - max(before, 1)

    def asks_again(self, plain: _Run) -> bool:
        """Whether that request, or any one more than without the fault, came after it."""
        return self.repeats(plain) > 0 or len(self.requests) > len(plain.requests)


def judge(program: Program, brain: Callable[[], Brain] | None = None, *, workers: int = 1) -> list[Verdict]:
    """Run a client once as it is and once for each fault.

    Args:
        program: The client.
        brain: Makes what answers it in each run; by default `Examiner`.
        workers: How many runs go on at the same time.

    Raises:
        ConfigurationError: It asked nothing of the service it was led to.
    """
    plain = _run(program, brain or Examiner)
    if not plain.requests:
        raise ConfigurationError(
            "the program sent no request to generate content. Remedy: let it take the service's address from "
            f"GOOGLE_GEMINI_BASE_URL or GOOGLE_VERTEX_BASE_URL. {plain.failure}".strip()
        )
    works = Verdict(
        "succeeds without a fault", "bad" if plain.failure else "good", plain.failure or "it does"
    )

    def verdict(case: _Case) -> Verdict:
        name, fault, streams, decide = case
        asked = (n for n, request in enumerate(plain.requests) if request.streamed or not streams)
        position = next(asked, None)
        if plain.failure or position is None:
            return Verdict(name, "not seen", "it fails anyway" if plain.failure else "it did not stream")
        *before, hit = (request.method for request in plain.requests[: position + 1])
        passing = (f"none:method={method}" for method in before)
        run = _run(program, brain or Examiner, *passing, {**Fault.of(fault).as_json(), "method": hit})
        if not run.was_hit or (streams and not run.requests[position].streamed):
            return Verdict(name, "not seen", "it did not ask as before")
        return Verdict(name, *decide(run, plain))

    with ThreadPoolExecutor(workers) as pool:
        return [works, *pool.map(verdict, _CASES), *_verdicts_on_history(plain)]


def _run(program: Program, brain: Callable[[], Brain], *faults: FaultLike) -> _Run:
    answering = brain()
    with GeminiEmulator(answering, faults=faults, grace=0, allow_unsafe_code=True) as emulator:
        places = dict.fromkeys(("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"), emulator.url)
        keys = dict.fromkeys(("GOOGLE_API_KEY", "GEMINI_API_KEY"), "emulated")
        failure = program({**places, **keys, "NO_PROXY": "127.0.0.1"})
        requests = [request for request in emulator.requests if request.generates]
        return _Run(
            requests,
            getattr(answering, "coded", ()),
            failure,
            not emulator.faults.pending,
            max(len(faults) - 1, 0),
        )


# -- verdicts on a fault -------------------------------------------------------------------------------------

_Decision: TypeAlias = tuple[State, str]
_Case: TypeAlias = tuple[str, str, bool, Callable[[_Run, _Run], _Decision]]


def _retried(run: _Run, plain: _Run) -> _Decision:
    if not run.asks_again(plain):
        return "bad", f"it did not ask again: {run.failure or 'it went on without the answer'}"
    first, second = run.requests[run.position : run.position + 2]
    waited = (second.received - first.received).total_seconds()
    return (
        "bad" if run.failure else "good",
        f"it asked again after {waited:.1f} s{run.failure and f': {run.failure}'}",
    )


def _waited(run: _Run, plain: _Run) -> _Decision:
    state, why = _retried(run, plain)
    first, *later = run.requests[run.position :]
    if state == "good" and (later[0].received - first.received).total_seconds() < _WAIT:
        return "bad", f"{why}, and was to wait {_WAIT} s"
    return state, why


def _not_repeated(run: _Run, plain: _Run) -> _Decision:
    times = run.repeats(plain)
    return ("bad", f"it sent the same again, {times} times") if times > 0 else ("good", "it does not")


def _noticed(run: _Run, plain: _Run) -> _Decision:
    if run.failure:
        return "good", f"it failed, {run.failure}"
    if run.asks_again(plain):
        return "good", "it asked again"
    return "bad", "it ended as if the answer were whole"


def _gave_up(run: _Run, plain: _Run) -> _Decision:
    state, why = _noticed(run, plain)
    return ("not seen", f"it waits longer than {_PATIENCE} s") if state == "bad" else (state, why)


_CASES: tuple[_Case, ...] = (
    ("waits and asks again after a 429", f"quota:retry_after={_WAIT}", False, _waited),
    ("asks again after a 503", "503", False, _retried),
    ("does not send again what got a 400", "400", False, _not_repeated),
    ("notices a stream that the network cut", "cut:after=1", True, _noticed),
    ("notices a stream that ends inside a chunk", "truncated:after=1", True, _noticed),
    ("notices a stream that ends without a finish reason", "unfinished:after=1", True, _noticed),
    ("notices an error in mid-stream", "error:after=1", True, _noticed),
    ("gives up on a silent service", f"latency:seconds={_PATIENCE}", False, _gave_up),
)


# -- verdicts on what goes back ------------------------------------------------------------------------------


def _verdicts_on_history(run: _Run) -> Iterator[Verdict]:
    sought = {
        "replays thought signatures": "signature",
        "keeps ids": "id",
        "sends code back as it came": "code",
    }
    seen = [item for request in run.requests for item in _sent_back(request, run.coded)]
    for name, aspect in sought.items():
        wrongs = [wrong for one, wrong in seen if one == aspect]
        if wrongs:
            yield Verdict(name, "bad" if any(wrongs) else "good", max(wrongs) or "it does")
        else:
            yield Verdict(name, "not seen", "it had nothing of the kind to send back")


def _sent_back(request: ReceivedRequest, coded: Collection[str]) -> Iterator[tuple[str, str]]:
    """What can be told from the model's turns in a request: the aspect, and what is wrong with it or nothing."""
    calls = set()
    signs = Target(request.endpoint or "developer", "v1beta", request.model).signs
    turns: Any = request.contents
    for turn in turns if signs else ():
        kinds: set[str] = set()
        for part in turn.get("parts") or []:
            kind = next((kind for kind in _LINKED if kind in part), "")
            if kind in ("executableCode", "functionCall") and kind not in kinds - {"executableCode"}:
                minted = minted_by(part.get("thoughtSignature", ""))
                yield "signature", "" if minted else f"{kind} went back without its thoughtSignature"
            if kind:
                given = part[kind].get("id")
                kept = given in calls if kind == "functionResponse" else given
                yield "id", "" if kept else f"{kind} has not the id it came with"
                calls |= {given} if kind == "functionCall" else set()
            kinds.add(kind)
    model = [part for turn in turns if turn.get("role") == "model" for part in turn.get("parts") or []]
    text = "".join(part.get("text", "") for part in model)
    ran = sum(step in text for step in coded)
    for kind, name, value in (("executableCode", "code", _CODE), ("codeExecutionResult", "output", _OUTPUT)):
        if ran:
            back = sum(part.get(kind, {}).get(name) == value for part in model)
            yield "code", "" if back >= ran else f"{kind} did not go back as it came"


_LINKED = ("executableCode", "codeExecutionResult", "functionCall", "functionResponse")


# -- what answers --------------------------------------------------------------------------------------------

_CODE, _OUTPUT = "print(6 * 7)", "42\n"


class Examiner:
    """Answers whatever it is asked: with code where that is declared, and with a call of a function there is.

    Attributes:
        coded: The texts in front of code.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.coded: list[str] = []

    def respond(self, prompt: Prompt) -> Parts:
        """Answer one request, part by part."""
        request = prompt.request
        kind = (request.get("generationConfig") or {}).get("responseMimeType", "text/plain")
        if kind != "text/plain" or calling_config(request).get("mode") == "ANY":
            yield from SceneBrain().respond(prompt)
            return None
        *_, last = request.get("contents") or [{}]
        functions = callable_functions(request)
        is_new = not any("functionResponse" in part for part in last.get("parts") or [])
        step = f"Step {next(self._numbers)}."
        yield {"text": step}
        if is_new and "codeExecution" in tool_kinds(request):
            self.coded.append(step)
            yield {"executableCode": {"code": _CODE}}
        if is_new and functions:
            schema = functions[0].get("parametersJsonSchema") or functions[0].get("parameters")
            args = Filling(schema or {"type": "object"}).filled() or {}
            yield {"functionCall": {"name": functions[0].get("name", ""), "args": args}}
        else:
            yield {"text": "The answer is 42, as far as I can tell from what I was given and what was run."}
        return None


# -- programs ------------------------------------------------------------------------------------------------


def run_command(command: Sequence[str], seconds: float, environment: Mapping[str, str]) -> str:
    """Run a client as a process; how it failed, or nothing.

    Args:
        command: The program and its arguments.
        seconds: How long it may take before it is ended.
        environment: Variables besides those there are.

    Raises:
        ConfigurationError: There is no such program.
    """
    with TemporaryFile() as output:
        ends: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        variables = {**os.environ, **environment}
        try:
            done = subprocess.run(command, env=variables, timeout=seconds, check=False, **ends)  # noqa: S603 -- the user's own
        except OSError as error:
            raise ConfigurationError(f"{command[0]!r} cannot be run: {error.strerror or error}") from error
        except subprocess.TimeoutExpired:
            return f"it still ran after {seconds:g} s"
        output.seek(0)
        lines = output.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"exit code {done.returncode}: {last}"[:_SHOWN] if done.returncode else ""


_SHOWN = 120
"""Characters of a failure."""
