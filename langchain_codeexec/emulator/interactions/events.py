"""The steps of an answer, and the events that tell of them while they are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from langchain_codeexec.emulator.answering import mint_id, mint_signature
from langchain_codeexec.emulator.bodies import text_pieces
from langchain_codeexec.emulator.brain import RESPONSE_FIELDS
from langchain_codeexec.emulator.interactions.steps import Step
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.gemini.wire import GenerateContentResponse, Part, UsageMetadata

__all__ = ["Event", "Transcript", "failure_of", "pieces", "status_of", "usage_from"]

Event: TypeAlias = dict[str, Any]


def pieces(parts: Iterable[Part], ends: list[GenerateContentResponse]) -> Iterator[Part]:
    """The parts of an answer as a stream tells of them, one by one; texts are cut anywhere.

    Signatures of texts, pictures and calls come by themselves, because a step of thought bears them.

    Args:
        parts: The parts; whole responses of a script stand for the parts within.
        ends: Gets these responses, for what else they say.
    """
    for item in parts:
        if RESPONSE_FIELDS.isdisjoint(item):
            yield from _pieces(item)
            continue
        response = cast("GenerateContentResponse", item)
        ends.append(response)
        for candidate in (response.get("candidates") or [])[:1]:
            for part in (candidate.get("content") or {}).get("parts") or []:
                yield from _pieces(part)


def _pieces(part: Part) -> Iterator[Part]:
    signature = part.get("thoughtSignature")
    if not signature or "executableCode" in part or "codeExecutionResult" in part:
        yield from text_pieces(part)
        return
    bare = cast("Part", {key: value for key, value in part.items() if key != "thoughtSignature"})
    signed: Part = {"thoughtSignature": signature}
    yield from [*text_pieces(bare), signed] if part.get("thought") else [signed, *text_pieces(bare)]


class Transcript:
    """The steps of one answer in the making.

    Args:
        target: The model, which decides where it gives signatures.

    Attributes:
        steps: The steps so far, the last one as far as it has come.
    """

    def __init__(self, target: Target) -> None:
        self.steps: list[Step] = []
        self._target = target
        self._thinks = target.thinks
        self._is_open = False
        self._call_id = ""

    def add(self, part: Part) -> Iterator[Event]:
        """Go on with a piece; the events that tell of it."""
        if part.get("thought") and "text" in part:
            yield from self._summary(part["text"])
        elif part.keys() == {"thoughtSignature"}:
            yield from self._signature(part["thoughtSignature"])
        else:
            key = next((key for key in _WRITERS if key in part), "")
            if key:
                yield from _WRITERS[key](self, part)

    def close(self) -> Iterator[Event]:
        """End the last step."""
        if self._is_open:
            self._is_open = False
            yield {"index": len(self.steps) - 1, "event_type": "step.stop"}

    def _start(self, step: Step, shown: Step) -> Iterator[Event]:
        yield from self.close()
        self.steps.append(step)
        self._is_open = True
        yield {"index": len(self.steps) - 1, "step": shown, "event_type": "step.start"}

    def _delta(self, delta: dict[str, Any]) -> Event:
        return {"index": len(self.steps) - 1, "delta": delta, "event_type": "step.delta"}

    # -- thoughts ----------------------------------------------------------------------------------------

    def _thought(self) -> Iterator[Event]:
        """A step of thought that is not signed yet is the open one; else one begins."""
        last = self.steps[-1] if self._is_open else {}
        if last.get("type") != "thought" or "signature" in last:
            yield from self._start({"type": "thought"}, {"type": "thought"})

    def _summary(self, text: str) -> Iterator[Event]:
        yield from self._thought()
        content = {"text": text, "type": "text"}
        thought = self.steps[-1]
        summary = [*thought.get("summary", ()), content]
        self.steps[-1] = {"summary": _joined(summary), "type": "thought"}
        yield self._delta({"content": content, "type": "thought_summary"})

    def _signature(self, signature: str) -> Iterator[Event]:
        yield from self._thought()
        self.steps[-1] = {"signature": signature, **self.steps[-1]}
        yield self._delta({"signature": signature, "type": "thought_signature"})

    def _think(self) -> Iterator[Event]:
        """What a model that thinks begins with, and from Gemini 3 on goes on with when it has read a result."""
        last = self.steps[-1] if self.steps else {}
        unsigned = last.get("type") == "thought" and "signature" not in last
        reads = self._target.signs and str(last.get("type", "")).endswith("_result")
        if self._thinks and (not last or unsigned or reads):
            yield from self._signature(mint_signature(self._target.endpoint))

    # -- the other steps ---------------------------------------------------------------------------------

    def _output(self, content: dict[str, Any]) -> Iterator[Event]:
        yield from self._think()
        if not self._is_open or self.steps[-1]["type"] != "model_output":
            yield from self._start({"content": [], "type": "model_output"}, {"type": "model_output"})
        self.steps[-1]["content"] = _joined([*self.steps[-1]["content"], content])
        yield self._delta(content)

    def _text(self, part: Part) -> Iterator[Event]:
        if part["text"]:
            yield from self._output({"text": part["text"], "type": "text"})

    def _media(self, part: Part) -> Iterator[Event]:
        blob: Mapping[str, Any] = part.get("inlineData") or part.get("fileData") or {}
        mime_type = blob.get("mimeType", "")
        family = mime_type.partition("/")[0]
        kind = family if family in ("image", "audio", "video") else "document"
        source = {"data": blob["data"]} if "data" in blob else {"uri": blob.get("fileUri", "")}
        yield from self._output({"mime_type": mime_type, **source, "type": kind})

    def _function_call(self, part: Part) -> Iterator[Event]:
        yield from self._think()
        call = part["functionCall"]
        named: Step = {
            "id": call.get("id") or mint_id(),
            "type": "function_call",
            "name": call.get("name", ""),
        }
        arguments = call.get("args") or {}
        shown = {"id": named["id"], "signature": "", **named, "arguments": {}}
        yield from self._start({**named, "arguments": arguments}, shown)
        text = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
        yield self._delta({"arguments": text, "type": "arguments_delta"})

    def _code(self, part: Part) -> Iterator[Event]:
        if not self._target.signs or self.steps:
            yield from self._think()
        code = part["executableCode"]
        self._call_id = code.get("id") or mint_id()
        language = code.get("language", "PYTHON").lower()
        arguments = {"code": code.get("code", ""), "language": language}
        yield from self._tool("code_execution_call", {"id": self._call_id}, part, {"arguments": arguments})

    def _code_result(self, part: Part) -> Iterator[Event]:
        result = part["codeExecutionResult"]
        call_id = result.get("id") or self._call_id
        said = {"result": result.get("output", ""), "is_error": result.get("outcome") != "OUTCOME_OK"}
        yield from self._tool("code_execution_result", {"call_id": call_id}, part, said)

    def _other_call(self, part: Part) -> Iterator[Event]:
        call = part["toolCall"]
        tool = str(call.get("toolType", "")).lower()
        yield from self._tool(
            f"{tool}_call", {"id": call.get("id") or mint_id()}, part, dict(call.get("args") or {})
        )

    def _other_result(self, part: Part) -> Iterator[Event]:
        result = part["toolResponse"]
        tool = str(result.get("toolType", "")).lower()
        said = dict(result.get("response") or {})
        yield from self._tool(f"{tool}_result", {"call_id": result.get("id", "")}, part, said)

    def _tool(self, kind: str, link: dict[str, str], part: Part, said: dict[str, Any]) -> Iterator[Event]:
        signature = {"signature": part["thoughtSignature"]} if part.get("thoughtSignature") else {}
        step = {**link, **signature, "type": kind, **said}
        yield from self._start(step, {**link, "signature": "", "type": kind})
        yield self._delta({**signature, "type": kind, **said})


_WRITERS: Mapping[str, Callable[[Transcript, Part], Iterator[Event]]] = {
    "text": Transcript._text,  # noqa: SLF001 -- its own table
    "inlineData": Transcript._media,  # noqa: SLF001
    "fileData": Transcript._media,  # noqa: SLF001
    "functionCall": Transcript._function_call,  # noqa: SLF001
    "executableCode": Transcript._code,  # noqa: SLF001
    "codeExecutionResult": Transcript._code_result,  # noqa: SLF001
    "toolCall": Transcript._other_call,  # noqa: SLF001
    "toolResponse": Transcript._other_result,  # noqa: SLF001
}


def _joined(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Contents whose last two are one where both are texts."""
    *others, before, last = [{}, *contents]
    if before.get("type") == last["type"] == "text":
        return [*others[1:], {**before, "text": before["text"] + last["text"]}]
    return contents


