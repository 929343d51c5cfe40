"""Runs in a sandbox elsewhere, of which the host has a shell and files alone.

`python3 STEM.pyz SETTINGS` takes the request that is in `STEM.request` and leaves the reply in `STEM.RUN.result`,
where no host can be given that of an earlier run. The run of a session leaves a process as well, which waits at
`STEM.socket` for the next run. The process whose number is in `STEM.pid` ends the run, or the session, with all
that belongs to it when it is sent SIGTERM.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from . import frames
from .folder import OwnedFolder
from .isolation import Folders, live_in
from .limits import Limits
from .zygote import fork_run

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["main"]


def main() -> int:
    """Run what is requested.

    The settings are `limits`, `session`, the seconds that one may be `idle`, and the number of the `run`.
    """
    stem, settings = sys.argv[0][: -len(".pyz")], json.loads(sys.argv[1])
    sys.path.pop(0)  # programs need none of this
    limits = Limits(**settings["limits"])
    result, run = Path(f"{stem}.result"), settings["run"]
    for earlier in (result, Path(f"{stem}.{run - 1}.result")):
        earlier.unlink(missing_ok=True)
    if settings["session"]:
        _run_in_session(stem, limits, settings["idle"])
    else:
        with closing(_Runs(stem, limits)) as runs:
            runs.answer()
    result.replace(f"{stem}.{run}.result")
    return 0


def _run_in_session(stem: str, limits: Limits, idle: float) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        if client.connect_ex(f"{stem}.socket"):
            _start_session(stem, limits, idle)
            client.connect(f"{stem}.socket")
        client.recv(1)  # nothing: its end says that the reply is there


class _Runs:
    """What runs programs, one after the other; to be closed by whoever made it.

    Args:
        stem: What the names of all files begin with.
        limits: What programs may use.
        close: What the process beside the programs has no need of.
    """

    def __init__(self, stem: str, limits: Limits, close: Iterable[socket.socket] = ()) -> None:
        self._stem = stem
        self._folder = OwnedFolder()
        live_in(self._folder.path)
        os.environ.setdefault("MPLBACKEND", "Agg")
        self._supervisor, theirs = socket.socketpair()
        fork_run(Folders("process", self._folder.path, []), limits, theirs, [self._supervisor, *close])
        signal.signal(signal.SIGTERM, _end)  # which no fork is to inherit
        self._sign()

    def close(self) -> None:
        """Kill what runs, and remove what it has left."""
        self._supervisor.close()
        with suppress(ChildProcessError):
            os.wait()
        self._folder.close()
        with suppress(OSError):
            os.unlink(f"{self._stem}.pid")  # noqa: PTH108 -- a string

    def answer(self, client: socket.socket | None = None, **remarks: bool) -> bool:
        """Run the program that is requested, and leave the reply.

        Args:
            client: Who waits for it, if anybody does.
            **remarks: What else the reply is to say.

        Returns:
            Whether the programs that follow find what this one has left.

        Raises:
            OSError: Nobody waits any more.
        """
        header, blobs = self._reply(Path(f"{self._stem}.request").read_bytes(), client)
        result = f"{self._stem}.result"
        try:
            self._sign()  # the program may have removed it
            _write(result, frames.encode({**header, **remarks}, blobs))
        except OSError:  # the program has filled the disk
            self.close()
            _write(result, frames.encode({**header, **remarks, "lost": client is not None}, blobs))
            return False
        return "error" not in header

    def _sign(self) -> None:
        _write(f"{self._stem}.pid", b"%d" % os.getpid())

    def _reply(self, request: bytes, client: socket.socket | None) -> tuple[dict[str, Any], list[bytes]]:
        waiting = [self._supervisor, *([client] if client else [])]
        with suppress(OSError):
            self._supervisor.sendall(request)
        while True:
            if client in select.select(waiting, [], [])[0]:
                raise ConnectionAbortedError
            try:
                message = frames.receive(self._supervisor)
            except OSError:
                message = None
            if message is None:
                return {"error": "the process beside the program has ended"}, []
            if message[0].keys() & {"end", "error"}:
                return message


def _start_session(stem: str, limits: Limits, idle: float) -> None:
    """Leave a process that runs the programs of a session until none has come for some seconds."""
    with suppress(FileNotFoundError):
        os.unlink(f"{stem}.socket")  # noqa: PTH108 -- a string
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{stem}.socket")
        listener.listen()
        if os.fork():
            return
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            listener.settimeout(idle)
            with suppress(OSError, SystemExit), closing(_Runs(stem, limits, [listener])) as runs:
                os.stat(f"{stem}.request")  # noqa: PTH116 -- gone where the run was ended before this could be seen
                _serve(listener, runs)
            os.unlink(f"{stem}.socket")  # noqa: PTH108 -- a string
        finally:
            os._exit(0)


def _serve(listener: socket.socket, runs: _Runs) -> None:
    first, stays = True, True
    while stays:
        with listener.accept()[0] as client:
            stays = runs.answer(client, first=first)
        first = False


def _end(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


def _write(path: str, data: bytes) -> None:
    """Write a file that is there when it is whole."""
    part = Path(f"{path}.part")
    part.write_bytes(data)
    part.replace(path)
