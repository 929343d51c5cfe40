"""The steps of interactions as contents of generateContent and back.

`steps_from_contents(contents_from_steps(steps)) == steps` holds for every list of JSON objects with a type: what a
part cannot say of its step travels in the part's field `interactionStep`, and a step of an unknown type is kept
whole in it. The field is for this package alone: `plain_parts` takes it away where another API is asked.

| key of `interactionStep` | meaning |
|---|---|
| `whole` | the step that the part stands for, which nothing else expresses |
| `step`, `content` | what is different in the step, or in the content of a step, that the part gives |
| `amends` | the same for the content before, from a part of its own: text streams, what belongs to it follows |
| `ends`, `of` | the same for the step before, which ends here, and its type |
| `result` | the contents that the result of code consists of; `null` for one that follows as a part |
| `in_result` | the part is such a content |
| `interaction` | id and digest of the interaction that ends here; see `requests` |

Source of the shapes: google-genai's `interactions` types, release 3.6.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from langchain_codeexec.gemini.wire import Content

__all__ = [
    "MARK",
    "content_parts",
    "contents_from_steps",
    "end_of_step",
    "is_grouped",
    "parts_from_steps",
    "plain_parts",
    "signature_part",
    "step_parts",
    "steps_from_contents",
    "text_key",
    "unsaid_of_step",
]

Json = dict[str, Any]

MARK: Final = "interactionStep"
"""The field of a part that holds what generateContent has no field for."""

_RESOLUTION: Final = "MEDIA_RESOLUTION_"
_MEDIA: Final = frozenset({"image", "audio", "video", "document"})
_GROUPED: Final = {"thought": "summary", "model_output": "content", "user_input": "content"}
"""Steps that consist of contents, and the key of those."""

_OUTPUT: Final = {"model": "model_output", "user": "user_input"}
_OF_USER: Final = frozenset({"user_input", "function_result"})
_CODE: Final = "codeExecutionResult"


def is_grouped(step: Json) -> bool:
    """Whether a step consists of contents, each with parts of its own."""
    return step.get("type") in _GROUPED


def text_key(step: Json) -> str:
    """The key under which such a step keeps its contents."""
    return _GROUPED[step["type"]]


# -- steps -> parts --------------------------------------------------------------------------------------------


def contents_from_steps(steps: Sequence[Json]) -> list[Content]:
    """Steps as turns: what the user said and what functions returned, and what the model did between."""
    contents: list[Json] = []
    before: Json | None = None
    for step in steps:
        role = "user" if step.get("type") in _OF_USER else "model"
        is_new = not contents or contents[-1]["role"] != role or step.get("type") == "user_input"
        if is_new:
            contents.append({"role": role, "parts": []})
        contents[-1]["parts"] += step_parts(step, None if is_new else before)
        before = step
    return cast("list[Content]", contents)


def parts_from_steps(steps: Iterable[Json]) -> list[Json]:
    """Steps of one turn as its parts."""
    parts: list[Json] = []
    before: Json | None = None
    for step in steps:
        parts += step_parts(step, before)
        before = step
    return parts


def step_parts(step: Json, before: Json | None = None) -> list[Json]:
    """The parts of a step; `before` is the step in front of it in the same turn."""
    if not is_grouped(step) or not isinstance(step.get(text_key(step), []), list):
        return _single(step)
    is_thought = step["type"] == "thought"
    contents: list[Any] = step.get(text_key(step), [])
    if not all(isinstance(content, dict) for content in contents):
        return [{MARK: {"whole": step}}]
    parts = end_of_step(before, step)
    for content in contents:
        parts += content_parts(content, is_thought=is_thought)
    if is_thought:
        parts += signature_part(step)
    return [*parts, *unsaid_of_step(step)]


def end_of_step(before: Json | None, step: Json) -> list[Json]:
    """What ends a step in front of one of its own type, whose contents would go on with its own."""
    if before is None or before.get("type") != step.get("type") or unsaid_of_step(before):
        return []
    return [{MARK: {"ends": {}, "of": step["type"]}}]


def content_parts(content: Json, *, is_thought: bool) -> list[Json]:
    """The parts of one content of a step."""
    thought = {"thought": True} if is_thought else {}
    if content.get("type") == "text" and isinstance(content.get("text"), str) and content["text"]:
        plain = {"type": "text", "text": content["text"]}
        rest = [{MARK: {"amends": _difference(plain, content)}}] if content != plain else []
        return [{"text": content["text"], **thought}, *rest]
    part = {**(_media_part(content) or {}), **thought}
    if (default := _content(part)) != content:
        part[MARK] = {"content": _difference(default or {}, content)}
    return [part]


def signature_part(step: Json) -> list[Json]:
    """The part of a thought's signature."""
    signature = step.get("signature")
    has_one = isinstance(signature, str) and signature
    return [{"text": "", "thought": True, "thoughtSignature": signature}] if has_one else []


