"""A brain of scenes: answers without a language model, and without pretending to be one."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from langchain_codeexec.emulator.answering import input_files
from langchain_codeexec.emulator.brain import Prompt
from langchain_codeexec.emulator.parsing import callable_functions, calling_config, tool_kinds
from langchain_codeexec.emulator.questions import (
    CALLS,
    TEXTS,
    Call,
    Program,
    one_line,
    printed_values,
    program_for,
)
from langchain_codeexec.emulator.schema_filling import ABSENT, Filling
from langchain_codeexec.executions import ExecutionResult, Outcome
from langchain_codeexec.gemini.wire import Content, FunctionDeclaration, GenerateContentRequest, Part

__all__ = ["STAND_IN", "SceneBrain"]

_Parts: TypeAlias = Generator[Part, ExecutionResult | None, None]

STAND_IN: Final = "A stand-in answers, which is no language model; the code it writes really runs."
"""Who answers wherever scenes do."""

_NO_ANSWER: Final = (
    f"{STAND_IN} It knows a few exact questions and forms, such as 'What is 15 % of 249.90?', and has no answer "
    "to this one. Bring a model with GeminiEmulator(LangChainBrain(chat_model)) or --brain ollama:…, or write the "
    "answers down yourself with ScriptedBrain or --script FILE."
)
_NO_CODE: Final = (
    f"{STAND_IN} It would run Python to answer this, but the request does not declare code execution."
)
_DELEGATED = re.compile(
    r"\AWrite and run Python code for this(?: task)?, and answer from what it prints(?:: |\.\n\n)"
)
_AS_JSON: Final = "Give the answer now, as JSON, from what is found above."
"""What the chat model and the tools say around a question."""

_LISTING = re.compile(
    r"(?:\n\n(?:Files in the working directory|Attached to be read):(?:\n(?:- | {4}).*)+)+\Z"
)
_VALUE: Final = r"""(?:'[^']*'|"[^"]*"|-?(?:0|[1-9]\d*)(?:\.\d+)?|true|false)"""
_ARGUMENT: Final = rf"(?:\w+ ?= ?)?{_VALUE}"
_ARGUMENTS: Final = rf"{_ARGUMENT}(?:(?:, ?(?:and )?| and ){_ARGUMENT})*"
_ONE_CALL: Final = rf"(?:\w+\((?:{_ARGUMENTS})?\)|\w+ (?:with|for) {_ARGUMENTS})"
_CALL_PARTS = re.compile(rf"(\w+)(?:\(({_ARGUMENTS})?\)| (?:with|for) ({_ARGUMENTS}))", re.IGNORECASE)
_ARGUMENT_PARTS = re.compile(rf"(?:(\w+) ?= ?)?({_VALUE})", re.IGNORECASE)
_ONLY_CALLS = re.compile(
    rf"(?:(?:call|use|run|what is|what is the value of) )?{_ONE_CALL}(?:(?:,? and |, ){_ONE_CALL})*[?.]?"
    r"(?: Use the tool\.)?",
    re.IGNORECASE,
)
_RUNS_CODE = re.compile(r"code_execution(?:_\d+)?|run_python|python")
_LONGEST: Final = 1000
"""Characters of a question that calls are looked for in; it bounds the patterns' work."""

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
        text = _DELEGATED.sub("", _LISTING.sub("", text))
        self.question = one_line(text)
        earlier = spoken[-2][1] if len(spoken) > 1 else ""
        self.program = program_for(text, earlier=earlier, files=input_files(request))
        self.functions = [_Function(one) for one in callable_functions(request)]
        self.must_call = calling_config(request).get("mode") == "ANY" and bool(self.functions)
        self.can_run = "codeExecution" in tool_kinds(request)
        self.config = request.get("generationConfig") or {}
        self.schema = _schema(self.config)
        parts = [part for content in contents[start + 1 :] for part in content.get("parts") or []]
        made = (part["functionCall"] for part in parts if "functionCall" in part)
        self.made = [Call(call.get("name", ""), call.get("args") or {}) for call in made]
        self.responses = [_returned(part["functionResponse"]) for part in parts if "functionResponse" in part]
        self.values = printed_values(
            "\n".join(
                part.get("text") or part.get("codeExecutionResult", {}).get("output") or "" for part in parts
            )
        )
        for name, returned in self.responses:
            self.values |= printed_values(returned) if isinstance(returned, str) else {}
            self.values |= returned if isinstance(returned, dict) else {name: returned}

    @property
    def delegate(self) -> _Function | None:
        """The function that runs code, where it was not called for this question."""
        made = {call.name for call in self.made}
        return next((one for one in self.functions if one.runs and one.name not in made), None)

    @property
    def calls(self) -> list[Call]:
        """The calls that the question is about, each of a declared function and complete; else none."""
        declared = {function.name: function for function in self.functions}
        calls = [CALLS[self.question]] if self.question in CALLS else []
        if len(self.question) <= _LONGEST and _ONLY_CALLS.fullmatch(self.question):
            calls = [
                Call(name, declared[name].stated(inside or behind) if name in declared else {})
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


def _returned(response: Mapping[str, Any]) -> tuple[str, Any]:
    """A function's name and what it returned, without the wrapper that clients put around it."""
    value: Any = response.get("response") or {}
    while isinstance(value, dict) and len(value) == 1 and value.keys() <= _WRAPPERS:
        [value] = value.values()
    return response.get("name", ""), value


# -- answering -----------------------------------------------------------------------------------------------


class SceneBrain:
    """Answers exact questions and forms, offline and the same way every time.

    It is no language model: whatever no scene or form covers as a whole gets an answer that says so. Code runs
    only where the request declares it, itself or as a function that runs code. Where the request demands a call
    or JSON, values that neither the question nor a run gives are stand-ins.
    """

    stand_in: Final = "offline stand-in"

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
        return "scene: calls of functions" if talk.question in CALLS else "form: named calls", _call_parts(
            *left
        )
    program, delegate = talk.program, talk.delegate
    if program and delegate and not talk.can_run:
        argument = talk.question if delegate.runs == "task" else program.code
        return f"{program.origin}, delegated", _call_parts(Call(delegate.name, {delegate.runs: argument}))
    return ("a call that the request demands", _demanded(talk)) if talk.must_call else None


def _writing(talk: _Talk) -> tuple[str, _Parts]:
    """Where a written answer comes from, and its parts."""
    if talk.question in TEXTS:
        return "scene: a text", _text_part(TEXTS[talk.question])
    if talk.schema is not None:
        return "a form that the request demands", _json(talk, talk.schema)
    if talk.responses:
        return "what functions returned", _text_part(_repeated(talk))
    if talk.program:
        return talk.program.origin, _run(talk.program) if talk.can_run else _text_part(_NO_CODE)
    return "no scene or form is the question's", _text_part(_NO_ANSWER)


def _text_part(text: str) -> _Parts:
    yield {"text": f"{text}\n"}


def _call_parts(*calls: Call) -> _Parts:
    for call in calls:
        yield {"functionCall": {"name": call.name, "args": dict(call.args)}}


def _run(program: Program) -> _Parts:
    if program.before:
        yield {"text": f"{program.before}\n\n"}
    _, answer = yield from _program_run(program)
    yield {"text": f"{answer}\n"}


def _program_run(program: Program) -> Generator[Part, ExecutionResult | None, tuple[dict[str, Any], str]]:
    """Run a program; what it printed, and the answer as a sentence."""
    result = yield {"executableCode": {"language": "PYTHON", "code": program.code}}
    if result is not None and result.outcome is Outcome.OK:
        return printed_values(result.output), program.answer(result.output)
    reason = ((result.output if result else "").strip().splitlines() or ["no reason was given"])[-1]
    return {}, f"The code failed, so there is no result to give: {reason}"


def _demanded(talk: _Talk) -> _Parts:
    """A call of an allowed function: from the question, a run or what functions returned, else of stand-ins."""
    values = talk.values
    if talk.program and talk.can_run and not values:
        values, _ = yield from _program_run(talk.program)
    stated = {
        name: inside or behind for name, inside, behind in _CALL_PARTS.findall(talk.question[:_LONGEST])
    }
    made, known = {call.name for call in talk.made}, values.keys()
    function = min(
        talk.functions,
        key=lambda one: (
            bool(one.runs),
            one.name in made,
            one.name not in stated,
            known.isdisjoint(one.properties),
        ),
    )
    args = function.stated(stated.get(function.name, ""))
    if function.runs:
        args = {function.runs: talk.question}
    values = values | {name: value for name, value in args.items() if name in function.properties}
    yield from _call_parts(Call(function.name, Filling(function.schema, values).filled() or {}))


def _json(talk: _Talk, schema: Mapping[str, Any]) -> _Parts:
    values, text = talk.values, _NO_ANSWER
    if talk.program and talk.can_run and not values:
        values, text = yield from _program_run(talk.program)
    elif talk.program and values:
        text = talk.program.answer("\n".join(f"{name} = {value}" for name, value in values.items()))
    filled = Filling(schema, values, text).filled()
    plain = talk.config.get("responseMimeType") == "text/x.enum"
    yield {"text": str(filled) if plain else json.dumps(filled, ensure_ascii=False)}


def _repeated(talk: _Talk) -> str:
    """The answer to the question where a function ran its code, else the values alone."""
    for _, returned in talk.responses:
        if talk.program and isinstance(returned, str) and printed_values(returned):
            return talk.program.answer(returned)
    lines = []
    for index, (name, returned) in enumerate(talk.responses):
        call = talk.made[index] if index < len(talk.made) else Call(name, {})
        args = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in call.args.items())
        shown = returned if isinstance(returned, str) else json.dumps(returned, ensure_ascii=False)
        lines.append(f"{name}({args}) returned: {shown}")
    return "\n".join(lines)
