"""Results from what the supervisor of a run reports."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.executors.base import (
    LEFT_OUT,
    STATE_LOST,
    words_for_limit,
    words_for_status,
    words_for_time,
)
from langchain_codeexec.executors.files import (
    files_from_left,
    images_from_left,
    pictures_once,
    text_from_bytes,
)
from langchain_codeexec.sandbox.child.limits import Limits

__all__ = ["result_from_reply"]


def result_from_reply(
    reply: dict[str, Any], blobs: list[bytes], limits: Limits, timeout: float, *, last: bool
) -> ExecutionResult:
    """The result of a run; the blobs are stdout, stderr, images and files, the time-out is in seconds."""
    (out_cut, err_cut), (stdout, stderr, *rest) = reply["truncated"], blobs
    drawn = len(reply["images"])
    images, files = pictures_once(
        images_from_left(zip(reply["images"], rest[:drawn], strict=True)),
        files_from_left(zip(reply["files"], rest[drawn:], strict=True)),
    )
    end, status = reply["end"], reply["status"]
    killed = {
        "deadline": words_for_time(timeout),
        "cpu": f"killed at the limit of {limits.cpu:g} s of CPU time",
        "disk": f"killed at the limit of the disk ({limits.disk} bytes, {limits.files} files)"
        if limits.disk
        else "there is no room for the program's files",
        "restless": "killed: its threads could not be stopped at the end of the run",
        "calls": "killed: it went on calling functions beyond the limit of calls",
        "forged": "killed: it sent something that is no call of a function",
    }
    sizes = {name: size for name, size in asdict(limits).items() if size}
    limit = words_for_limit(reply["limit"], sizes) if status else ""
    remarks = [killed.get(end) or limit or words_for_status(status)]
    remarks += [STATE_LOST] * (reply["lost"] or (end != "replied" and not last))
    remarks += [LEFT_OUT] * reply["more"]
    return ExecutionResult(
        outcome=_outcome(end, status),
        stdout=text_from_bytes(stdout, truncated=out_cut),
        stderr=text_from_bytes(stderr, truncated=err_cut),
        images=images,
        files=files,
        wall_time=reply["wall"],
        truncated=out_cut or err_cut,
        detail="; ".join(filter(None, remarks)),
        value=reply["value"].encode("utf-8", "backslashreplace").decode() or None,
        cpu_time=reply["cpu"],
        peak_memory=reply["peak"],
    )


def _outcome(end: str, status: int) -> Outcome:
    if end == "deadline":
        return Outcome.DEADLINE_EXCEEDED
    return Outcome.OK if end in {"replied", "exited"} and not status else Outcome.FAILED