def unsaid_of_step(step: Json) -> list[Json]:
    """What the contents and the signature of a step do not say of it."""
    key = text_key(step)
    said: Json = {"type": step["type"]}
    if step.get(key):
        said[key] = step[key]
    if step["type"] == "thought" and signature_part(step):
        said["signature"] = step["signature"]
    is_nothing = len(said) == 1
    return (
        [{MARK: {"ends": _difference(said, step), "of": step["type"]}}] if step != said or is_nothing else []
    )


def _single(step: Json) -> list[Json]:
    """The parts of a step that has no contents: a call, a result, or something unknown."""
    convert = _TO_PART.get(str(step.get("type"))) or _to_tool_part
    parts = convert(step)
    if not parts:
        return [{MARK: {"whole": step}}]
    signature = step.get("signature")
    if isinstance(signature, str) and signature:
        parts[0]["thoughtSignature"] = signature
    default = _step_from_part(parts[0]) or {}
    if "result" in parts[0].get(MARK, {}):
        default["result"] = step["result"]
    if default != step:
        parts[0].setdefault(MARK, {})["step"] = _difference(default, step)
    return parts


def _function_call(step: Json) -> list[Json]:
    return [{"functionCall": _named(step, id="id", name="name", args="arguments")}]


def _function_result(step: Json) -> list[Json]:
    result = step.get("result")
    if isinstance(result, str):
        response: Any = {"error" if step.get("is_error") is True else "output": result}
    elif isinstance(result, dict):
        response = result
    else:
        response = {"output": _text_of(result)}
    return [{"functionResponse": {**_named(step, id="call_id", name="name"), "response": response}}]


def _code_call(step: Json) -> list[Json]:
    arguments = step.get("arguments")
    if not isinstance(arguments, dict):
        return []
    language = str(arguments.get("language") or "python").upper()
    return [
        {"executableCode": {**_named(step, id="id"), "language": language, **_named(arguments, code="code")}}
    ]


def _code_result(step: Json) -> list[Json]:
    result = step.get("result")
    outcome = "OUTCOME_FAILED" if step.get("is_error") is True else "OUTCOME_OK"
    part: Json = {_CODE: {"outcome": outcome, **_named(step, id="call_id")}}
    text = result if isinstance(result, str) else _text_of(result)
    if text:
        part[_CODE]["output"] = text
    if not isinstance(result, list):
        return [part]
    media = [_media_part(content) if isinstance(content, dict) else None for content in result]
    part[MARK] = {"result": [None if each else content for content, each in zip(result, media, strict=True)]}
    drawn = []
    for content, each in zip(result, media, strict=True):
        if each:
            difference = _difference(_content(each) or {}, content)
            drawn.append({**each, MARK: {"in_result": True, "content": difference}})
    return [part, *drawn]


def _to_tool_part(step: Json) -> list[Json]:
    """The call of another built-in tool, or its result."""
    tool, _, half = str(step.get("type")).rpartition("_")
    if half == "call" and tool and isinstance(step.get("arguments", {}), dict):
        call = {"toolType": tool.upper(), **_named(step, id="id", args="arguments")}
        return [{"toolCall": call}]
    if half == "result" and tool:
        response = {"response": {"result": step["result"]}} if "result" in step else {}
        named = {"toolType": tool.upper(), **_named(step, id="call_id"), **response}
        return [{"toolResponse": named}]
    return []


_TO_PART: Final[Mapping[str, Callable[[Json], list[Json]]]] = {
    "function_call": _function_call,
    "function_result": _function_result,
    "code_execution_call": _code_call,
    "code_execution_result": _code_result,
    **dict.fromkeys(_GROUPED, lambda _: []),
}


def _named(source: Json, **keys: str) -> Json:
    """Some fields of an object under other names, those that are there."""
    return {name: source[key] for name, key in keys.items() if key in source}


def _text_of(contents: Any) -> str:
    """The text among contents."""
    texts = (
        [content.get("text") for content in contents if isinstance(content, dict)]
        if isinstance(contents, list)
        else []
    )
    return "".join(text for text in texts if isinstance(text, str))


