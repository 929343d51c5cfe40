"""A brain of scenes: exact questions and a handful of exact forms, for answers without a language model.

A scene is a question as data, with the program or the function call that answers it. A form is a pattern of a
whole question. A question that neither covers from its first word to its last gets one honest answer. The
programs are really run, and every result in an answer is one that a program printed or a function returned.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from langchain_codeexec.emulator.answering import input_files
from langchain_codeexec.emulator.schema_filling import ABSENT, Filling
from langchain_codeexec.executions import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from langchain_codeexec.emulator.brain import Prompt
    from langchain_codeexec.executions import ExecutionResult, InlineFile
    from langchain_codeexec.gemini.wire import Content, FunctionDeclaration, GenerateContentRequest, Part

    _Files: TypeAlias = Sequence[InlineFile]
    _Build: TypeAlias = Callable[[re.Match[str], _Files], "_Program | None"]
    _Parts: TypeAlias = Generator[Part, ExecutionResult | None, None]

__all__ = ["STAND_IN", "SceneBrain"]

STAND_IN: Final = "A stand-in answers, which is no language model; the code it writes really runs."
_NO_ANSWER: Final = (
    f"{STAND_IN} It knows a few exact questions and forms, and has no answer to this one. Bring a model with "
    "GeminiEmulator(LangChainBrain(chat_model)) or --brain ollama:…, or write the answers down yourself with "
    "ScriptedBrain or --script FILE."
)
_NO_CODE: Final = (
    f"{STAND_IN} It would run Python to answer this, but the request does not declare code execution."
)
_DELEGATED: Final = "Write and run Python code for this, and answer from what it prints: "
_AS_JSON: Final = "Give the answer now, as JSON, from what is found above."
"""What the chat model says where it makes several requests of one call."""


_LABELLED = re.compile(r"^(?:\[\w+\] )?(\w+) = (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Program:
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
        return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), self.after)


class _Call(NamedTuple):
    """A function call."""

    name: str
    args: Mapping[str, Any]


# -- forms ---------------------------------------------------------------------------------------------------

_NUMBER: Final = r"-?(?:0|[1-9]\d*)(?:\.\d+)?"
_LIST: Final = rf"{_NUMBER}(?:, {_NUMBER})*(?:,? and |, ){_NUMBER}"
_NAME: Final = r"""(?:\w+|'[^']+'|"[^"]+")"""
_FENCED: Final = r"(?P<fence>`{3,})python\n(?P<code>.*?)(?P=fence)"
_ASK: Final = r"(?:what is|calculate|compute) "
_END: Final = r"[?.]?"
_STATISTICS: Final = MappingProxyType(
    {
        "sum": ("total", "sum", "sum"),
        "total": ("total", "sum", "sum"),
        "product": ("product", "product", "math.prod"),
        "mean": ("mean", "mean", "statistics.mean"),
        "average": ("mean", "mean", "statistics.mean"),
        "median": ("median", "median", "statistics.median"),
        "standard deviation": ("stdev", "sample standard deviation", "statistics.stdev"),
    }
)
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
_SERIES: Final = MappingProxyType(
    {
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
)
_FORMS: Final[list[tuple[re.Pattern[str], _Build]]] = []
"""What a whole question matches or not, and what makes a program of it."""


def _form(pattern: str) -> Callable[[_Build], _Build]:
    def add(build: _Build) -> _Build:
        _FORMS.append((re.compile(pattern, re.IGNORECASE | re.DOTALL), build))
        return build

    return add


def _statistic(found: re.Match[str], setup: str, terms: str) -> tuple[str, str, str]:
    """Its label, its noun, and a program that computes it of the terms that `setup` makes."""
    label, noun, function = _STATISTICS[found["statistic"].lower()]
    code = f'{setup}{label} = {function}({terms})\nprint(f"{{{label} = }}")\n'
    modules = [name for name in ("csv", "math", "statistics") if f"{name}." in code]
    return label, noun, "".join(f"import {name}\n" for name in modules) + "\n" * bool(modules) + code


@_form(
    rf"{_STATISTIC} of the first (?P<count>[1-9]\d{{0,5}}) (?P<noun>{'|'.join(_SERIES)}){_END}"
    r"(?: Generate and run code for the calculation(?:, and make sure you get all (?P=count))?\.)?"
)
def _first_terms(found: re.Match[str], _: _Files) -> _Program:
    count, noun = int(found["count"]), found["noun"].lower()
    setup = _SERIES[noun].format(count=count, end=count + 1)
    label, name, code = _statistic(found, setup, "terms")
    terms = f"the first {count} {noun.replace('primes', 'prime numbers').replace('fibo', 'Fibo')}"
    before = (
        f"I will collect {terms} by trial division and compute their {name}."
        if setup.startswith("def is_prime")
        else f"I will compute the {name} of {terms} with a short Python program."
    )
    return _Program("the first n terms", before, code, f"The {name} of {terms} is {{{label}}}.")


@_form(rf"{_STATISTIC} of (?P<numbers>{_LIST}){_END}")
def _listed(found: re.Match[str], _: _Files) -> _Program:
    numbers = re.findall(_NUMBER, found["numbers"])
    shown = ", ".join(numbers)
    label, name, code = _statistic(found, f"numbers = [{shown}]\n", "numbers")
    before = f"I will compute the {name} of the {len(numbers)} numbers."
    return _Program("listed numbers", before, code, f"For the numbers {shown}: the {name} is {{{label}}}.")


@_form(rf"{_STATISTIC} of (?:the )?(?:column (?P<last>{_NAME})|(?P<first>{_NAME}) column){_END}")
def _column(found: re.Match[str], files: _Files) -> _Program | None:
    """A statistic of a column of the only table there is, where all its rows hold a number."""
    column = (found["first"] or found["last"]).strip("'\"")
    try:
        [table] = (file for file in files if file.name.endswith(".csv"))
        rows = csv.DictReader(io.StringIO(table.data.decode("utf-8-sig")))
        cells = [row[column] or "" for row in rows]
    except (ValueError, KeyError, csv.Error):
        return None
    if not cells or not all(re.fullmatch(_NUMBER, cell) for cell in cells):
        return None
    kind = "float" if any("." in cell for cell in cells) else "int"
    setup = (
        f"with open({table.name!r}, encoding='utf-8-sig', newline='') as file:\n"
        f"    numbers = [{kind}(row[{column!r}]) for row in csv.DictReader(file)]\n"
    )
    label, name, code = _statistic(found, setup, "numbers")
    before = f"I will read {table.name} and compute the {name} of {column}."
    return _Program("a column of a table", before, code, f"The {name} of {column} is {{{label}}}.")


@_form(rf"{_ASK}(?P<share>{_NUMBER}) ?(?:%|percent) of (?P<whole>{_NUMBER}){_END}")
def _percentage(found: re.Match[str], _: _Files) -> _Program:
    share, whole = found["share"], found["whole"]
    code = f'result = {whole} * {share} / 100\nprint("result =", round(result, 6))\n'
    before, after = f"I will compute {share}% of {whole}.", f"{share}% of {whole} is {{result}}."
    return _Program("a percentage", before, code, after)


@_form(rf"{_ASK}(?!.*\d-\d|.*\d/\d+/\d)(?P<expression>[-+*/%().\d ]{{1,300}}?){_END}")
def _expression(found: re.Match[str], _: _Files) -> _Program | None:
    """Arithmetic; what may be a date or a telephone number is none."""
    source = found["expression"].strip()
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    known = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop)
    if not isinstance(tree, ast.BinOp) or not all(isinstance(node, known) for node in ast.walk(tree)):
        return None
    code = f'result = {source}\nprint(f"{{result = }}")\n'
    before, after = f"I will compute `{source}` with Python.", f"The result of {source} is {{result}}."
    return _Program("arithmetic", before, code, after)


