"""Functions for programs to call, as tests give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

from langchain_codeexec.executors.calls import CallLimits, HostCall, HostFunction, HostReply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FUNCTIONS = (
    HostFunction(
        "price", "symbol: str, day: Literal['today', 'friday'] = 'today'", "float", "What it costs."
    ),
    HostFunction("same", "value: Any = ..., **more: Any"),
    HostFunction("fail", "", "None"),
    HostFunction("hang", "", "None"),
)


@dataclass
class Functions:
    """Prices; what was sent; a failure; and what never comes back, unless it is cancelled."""

    limits: CallLimits = field(default_factory=CallLimits)
    others: dict[str, Callable[[HostCall], HostReply]] = field(default_factory=dict)
    functions: Sequence[HostFunction] = FUNCTIONS
    made: list[HostCall] = field(default_factory=list)
    cancelled: list[HostCall] = field(default_factory=list)
    hanging: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)

    def __call__(self, call: HostCall) -> HostReply:
        self.made.append(call)
        answer: Any = self.others.get(call.name) or getattr(self, f"_{call.name}")
        reply: HostReply = answer(call)
        return reply

    def cancel(self, call: HostCall) -> None:
        self.cancelled.append(call)
        self.released.set()

    def _price(self, call: HostCall) -> HostReply:
        return HostReply(len(call.args["symbol"]) + 0.5)

    def _same(self, call: HostCall) -> HostReply:
        return HostReply(call.args)

    def _fail(self, _call: HostCall) -> HostReply:
        return HostReply(error="no such thing: \ud800")

    def _hang(self, _call: HostCall) -> HostReply:
        self.released = released = Event()
        self.hanging.set()
        released.wait(60)
        return HostReply("too late")
