"""The functions of the host as a program finds them: a call is a line of JSON on a socket, and so is its reply."""

from __future__ import annotations

import builtins
import json
import os
import socket
import sys
import threading
import typing
from base64 import b64decode
from contextlib import suppress
from errno import EBADF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["FILENAME", "Calls", "ToolError"]

# ruff: noqa: PTH123, S102 -- as few imports as can be; the source that is executed is the host's

FILENAME = "<host>"
_READ = 1 << 16  # bytes
_LOOKS = 60
_VARARGS, _VARKEYWORDS = 0x04, 0x08  # inspect.CO_VARARGS and CO_VARKEYWORDS
_ANNOTATIONS = 0x1000000  # __future__.annotations.compiler_flag


class ToolError(Exception):
    """A function of the host has failed, or a limit of calls is reached."""


ToolError.__module__ = "builtins"
setattr(builtins, "ToolError", ToolError)  # noqa: B010 -- where every program finds it


class _Here(threading.local):
    """What `gather` tells the calls that are made in one of its threads."""

    line = 0
    sent: threading.Event | None = None


class Calls:
    """What a run can call.

    Args:
        given: From the host: the functions, and how large arguments can be.
        descriptors: Where calls are sent, one at a time through each.
        filename: What the program's code is compiled as.

    Attributes:
        functions: All that is to be called, by name.
    """

    def __init__(self, given: dict[str, Any], descriptors: Sequence[int], filename: str) -> None:
        self._channels = [socket.socket(fileno=fd) for fd in descriptors]
        for channel in self._channels:
            channel.settimeout(None)
        self._free = self._channels[::-1]  # the first of them first, as the host expects
        self._usable = len(self._free)
        self._freed, self._waiting = threading.Condition(), 0
        self._sending = threading.Lock()
        self._number = 0
        self._why_not = "too many calls have been interrupted in this run"
        self._most = given["argument_bytes"]
        self._process, self._filename = os.getpid(), filename
        self._here = _Here()
        self.functions: dict[str, Any] = {"gather": self._gather()}
        self.functions |= {name: self._function(name, *rest) for name, *rest in given["functions"]}

    def close(self) -> None:
        """Let go on whoever still waits for a reply; a socket that a call goes through is closed by that call.

        Were it closed here, the call could begin to read from the next run's socket of the same number.
        """
        self._usable, self._why_not = 0, "the host takes no calls any more"
        for channel in self._channels:
            with suppress(OSError):  # the program has closed it
                channel.shutdown(socket.SHUT_RDWR)
        with suppress(IndexError):
            while True:
                _close(self._free.pop())

    def _function(self, name: str, parameters: str, returns: str, doc: str) -> Any:
        """A function that binds its arguments as any other does, and sends them."""
        source = f"def {name}({parameters}) -> {returns}:\n {doc!r}\n return __call(__locals())"
        names: dict[str, Any] = {**vars(typing), "__locals": locals, "__name__": "__main__"}
        try:
            exec(compile(source, FILENAME, "exec", 0, dont_inherit=True), names)
        except Exception:  # noqa: BLE001 -- an annotation that means something to its reader alone
            exec(compile(source, FILENAME, "exec", _ANNOTATIONS, dont_inherit=True), names)
        function = names[name]
        function.__doc__ = doc or None
        code = function.__code__
        last = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & _VARARGS)
        rest = code.co_varnames[last] if code.co_flags & _VARKEYWORDS else ""

        def call(args: dict[str, Any]) -> Any:
            args |= args.pop(rest) if rest else {}
            return self._call(name, {key: value for key, value in args.items() if value is not ...})

        names["__call"] = call
        return function

    def _call(self, name: str, args: dict[str, Any]) -> Any:
        if os.getpid() != self._process:
            raise ToolError(f"{name} cannot be called in a fork of the program's process")
        encoded = _ENCODER.encode(args)
        if len(encoded) > self._most:
            raise ToolError(
                f"{name}: the arguments have {len(encoded)} bytes: {self._most} are allowed (argument_bytes)"
            )
        line = self._here.line or _line(self._filename)
        channel, whole = None, False
        try:
            with (
                self._sending
            ):  # the host listens to one channel more than calls before this one came through
                channel = self._take(name)
                self._send(channel, f'"{name}", {line}, {encoded}]\n')
            if self._here.sent:
                self._here.sent.set()
            reply = _receive(channel)
            whole = True
        except OSError as error:
            if isinstance(error, ConnectionError) or error.errno == EBADF:
                raise ToolError(f"{name}: the host takes no calls any more") from None
            raise  # an alarm of the program's
        finally:
            if channel is not None:
                self._give_back(channel, whole=whole)
        if "error" in reply:
            raise ToolError(reply["error"])
        for file, data in reply.get("files", {}).items():
            with open(file, "wb") as target:
                target.write(b64decode(data))
        return reply["value"]

    def _take(self, name: str) -> socket.socket:
        """Wait for one that no other call goes through."""
        while self._usable > 0:
            try:
                return self._free.pop()
            except IndexError:
                with self._freed:
                    self._waiting += 1
                    if not self._free and self._usable > 0:
                        self._freed.wait()
                    self._waiting -= 1
        raise ToolError(f"{name}: {self._why_not}")

    def _give_back(self, channel: socket.socket, *, whole: bool) -> None:
        """Let another call have it, unless a reply may still come that nobody waits for."""
        if whole and self._usable > 0:
            self._free.append(channel)
        else:
            _close(channel)
            self._usable -= 1
        if self._waiting or not whole:
            with self._freed:
                self._freed.notify_all()

    def _send(self, channel: socket.socket, rest: str) -> None:
        try:
            channel.sendall(f"[{self._number + 1}, {rest}".encode())
            self._number += 1
        except BaseException:  # in the middle of a line, perhaps, and the next would have a wrong number
            self.close()
            raise

    def _gather(self) -> Callable[..., list[Any]]:
        def gather(*calls: Any) -> list[Any]:
            """Call functions side by side, and give their results in order.

            Args:
                *calls: Functions without arguments, or tuples of a function and its arguments.

            Raises:
                Exception: That of the first of them that has failed, when all have ended.
            """
            line, places = _line(self._filename), threading.Semaphore(len(self._channels))
            results: list[Any] = [None] * len(calls)
            errors: dict[int, BaseException] = {}

            def run(index: int, sent: threading.Event) -> None:
                self._here.line, self._here.sent = line, sent
                try:
                    call = calls[index]
                    function, *arguments = call if isinstance(call, tuple) else (call,)
                    results[index] = function(*arguments)
                except BaseException as error:  # noqa: BLE001 -- raised below
                    errors[index] = error
                sent.set()
                places.release()

            threads = []
            for index in range(len(calls)):
                places.acquire()
                sent = threading.Event()
                threads.append(threading.Thread(target=run, args=(index, sent)))
                threads[-1].start()
                sent.wait()  # so that calls reach the host in order
            for thread in threads:
                thread.join()
            for index in sorted(errors):
                raise errors[index]
            return results

        gather.__module__, gather.__qualname__ = "__main__", "gather"
        return gather