@_form(
    r"plot (?:a bar chart of )?(?:the|these) (?P<topic>(?:monthly )?sales|rainfall|temperatures|values)"
    rf"(?P<unit> in \w+)?: (?P<pairs>[^\W\d_]+ {_NUMBER}(?:(?:,? and |, )[^\W\d_]+ {_NUMBER})+)\.?"
)
def _plot(found: re.Match[str], _: _Files) -> _Program:
    pairs = re.findall(rf"(\w+) ({_NUMBER})", found["pairs"])
    title = found["topic"].capitalize() + (found["unit"] or "")
    code = (
        "import matplotlib.pyplot as plt\n\n"
        f"labels = {[label for label, _ in pairs]!r}\nvalues = [{', '.join(value for _, value in pairs)}]\n"
        f'plt.bar(labels, values)\nplt.title({title!r})\nplt.show()\nprint("points =", len(values))\n'
    )
    after = f'I have drawn a bar chart of {{points}} points, titled "{title}".'
    return _Program("a plot of pairs", "I will draw a bar chart with matplotlib.", code, after)


@_form(r"(?:Run this Python program|Copy the program between the fences) [^`]*:\n\n" + _FENCED)
def _given(found: re.Match[str], _: _Files) -> _Program:
    return _Program("a given program", "", found["code"], "The code ran and printed:\n{output}")


