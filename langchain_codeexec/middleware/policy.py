"""Programs that are to run here, judged by a policy and, where it says so, by somebody."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias

from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.agents.middleware.human_in_the_loop import InterruptOnConfig
from langchain.agents.middleware.types import AgentMiddleware, ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command

from langchain_codeexec.control.policy import ExecutionPolicy, Finding, PolicyDecision
from langchain_codeexec.control.redaction import Redaction
from langchain_codeexec.control.tracing import areport_refusal, report_refusal
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import (
    CodeExecution,
    Outcome,
    artifact_from_executions,
    executions_from_artifact,
)
from langchain_codeexec.tools.agent_reviews import middlewares_in
from langchain_codeexec.tools.files import messages_in_state
from langchain_codeexec.tools.journal import CallJournal
from langchain_codeexec.tools.python import REVIEW, PythonTool
from langchain_codeexec.tools.report import IN_SESSION

__all__ = ["ExecutionPolicyMiddleware"]

Json = dict[str, Any]
Result: TypeAlias = ToolMessage | Command[Any]

_REVIEW_CONFIG: Final[InterruptOnConfig] = {"allowed_decisions": ["approve", "edit", "reject", "respond"]}
_DENIED: Final = (
    "The program was not run: the policy for code denies {what}.\n{reason}\nWrite a program that does without, or "
    "say that it cannot be done."
)
_NOBODY: Final = (
    "The program was not run: somebody has to approve it first, and nobody can be asked, since the agent has no "
    "checkpointer: create_agent(…, checkpointer=InMemorySaver()).\n{reason}"
)
_NO_TEXT: Final = PolicyDecision("deny", (Finding("deny", "unparsed", "it is no text"),))


class ExecutionPolicyMiddleware(AgentMiddleware[Any, Any, Any]):
    """Has a policy decide about each program that an agent is to run here, before it runs.

    Of every call of a `PythonTool`, and of the `tools` named, the code is judged. What is denied is not run, and
    the model is told why, so that it can write another program. What has to be asked about stops the graph by the
    interrupt of LangChain's `HumanInTheLoopMiddleware(interrupt_mode="per_call")`: a `ToolApprovalRequest` with
    the reason in its `description`. `Command(resume={"type": "approve"})` answers it, in another process as well;
    so do `edit`, `reject` and `respond`, as its `response_schema` says. An edited program is judged again: what is
    denied stays so. Without a checkpointer such programs are refused. After the answer `create_agent` makes that
    call alone again; a `ToolNode` of your own that is given several makes all of them again.

    What was decided is in the message's artifact, as the `review` of its `code_executions`, and in the audit: also
    of programs that were not run, which `was_refused` tells. Of limits, tokens and cost alone see these.

    Put it behind other middlewares, so that it judges the code that runs; in front of a `HumanInTheLoopMiddleware`
    for the same tool it is refused. Calls that a program makes of the agent's tools are not its matter but for
    their names in the program's text (`names={"refund": "ask"}`).

    Code that runs on a provider's side cannot be stopped. `CodeExecutionMiddleware(executor=…, run_here=True)` has
    any model's code run here; what ran elsewhere can be judged afterwards by `policy.check(run.code)`.

    Args:
        policy: Decides.
        tools: Names of further tools that run Python, with the name of the argument that holds the code.

    Raises:
        ConfigurationError: The policy is none, or langchain is older than 1.5.

    Examples:
        >>> policy = ExecutionPolicy(network="deny", names={"os": "ask"})
        >>> agent = create_agent(
        ...     model,
        ...     tools=[PythonTool()],
        ...     middleware=[ExecutionPolicyMiddleware(policy)],
        ...     checkpointer=InMemorySaver(),
        ... )  # doctest: +SKIP
    """

    def __init__(self, policy: ExecutionPolicy, *, tools: Mapping[str, str] | None = None) -> None:
        super().__init__()
        if not isinstance(policy, ExecutionPolicy):
            raise ConfigurationError(f"policy is an ExecutionPolicy(…), not {policy!r:.100}")
        if "interrupt_mode" not in inspect.signature(HumanInTheLoopMiddleware).parameters:
            raise ConfigurationError("ExecutionPolicyMiddleware needs langchain 1.5 or newer")
        self._policy = policy
        self._arguments = dict(tools or {})

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Result]
    ) -> Result:
        """Judge a program, and run it if it may run.

        Raises:
            ConfigurationError: A `HumanInTheLoopMiddleware` behind this one could change what was judged.
            GraphInterrupt: Somebody has to answer.
        """
        review = self._review(request, handler)
        if review is None:
            return handler(request)

        def run(request: ToolCallRequest) -> Result:
            with review.of_run(request) as refusal:
                return refusal or review.recorded(request, handler(request))

        result = review.answered(review.human.wrap_tool_call(request, run) if review.asks else run(request))
        if review.refused:
            report_refusal(review.refused)
        return result

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Result]]
    ) -> Result:
        """Judge a program, and run it if it may run; see `wrap_tool_call`."""
        review = self._review(request, handler)
        if review is None:
            return await handler(request)

        async def run(request: ToolCallRequest) -> Result:
            with review.of_run(request) as refusal:
                return refusal or review.recorded(request, await handler(request))

        human = review.human
        result = review.answered(
            await human.awrap_tool_call(request, run) if review.asks else await run(request)
        )
        if review.refused:
            await areport_refusal(review.refused)
        return result

    def _review(self, request: ToolCallRequest, handler: Callable[..., Any]) -> _Review | None:
        """The review of a call that runs code; `None` for other calls."""
        name = request.tool_call["name"]
        argument = self._arguments.get(name, "code" if isinstance(request.tool, PythonTool) else None)
        if argument is None or argument not in request.tool_call["args"]:  # the tool says what is missing
            return None
        inside, _ = middlewares_in(handler)
        if any(name in (getattr(one, "interrupt_on", None) or ()) for one in inside):
            raise ConfigurationError(
                f"HumanInTheLoopMiddleware reviews {name} behind ExecutionPolicyMiddleware, and could change what "
                "that has judged: put ExecutionPolicyMiddleware behind it"
            )
        return _Review(self._policy, request, argument)


class _Review:
    """What is decided of one call.

    Attributes:
        asks: Whether somebody has to answer.
        human: Asks them.
        refused: The program, if it was not run.
    """

    refused: CodeExecution | None = None

    def __init__(self, policy: ExecutionPolicy, request: ToolCallRequest, argument: str) -> None:
        self._policy = policy
        self._request = request
        self._argument = argument
        self._earlier = tuple(_earlier(request, argument))
        self._decision = self._judged(request)
        self._reply: ToolMessage | None = None
        self._has_run = False
        self.asks = self._decision.decision == "ask" and CallJournal.here() is not None
        description = f"Code execution requires approval\n\n{self._decision.reason}"
        self.human = HumanInTheLoopMiddleware[Any, Any, Any](
            {request.tool_call["name"]: {**_REVIEW_CONFIG, "description": description}},
            interrupt_mode="per_call",
        )

    def _judged(self, request: ToolCallRequest) -> PolicyDecision:
        code = request.tool_call["args"].get(self._argument)
        return self._policy.check(code, self._earlier) if isinstance(code, str) else _NO_TEXT

    @contextmanager
    def of_run(self, request: ToolCallRequest) -> Iterator[ToolMessage | None]:
        """What is decided of a program, as it came or as somebody has edited it: why it is not run, or `None`."""
        is_edited = request is not self._request
        judged = self._judged(request) if is_edited else self._decision
        if judged.decision == "deny" or (judged.decision == "ask" and not self.asks):
            text = _DENIED if judged.decision == "deny" else _NOBODY
            what = "what a reviewer has put in its place" if is_edited else "it"
            call = request.tool_call
            message = ToolMessage(
                text.format(what=what, reason=judged.reason),
                name=call["name"],
                tool_call_id=str(call["id"]),
                status="error",
            )
            self._reply = self._refusal(request, message, _review_of("deny", judged))
            yield self._reply
            return
        decision = "allow" if not self.asks else "edit" if is_edited else "approve"
        token = REVIEW.set(_review_of(decision, self._decision))
        try:
            yield None
        finally:
            REVIEW.reset(token)

    def recorded(self, request: ToolCallRequest, result: Result) -> Result:
        """What came of a program that was run; a `PythonTool` has recorded it, other tools have not."""
        self._has_run = True
        if isinstance(request.tool, PythonTool):
            return result
        changed: Result = self._changed(result, partial(self._with_run, request))
        return changed

    def answered(self, result: Result) -> Result:
        """What the model is told: of a program that was not run, what somebody has answered in its place."""
        if self._reply or self._has_run or not isinstance(result, ToolMessage):
            return self._reply or result
        decision = "reject" if result.status == "error" else "respond"
        review = {**_review_of(decision, self._decision), "reason": result.text}
        return self._refusal(self._request, result, review)

    def _changed(self, result: Any, change: Callable[[ToolMessage], ToolMessage]) -> Any:
        """What a tool gives, with the call's message changed."""
        if isinstance(result, ToolMessage):
            return change(result) if result.tool_call_id == self._request.tool_call["id"] else result
        if isinstance(result, list):
            return [self._changed(one, change) for one in result]
        update = result.update if isinstance(result, Command) else None
        if isinstance(update, dict) and isinstance(update.get("messages"), list):
            messages = self._changed(update["messages"], change)
            return replace(result, update={**update, "messages": messages})
        return result

    def _refusal(self, request: ToolCallRequest, message: ToolMessage, review: Json) -> ToolMessage:
        """What the model is told of a program that is not run, with its record."""
        redaction = Redaction(getattr(request.tool, "redact", None))
        self.refused = redaction.execution(self._execution(request, review))
        update = {
            "content": redaction.value(message.content),
            "artifact": _artifact(self.refused, has_run=False),
        }
        return message.model_copy(update=update)

    def _with_run(self, request: ToolCallRequest, message: ToolMessage) -> ToolMessage:
        """The message of another tool, with the record of its run; one that records something stays as it is."""
        if message.artifact is not None:
            return message
        run = replace(
            self._execution(request, dict(REVIEW.get() or {})),
            outcome=Outcome.UNSPECIFIED,
            output=message.text,
        )
        return message.model_copy(update={"artifact": _artifact(run, has_run=True)})

    def _execution(self, request: ToolCallRequest, review: Json) -> CodeExecution:
        call = request.tool_call
        return CodeExecution(str(call["args"].get(self._argument)), origin=call["name"], review=review)


def _artifact(run: CodeExecution, *, has_run: bool) -> Json:
    return {**artifact_from_executions([run]), IN_SESSION: has_run}


def _review_of(decision: str, policy_decision: PolicyDecision) -> Json:
    return {"decision": decision, "rules": policy_decision.rules, "reason": policy_decision.reason}


def _earlier(request: ToolCallRequest, argument: str) -> Iterator[str]:
    """The programs that may have left names to a call's: those of its session, and those that run beside it."""
    name, call_id = request.tool_call["name"], request.tool_call["id"]
    for message in messages_in_state(request.state):
        if isinstance(message, ToolMessage) and message.name == name:
            artifact = message.artifact
            if isinstance(artifact, dict) and artifact.get(IN_SESSION):
                yield from (run.code for run in executions_from_artifact(artifact))
        if isinstance(message, AIMessage) and any(call["id"] == call_id for call in message.tool_calls):
            siblings = [call for call in message.tool_calls if call["name"] == name and call["id"] != call_id]
            yield from (code for call in siblings if isinstance(code := call["args"].get(argument), str))