def _close(channel: socket.socket) -> None:
    try:
        channel.close()
    except OSError:  # the program has closed it
        channel.detach()


def _receive(channel: socket.socket) -> Any:
    reply = data = _beginning(channel)
    if not data.endswith(b"\n"):
        parts = [data]
        while data and not data.endswith(b"\n"):
            parts.append(data := channel.recv(_READ))
        reply = b"".join(parts)
    if not data:
        raise ConnectionAbortedError
    return json.loads(reply.decode())


def _beginning(channel: socket.socket) -> bytes:
    """The beginning of a reply. To be woken up takes longer than a quick function of the host does."""
    for _ in range(_LOOKS):
        with suppress(BlockingIOError):
            return channel.recv(_READ, socket.MSG_DONTWAIT)
    return channel.recv(_READ)


def _line(filename: str) -> int:
    """The line of the program that is under way in this thread; 0 if none is."""
    frame = sys._getframe(1)  # noqa: SLF001 -- `inspect` would be slow
    while frame.f_code.co_filename != filename:
        if frame.f_back is None:
            return 0
        frame = frame.f_back
    return frame.f_lineno


def _plain(value: Any) -> Any:
    """What is sent of arrays, their elements and series, and of dates."""
    for name in ("tolist", "isoformat"):
        if callable(getattr(type(value), name, None)):
            return getattr(value, name)()
    raise TypeError(
        f"an argument must be None, bool, int, float, str, list or dict, not {type(value).__name__}"
    )


_ENCODER = json.JSONEncoder(default=_plain, allow_nan=False)
