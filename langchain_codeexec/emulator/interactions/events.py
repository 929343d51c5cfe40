"""The steps of an answer, and the events that tell of them while they are made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from langchain_codeexec.emulator.answering import mint_id, mint_signature
from langchain_codeexec.emulator.bodies import text_pieces
from langchain_codeexec.emulator.brain import RESPONSE_FIELDS
from langchain_codeexec.emulator.interactions.steps import Step
from langchain_codeexec.emulator.targets import Target
from langchain_codeexec.gemini.wire import GenerateContentResponse, Part, UsageMetadata

__all__ = ["Event", "Transcript", "metadata_from", "pieces", "status_of", "usage_from"]

Event: TypeAlias = dict[str, Any]
_Piece: TypeAlias = Mapping[str, Any]


def pieces(parts: Iterable[Part], responses: list[GenerateContentResponse]) -> Iterator[Part]:
    """The parts of an answer as a stream tells of them, one by one; texts are cut anywhere.

    Signatures of texts, pictures and calls come by themselves, because a step of thought bears them.

    Args:
        parts: The parts; whole responses of a script stand for the parts within.
        responses: Gets these, for what else they say.
    """
    for item in parts:
        if RESPONSE_FIELDS.isdisjoint(item):
            yield from _pieces(item)
            continue
        response = cast("GenerateContentResponse", item)
        responses.append(response)
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
        target: The model, which decides where there are thoughts.

    Attributes:
        steps: The steps so far, the last one as far as it has come.
    """

    def __init__(self, target: Target) -> None:
        self.steps: list[Step] = []
        self._target = target
        self._is_open = False
        self._call_id = ""
        self._writers = {
            "text": self._text,
            "inlineData": self._media,
            "fileData": self._media,
            "functionCall": self._function_call,
            "executableCode": self._code,
            "codeExecutionResult": self._code_result,
            "toolCall": self._other_tool,
            "toolResponse": self._other_tool,
            "thoughtSignature": self._signature,
        }

    def add(self, part: _Piece) -> Iterator[Event]:
        """Go on with a piece; the events that tell of it."""
        key = next((key for key in self._writers if key in part), "")
        return self._writers[key](part) if key else iter(())

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

    def _is_last(self, kind: str) -> bool:
        """Whether the last step can be gone on with: it is of that kind, and no signature ended it."""
        return self._is_open and self.steps[-1]["type"] == kind and "signature" not in self.steps[-1]

    # -- thoughts and what is said -----------------------------------------------------------------------

    def _signature(self, part: _Piece) -> Iterator[Event]:
        if not self._is_last("thought"):
            yield from self._start({"type": "thought"}, {"type": "thought"})
        signature = part["thoughtSignature"]
        self.steps[-1] = {"signature": signature, **self.steps[-1]}
        yield self._delta({"signature": signature, "type": "thought_signature"})

    def _think(self) -> Iterator[Event]:
        """What a model that thinks begins with, and from Gemini 3 on goes on with when it has read a result."""
        kind = self.steps[-1]["type"] if self.steps else ""
        reads = self._target.signs and kind.endswith("_result")
        if self._target.thinks and (not kind or reads or self._is_last("thought")):
            yield from self._signature({"thoughtSignature": mint_signature(self._target.endpoint)})

    def _text(self, part: _Piece) -> Iterator[Event]:
        content = {"text": part["text"], "type": "text"}
        if not part["text"]:
            return
        if not part.get("thought"):
            yield from self._output(content)
            return
        if not self._is_last("thought"):
            yield from self._start({"type": "thought"}, {"type": "thought"})
        self.steps[-1] = {"summary": [*self.steps[-1].get("summary", ()), content], "type": "thought"}
        yield self._delta({"content": content, "type": "thought_summary"})

    def _media(self, part: _Piece) -> Iterator[Event]:
        blob: Mapping[str, Any] = part.get("inlineData") or part.get("fileData") or {}
        mime_type = blob.get("mimeType", "")
        family = mime_type.partition("/")[0]
        kind = family if family in ("image", "audio", "video") else "document"
        source = {"data": blob["data"]} if "data" in blob else {"uri": blob.get("fileUri", "")}
        yield from self._output({"mime_type": mime_type, **source, "type": kind})

    def _output(self, content: dict[str, Any]) -> Iterator[Event]:
        yield from self._think()
        if not self._is_last("model_output"):
            yield from self._start({"content": [], "type": "model_output"}, {"type": "model_output"})
        said: list[dict[str, Any]] = self.steps[-1]["content"]
        if said and said[-1]["type"] == content["type"] == "text":
            said[-1] = {**content, "text": said[-1]["text"] + content["text"]}
        else:
            said.append(content)
        yield self._delta(content)

    # -- tools -------------------------------------------------------------------------------------------

    def _function_call(self, part: _Piece) -> Iterator[Event]:
        yield from self._think()
        call = part["functionCall"]
        call_id, name = call.get("id") or mint_id(), call.get("name", "")
        step = {"id": call_id, "type": "function_call", "name": name, "arguments": call.get("args") or {}}
        shown = {"id": call_id, "signature": "", "type": "function_call", "name": name, "arguments": {}}
        yield from self._start(step, shown)
        arguments = json.dumps(step["arguments"], ensure_ascii=False, separators=(",", ":"))
        yield self._delta({"arguments": arguments, "type": "arguments_delta"})

    def _code(self, part: _Piece) -> Iterator[Event]:
        """From Gemini 3 on code has a signature of its own, and no thought in front."""
        if not self._target.signs:
            yield from self._think()
        code = part["executableCode"]
        self._call_id = code.get("id") or mint_id()
        arguments = {"code": code.get("code", ""), "language": code.get("language", "PYTHON").lower()}
        yield from self._tool("code_execution_call", {"id": self._call_id}, part, {"arguments": arguments})

    def _code_result(self, part: _Piece) -> Iterator[Event]:
        result = part["codeExecutionResult"]
        link = {"call_id": result.get("id") or self._call_id or mint_id()}
        said = {"result": result.get("output", ""), "is_error": result.get("outcome") != "OUTCOME_OK"}
        yield from self._tool("code_execution_result", link, part, said)

    def _other_tool(self, part: _Piece) -> Iterator[Event]:
        """A step of another built-in tool, as a script writes it or `steps` read it."""
        side, key, said = ("call", "id", "args") if "toolCall" in part else ("result", "call_id", "response")
        tool = part.get("toolCall") or part.get("toolResponse") or {}
        kind = f"{str(tool.get('toolType', '')).lower()}_{side}"
        yield from self._tool(kind, {key: tool.get("id") or mint_id()}, part, tool.get(said) or {})

    def _tool(
        self, kind: str, link: dict[str, str], part: _Piece, said: Mapping[str, Any]
    ) -> Iterator[Event]:
        signature = {"signature": part["thoughtSignature"]} if part.get("thoughtSignature") else {}
        yield from self._start(
            {**link, **signature, "type": kind, **said}, {**link, "signature": "", "type": kind}
        )
        yield self._delta({**signature, "type": kind, **said})


