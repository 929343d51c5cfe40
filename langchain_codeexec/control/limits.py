"""Limits of executions, tokens and money, and whether a conversation has come to one.

Nothing is counted here that the messages do not say: see `control.usage`.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from math import isfinite
from typing import Any, Final, Literal, TypedDict, cast

from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata

from langchain_codeexec.control.prices import (
    Prices,
    PriceTable,
    TokenUsage,
    checked_prices,
    decimal_from,
    published_prices,
)
from langchain_codeexec.control.usage import ExecutionUsage, Source, last_turn
from langchain_codeexec.errors import ConfigurationError, ExecutionLimitError, UnknownPriceError

__all__ = [
    "BUDGET_EVENT",
    "ExecutionLimits",
    "LimitWatch",
    "Most",
    "ReachedLimit",
    "areport_budget",
    "checked_limits",
    "report_budget",
]

_logger = logging.getLogger(__name__)

BUDGET_EVENT: Final = "code_execution_budget"
"""Name of the custom event that tells of a limit that is nearly used up; its data is `ReachedLimit.to_dict()`."""


class Most(TypedDict, total=False):
    """How much there may be at the most; what is left out has no limit."""

    executions: int
    """Programs that are started."""
    attempts: int
    """Programs for one purpose: the first, and those written anew after a failure."""
    seconds: float
    """Seconds that programs run, where that is known: not on a provider's side."""
    output_bytes: int
    """Bytes that programs print."""
    images: int
    """Images that programs draw."""
    tokens: int
    """Tokens of all kinds."""
    cost: Decimal | float | str
    """Money, in the currency of the prices."""


_KINDS: Final = tuple(Most.__annotations__)
_OF_REQUESTS: Final = frozenset({"tokens", "cost"})
"""What every request takes more of, whether or not it runs a program."""
_PERIODS: Final = ("turn", "run")
_MOST_TOLD: Final = 10_000
_told: Final[OrderedDict[tuple[Any, ...], None]] = OrderedDict()
"""Of which alarms this process has told."""
_NOTHING: Final[UsageMetadata] = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


