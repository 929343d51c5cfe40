"""What executions took, read from the messages that hold them: so it survives checkpoints and processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel

from langchain_codeexec._lazy import ShownInNotebooks
from langchain_codeexec.control.prices import Prices, PriceTable, TokenUsage, checked_prices
from langchain_codeexec.executions import CodeExecution, Outcome, executions_from_artifact
from langchain_codeexec.messages.code_blocks import code_executions, messages_of

__all__ = ["ExecutionUsage", "last_turn"]

Source: TypeAlias = (
    CodeExecution
    | BaseMessage
    | Sequence[BaseMessage]
    | Sequence[CodeExecution]
    | Mapping[str, Any]
    | BaseModel
)

_FAILED: Final = (Outcome.FAILED, Outcome.DEADLINE_EXCEEDED)


@dataclass(frozen=True, slots=True)
class ExecutionUsage(ShownInNotebooks):
    """What executions took, wherever they ran; `+` adds what came later.

    Attributes:
        executions: Programs that were started. One that a policy or a person refused was not.
        attempts: The most programs in a row of which each but the last failed: one, and those written anew for it.
        seconds: How long they ran, where that is known: not on a provider's side.
        output_bytes: What they printed, in UTF-8.
        images: What they drew.
        tokens: Those of all answers, by kind, with those of the models that tools called.
        cost: Of these tokens; `None` where the price of some is not known.
        unpriced: Models whose tokens have no price that is known.
        failing: Programs in a row that failed last.
    """

    executions: int = 0
    attempts: int = 0
    seconds: float = 0.0
    output_bytes: int = 0
    images: int = 0
    tokens: TokenUsage = field(default_factory=TokenUsage)
    cost: Decimal | None = Decimal(0)
    unpriced: tuple[str, ...] = ()
    failing: int = 0
    _first: int = field(default=0, repr=False)
    """Programs up to the first that did not fail."""

    @classmethod
    def of(cls, source: Source, prices: Prices | PriceTable | None = None) -> ExecutionUsage:
        """What messages say of executions and tokens.

        Args:
            source: A message, several, a graph's state with `messages`, or executions. The tokens of an execution
                are those of the answer that holds it: a service tells no others.
            prices: What tokens cost: `published_prices()`, or a table by model and kind; see `PriceTable`.

        Raises:
            ConfigurationError: The prices are none.
        """
        prices = checked_prices(prices)
        listed = [source] if isinstance(source, CodeExecution) else source
        if isinstance(listed, Sequence) and listed and isinstance(listed[0], CodeExecution):
            return sum(
                (_of_execution(run, prices) for run in listed if isinstance(run, CodeExecution)), cls()
            )
        messages: Any = listed
        return sum((_of_message(message, prices) for message in messages_of(messages)), cls())

    def __add__(self, later: ExecutionUsage) -> ExecutionUsage:
        costs = (self.cost, later.cost)
        return ExecutionUsage(
            executions=self.executions + later.executions,
            attempts=max(self.attempts, later.attempts, self.failing + later._first),
            seconds=self.seconds + later.seconds,
            output_bytes=self.output_bytes + later.output_bytes,
            images=self.images + later.images,
            tokens=self.tokens + later.tokens,
            cost=None if None in costs else sum(filter(None, costs), Decimal(0)),
            unpriced=tuple(dict.fromkeys((*self.unpriced, *later.unpriced))),
            failing=later.failing + (self.failing if later.failing == later.executions else 0),
            _first=self._first + (later._first if self.failing == self.executions else 0),
        )


def last_turn(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """The messages since the last one of the user's."""
    for index in range(len(messages) - 1, -1, -1):
        if isinstance(messages[index], HumanMessage):
            return messages[index + 1 :]
    return messages


def _of_message(message: BaseMessage, prices: Prices | None) -> ExecutionUsage:
    runs = (_of_execution(run, prices) for run in code_executions(message))
    metadata = message.response_metadata
    model = metadata.get("model_name") or metadata.get("model")
    usage = message.usage_metadata if isinstance(message, AIMessage) else None
    artifact = _of_artifact(getattr(message, "artifact", None), prices)
    return sum(runs, _of_tokens(usage, model, prices) + artifact)


def _of_artifact(artifact: object, prices: Prices | None) -> ExecutionUsage:
    """The tokens of a model that a tool called."""
    if not isinstance(artifact, dict):
        return ExecutionUsage()
    return _of_tokens(artifact.get("usage_metadata"), artifact.get("model_name"), prices)


def _of_tokens(usage: Any, model: object, prices: Prices | None) -> ExecutionUsage:
    if not usage:
        return ExecutionUsage()
    name = str(model or "unknown").rpartition("/")[2]
    cost = prices(name, usage) if prices else None
    return ExecutionUsage(tokens=TokenUsage.of(usage), cost=cost, unpriced=(name,) if cost is None else ())


def _of_execution(run: CodeExecution, prices: Prices | None) -> ExecutionUsage:
    if run.outcome is None and run.review:  # it was refused
        return ExecutionUsage()
    failing = int(run.outcome in _FAILED)
    usage = ExecutionUsage(
        executions=1,
        attempts=1,
        seconds=run.seconds,
        output_bytes=len((run.output or "").encode("utf-8", "surrogatepass")),
        images=len(run.images),
        failing=failing,
        _first=1,
    )
    for call in run.calls:  # of tools that run code themselves
        nested = ExecutionUsage.of(executions_from_artifact(call.artifact), prices)
        usage = nested + _of_artifact(call.artifact, prices) + usage
    return usage