# -- how it ended --------------------------------------------------------------------------------------

_STATUS = {
    "STOP": "completed",
    "MAX_TOKENS": "incomplete",
    "CONTINUATION": "requires_continuation",
    "BUDGET_EXCEEDED": "budget_exceeded",
}


def status_of(reason: str, steps: Iterable[Step]) -> str:
    """The status in which an answer ends, by its finish reason; what has no counterpart failed."""
    status = _STATUS.get(reason, "failed")
    calls = any(step["type"] == "function_call" for step in steps)
    return "requires_action" if status == "completed" and calls else status


_COUNTS = {
    "total_tokens": "totalTokenCount",
    "total_input_tokens": "promptTokenCount",
    "input_tokens_by_modality": "promptTokensDetails",
    "total_cached_tokens": "cachedContentTokenCount",
    "cached_tokens_by_modality": "cacheTokensDetails",
    "total_output_tokens": "candidatesTokenCount",
    "output_tokens_by_modality": "candidatesTokensDetails",
    "total_tool_use_tokens": "toolUsePromptTokenCount",
    "tool_use_tokens_by_modality": "toolUsePromptTokensDetails",
    "total_thought_tokens": "thoughtsTokenCount",
}
"""Token counts by the names of both APIs, in the order recorded."""


def usage_from(usage: UsageMetadata) -> dict[str, Any]:
    """Token counts as this API has them: totals of zero are there, and modalities are in lower case."""
    counts: Mapping[str, Any] = usage
    found: dict[str, Any] = {}
    for name, other in _COUNTS.items():
        if name.startswith("total"):
            found[name] = counts.get(other, 0)
        elif listed := counts.get(other):
            found[name] = [
                {"modality": one["modality"].lower(), "tokens": one["tokenCount"]} for one in listed
            ]
    return found


def metadata_from(usage: Mapping[str, Any]) -> dict[str, int]:
    """The totals as generating content names them."""
    return {other: usage[name] for name, other in _COUNTS.items() if isinstance(usage.get(name), int)}
