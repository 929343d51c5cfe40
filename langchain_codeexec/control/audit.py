"""A record of each execution, wherever it ran, for whoever has to know afterwards what ran."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final, TypeAlias
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import LLMResult

from langchain_codeexec.control.redaction import Redact, Redaction, checked_redactor
from langchain_codeexec.control.tracing import REFUSAL_EVENT, is_execution_run
from langchain_codeexec.data.json_lines import json_line, unfinished_line
from langchain_codeexec.errors import AuditError, ConfigurationError
from langchain_codeexec.executions import Outcome

try:
    import fcntl
except ImportError:  # of POSIX only; elsewhere one process at a time may write a file
    fcntl = None  # type: ignore[assignment]

__all__ = ["AuditFile", "AuditLog", "Sink"]

Json = dict[str, Any]
Sink: TypeAlias = logging.Logger | str | Path | Callable[[Json], object]
"""Where records go: a logger (at INFO, the record as JSON and in `extra` as `audit`), a file, or a function."""

_LOGGER: Final = logging.getLogger(__name__)


class AuditLog(BaseCallbackHandler):
    """A callback handler that writes a record of each execution, and one of each answer of a chat model.

    An execution is recorded when it ends, so that a crash loses none before it:

    - `kind`: `execution`; `at`, `started`: when it ended and began, ISO 8601 in UTC. What ran at a provider's ends
      when the rest of the answer comes.
    - `run_id`, `parent_run_id`, `thread`: its run, the one it is below, and the thread of the conversation.
    - `answer`: `run_id` or `message_id` of the answer whose model wrote the code; `model`, `plan`: of that answer.
    - `origin`: who ran it. `code`, `language`, `sha256`: what ran, and the digest of its UTF-8 as this log was
      given it, before it redacted it.
    - `outcome`, `output`, `images`: what came of it; `error` where it broke off or a graph stopped in its middle.
    - `seconds`: how long it ran, `null` where that is not known, as at a provider's.
    - `limits`: the limits that ended it; `review`: what was decided before it ran; `tried`: executors before.
    - `calls`: what it called on its host, each with `name`, `args` and `error`.
    - `redacted`: the kinds of what was replaced, by this log or before.

    A program that a policy or a person did not let run has a record of the kind `refusal`: with `at`, `run_id`,
    `thread`, `answer`, `model`, `plan`, `origin` (the tool), `code`, `sha256`, `review` and `redacted`.

    Tokens are those of answers, and are counted with them alone: `kind` is `answer`, with `run_id`, `message_id`,
    `thread`, `model`, `plan`, `tokens` (the message's `usage_metadata`), and `limits`, if one cut it. The plan is
    that of the model's request; executions have that of a `CodeExecutionMiddleware` around it.

    A sink that fails makes the run fail. Give it to all that runs: `config={"callbacks": [AuditLog(...)]}`.

    Args:
        *sinks: Where records go.
        redact: Redacts code, output, calls and reviews before they are written.

    Raises:
        ConfigurationError: There is no sink, or one is none, or a file cannot be written.

    Examples:
        >>> agent.invoke(question, {"callbacks": [AuditLog("audit.jsonl")]})  # doctest: +SKIP
    """

    raise_error = True
    run_inline = True

    def __init__(self, *sinks: Sink, redact: Redact | None = None) -> None:
        if not sinks:
            raise ConfigurationError(
                "AuditLog needs a sink: a file, as in AuditLog('audit.jsonl'), a logger, or a function of a record"
            )
        self._sinks = [_writer(sink) for sink in sinks]
        self._redact = checked_redactor(redact)
        self._started: dict[UUID, Json] = {}

    def on_chat_model_start(
        self, *_args: Any, run_id: UUID, metadata: Json | None = None, **_kwargs: Any
    ) -> None:
        """Note what is known of an answer."""
        self._started[run_id] = metadata or {}

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_kwargs: Any) -> None:
        """Write the record of an answer."""
        metadata = self._started.pop(run_id, None)
        generation: Any = next((one for answers in response.generations for one in answers), None)
        message = getattr(generation, "message", None)
        if metadata is None or not isinstance(message, AIMessage):
            return
        known = message.response_metadata
        plan, limit = known.get("plan"), known.get("limit")
        self._write(
            {
                "kind": "answer",
                "at": _now(),
                "run_id": str(run_id),
                "message_id": message.id,
                "thread": metadata.get("thread_id"),
                "model": known.get("model_name") or metadata.get("ls_model_name"),
                "plan": plan.get("way") if isinstance(plan, dict) else None,
                "tokens": message.usage_metadata,
                "limits": [limit] if limit else [],
            }
        )

    def on_llm_error(self, *_args: Any, run_id: UUID, **_kwargs: Any) -> None:
        """Forget an answer that never came."""
        self._started.pop(run_id, None)

    def on_tool_start(
        self, *_args: Any, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        """Note what is known of an execution."""
        known = kwargs.get("metadata") or {}
        if is_execution_run(kwargs.get("name"), known):
            parent = None if parent_run_id is None else str(parent_run_id)
            program = kwargs.get("inputs") or {}
            self._started[run_id] = {
                "kind": "execution",
                "started": _now(),
                "run_id": str(run_id),
                "parent_run_id": parent,
                "thread": known.get("thread_id"),
                "answer": known.get("message_id") or (parent if parent_run_id in self._started else None),
                "model": known.get("model_name"),
                "plan": known.get("plan"),
                "origin": known.get("origin"),
                "language": program.get("language"),
                "code": program.get("code", ""),
            }

    def on_tool_end(self, output: Any, *, run_id: UUID, **_kwargs: Any) -> None:
        """Write the record of an execution."""
        if (started := self._started.pop(run_id, None)) is not None:
            self._write_execution(started, output)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_kwargs: Any) -> None:
        """Write the record of an execution that broke off."""
        if (started := self._started.pop(run_id, None)) is not None:
            self._write_execution(started, {"error": f"{type(error).__name__}: {error}"})

    def on_custom_event(
        self, name: str, data: Any, *, run_id: UUID, metadata: Json | None = None, **_kwargs: Any
    ) -> None:
        """Write the record of a program that was not run."""
        if name != REFUSAL_EVENT:
            return
        redaction = Redaction(self._redact)
        self._write(
            {
                "kind": "refusal",
                "at": _now(),
                "run_id": str(run_id),
                "thread": (metadata or {}).get("thread_id"),
                "answer": data.get("message_id"),
                "model": data.get("model_name"),
                "plan": data.get("plan"),
                "origin": data["origin"],
                "sha256": _digest(data["code"]),
                **redaction.value({"code": data["code"], "review": data["review"]}),
                "redacted": sorted(redaction.kinds),
            }
        )

    def _write_execution(self, started: Json, result: Json) -> None:
        redaction = Redaction(self._redact)
        text = {"code": started["code"], **{key: result.get(key) for key in _TEXTS}}
        record = {
            **started,
            "at": _now(),
            "sha256": _digest(started["code"]),
            "outcome": result.get("outcome"),
            "images": result.get("images", 0),
            "seconds": result.get("seconds"),
            "limits": ["seconds"] if result.get("outcome") == Outcome.DEADLINE_EXCEEDED else [],
            **redaction.value(text),
        }
        self._write({**record, "redacted": sorted({*result.get("redacted", ()), *redaction.kinds})})

    def _write(self, record: Json) -> None:
        for write in self._sinks:
            write(record)


_TEXTS: Final = ("output", "error", "review", "tried", "calls")
"""What a run's outputs hold that may be redacted."""


def _digest(code: str) -> str:
    return sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _writer(sink: Sink) -> Callable[[Json], object]:
    if isinstance(sink, logging.Logger):
        return partial(_log, sink)
    if isinstance(sink, str | Path):
        return AuditFile(sink)
    if not callable(sink):
        raise ConfigurationError(f"a sink is a file, a logger, or a function of a record, not {sink!r:.100}")
    return sink


def _log(logger: logging.Logger, record: Json) -> None:
    logger.info("%s", json_line(record).decode().rstrip("\n"), extra={"audit": record})


class AuditFile:
    """A file of JSON Lines that records are only ever appended to, by any number of processes.

    A record is one write, of all of it or, where the machine goes down or the disk is full, of its beginning. Such
    a beginning is kept as a line of its own when the file is next opened or written to, and a record of the kind
    `torn` says where it starts (`offset`) and how long it is (`bytes`); so does a warning in the log.

    Args:
        path: The file; made, for its owner alone, where there is none.
        fsync: Whether each record is on the disk itself before the run goes on.

    Raises:
        ConfigurationError: The file cannot be written.
    """

    def __init__(self, path: str | Path, *, fsync: bool = False) -> None:
        self.path = Path(path)
        self._fsync = fsync
        try:
            if self.path.exists() and not self.path.is_file():
                raise OSError("it is no regular file")  # noqa: TRY301 -- one message for every reason
            with self._opened() as file:
                self._set_torn_line_apart(file)
        except OSError as error:
            raise ConfigurationError(
                f"{str(path)!r} cannot be written: {error.strerror or error}. Choose another file."
            ) from error

    def __call__(self, record: Json) -> None:
        """Append a record.

        Raises:
            AuditError: It cannot be written; what was written before stays.
        """
        try:
            with self._opened() as file:
                self._set_torn_line_apart(file)
                self._append(file, json_line(record))
        except OSError as error:
            raise AuditError(
                f"the audit record cannot be written to {self.path}: {error.strerror or error}. What was written "
                "before stays; make room, or choose another file."
            ) from error

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        """The file, for this writer alone; opened for each record, so that it may be moved away meanwhile."""
        opener = partial(os.open, mode=0o600)
        with open(self.path, "a+b", buffering=0, opener=opener) as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _set_torn_line_apart(self, file: IO[bytes]) -> None:
        start, line = unfinished_line(file)
        if not line:
            return
        with suppress(ValueError, RecursionError):
            json.loads(line)
            self._append(file, b"\n")  # of a whole record nothing but its end is missing
            return
        torn = {"kind": "torn", "at": _now(), "offset": start, "bytes": len(line)}
        self._append(file, b"\n" + json_line(torn))
        _LOGGER.warning(
            "the last record of %s was cut off; its first %d bytes stay at %d", self.path, len(line), start
        )

    def _append(self, file: IO[bytes], line: bytes) -> None:
        if file.write(line) != len(line):
            raise OSError("the disk took a part of it")
        if self._fsync:
            os.fsync(file.fileno())