@dataclass(frozen=True, slots=True)
class ReachedLimit:
    """A limit that a turn or a run has come to.

    Attributes:
        limit: Which: a key of `Most`.
        most: How much there may be.
        used: How much there is.
        per: `turn` or `run`.
    """

    limit: str
    most: float
    used: float
    per: str

    @classmethod
    def of(cls, value: object) -> ReachedLimit | None:
        """The limit that the metadata of a message or an artifact hold under `limit`; `None` if they hold none."""
        if isinstance(value, dict) and value.keys() == set(cls.__slots__):
            return cls(**value)
        return None

    @property
    def text(self) -> str:
        """What to say of it."""
        used, most = (f"{amount:.12g}" for amount in (self.used, self.most))
        return f"The limit of {self.limit.replace('_', ' ')} per {self.per} is reached: {used} of {most}."

    def to_dict(self) -> dict[str, Any]:
        """`{"limit", "most", "used", "per"}`, in plain JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class ExecutionLimits:
    """How much may be executed and spent: one object for the `limits` of chat model, tools and middleware.

    A **turn** is what came since the user's last message (LangChain's own limits call it a *run*), a **run** the
    whole conversation as its messages hold it (there a *thread*). All is counted from the messages, what tools
    ran and the tokens of models that they called included: so it goes on after a checkpoint and in another
    process, and what is removed from the messages is no longer counted.

    What runs on Google's side can only be stopped between the chunks of an answer, and before the next request:
    with limits set, `invoke` streams beneath. A program over the limit has begun there by then, and what has come
    of it is kept, with the tokens that the service has told of so far. Programs of tools over the limit are not
    started. Seconds, output, images, tokens and cost are known once they are there, so that the last program or
    answer may pass them.

    Attributes:
        per_turn: Limits of a turn, `{"executions": 5}` say.
        per_run: Limits of the whole conversation.
        at_limit: `message` ends the answer or the run with a message that says in `response_metadata["limit"]`
            which limit was reached (a tool's in its artifact); `error` raises `ExecutionLimitError`, which
            carries what was done.
        alarm_at: The part of a limit at which the custom event `code_execution_budget` and a warning tell of it;
            `None` for never.
        prices: What tokens cost, for a limit of the cost: `published_prices()`, which is the default, or a table.

    Raises:
        ConfigurationError: There is no limit, one is unknown or no amount, or `prices` are none.
        MissingDependencyError: The cost has a limit, there are no `prices`, and genai-prices is not installed.

    Examples:
        >>> ExecutionLimits(per_turn={"executions": 5, "seconds": 60}, per_run={"cost": "0.50"})  # doctest: +SKIP
    """

    per_turn: Most | None = None
    per_run: Most | None = None
    at_limit: Literal["message", "error"] = "message"
    alarm_at: float | None = 0.8
    prices: Prices | PriceTable | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.at_limit not in ("message", "error"):
            raise ConfigurationError(f"at_limit is 'message' or 'error', not {self.at_limit!r}")
        if self.alarm_at is not None and not (_is_amount(self.alarm_at) and self.alarm_at <= 1):
            raise ConfigurationError(f"alarm_at is a part of a limit, such as 0.8, not {self.alarm_at!r}")
        if not (self.per_turn or self.per_run):
            raise ConfigurationError("there is no limit: name one, such as per_turn={'executions': 5}")
        for period in _PERIODS:
            object.__setattr__(self, f"per_{period}", _checked_most(period, getattr(self, f"per_{period}")))
        prices = checked_prices(self.prices)
        object.__setattr__(
            self, "prices", published_prices() if prices is None and self.limits_cost else prices
        )

    @property
    def limits_cost(self) -> bool:
        """Whether the cost has a limit, for which prices are needed."""
        return any("cost" in getattr(self, f"per_{period}") for period in _PERIODS)


def checked_limits(limits: object) -> ExecutionLimits | None:
    """Limits, or none.

    Raises:
        ConfigurationError: It is something else.
    """
    if limits is not None and not isinstance(limits, ExecutionLimits):
        raise ConfigurationError(f"limits are an ExecutionLimits(...), not {limits!r:.100}")
    return limits


class LimitWatch:
    """How far a conversation is from its limits.

    Args:
        limits: The limits.
        messages: The conversation so far.
        started: Programs that were started beside and are not in the messages yet.
        model: Name of the model that is called next, if any is.

    Raises:
        UnknownPriceError: The cost has a limit, and no price of a model is known.
    """

    def __init__(
        self, limits: ExecutionLimits, messages: Sequence[BaseMessage], *, started: int = 0, model: str = ""
    ) -> None:
        self.limits = limits
        self._messages = messages
        self._prices = cast("Prices", limits.prices) if limits.limits_cost else None
        periods = {
            "turn": last_turn(messages) if limits.per_turn else (),
            "run": messages if limits.per_run else (),
        }
        done = {period: ExecutionUsage.of(each, self._prices) for period, each in periods.items()}
        self._before = {
            period: replace(usage, executions=usage.executions + started) for period, usage in done.items()
        }
        name = model.rpartition("/")[2]
        if name and self._prices and self._prices(name, _NOTHING) is None:
            raise UnknownPriceError((name,))

    def before_request(self, source: Source = ()) -> ReachedLimit | None:
        """The limit for which no other request is made after these messages: one that it could only pass."""
        return self._first(self._with(source), _OF_REQUESTS)

    def before_program(self) -> ReachedLimit | None:
        """The limit for which no other program is started."""
        return self._first(self._before, frozenset(_KINDS), failing=True)

    def over(self, source: Source) -> ReachedLimit | None:
        """The limit that is passed with these messages or executions, which came since."""
        return self._first(self._with(source))

    def alarms(self, source: Source = ()) -> list[ReachedLimit]:
        """The limits that these messages nearly use up, but for those of which somebody was told already.

        Whoever keeps limits of one conversation is told once in a process, however many keep them.
        """
        before = self._nearly(self._before) if source else {}
        after = self._nearly(self._with(source))
        return [each for key, each in after.items() if key not in before and not self._is_told(each)]

    def _nearly(self, usages: dict[str, ExecutionUsage]) -> dict[tuple[str, str], ReachedLimit]:
        part = self.limits.alarm_at
        amounts = () if part is None else self._amounts(usages)
        return {(each.limit, each.per): each for each in amounts if each.used >= each.most * (part or 1)}

    def _is_told(self, alarm: ReachedLimit) -> bool:
        """Whether somebody was told, which is noted; a graph's messages have ids, by which that is known."""
        questions = [message.id for message in self._messages if isinstance(message, HumanMessage)]
        asked = questions[-1 if alarm.per == "turn" else 0] if questions else None
        if asked is None:
            return False
        key = (asked, alarm.per, alarm.limit, alarm.most)
        was_told = key in _told
        _told[key] = None
        if len(_told) > _MOST_TOLD:
            _told.popitem(last=False)
        return was_told

    def error(self, reached: ReachedLimit, *messages: BaseMessage) -> ExecutionLimitError:
        """What is raised at a limit, with the messages that came since."""
        done = [*self._messages, *messages]
        return ExecutionLimitError(reached.text, limit=reached.to_dict(), messages=done)

    def _with(self, source: Source) -> dict[str, ExecutionUsage]:
        used = ExecutionUsage.of(source, self._prices)
        return {period: before + used for period, before in self._before.items()}

    def _first(
        self,
        usages: dict[str, ExecutionUsage],
        full: frozenset[str] = frozenset(),
        *,
        failing: bool = False,
    ) -> ReachedLimit | None:
        """The first limit that is passed, or, of those named, reached."""
        for reached in self._amounts(usages, failing=failing):
            if reached.used > reached.most or (reached.limit in full and reached.used >= reached.most):
                return reached
        return None

    def _amounts(self, usages: dict[str, ExecutionUsage], *, failing: bool = False) -> Iterator[ReachedLimit]:
        for period, usage in usages.items():
            most: Most = getattr(self.limits, f"per_{period}")
            if "cost" in most and usage.cost is None:
                raise UnknownPriceError(usage.unpriced)
            for name, amount in most.items():
                used: Any = getattr(usage, "failing" if failing and name == "attempts" else name)
                used = used.total if isinstance(used, TokenUsage) else used
                yield ReachedLimit(name, _plain(amount), _plain(used), period)


def report_budget(alarms: Sequence[ReachedLimit]) -> None:
    """Tell the log and the run that goes on, if any, of limits that are nearly used up."""
    for alarm in alarms:
        _warn(alarm)
        with suppress(RuntimeError):  # there is no parent run
            dispatch_custom_event(BUDGET_EVENT, alarm.to_dict())


async def areport_budget(alarms: Sequence[ReachedLimit]) -> None:
    """Tell of limits that are nearly used up; see `report_budget`."""
    for alarm in alarms:
        _warn(alarm)
        with suppress(RuntimeError):
            await adispatch_custom_event(BUDGET_EVENT, alarm.to_dict())


def _warn(alarm: ReachedLimit) -> None:
    text = "%.12g of at most %.12g %s per %s are used up"
    _logger.warning(text, alarm.used, alarm.most, alarm.limit.replace("_", " "), alarm.per)


def _plain(amount: Any) -> float:
    return float(amount) if isinstance(amount, Decimal) else amount


def _checked_most(period: str, most: Any) -> dict[str, Any]:
    if most is None:
        return {}
    known = ", ".join(_KINDS)
    if not isinstance(most, Mapping):
        raise ConfigurationError(f"per_{period} is a mapping of {known} to amounts, not {most!r:.100}")
    if unknown := sorted(map(str, most.keys() - set(_KINDS))):
        raise ConfigurationError(f"per_{period} has no limit {', '.join(unknown)}; there are {known}")
    checked: dict[str, Any] = {}
    for name, amount in most.items():
        if name == "cost":
            amount = decimal_from(amount, f"per_{period}['cost']")  # noqa: PLW2901 -- as it was written
        elif not _is_amount(amount) or (name != "seconds" and not isinstance(amount, int)):
            raise ConfigurationError(f"per_{period}[{name!r}] must be a number above 0, not {amount!r:.100}")
        checked[name] = amount
    return checked


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0
