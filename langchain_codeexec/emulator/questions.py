"""What the offline brain can answer: exact questions, and a handful of exact forms.

A scene is a question as data, with the program, the function call or the text that answers it. A form is a
pattern of a whole question. What is in neither has no answer here. Programs print one line `label = value` for
each result, and no result stands in an answer that was not printed.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from langchain_codeexec.executions import InlineFile

__all__ = ["CALLS", "TEXTS", "Call", "Program", "one_line", "printed_values", "program_for"]

_Files: TypeAlias = Sequence[InlineFile]
_Build: TypeAlias = Callable[[re.Match[str], _Files], "Program | None"]

_LABELLED = re.compile(r"^(?:\[\w+\] )?(\w+) = (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Program:
    """The answer to a question by running code.

    Attributes:
        origin: The scene or form it comes from.
        before: What is said before the code.
        code: Prints one line `label = value` for each result.
        after: What is said after it, with the values in place of `{label}`; `{output}` is all that was printed.
        follows: The user's question before this one, where the scene needs one.
    """

    origin: str
    before: str
    code: str
    after: str
    follows: str = ""

    def answer(self, output: str) -> str:
        """What is said after the run."""
        values = {**dict(_LABELLED.findall(output)), "output": output.strip("\n")}
        return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), self.after)


class Call(NamedTuple):
    """A function call."""

    name: str
    args: Mapping[str, Any]


def printed_values(output: str) -> dict[str, Any]:
    """The results among what a program printed."""
    values: dict[str, Any] = {}
    for label, shown in _LABELLED.findall(output):
        try:
            values[label] = ast.literal_eval(shown)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            values[label] = shown
    return values


# -- forms ---------------------------------------------------------------------------------------------------

_NUMBER: Final = r"-?(?:0|[1-9]\d*)(?:\.\d+)?"
_LIST: Final = rf"{_NUMBER}(?:, {_NUMBER})*(?:,? and |, ){_NUMBER}"
_NAME: Final = r"""(?:\w+|'[^']+'|"[^"]+")"""
_ASK: Final = r"(?:what is|calculate|compute) "
_END: Final = r"[?.]?(?: Generate and run code for the calculation\.)?"
_STATISTICS: Final = {
    "sum": ("total", "sum", "sum"),
    "total": ("total", "sum", "sum"),
    "product": ("product", "product", "math.prod"),
    "mean": ("mean", "mean", "statistics.mean"),
    "average": ("mean", "mean", "statistics.mean"),
    "median": ("median", "median", "statistics.median"),
    "standard deviation": ("stdev", "sample standard deviation", "statistics.stdev"),
}
"""By word: the label of the result, the noun for it, and the function."""

_STATISTIC: Final = f"{_ASK}the (?P<statistic>{'|'.join(_STATISTICS)})"
_PRIMES: Final = '''def is_prime(n):
    """Trial division up to the square root."""
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))


terms = []
n = 2
while len(terms) < {count}:
    if is_prime(n):
        terms.append(n)
    n += 1
'''
_SERIES: Final = {
    "prime numbers": _PRIMES,
    "primes": _PRIMES,
    "positive integers": "terms = [k for k in range(1, {end})]\n",
    "natural numbers": "terms = [k for k in range(1, {end})]\n",
    "even numbers": "terms = [2 * k for k in range(1, {end})]\n",
    "odd numbers": "terms = [2 * k - 1 for k in range(1, {end})]\n",
    "fibonacci numbers": (
        "terms = []\na, b = 1, 1\nwhile len(terms) < {count}:\n    terms.append(a)\n    a, b = b, a + b\n"
    ),
}
_FORMS: Final[list[tuple[re.Pattern[str], _Build]]] = []
"""What a whole question matches or not, and what makes a program of it."""


def _form(pattern: str) -> Callable[[_Build], _Build]:
    def add(build: _Build) -> _Build:
        _FORMS.append((re.compile(pattern, re.IGNORECASE | re.DOTALL), build))
        return build

    return add