def _media_part(content: Json) -> Json | None:
    """The part of an image, a sound, a video or a document; `None` for anything else."""
    data, uri = content.get("data"), content.get("uri")
    if content.get("type") not in _MEDIA or isinstance(data, str) == isinstance(uri, str):
        return None
    mime_type = _named(content, mimeType="mime_type")
    part: Json = (
        {"inlineData": {**mime_type, "data": data}}
        if isinstance(data, str)
        else {"fileData": {**mime_type, "fileUri": uri}}
    )
    resolution, processing = content.get("resolution"), content.get("processing")
    if isinstance(resolution, str):
        part["mediaResolution"] = {"level": f"{_RESOLUTION}{resolution.upper()}"}
    if content["type"] == "video" and isinstance(processing, dict) and processing.get("type") == "static":
        part["videoMetadata"] = _named(
            processing, startOffset="start_offset", endOffset="end_offset", fps="fps"
        )
    return part


def _difference(base: Json, target: Json) -> Json:
    """What makes one object of another: values to set and keys to drop, both as far as there are any."""
    values = {key: value for key, value in target.items() if key not in base or base[key] != value}
    dropped = [key for key in base if key not in target]
    return {**({"set": values} if values else {}), **({"drop": dropped} if dropped else {})}


def _changed(base: Json, difference: Json) -> Json:
    """An object with a difference applied to a copy of it."""
    dropped = difference.get("drop", ())
    kept = {key: value for key, value in base.items() if key not in dropped}
    return {**kept, **difference.get("set", {})}


# -- parts -> steps --------------------------------------------------------------------------------------------


