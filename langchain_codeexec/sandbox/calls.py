"""The calls of a run, seen from the host: read, counted, answered in threads, and over when the run is.

All calls arrive on one socket, which keeps their order, as lines of JSON; each names the socket that waits for its
reply. Whoever reads a call answers it, and another thread reads on: so only its caller waits for a function.
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
from threading import Lock, Thread
from typing import Any, NoReturn

from langchain_codeexec.errors import ExecutionRequestError, ExecutorError
from langchain_codeexec.executors.calls import HostCall, HostCalls, HostReply
from langchain_codeexec.executors.files import named_files

__all__ = ["RunningCalls"]

_READ = 1 << 16  # bytes
_HEAD = 1 << 12  # bytes of a call besides its arguments
_DEEPEST = 100  # lists and objects within each other
_LONGEST_ERROR = 10_000  # characters
_REFUSALS = 100  # calls too many of which a program is told before it is killed


class _ForgedError(Exception):
    """The program has written to the socket itself, or has gone on too long."""


@dataclass(eq=False)
class _Open:
    """A call, where its reply goes, when it came, and whether the program still waits for the function."""

    call: HostCall
    place: int
    since: float
    waits: bool = True


class RunningCalls:
    """What answers the calls of one run.

    Args:
        calls: The functions, the limits, and who answers.

    Raises:
        ExecutorError: There are no descriptors left.
    """

    def __init__(self, calls: HostCalls) -> None:
        self._calls, self._limits = calls, calls.limits
        self._names = {function.name for function in calls.functions}
        self._stop: Callable[[str], None] = lambda _: None
        self._lock, self._reading = Lock(), Lock()
        self._unread = bytearray()
        self._open: dict[int, _Open] = {}
        self._idle = self._number = self._waiting = 0
        self._worked = self._since = 0.0
        self._over = False
        self._error: BaseException | None = None
        try:
            pairs = [socket.socketpair() for _ in range(1 + self._limits.at_once)]
        except OSError as error:
            raise ExecutorError(f"no calls are possible: {error}; see `ulimit -n`") from error
        (self._requests, *self._replies), self._theirs = zip(*pairs, strict=True)
        for end in (self._requests, *self._replies, *self._theirs):
            end.setblocking(True)  # whatever `socket.setdefaulttimeout` says

    @property
    def descriptors(self) -> list[int]:
        """What the program gets: where it sends calls, and where it waits for replies."""
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
        self._start_thread()

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
            self._free(it)
            self._refuse(it.place, f"{it.call.name}: {limit}")

    def close(self) -> BaseException | None:
        """Cancel what is open, and let nothing in any more; what a function has raised is returned."""
        with self._lock:
            self._over = True
            left = [it for it in self._open.values() if self._settle(it)]
        for end in (self._requests, *self._replies):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # whoever waits for it goes on
        for it in left:
            self._cancel(it.call)
        for end in (self._requests, *self._replies, *self._theirs):
            end.close()
        return self._error

    def _start_thread(self) -> None:
        Thread(target=self._serve, name="codeexec-call", daemon=True).start()

    def _serve(self) -> None:
        while (it := self._next()) is not None:
            error, reply = None, b""
            try:
                reply = self._encoded(it.call, self._calls(it.call))
            except BaseException as raised:  # noqa: BLE001 -- comes out of the run
                error = raised
            with self._lock:
                if not self._settle(it):
                    continue
                if error is not None:
                    self._error = self._error or error
                    self._stop("raised")
                    return
            with suppress(OSError):
                if len(reply) > _READ:  # may have to wait for the program, which gets the end only then
                    self._replies[it.place].sendall(reply[:-1])
                    reply = reply[-1:]
                self._free(it)
                self._replies[it.place].sendall(reply)

    def _next(self) -> _Open | None:
        """The next call; `None` at the end, or where enough threads wait for one."""
        with self._lock:
            if self._idle >= self._limits.at_once:
                return None
            self._idle += 1
        it = None
        with self._reading, suppress(OSError, _ForgedError):
            it = self._read()
        with self._lock:
            self._idle -= 1
            is_last = it is not None and not self._idle
        if is_last:
            self._start_thread()
        return it

    def _read(self) -> _Open | None:
        """Wait for a call that can be answered; `None` at the end."""
        while True:
            line, end, rest = self._unread.partition(b"\n")
            if end:
                self._unread = rest
                it = self._opened(line)
                if it is not None:
                    return it
            elif len(line) > self._limits.argument_bytes + _HEAD:
                self._kill("forged")
            elif data := self._requests.recv(_READ):
                self._unread += data
            else:
                return None

    def _opened(self, line: bytearray) -> _Open | None:
        """Open the call in a line, unless something speaks against it, of which the program is told."""
        try:
            place, name, at, args = _DECODER.decode(line.decode())
        except (ValueError, RecursionError, TypeError):
            self._kill("forged")
        is_ours = isinstance(args, dict) and isinstance(name, str) and name in self._names
        is_ours = is_ours and all(type(number) is int and number >= 0 for number in (place, at))
        if not is_ours or place >= len(self._replies) or place in self._open:
            self._kill("forged")
        self._number += 1
        it = _Open(HostCall(self._number, name, args, at), place, time.monotonic())
        refusal = self._refusal(it, line)
        if refusal:
            self._refuse(place, refusal)
            return None
        with self._lock:
            if self._over:
                return None
            self._open[place] = it
            self._since = self._since if self._waiting else it.since
            self._waiting += 1
        return it

    def _refusal(self, it: _Open, line: bytearray) -> str:
        if it.call.number > self._limits.calls:
            if it.call.number > self._limits.calls + _REFUSALS:
                self._kill("calls")
            return f"{it.call.name}: a run can make {self._limits.calls} calls (calls)"
        if self.worked() > self._limits.total_seconds:
            return f"{it.call.name}: {self._total_words()}"
        if line.count(b"[") + line.count(b"{") > _DEEPEST and _is_deeper(it.call.args, _DEEPEST):
            return f"{it.call.name}: the arguments are nested more than {_DEEPEST} deep"
        try:
            if b"\\ud" in line.lower():
                json.dumps(it.call.args, ensure_ascii=False).encode()
        except ValueError:
            return f"{it.call.name}: an argument has half of a surrogate pair, which is no text"
        return ""

    def _total_words(self) -> str:
        return f"calls can take {self._limits.total_seconds:g} s together (total_seconds)"

    def _kill(self, reason: str) -> NoReturn:
        with self._lock:
            if not self._over:
                self._stop(reason)
        raise _ForgedError

    def _settle(self, it: _Open) -> bool:
        """Whether the program still waited for this call; from now on it does not. The lock is held."""
        waited, it.waits = it.waits, False
        if waited:
            self._worked = self._worked_until(now := time.monotonic())
            self._since = now
            self._waiting -= 1
        return waited

    def _worked_until(self, now: float) -> float:
        return self._worked + (now - self._since if self._waiting else 0.0)

    def _free(self, it: _Open) -> None:
        with self._lock:
            self._open.pop(it.place, None)

    def _refuse(self, place: int, words: str) -> None:
        """Have a call raise; a program that does not read what it gets does not learn of it."""
        with suppress(OSError):
            self._replies[place].send(_error(words), socket.MSG_DONTWAIT)

    def _cancel(self, call: HostCall) -> None:
        with suppress(Exception):
            self._calls.cancel(call)

    def _encoded(self, call: HostCall, reply: HostReply) -> bytes:
        if reply.error is not None:
            return _error(str(reply.error))
        try:
            files = {name: b64encode(data).decode() for name, data in named_files(reply.files)}
            encoded = json.dumps({"value": reply.value, "files": files}).encode() + b"\n"
        except ExecutionRequestError as error:
            return _error(f"{call.name}: {error}")
        except (TypeError, ValueError, RecursionError) as error:
            return _error(f"{call.name}: the result is no JSON: {error}")
        most = self._limits.result_bytes
        if len(encoded) > most:
            return _error(
                f"{call.name}: the result has {len(encoded)} bytes: {most} are allowed (result_bytes)"
            )
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
