"""The calls of a run, seen from the host: read, counted, answered in threads, and over when the run is.

Lines of JSON arrive on as many sockets as there may be calls at once, each with a thread that answers one after
another. Nothing is shared but their count: the program numbers its calls, and they are taken in that order.
"""

from __future__ import annotations

import json
import math
import socket
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any, NoReturn

from langchain_codeexec.errors import ExecutionRequestError, ExecutorError
from langchain_codeexec.executors.calls import HostCall, HostCalls, HostReply
from langchain_codeexec.executors.files import named_files

__all__ = ["RunningCalls"]

_READ = 1 << 16  # bytes
_HEAD = 1 << 12  # bytes of a call besides its arguments
_DEEPEST = 100  # lists and objects within each other
_LONGEST_ERROR = 10_000  # characters
_PATIENCE = 10.0  # seconds for a call to arrive that was sent before another
_REFUSALS = 100  # calls too many of which a program is told before it is killed


class _KilledError(Exception):
    """The program is to end for what it has sent."""


@dataclass(eq=False)
class _Open:
    """A call, where it came from, when, and whether the program still waits for the function."""

    call: HostCall
    place: int
    since: float
    waits: bool = True


class RunningCalls:
    """What answers the calls of one run.

    Args:
        calls: The functions, the limits, and who answers.

    Attributes:
        files: What has been laid into the program's working directory, by name.

    Raises:
        ExecutorError: There are no descriptors left.
    """

    def __init__(self, calls: HostCalls) -> None:
        self.files: dict[str, bytes] = {}
        self._calls, self._limits = calls, calls.limits
        self._names = {function.name for function in calls.functions}
        self._stop: Callable[[str], None] = lambda _: None
        self._lock = Condition()
        self._open: dict[int, _Open] = {}
        self._number = self._threads = 0
        self._worked = self._since = 0.0
        self._over = False
        self._error: BaseException | None = None
        try:
            pairs = [socket.socketpair() for _ in range(self._limits.at_once)]
        except OSError as error:
            raise ExecutorError(f"no calls are possible: {error}; see `ulimit -n`") from error
        self._places, self._theirs = zip(*pairs, strict=True)
        for end in (*self._places, *self._theirs):
            end.setblocking(True)  # whatever `socket.setdefaulttimeout` says

    @property
    def descriptors(self) -> list[int]:
        """What the program gets: a call is sent through each of them at a time."""
        return [end.fileno() for end in self._theirs]

    @property
    def header(self) -> dict[str, Any]:
        """What the program and its supervisor are told."""
        return {
            "functions": [[it.name, it.parameters, it.returns, it.doc] for it in self._calls.functions],
            "argument_bytes": self._limits.argument_bytes,
            "total_seconds": self._limits.total_seconds,
        }

    def start(self, stop: Callable[[str], None]) -> None:
        """Begin to answer.

        Args:
            stop: Has the program killed, for the reason that is given; does not wait for it.
        """
        self._stop = stop
        for end in self._theirs:  # which have got there
            end.close()
        self._start_thread(0)

    def worked(self) -> float:
        """Seconds during which calls were open."""
        with self._lock:
            return self._worked_until(time.monotonic())

    def cancel_late(self) -> None:
        """Give up calls that have taken too long; to be called now and then."""
        now = time.monotonic()
        with self._lock:
            total = self._worked_until(now) > self._limits.total_seconds
            late = [it for it in self._open.values() if total or now - it.since > self._limits.seconds]
            late = [it for it in late if self._settle(it)]
        for it in late:
            self._cancel(it.call)
            limit = self._total_words() if total else f"took longer than {self._limits.seconds:g} s (seconds)"
            with suppress(OSError):  # a program that does not read does not learn of it
                self._places[it.place].send(_error(f"{it.call.name}: {limit}"), socket.MSG_DONTWAIT)
            self._start_thread(it.place)  # the other one may never come back

    def close(self) -> BaseException | None:
        """Cancel what is open, and let nothing in any more; what a function has raised is returned."""
        with self._lock:
            self._over = True
            self._lock.notify_all()
            left = [it for it in list(self._open.values()) if self._settle(it)]
        for end in self._places:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # whoever waits for it goes on
        for end in (*self._theirs, *self._places[self._threads :], *(self._places[it.place] for it in left)):
            end.close()
        for it in left:
            self._cancel(it.call)
        return self._error

    def _start_thread(self, place: int) -> None:
        self._threads = max(self._threads, place + 1)
        try:
            Thread(target=self._serve, args=(place,), name="codeexec-call", daemon=True).start()
        except RuntimeError as error:
            self._fail(ExecutorError(f"no thread can be started: {error}"))

    def _serve(self, place: int) -> None:
        """Answer what comes from one place; closes it, unless it has been given to another thread or closed."""
        channel, unread = self._places[place], bytearray()
        with suppress(OSError, _KilledError):
            while data := channel.recv(_READ):
                unread += data
                if unread.endswith(b"\n"):
                    if not self._answer(unread, place):
                        return
                    unread.clear()
                elif len(unread) > self._limits.argument_bytes + _HEAD:
                    self._kill("forged")
        channel.close()

    def _answer(self, line: bytearray, place: int) -> bool:
        """Answer a call; false if the place is not for this thread any more."""
        it = self._opened(line, place)
        error, reply = None, b""
        if isinstance(it, str):
            reply = _error(it)
        else:
            try:
                reply = self._encoded(it.call, self._calls(it.call))
            except BaseException as raised:  # noqa: BLE001 -- comes out of the run
                error = raised
            with self._lock:
                if not self._settle(it):
                    return False
                if error is not None:
                    self._fail(error)
                    self._kill("raised")
        self._places[place].sendall(reply)
        return True

    def _opened(self, line: bytearray, place: int) -> _Open | str:
        """The call in a line, or what speaks against it, of which the program is told."""
        try:
            number, name, at, args = _DECODER.decode(line.decode())
        except (ValueError, RecursionError, TypeError):
            self._kill("forged")
        is_ours = isinstance(args, dict) and isinstance(name, str) and name in self._names
        if not is_ours or type(number) is not int or type(at) is not int or at < 0:
            self._kill("forged")
        if number > self._limits.calls + _REFUSALS:
            self._kill("calls")
        it = _Open(HostCall(number, name, args, at), place, time.monotonic())
        with self._lock:
            if self._number != number - 1:  # what was sent before it is on its way, unless this is forged
                self._lock.wait_for(lambda: self._over or self._number >= number - 1, _PATIENCE)
                if not self._over and self._number != number - 1:
                    self._kill("forged")
            self._number = number
            self._lock.notify_all()
            refusal = self._refusal(it, line)
            if refusal or self._over:
                return f"{name}: {refusal}"
            self._since = self._since if self._open else it.since
            self._open[place] = it
            is_last = place + 1 == self._threads < len(self._places)
        if is_last:
            self._start_thread(place + 1)
        return it

    def _refusal(self, it: _Open, line: bytearray) -> str:
        """What speaks against a call, of which the program is told."""
        if it.call.number > self._limits.calls:
            return f"a run can make {self._limits.calls} calls (calls)"
        if self._worked_until(it.since) > self._limits.total_seconds:
            return self._total_words()
        if line.count(b"[") + line.count(b"{") > _DEEPEST and _is_deeper(it.call.args, _DEEPEST):
            return f"the arguments are nested more than {_DEEPEST} deep"
        try:
            if b"\\ud" in line or b"\\uD" in line:
                json.dumps(it.call.args, ensure_ascii=False).encode()
        except ValueError:
            return "an argument has half of a surrogate pair, which is no text"
        return ""

    def _total_words(self) -> str:
        return f"calls can take {self._limits.total_seconds:g} s together (total_seconds)"

    def _fail(self, error: BaseException) -> None:
        """Have the run end with an exception."""
        with self._lock:
            if not self._over:
                self._error = self._error or error
                self._stop("raised")

    def _kill(self, reason: str) -> NoReturn:
        """Have the program killed, and be silent until it is: it is not to go on for having heard anything."""
        with self._lock:
            if not self._over:
                self._stop(reason)
            self._lock.wait_for(lambda: self._over)
        raise _KilledError

    def _settle(self, it: _Open) -> bool:
        """Whether the program still waited for this call; from now on it does not. The lock is held."""
        waited, it.waits = it.waits, False
        if waited:
            now = time.monotonic()
            self._worked = self._worked_until(now)
            self._since = now
            del self._open[it.place]
        return waited

    def _worked_until(self, now: float) -> float:
        return self._worked + (now - self._since if self._open else 0.0)

    def _cancel(self, call: HostCall) -> None:
        with suppress(Exception):
            self._calls.cancel(call)

    def _encoded(self, call: HostCall, reply: HostReply) -> bytes:
        if reply.error is not None:
            return _error(str(reply.error))
        most = self._limits.result_bytes
        try:
            files = dict(named_files(reply.files))
            size = sum(map(len, files.values()))
            laid = {name: b64encode(data).decode() for name, data in files.items() if size <= most}
            encoded = (
                json.dumps({"value": reply.value, **({"files": laid} if files else {})}).encode() + b"\n"
            )
        except ExecutionRequestError as error:
            return _error(f"{call.name}: {error}")
        except (TypeError, ValueError, RecursionError) as error:
            return _error(f"{call.name}: the result is no JSON: {error}")
        if (size := max(size, len(encoded))) > most:
            return _error(f"{call.name}: the result has {size} bytes: {most} are allowed (result_bytes)")
        self.files |= files
        return encoded


def _error(words: str) -> bytes:
    return json.dumps({"error": words[:_LONGEST_ERROR]}).encode() + b"\n"


def _is_deeper(value: object, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            child
            for parent in level
            if isinstance(parent, list | dict)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return bool(level)


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError(digits)
    return number


def _no_json(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_no_json)