# -- scenes --------------------------------------------------------------------------------------------------

_FIRST_TEN: Final = "What is the sum of the first 10 positive integers?"
_SCENES: Final = MappingProxyType(
    {
        'Can you print "Hello world!"?': _Program(
            "hello world",
            'I will print "Hello world!".',
            "print('Hello world!')\n",
            'I have printed "{output}" with the Python code above.',
        ),
        "And of the first 20?": _Program(
            "the first 20 after the first 10",
            "I will compute the sum of the first 20 positive integers with a short Python program.",
            'terms = [k for k in range(1, 21)]\ntotal = sum(terms)\nprint(f"{total = }")\n',
            "The sum of the first 20 positive integers is {total}.",
            follows=_FIRST_TEN,
        ),
    }
)
_CALLS: Final = MappingProxyType(
    {
        "What is the price of 'blue lamp' in the catalog?": _Call("get_price", {"item": "blue lamp"}),
        "How many pieces of the article 'M8 bolt' are in stock?": _Call(
            "pieces_in_stock", {"article": "M8 bolt"}
        ),
        "What is the weather in San Francisco, CA?": _Call("get_weather", {"location": "San Francisco, CA"}),
        "Create a customer named '你好啊集团' (Hello Group) - a Chinese technology company": _Call(
            "unicode_customer", {"customer_name": "你好啊集团", "description": "a Chinese technology company"}
        ),
        "Create a customer named 'こんにちは株式会社' (Hello Corporation) - a Japanese company": _Call(
            "unicode_customer", {"customer_name": "こんにちは株式会社", "description": "a Japanese company"}
        ),
    }
)
"""Calls that answer a question where the function is declared."""

_TEXTS: Final = MappingProxyType(
    {
        "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys. "
        "Return nothing other than JSON.": json.dumps({"setup": STAND_IN, "punchline": "It knows no jokes."}),
    }
)

# -- reading a request ---------------------------------------------------------------------------------------

_LISTING = re.compile(
    r"(?:\n\n(?:Files in the working directory|Attached to be read):(?:\n(?:- | {4}).*)+)+\Z"
)
_QUOTES = str.maketrans("\u201c\u201d\u2018\u2019", "\"\"''")
_VALUE: Final = r"""(?:'[^']*'|"[^"]*"|-?\d+(?:\.\d+)?|true|false)"""
_ARGUMENT: Final = rf"(?:\w+ ?= ?)?{_VALUE}"
_ARGUMENTS: Final = rf"{_ARGUMENT}(?:(?:, ?(?:and )?| and ){_ARGUMENT})*"
_ONE_CALL: Final = rf"(?:\w+\((?:{_ARGUMENTS})?\)|\w+ (?:with|for) {_ARGUMENTS})"
_CALL_PARTS = re.compile(rf"(\w+)(?:\(({_ARGUMENTS})?\)| (?:with|for) ({_ARGUMENTS}))", re.IGNORECASE)
_ARGUMENT_PARTS = re.compile(rf"(?:(\w+) ?= ?)?({_VALUE})", re.IGNORECASE)
_ONLY_CALLS = re.compile(
    rf"(?:(?:call|use|run|what is|what is the value of) )?{_ONE_CALL}(?:(?:,? and |, ){_ONE_CALL})*{_END}"
    r"(?: Use the tool\.)?",
    re.IGNORECASE,
)
_RUNS_CODE = re.compile(r"code_execution(?:_\d+)?|run_python|python")
_WRAPPERS: Final = frozenset({"output", "result", "content"})


class _Function:
    """A declared function.

    Attributes:
        name: Its name.
        schema: The schema of its arguments.
        properties: The schemas of its parameters.
        runs: `task` or `code` where it runs code and needs just that; else empty.
    """

    def __init__(self, declared: FunctionDeclaration) -> None:
        self.name = declared.get("name", "")
        self.schema: Mapping[str, Any] = (
            declared.get("parametersJsonSchema") or declared.get("parameters") or {"type": "object"}
        )
        self.properties: Mapping[str, Any] = self.schema.get("properties") or {}
        self.required: Sequence[str] = self.schema.get("required") or ()
        alone = "".join(self.required) if len(self.required) == 1 else ""
        self.runs = alone if alone in {"task", "code"} and _RUNS_CODE.fullmatch(self.name) else ""

    def stated(self, text: str) -> dict[str, Any]:
        """The arguments that a text states, by name or in their order."""
        names = iter(self.properties)
        return {
            name or next(names, ""): value[1:-1] if value[0] in "'\"" else json.loads(value.lower())
            for name, value in _ARGUMENT_PARTS.findall(text)
        }

    def takes(self, args: Mapping[str, Any]) -> bool:
        """Whether arguments are complete and fit."""
        return set(self.required) <= args.keys() <= self.properties.keys() and all(
            Filling(self.schema).typed(value, self.properties[name]) is not ABSENT
            for name, value in args.items()
        )