# -- how it ended --------------------------------------------------------------------------------------

_STATUS = {
    "STOP": "completed",
    "MAX_TOKENS": "incomplete",
    "CONTINUATION": "requires_continuation",
    "BUDGET_EXCEEDED": "budget_exceeded",
    "CANCELLED": "cancelled",
}


def status_of(reason: str, steps: Iterable[Step]) -> str:
    """The status in which an answer ends; what has no counterpart failed."""
    status = _STATUS.get(reason, "failed")
    calls = any(step["type"] == "function_call" for step in steps)
    return "requires_action" if status == "completed" and calls else status


def failure_of(reason: str, message: str) -> dict[str, str]:
    """What a failed interaction has among its errors."""
    return {"message": message or f"The model ended with {reason}.", "code": reason.lower()}


def usage_from(usage: UsageMetadata) -> dict[str, Any]:
    """Token counts as this API has them; counts of zero are there, and modalities are in lower case."""
    sides = {
        "input": ("promptTokenCount", "promptTokensDetails"),
        "cached": ("cachedContentTokenCount", "cacheTokensDetails"),
        "output": ("candidatesTokenCount", "candidatesTokensDetails"),
        "tool_use": ("toolUsePromptTokenCount", "toolUsePromptTokensDetails"),
    }
    counts: Mapping[str, Any] = usage
    found: dict[str, Any] = {"total_tokens": counts.get("totalTokenCount", 0)}
    for side, (count, details) in sides.items():
        found[f"total_{side}_tokens"] = counts.get(count, 0)
        if listed := counts.get(details):
            found[f"{side}_tokens_by_modality"] = [
                {"modality": one["modality"].lower(), "tokens": one["tokenCount"]} for one in listed
            ]
    return {**found, "total_thought_tokens": counts.get("thoughtsTokenCount", 0)}