def _statistic(match: re.Match[str], setup: str, terms: str) -> tuple[str, str, str]:
    """Its label, its noun, and a program that computes it of the terms that `setup` makes."""
    label, noun, function = _STATISTICS[match["statistic"].lower()]
    code = f'{setup}{label} = {function}({terms})\nprint(f"{{{label} = }}")\n'
    modules = [name for name in ("csv", "math", "statistics") if f"{name}." in code]
    return label, noun, "".join(f"import {name}\n" for name in modules) + "\n" * bool(modules) + code


@_form(
    rf"{_STATISTIC} of the first (?P<count>[1-9]\d{{0,5}}) (?P<noun>{'|'.join(_SERIES)})[?.]?"
    r"(?: Generate and run code for the calculation(?:, and make sure you get all (?P=count))?\.)?"
)
def _first_terms(match: re.Match[str], _: _Files) -> Program:
    count, noun = int(match["count"]), match["noun"].lower()
    setup = _SERIES[noun].format(count=count, end=count + 1)
    label, name, code = _statistic(match, setup, "terms")
    terms = f"the first {count} {noun.replace('primes', 'prime numbers').replace('fibo', 'Fibo')}"
    before = (
        f"I will collect {terms} by trial division and compute their {name}."
        if setup.startswith("def is_prime")
        else f"I will compute the {name} of {terms} with a short Python program."
    )
    return Program("the first n terms", before, code, f"The {name} of {terms} is {{{label}}}.")


@_form(rf"{_STATISTIC} of (?P<numbers>{_LIST}){_END}")
def _listed(match: re.Match[str], _: _Files) -> Program:
    numbers = re.findall(_NUMBER, match["numbers"])
    shown = ", ".join(numbers)
    label, name, code = _statistic(match, f"numbers = [{shown}]\n", "numbers")
    before = f"I will compute the {name} of the {len(numbers)} numbers."
    return Program("listed numbers", before, code, f"For the numbers {shown}: the {name} is {{{label}}}.")


@_form(rf"{_STATISTIC} of (?:the )?(?:column (?P<last>{_NAME})|(?P<first>{_NAME}) column){_END}")
def _column(match: re.Match[str], files: _Files) -> Program | None:
    """A statistic of a column of the only table there is, where all its rows hold a number."""
    column = (match["first"] or match["last"]).strip("'\"")
    try:
        [table] = (file for file in files if file.name.endswith(".csv"))
        rows = csv.DictReader(io.StringIO(table.data.decode("utf-8-sig")))
        cells = [row[column] or "" for row in rows] if list(rows.fieldnames or ()).count(column) == 1 else []
    except (ValueError, KeyError, csv.Error):
        return None
    if not cells or not all(re.fullmatch(_NUMBER, cell) for cell in cells):
        return None
    kind = "float" if any("." in cell for cell in cells) else "int"
    setup = (
        f"with open({table.name!r}, encoding='utf-8-sig', newline='') as file:\n"
        f"    numbers = [{kind}(row[{column!r}]) for row in csv.DictReader(file)]\n"
    )
    label, name, code = _statistic(match, setup, "numbers")
    before = f"I will read {table.name} and compute the {name} of {column}."
    return Program("a column of a table", before, code, f"The {name} of {column} is {{{label}}}.")


@_form(rf"{_ASK}(?P<share>{_NUMBER}) ?(?:%|percent) of (?P<whole>{_NUMBER}){_END}")
def _percentage(match: re.Match[str], _: _Files) -> Program:
    share, whole = match["share"], match["whole"]
    code = f'result = {whole} * {share} / 100\nprint("result =", round(result, 6))\n'
    before, after = f"I will compute {share}% of {whole}.", f"{share}% of {whole} is {{result}}."
    return Program("a percentage", before, code, after)


@_form(rf"{_ASK}(?!.*\d-\d+-\d|.*\d/\d+/\d|\d{{3}}-\d{{4}}\b)(?P<expression>[-+*/().\d ]{{1,300}}?){_END}")
def _expression(match: re.Match[str], _: _Files) -> Program | None:
    """Arithmetic; what may be a date or a telephone number is none."""
    source = match["expression"].strip()
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    known = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop)
    if not isinstance(tree, ast.BinOp) or not all(isinstance(node, known) for node in ast.walk(tree)):
        return None
    code = f'result = {source}\nprint(f"{{result = }}")\n'
    before, after = f"I will compute `{source}` with Python.", f"The result of {source} is {{result}}."
    return Program("arithmetic", before, code, after)