class _Talk:
    """A request, as far as it decides the answer."""

    def __init__(self, request: GenerateContentRequest) -> None:
        contents = request.get("contents") or []
        spoken = [
            (index, text)
            for index, content in enumerate(contents)
            if content.get("role") != "model" and (text := _text(content))
        ]
        if len(spoken) > 1 and spoken[-1][1] == _AS_JSON:
            spoken.pop()
        start, text = spoken[-1] if spoken else (len(contents), "")
        text = _LISTING.sub("", text).removeprefix(_DELEGATED)
        self.question = " ".join(text.translate(_QUOTES).split())
        self.program = _program(text, self.question, spoken[-2][1] if len(spoken) > 1 else "", request)
        tools = request.get("tools") or []
        calling = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
        mode, allowed = calling.get("mode"), calling.get("allowedFunctionNames")
        declared = [_Function(one) for tool in tools for one in tool.get("functionDeclarations") or []]
        self.functions = [one for one in declared if mode != "NONE" and (not allowed or one.name in allowed)]
        self.must_call = mode == "ANY" and bool(self.functions)
        self.can_run = any("codeExecution" in tool for tool in tools)
        self.config = request.get("generationConfig") or {}
        self.schema = _schema(self.config)
        parts = [part for content in contents[start + 1 :] for part in content.get("parts") or []]
        made = (part["functionCall"] for part in parts if "functionCall" in part)
        self.made = [_Call(call.get("name", ""), call.get("args") or {}) for call in made]
        self.responses = [_returned(part["functionResponse"]) for part in parts if "functionResponse" in part]
        self.values = _printed(
            "\n".join(
                part.get("text") or part.get("codeExecutionResult", {}).get("output") or "" for part in parts
            )
        )
        for name, returned in self.responses:
            self.values |= _printed(returned) if isinstance(returned, str) else {}
            self.values |= returned if isinstance(returned, dict) else {name: returned}

    @property
    def delegate(self) -> _Function | None:
        """The function that runs code, where it was not called for this question."""
        made = {call.name for call in self.made}
        return next((one for one in self.functions if one.runs and one.name not in made), None)

    @property
    def calls(self) -> list[_Call]:
        """The calls that the question is about, each of a declared function and complete; else none."""
        declared = {function.name: function for function in self.functions}
        calls = [_CALLS[self.question]] if self.question in _CALLS else []
        if _ONLY_CALLS.fullmatch(self.question):
            calls = [
                _Call(name, declared[name].stated(inside or behind) if name in declared else {})
                for name, inside, behind in _CALL_PARTS.findall(self.question)
            ]
        whole = all(call.name in declared and declared[call.name].takes(call.args) for call in calls)
        return calls if whole else []


def _text(content: Content) -> str:
    texts = (part.get("text") for part in content.get("parts") or [] if not part.get("thought"))
    return "\n".join(text for text in texts if text).strip()


