"""What came of a run, from what its supervisor said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.executors.carrying import files_from_left, images_from_left, text_from_bytes
from langchain_codeexec.executors.verdicts import (
    LEFT_OUT,
    STATE_LOST,
    words_for_library,
    words_for_status,
    words_for_time,
)

if TYPE_CHECKING:
    from langchain_codeexec.executors.inside.limits import Limits

__all__ = ["result_from_reply"]


def result_from_reply(
    reply: dict[str, Any], blobs: list[bytes], limits: Limits, timeout: float, *, last: bool
) -> ExecutionResult:
    """The result of a run.

    Args:
        reply: The header of the supervisor's answer.
        blobs: Stdout, stderr, images and files.
        limits: What the run was allowed.
        timeout: Its wall-clock seconds.
        last: Whether no other follows in its process.
    """
    (out_cut, err_cut), (stdout, stderr, *rest) = reply["truncated"], blobs
    images = len(reply["images"])
    ending, status = reply["ending"], reply["status"]
    killed = {
        "deadline": words_for_time(timeout),
        "cpu": f"killed at the limit of {limits.cpu:g} s of CPU time",
        "tasks": f"killed at the limit of {limits.tasks} threads",
        "disk": f"killed at the limit of the disk ({limits.disk} bytes, {limits.files} files)",
        "restless": "killed: its threads could not be stopped at the end of the run",
        "cancelled": "cancelled",
    }
    limit = _words_for_limit(reply["limit"], limits) if status else ""
    remarks = [killed.get(ending) or limit or words_for_status(status)]
    remarks += [STATE_LOST] * (ending != "replied" and not last)
    remarks += [LEFT_OUT] * reply["more"]
    return ExecutionResult(
        outcome=_outcome(ending, status),
        stdout=text_from_bytes(stdout, truncated=out_cut),
        stderr=text_from_bytes(stderr, truncated=err_cut),
        images=images_from_left(zip(reply["images"], rest[:images], strict=True)),
        files=files_from_left(zip(reply["files"], rest[images:], strict=True)),
        wall_time=reply["wall"],
        truncated=out_cut or err_cut,
        detail="; ".join(filter(None, remarks)),
        value=reply["value"].encode("utf-8", "backslashreplace").decode() or None,
        cpu_time=reply["cpu"],
        peak_memory=reply["peak"],
    )


def _outcome(ending: str, status: int) -> Outcome:
    if ending == "deadline":
        return Outcome.DEADLINE_EXCEEDED
    return Outcome.OK if ending in {"replied", "exited"} and not status else Outcome.FAILED


def _words_for_limit(limit: str, limits: Limits) -> str:
    """What the program failed for want of, in words."""
    kind, _, library = limit.partition(":")
    words = {
        "memory": f"the limit of memory was reached ({limits.memory} bytes)",
        "file": f"the limit of a file's size was reached ({limits.file} bytes)",
        "disk": f"the limit of the disk was reached ({limits.disk} bytes, {limits.files} files)",
        "library": words_for_library(library) if library.isidentifier() else "",
    }
    return words.get(kind, "")
