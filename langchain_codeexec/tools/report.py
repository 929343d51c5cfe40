"""What became of one call of the tool: text for the model that called it, the runs for everybody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langchain_codeexec.executions import Outcome
from langchain_codeexec.executions.artifacts import artifact_from_executions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_codeexec.executions import CodeExecution, InlineFile

__all__ = ["Report"]

_MOST_PRINTED: Final = 20_000
"""Characters of a run's output that the calling model is given; the artifact holds all of it."""

_ENDINGS: Final = {
    Outcome.OK: "The code printed:",
    Outcome.FAILED: "The code failed:",
    Outcome.DEADLINE_EXCEEDED: "The code ran out of time:",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one call.

    Attributes:
        executions: The runs, in order.
        answer: What the model that wrote the code says; empty where the caller wrote it.
        files: Files left behind, images drawn excepted.
        remark: What else the caller should know.
    """

    executions: tuple[CodeExecution, ...] = ()
    answer: str = ""
    files: tuple[InlineFile, ...] = ()
    remark: str = ""

    @property
    def content(self) -> str:
        """The text for the calling model: the answer, what was printed, and what it cannot see."""
        told = (self.answer, *self._printed(), *self._kept(), self.remark)
        return "\n\n".join(text for text in map(str.strip, told) if text)

    @property
    def artifact(self) -> dict[str, Any]:
        """The runs, images and files in plain JSON."""
        return artifact_from_executions(self.executions, answer=self.answer, files=self.files)

    def _printed(self) -> Iterator[str]:
        """What each run printed. A failure that was mended afterwards is of no interest to the caller."""
        for run in self.executions:
            if run.ok or run is self.executions[-1]:
                ending = _ENDINGS.get(run.outcome or Outcome.UNSPECIFIED, "The code ended in an unknown way:")
                yield f"{ending}\n{_head(run.output or '') or '(nothing)'}"

    def _kept(self) -> Iterator[str]:
        images = sum(len(run.images) for run in self.executions)
        if images:
            yield f"Images drawn and kept beside this text: {images}."
        if self.files:
            yield f"Files written and kept beside this text: {', '.join(file.name for file in self.files)}."


def _head(output: str) -> str:
    if len(output) <= _MOST_PRINTED:
        return output
    return f"{output[:_MOST_PRINTED]}\n[{len(output) - _MOST_PRINTED} more characters were printed]"