@_form(
    r"plot (?:a bar chart of )?(?:the|these) (?P<topic>(?:monthly )?sales|rainfall|temperatures|values)"
    rf"(?P<unit> in \w+)?: (?P<pairs>[^\W\d_]+ {_NUMBER}(?:(?:,? and |, )[^\W\d_]+ {_NUMBER})+)\.?"
)
def _plot(match: re.Match[str], _: _Files) -> Program:
    pairs = re.findall(rf"(\w+) ({_NUMBER})", match["pairs"])
    title = match["topic"].capitalize() + (match["unit"] or "")
    code = (
        "import matplotlib.pyplot as plt\n\n"
        f"labels = {[label for label, _ in pairs]!r}\nvalues = [{', '.join(value for _, value in pairs)}]\n"
        f'plt.bar(labels, values)\nplt.title({title!r})\nplt.show()\nprint("points =", len(values))\n'
    )
    after = f'I have drawn a bar chart of {{points}} points, titled "{title}".'
    return Program("a plot of pairs", "I will draw a bar chart with matplotlib.", code, after)


# -- scenes --------------------------------------------------------------------------------------------------

_SCENES: Final = {
    'Can you print "Hello world!"?': Program(
        "hello world",
        'I will print "Hello world!".',
        "print('Hello world!')\n",
        'I have printed "{output}" with the Python code above.',
    ),
    "And of the first 20?": Program(
        "the first 20 after the first 10",
        "I will compute the sum of the first 20 positive integers with a short Python program.",
        'terms = [k for k in range(1, 21)]\ntotal = sum(terms)\nprint(f"{total = }")\n',
        "The sum of the first 20 positive integers is {total}.",
        follows="What is the sum of the first 10 positive integers?",
    ),
}
CALLS: Final = {
    "What is the price of 'blue lamp' in the catalog?": Call("get_price", {"item": "blue lamp"}),
    "How many pieces of the article 'M8 bolt' are in stock?": Call("pieces_in_stock", {"article": "M8 bolt"}),
    "What is the weather in San Francisco, CA?": Call("get_weather", {"location": "San Francisco, CA"}),
    "Create a customer named '你好啊集团' (Hello Group) - a Chinese technology company": Call(
        "unicode_customer", {"customer_name": "你好啊集团", "description": "a Chinese technology company"}
    ),
    "Create a customer named 'こんにちは株式会社' (Hello Corporation) - a Japanese company": Call(
        "unicode_customer", {"customer_name": "こんにちは株式会社", "description": "a Japanese company"}
    ),
}
"""Calls that answer a question where the function is declared."""

_JOKE: Final = {
    "setup": "Why did the cat sit on the computer?",
    "punchline": "To keep an eye on the mouse.",
}
TEXTS: Final = {
    "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys. "
    "Return nothing other than JSON.": json.dumps(_JOKE),
}

_LONGEST: Final = 2000
"""Characters of a question; it bounds the patterns' work."""

_GIVEN = re.compile(
    r"(?:Run this Python program|Copy the program between the fences) [^`]*:\n\n"
    r"(?P<fence>`{3,})python\n(?P<code>.*?)(?P=fence)",
    re.DOTALL,
)
"""What `GeminiExecutor` asks for."""

_QUOTES = str.maketrans("\u201c\u201d\u2018\u2019", "\"\"''")


def program_for(text: str, *, earlier: str = "", files: Sequence[InlineFile] = ()) -> Program | None:
    """The program that answers a question, where a scene or a form is the question's.

    Args:
        text: The question as it was asked.
        earlier: The question before it.
        files: The files of the request.
    """
    if match := _GIVEN.fullmatch(text):
        return Program("a given program", "", match["code"], "The code ran and printed:\n{output}")
    question = one_line(text)
    scene = _SCENES.get(question)
    if scene and scene.follows in ("", one_line(earlier)):
        return scene
    for pattern, build in _FORMS:
        match = pattern.fullmatch(question) if len(question) <= _LONGEST else None
        if match and (program := build(match, files)):
            return program
    return None


def one_line(text: str) -> str:
    """A question on one line, with straight quotes."""
    return " ".join(text.translate(_QUOTES).split())
