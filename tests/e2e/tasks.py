"""Everyday tasks of one or several steps, and a model that can do each step if it is given what the step needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.tools import tool

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from langchain_codeexec.emulator import Prompt

CATALOG = {"blue lamp": 19.99, "red chair": 80.0, "desk": 149.5}


@tool
def get_price(item: str) -> float:
    """Look up the price of an item in the catalog, in EUR."""
    return CATALOG[item]


@tool
def get_stock(item: str) -> int:
    """Look up how many pieces of an item are in stock."""
    return {"blue lamp": 12, "red chair": 3, "desk": 40}[item]


@tool
def get_weather(city: str) -> str:
    """Get the current weather in a city."""
    return f"18 degrees and sunny in {city}"


@tool
def place_order(item: str, quantity: int) -> str:
    """Place an order for a quantity of an item."""
    return f"order placed: {quantity} x {item}"


TOOLS = [get_price, get_stock, get_weather, place_order]


@dataclass(frozen=True)
class Call:
    """A step that calls functions, all at once."""

    calls: tuple[tuple[str, dict[str, Any]], ...]


@dataclass(frozen=True)
class Code:
    """A step that runs code."""

    source: str


@dataclass(frozen=True)
class Say:
    """The last step: the answer."""

    text: str


Step = Call | Code | Say


@dataclass(frozen=True)
class Task:
    """What is asked, what a good model does about it, and what must be in the conversation at the end."""

    name: str
    question: str
    steps: tuple[Step, ...]
    outputs: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    drawn: int = 0


def one(name: str, **args: Any) -> Call:
    return Call(((name, args),))


PLOT = "import matplotlib.pyplot as plt\nplt.bar(['a', 'b'], [19.99, 80.0])\nplt.show()"

TASKS = [
    Task(
        "look up, then compute",
        "Look up the price of the 'blue lamp' in the catalog, then compute the cost of 3 of them with 20% tax.",
        (one("get_price", item="blue lamp"), Code("print(round(3 * 19.99 * 1.2, 2))"), Say("71.96 EUR")),
        outputs=("71.96\n",),
        called=("get_price",),
    ),
    Task(
        "two parallel look-ups, then compute",
        "What is the price of the 'blue lamp' and of the 'red chair'? Calculate the sum of both prices.",
        (
            Call((("get_price", {"item": "blue lamp"}), ("get_price", {"item": "red chair"}))),
            Code("print(19.99 + 80.0)"),
            Say("99.99 EUR"),
        ),
        outputs=("99.99\n",),
        called=("get_price", "get_price"),
    ),
    Task(
        "compute, then call",
        "Compute 6 * 7, then place an order for that quantity of the item 'blue lamp'.",
        (Code("print(6 * 7)"), one("place_order", item="blue lamp", quantity=42), Say("ordered")),
        outputs=("42\n",),
        called=("place_order",),
    ),
    Task(
        "look up, compute, then call",
        "Look up the stock of 'desk', compute how many are missing to 100, and place an order for the missing "
        "quantity.",
        (
            one("get_stock", item="desk"),
            Code("print(100 - 40)"),
            one("place_order", item="desk", quantity=60),
            Say("ordered"),
        ),
        outputs=("60\n",),
        called=("get_stock", "place_order"),
    ),
    Task(
        "code alone",
        "What is the sum of the first 50 prime numbers?",
        (
            Code("print(sum(n for n in range(2, 230) if all(n % d for d in range(2, n))))"),
            Say("5117"),
        ),
        outputs=("5117\n",),
    ),
    Task(
        "function alone",
        "What is the current weather in Paris?",
        (one("get_weather", city="Paris"), Say("sunny")),
        called=("get_weather",),
    ),
    Task(
        "parallel functions",
        "Get the current weather in Paris and in Rome.",
        (Call((("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"}))), Say("sunny in both")),
        called=("get_weather", "get_weather"),
    ),
    Task(
        "a plot of what was looked up",
        "Look up the prices of 'blue lamp' and 'red chair' in the catalog and plot them as a bar chart.",
        (
            Call((("get_price", {"item": "blue lamp"}), ("get_price", {"item": "red chair"}))),
            Code(PLOT),
            Say("Here is the plot."),
        ),
        outputs=("",),
        called=("get_price", "get_price"),
        drawn=1,
    ),
    Task(
        "failing code, mended",
        "What is the standard deviation of 3, 5, 8 and 13?",
        (
            Code("import statistics\nprint(statistics.std([3, 5, 8, 13]))"),
            Code("import statistics\nprint(round(statistics.stdev([3, 5, 8, 13]), 3))"),
            Say("4.349"),
        ),
        outputs=("AttributeError", "4.349\n"),
    ),
    Task(
        "two functions one after the other",
        "Check how many pieces of the 'red chair' are in stock and place an order for that quantity.",
        (
            one("get_stock", item="red chair"),
            one("place_order", item="red chair", quantity=3),
            Say("ordered"),
        ),
        called=("get_stock", "place_order"),
    ),
    Task(
        "a question in German",
        "Wie viele rote Stühle haben wir auf Lager, und was kosten sie zusammen?",
        (
            Call((("get_stock", {"item": "red chair"}), ("get_price", {"item": "red chair"}))),
            Code("print(3 * 80.0)"),
            Say("240 EUR"),
        ),
        outputs=("240.0\n",),
        called=("get_stock", "get_price"),
    ),
    Task(
        "a question in Spanish that orders",
        "Pide tantas lámparas azules como sean 7 docenas.",
        (Code("print(7 * 12)"), one("place_order", item="blue lamp", quantity=84), Say("pedido")),
        outputs=("84\n",),
        called=("place_order",),
    ),
    Task(
        "a question in Japanese",
        "パリの天気を教えて、それから18度を華氏に換算して。",
        (one("get_weather", city="Paris"), Code("print(18 * 9 / 5 + 32)"), Say("64.4 °F")),
        outputs=("64.4\n",),
        called=("get_weather",),
    ),
    Task(
        "numbers in the question that are not to be computed with",
        "Order 2 pieces of the 'desk' for room 101.",
        (one("place_order", item="desk", quantity=2), Say("ordered")),
        called=("place_order",),
    ),
    Task(
        "computing, looking up, computing again",
        "Take 15% off 80, and tell me whether a 'red chair' costs more than that, and by how much.",
        (
            Code("print(80 * 0.85)"),
            one("get_price", item="red chair"),
            Code("print(80.0 - 68.0)"),
            Say("12 EUR"),
        ),
        outputs=("68.0\n", "12.0\n"),
        called=("get_price",),
    ),
]


class AbleModel:
    """Does a task's steps one after the other, each by what the request declares for it.

    It never guesses: where a step needs what is not declared, it says that it cannot go on, and the task ends.
    """

    def __init__(self, task: Task) -> None:
        self._steps: Iterator[Step] = iter(task.steps)
        self._next: Step = next(self._steps)
        self.stuck = ""

    def respond(self, prompt: Prompt) -> Generator[Any, Any, None]:
        tools = prompt.request.get("tools", [])
        declared = {function["name"] for tool in tools for function in tool.get("functionDeclarations", ())}
        has_code = any("codeExecution" in tool for tool in tools)
        is_delegated = has_code and not declared and self._is_told_to_compute(prompt)
        while True:
            step = self._next
            if isinstance(step, Say) or (isinstance(step, Call) and is_delegated):
                yield {"text": "Computed." if is_delegated else str(getattr(step, "text", ""))}
                return
            if isinstance(step, Call) and {name for name, _ in step.calls} <= declared:
                self._advance()
                yield from ({"functionCall": {"name": name, "args": args}} for name, args in step.calls)
                return
            if isinstance(step, Code) and has_code:
                self._advance()
                yield {"executableCode": {"language": "PYTHON", "code": step.source}}
            elif isinstance(step, Code) and "code_execution" in declared:
                yield {"functionCall": {"name": "code_execution", "args": {"task": "compute it"}}}
                return
            else:
                self.stuck = f"needs {step}, has {sorted(declared)}{' and code' * has_code}"
                yield {"text": "I cannot do that here."}
                return

    def _is_told_to_compute(self, prompt: Prompt) -> bool:
        """Whether this is the request that a delegating request led to."""
        last = prompt.request["contents"][-1]["parts"][-1].get("text", "")
        return last.startswith("Write and run Python")

    def _advance(self) -> None:
        self._next = next(self._steps)