def steps_from_contents(contents: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The steps of a conversation, whichever API its turns came from.

    Calls and results without ids, which older models give, are given some by their order.
    """
    steps: list[Json] = []
    ids = _CallIds()
    for content in contents:
        role = "model" if content.get("role") == "model" else "user"
        steps += map(ids.with_id, _Steps(role).read(content.get("parts") or ()))
    return steps


class _Steps:
    """Reads the parts of one turn.

    Args:
        role: Whose turn it is.
    """

    def __init__(self, role: str) -> None:
        self._output = _OUTPUT[role]
        self._open: Json | None = None

    def read(self, parts: Iterable[Any]) -> Iterator[Json]:
        """Yield the steps that the parts stand for."""
        for part in parts:
            yield from self._step(part)
        yield from self._closed()

    def _closed(self) -> Iterator[Json]:
        step, self._open = self._open, None
        if step is not None:
            yield step

    def _step(self, part: Json) -> Iterator[Json]:
        mark: Json = part.get(MARK) or {}
        if "whole" in mark:
            yield from self._closed()
            yield mark["whole"]
        elif "ends" in mark:
            if self._open is None or self._open["type"] != mark["of"]:
                yield from self._closed()
                self._open = {"type": mark["of"]}
            self._open = _changed(self._open, mark["ends"])
            yield from self._closed()
        elif "amends" in mark:
            self._amend(mark["amends"])
        elif mark.get("in_result") and self._open is not None and None in self._open.get("result", ()):
            result = self._open["result"]
            result[result.index(None)] = _changed(_content(part) or {}, mark.get("content", {}))
        elif (content := _content(part)) is not None or "content" in mark:
            yield from self._with_content(part, _changed(content or {}, mark.get("content", {})))
        elif (step := _step_from_part(part)) is None:
            if part.keys() - _BARE:  # of a kind that is not known
                yield from self._with_content(part, {"type": "text", "text": _json(part)})
        else:
            yield from self._closed()
            step = _changed(step, mark.get("step", {}))
            if "result" in mark:
                # It stays open for what it drew, which follows.
                self._open = {**step, "result": list(mark["result"])}
            else:
                yield step

    def _amend(self, difference: Json) -> None:
        if self._open is not None and is_grouped(self._open):
            contents = self._open[text_key(self._open)]
            contents[-1] = _changed(contents[-1], difference)

    def _with_content(self, part: Json, content: Json) -> Iterator[Json]:
        kind = "thought" if part.get("thought") is True else self._output
        signature = part.get("thoughtSignature") if kind == "thought" else None
        is_said = content.get("text") != "" or MARK in part
        if not (is_said or signature):
            return
        goes_on = self._open is not None and self._open["type"] == kind and "signature" not in self._open
        if not goes_on:
            yield from self._closed()
            self._open = {"type": kind}
        step = cast("Json", self._open)
        if is_said:
            step.setdefault(_GROUPED[kind], []).append(content)
        if signature:
            step["signature"] = signature


def _content(part: Json) -> Json | None:
    """The content that a part is; `None` for a call, a result and whatever else is none."""
    if isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    for key, source in (("inlineData", "data"), ("fileData", "fileUri")):
        payload = part.get(key)
        if not isinstance(payload, dict):
            continue
        family = str(payload.get("mimeType")).partition("/")[0]
        kind = family if family in _MEDIA else "document"
        content = {
            "type": kind,
            **_named(payload, mime_type="mimeType"),
            **_named(payload, **{"data" if key == "inlineData" else "uri": source}),
        }
        level = (part.get("mediaResolution") or {}).get("level")
        if isinstance(level, str):
            content["resolution"] = level.removeprefix(_RESOLUTION).lower()
        metadata = part.get("videoMetadata")
        if kind == "video" and isinstance(metadata, dict):
            clip = _named(metadata, start_offset="startOffset", end_offset="endOffset", fps="fps")
            content["processing"] = {"type": "static", **clip}
        return content
    return None


def _step_from_part(part: Json) -> Json | None:
    """The step that a call or a result stands for; `None` for any other part."""
    for key, convert in _TO_STEP.items():
        if isinstance(payload := part.get(key), dict):
            step = convert(payload)
            signature = part.get("thoughtSignature")
            return {**step, "signature": signature} if signature and step["type"] not in _UNSIGNED else step
    return None


def _from_call(call: Json) -> Json:
    return {
        "type": "function_call",
        **_named(call, id="id", name="name"),
        "arguments": call.get("args") or {},
    }


def _from_response(response: Json) -> Json:
    payload: Any = response.get("response") or {}
    step = {"type": "function_result", **_named(response, call_id="id", name="name"), "result": payload}
    if isinstance(payload, dict) and len(payload) == 1:
        [(key, value)] = payload.items()
        if key in ("output", "error") and isinstance(value, str):
            step["result"] = value
            if key == "error":
                step["is_error"] = True
    media = [content for part in response.get("parts") or () if (content := _content(part))]
    if media:
        text = step["result"] if isinstance(step["result"], str) else _json(step["result"])
        step["result"] = [{"type": "text", "text": text}, *media]
    return step


def _from_code(code: Json) -> Json:
    language = str(code.get("language") or "PYTHON").lower()
    arguments = {"code": code.get("code") or "", "language": language}
    return {"type": "code_execution_call", **_named(code, id="id"), "arguments": arguments}


def _from_code_result(result: Json) -> Json:
    failed = {} if result.get("outcome", "OUTCOME_OK") == "OUTCOME_OK" else {"is_error": True}
    named = _named(result, call_id="id")
    return {"type": "code_execution_result", **named, "result": result.get("output") or "", **failed}


def _from_tool_call(call: Json) -> Json:
    return {"type": "", **_named(call, id="id", arguments="args")}


def _from_tool_response(response: Json) -> Json:
    payload = response.get("response")
    result = _named(payload, result="result") if isinstance(payload, dict) else {}
    return {"type": "", **_named(response, call_id="id"), **result}


_TO_STEP: Final[Mapping[str, Callable[[Json], Json]]] = {
    "functionCall": _from_call,
    "functionResponse": _from_response,
    "executableCode": _from_code,
    _CODE: _from_code_result,
    "toolCall": _from_tool_call,
    "toolResponse": _from_tool_response,
}
_UNSIGNED: Final = frozenset({"function_result"})
_BARE: Final = frozenset({MARK, "thought", "thoughtSignature"})
"""Fields of a part that is of no kind."""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


class _CallIds:
    """Gives calls and results ids where they have none: a result answers the first call still open."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[tuple[str, str]] = []

    def with_id(self, step: Json) -> Json:
        kind, _, half = str(step.get("type")).rpartition("_")
        if kind not in ("function", "code_execution"):
            return step
        called = f"{kind} {step.get('name', '')}"
        if half == "call":
            self._count += 1
            step = {"id": f"call_{self._count}", **step}
            self._open.append((called, step["id"]))
        else:
            first = next((call_id for name, call_id in self._open if name == called), "")
            step = {"call_id": first, **step}
            self._open = [each for each in self._open if each[1] != step["call_id"]]
        return step


# -- what stays at home ----------------------------------------------------------------------------------------


def plain_parts(parts: Iterable[Json]) -> list[Json]:
    """Parts as generateContent knows them: what it has no part for is text, and no part has a mark."""
    return [plain for part in parts if (plain := _plain(part) if MARK in part else part) is not None]


def _plain(part: Json) -> Json | None:
    """A part without its mark; `None` if that leaves nothing."""
    mark = part[MARK]
    plain = {key: value for key, value in part.items() if key != MARK}
    if "toolCall" in plain or "toolResponse" in plain or not plain.keys() - {"thought"}:
        if not mark.keys() & {"whole", "content", "step"}:
            return None
        [step] = _Steps("model").read([part])
        unknown = step[text_key(step)][0] if "content" in mark else step
        return {"text": _json(unknown)} if unknown.get("text") != "" else None
    return plain
