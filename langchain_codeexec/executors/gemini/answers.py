"""What an answer of Gemini says that was run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_codeexec.executions.halves import BlockReader
from langchain_codeexec.executions.reading import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_codeexec.executions import CodeExecution

__all__ = ["Answer"]

_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer holds.

    Attributes:
        executions: What was run, in order.
        said: What the model says, thoughts left out.
        ended: Why the answer ended, in the wire's words; empty if it ended as it should.
    """

    executions: tuple[CodeExecution, ...] = ()
    said: str = ""
    ended: str = ""

    @classmethod
    def from_response(cls, response: Mapping[str, Any]) -> Answer:
        """Read a response. What is malformed is passed over."""
        candidate = next(iter(_objects(response.get("candidates"))), {})
        parts = _objects(_object(candidate.get("content")).get("parts"))
        reader = BlockReader()
        texts = [str(part["text"]) for part in parts if part.get("text") and not part.get("thought")]
        blocked = _object(response.get("promptFeedback")).get("blockReason")
        reason = blocked or candidate.get("finishReason") or ""
        return cls(
            executions=tuple(run.record for run in runs((part, reader.halves(part)) for part in parts)),
            said="".join(texts).strip(),
            ended="" if reason == "STOP" else str(reason),
        )

    @property
    def instead(self) -> str:
        """What the model did where it should have run a program, in words for an error."""
        ending = f" (it ended with {self.ended})" if self.ended else ""
        if not self.executions:
            said = f", and said: {self.said[:_EXCERPT]!r}" if self.said else ""
            return f"answered without code execution{ending}{said}"
        if self.executions[0].outcome is None:
            return f"gave no result of the program{ending}"
        return f"ran other code than it was given{ending}: {self.executions[0].code[:_EXCERPT]!r}"


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