def _schema(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of an answer in JSON or of one option; `None` where text is wanted."""
    if config.get("responseMimeType") not in {"application/json", "text/x.enum"}:
        return None
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    return schema or {"type": "object", "properties": {"answer": {}}, "required": ["answer"]}


def _program(text: str, question: str, earlier: str, request: GenerateContentRequest) -> _Program | None:
    scene = _SCENES.get(question)
    if scene and scene.follows in ("", earlier):
        return scene
    for pattern, build in _FORMS:
        found = pattern.fullmatch(text if "fence" in pattern.groupindex else question)
        if found and (program := build(found, input_files(request))):
            return program
    return None


def _returned(response: Mapping[str, Any]) -> tuple[str, Any]:
    """A function's name and what it returned, without the wrapper that clients put around it."""
    value: Any = response.get("response") or {}
    while isinstance(value, dict) and len(value) == 1 and value.keys() <= _WRAPPERS:
        [value] = value.values()
    return response.get("name", ""), value


def _printed(output: str) -> dict[str, Any]:
    """The results among what a program printed."""
    values: dict[str, Any] = {}
    for label, shown in _LABELLED.findall(output):
        try:
            values[label] = ast.literal_eval(shown)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            values[label] = shown
    return values


# -- answering -----------------------------------------------------------------------------------------------


class SceneBrain:
    """Answers exact questions and forms, offline and the same way every time.

    It is no language model: whatever no scene or form covers as a whole gets an answer that says so. Code runs
    only where the request declares it, itself or as a function that runs code. Where the request demands a call
    or JSON, values that neither the question nor a run gives are stand-ins.
    """

    def respond(self, prompt: Prompt) -> _Parts:
        """Answer one request, part by part."""
        talk = _Talk(prompt.request)
        if (talk.config.get("thinkingConfig") or {}).get("includeThoughts"):
            yield {"text": "I look the question up among my scenes and forms.", "thought": True}
        origin, answer = _calling(talk) or _writing(talk)
        prompt.notes.append(origin)
        yield from answer


def _calling(talk: _Talk) -> tuple[str, _Parts] | None:
    """Where function calls come from, and the calls; `None` where the answer is written."""
    if left := [call for call in talk.calls if call not in talk.made]:
        return "scene: calls of functions" if talk.question in _CALLS else "form: named calls", _made(*left)
    program, delegate = talk.program, talk.delegate
    if program and delegate and not talk.can_run:
        argument = talk.question if delegate.runs == "task" else program.code
        return f"{program.origin}, delegated", _made(_Call(delegate.name, {delegate.runs: argument}))
    return ("a call that the request demands", _demanded(talk)) if talk.must_call else None


def _writing(talk: _Talk) -> tuple[str, _Parts]:
    """Where a written answer comes from, and its parts."""
    if talk.schema is not None:
        return "a form that the request demands", _json(talk, talk.schema)
    if talk.responses:
        return "what functions returned", _told(_repeated(talk))
    if talk.program:
        return talk.program.origin, _run(talk.program) if talk.can_run else _told(_NO_CODE)
    if talk.question in _TEXTS:
        return "scene: a text", _told(_TEXTS[talk.question])
    return "no scene or form is the question's", _told(_NO_ANSWER)


def _told(text: str) -> _Parts:
    yield {"text": f"{text}\n"}


def _made(*calls: _Call) -> _Parts:
    for call in calls:
        yield {"functionCall": {"name": call.name, "args": dict(call.args)}}


def _run(program: _Program) -> _Parts:
    if program.before:
        yield {"text": f"{program.before}\n\n"}
    _, answer = yield from _ran(program)
    yield {"text": f"{answer}\n"}


def _ran(program: _Program) -> Generator[Part, ExecutionResult | None, tuple[dict[str, Any], str]]:
    """Run a program; what it printed, and the answer as a sentence."""
    result = yield {"executableCode": {"language": "PYTHON", "code": program.code}}
    if result is not None and result.outcome is Outcome.OK:
        return _printed(result.output), program.answer(result.output)
    reason = ((result.output if result else "").strip().splitlines() or ["no reason was given"])[-1]
    return {}, f"The code failed, so there is no result to give: {reason}"


def _demanded(talk: _Talk) -> _Parts:
    """A call of an allowed function: filled from the question, a run or what functions returned, else stand-ins."""
    values = talk.values
    if talk.program and talk.can_run and not values:
        values, _ = yield from _ran(talk.program)
    stated = {name: inside or behind for name, inside, behind in _CALL_PARTS.findall(talk.question)}
    functions = [one for one in talk.functions if not one.runs] or talk.functions
    function = max(
        functions, key=lambda one: (one.name in stated, len(values.keys() & one.properties.keys()))
    )
    values = values | function.stated(stated.get(function.name, ""))
    yield from _made(_Call(function.name, Filling(function.schema, values).filled() or {}))


def _json(talk: _Talk, schema: Mapping[str, Any]) -> _Parts:
    values, text = talk.values, _NO_ANSWER
    if talk.program and talk.can_run and not values:
        values, text = yield from _ran(talk.program)
    elif talk.program and values:
        text = talk.program.answer("\n".join(f"{name} = {value}" for name, value in values.items()))
    filled = Filling(schema, values, text).filled()
    plain = talk.config.get("responseMimeType") == "text/x.enum"
    yield {"text": str(filled) if plain else json.dumps(filled, ensure_ascii=False)}


def _repeated(talk: _Talk) -> str:
    """The answer to the question where a function ran its code, else the values alone."""
    for _, returned in talk.responses:
        if talk.program and isinstance(returned, str) and _printed(returned):
            return talk.program.answer(returned)
    lines = []
    for index, (name, returned) in enumerate(talk.responses):
        call = talk.made[index] if index < len(talk.made) else _Call(name, {})
        args = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in call.args.items())
        shown = returned if isinstance(returned, str) else json.dumps(returned, ensure_ascii=False)
        lines.append(f"{name}({args}) returned: {shown}")
    return "\n".join(lines)
