"""An agent's answers verified, and mended once where they do not hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from langchain.agents.middleware.types import AgentMiddleware, AgentState, ContextT, ResponseT, hook_config
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.runtime import Runtime

from langchain_codeexec.data.limits import DataLimits
from langchain_codeexec.data.request_files import files_in, replies_are_files
from langchain_codeexec.executions import InlineFile
from langchain_codeexec.executors.base import CodeExecutor, checked_executor
from langchain_codeexec.grounding.attribution import SOURCE_KEY, executions_in, last_question
from langchain_codeexec.grounding.verdicts import Verdict, Verification
from langchain_codeexec.grounding.verification import (
    averify_executions,
    unverified_turn,
    verify_executions,
)
from langchain_codeexec.middleware.documents import document_data

__all__ = ["VerificationMiddleware"]

_MENDING: Final = "verification"

_REQUEST: Final = """\
Your answer was verified by running its code once more, and it does not hold:
{findings}

Run the code you need again and answer the question anew. State only figures that your code prints."""


class VerificationMiddleware(AgentMiddleware[AgentState[ResponseT], ContextT, ResponseT]):
    """Verifies the answers that end an agent's turns, and has one that does not hold mended once.

    The code that the answer rests on, its own and that of tools in the same turn, is run again, with the files of
    the conversation and of its retrieved documents, and the figures of its prose are looked for in what was
    printed: see `verify_executions`. The verdict lies beside the answer, in `response_metadata["verification"]`;
    `Verification.from_message` reads it.

    On a mismatch the model gets the findings, in a message of the agent's state with
    `additional_kwargs["lc_source"] == "verification"`, and answers once more. Both answers stay in the history as
    they came, each with its verdict. An answer that calls tools is not verified: its turn goes on.

    Args:
        executor: Runs the code; by default a `LocalSandbox` that all verifications share.
        mend: Whether to ask the model for another answer, once in a turn.
        timeout: Seconds for each run; by default the executor's.
        limits: What documents' files may amount to, as `DocumentCalculationMiddleware` has it.

    Raises:
        ConfigurationError: `executor` is none.

    Examples:
        >>> agent = create_agent(llm, tools, middleware=[VerificationMiddleware()])  # doctest: +SKIP
    """

    def __init__(
        self,
        executor: CodeExecutor | None = None,
        *,
        mend: bool = True,
        timeout: float | None = None,
        limits: DataLimits | None = None,
    ) -> None:
        super().__init__()
        self._executor = None if executor is None else checked_executor(executor)
        self._mend = mend
        self._timeout = timeout
        self._limits = limits

    @hook_config(can_jump_to=["model"])
    def after_model(
        self,
        state: AgentState[ResponseT],
        runtime: Runtime[ContextT],  # noqa: ARG002 -- the hook's
    ) -> dict[str, Any] | None:
        """Verify an answer."""
        answer = _Answer.of(state["messages"], self._limits)
        if answer is None:
            return None
        verification = verify_executions(
            answer.message, self._executor, answer.files, history=answer.history, timeout=self._timeout
        )
        return self._update(answer, verification)

    @hook_config(can_jump_to=["model"])
    async def aafter_model(
        self,
        state: AgentState[ResponseT],
        runtime: Runtime[ContextT],  # noqa: ARG002 -- the hook's
    ) -> dict[str, Any] | None:
        """Verify an answer without blocking the event loop."""
        answer = _Answer.of(state["messages"], self._limits)
        if answer is None:
            return None
        verification = await averify_executions(
            answer.message, self._executor, answer.files, history=answer.history, timeout=self._timeout
        )
        return self._update(answer, verification)

    def _update(self, answer: _Answer, verification: Verification) -> dict[str, Any]:
        verified = verification.beside(answer.message)
        if not self._mend or _is_mended(answer.history) or verification.verdict is not Verdict.MISMATCH:
            return {"messages": [verified]}
        return {"messages": [verified, _request(verification)], "jump_to": "model"}


class _Answer(NamedTuple):
    """An answer to verify, the conversation before it, and the files that its code could find."""

    message: AIMessage
    history: Sequence[AnyMessage]
    files: tuple[InlineFile, ...]

    @classmethod
    def of(cls, messages: Sequence[AnyMessage], limits: DataLimits | None) -> _Answer | None:
        """The answer that ends a conversation; `None` if it ends otherwise, or nothing in it can be verified."""
        message = messages[-1] if messages else None
        history = messages[:-1]
        if not isinstance(message, AIMessage) or message.tool_calls:
            return None
        if not executions_in([*unverified_turn(history), message]) and not _is_mended(history):
            return None
        data = document_data(history, limits)
        attached = files_in(history, tool_replies=replies_are_files(messages))
        retrieved = (file.inline_file for file in data.files) if data else ()
        return cls(message, history, (*attached, *retrieved))


def _is_mended(history: Sequence[AnyMessage]) -> bool:
    """Whether a verification has asked for another answer in this turn."""
    turn = history[last_question(history) + 1 :]
    return any(message.additional_kwargs.get(SOURCE_KEY) == _MENDING for message in turn)


def _request(verification: Verification) -> HumanMessage:
    findings = [
        f"- Run {number}: {run.reason}" + (f"; here it printed:\n{run.output}" if run.output else "")
        for number, run in enumerate(verification.runs, 1)
        if run.verdict is Verdict.MISMATCH
    ]
    if verification.unsupported:
        figures = ", ".join(verification.unsupported)
        findings.append(f"- No output holds these figures of your answer: {figures}")
    text = _REQUEST.format(findings="\n".join(findings))
    return HumanMessage(text, additional_kwargs={SOURCE_KEY: _MENDING})
