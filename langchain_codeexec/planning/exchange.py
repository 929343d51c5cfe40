"""One request and its answer, over as many hops as it takes, and what is shown of it.

A long answer ends with the finish reason CONTINUATION and a token, with which the same request goes out again; a
stream that was cut is resumed from the last token it brought. An answer that is none is asked for once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, TypeAlias, cast

from langchain_codeexec.errors import GeminiAPIError, GeminiError
from langchain_codeexec.gemini.interactions.steps import is_remark
from langchain_codeexec.gemini.responses import candidates_of, index_of, parts_of
from langchain_codeexec.gemini.wire import (
    Content,
    FunctionDeclaration,
    GenerateContentRequest,
    GenerateContentResponse,
)
from langchain_codeexec.messages.call_pieces import CallPieces, StreamedCall, whole_calls
from langchain_codeexec.messages.parts import STAND_IN_SIGNATURE
from langchain_codeexec.planning.repair import Repair

__all__ = ["Exchange", "Exchanges", "VisibleParts", "answered", "content_of"]

Json = dict[str, Any]

_REPAIRED: Final = frozenset({"executableCode", "codeExecutionResult", "functionCall"})
_ENDED: Final = (None, "STOP", "FINISH_REASON_UNSPECIFIED")
_CONTINUED: Final = "CONTINUATION"
_UNREADABLE: Final = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL")
_ANSWERLESS: Final = frozenset({"text", "thought", "thoughtSignature"})
_FRUITLESS_HOPS: Final = 3
_HALF: Final = re.compile(r"[\ud800-\udbff]\Z")
_AGAIN: Final = (
    "The last tool call could not be carried out: it is malformed, or names a tool that is not declared. "
    "Go on from here."
)


@dataclass
class VisibleParts:
    """A filter of what comes of one candidate.

    A text that begins otherwise than the JSON that is demanded, and is followed by code or a call, is a remark on
    the way, and shown as a thought.
    """

    functions: Sequence[FunctionDeclaration]  # those that may be called
    delegate: str | None = None  # name of the one that stands for code execution
    text_as_thought: bool = False  # as the answer proper is still to come
    json_begins: str = ""  # what demanded JSON may begin with; empty where that cannot be told
    repair: bool = True  # whether calls that were written as text become calls
    signs: bool = False  # whether a call without a signature would be refused as history
    has_calls: bool = False  # whether the user's own functions are called
    _delegated: list[StreamedCall | Json] = field(default_factory=list)
    _pieces: CallPieces = field(default_factory=CallPieces)
    _signature_hidden: bool = False
    _in_json: bool = False

    @property
    def delegated(self) -> list[Json]:
        """Calls of the function that stands for code execution; they are not shown."""
        return [call if isinstance(call, dict) else call.part["functionCall"] for call in self._delegated]

    def another(self) -> VisibleParts:
        """The same filter for another candidate."""
        return replace(self, _delegated=[], _pieces=CallPieces(), has_calls=False, _in_json=False)

    @cached_property
    def _repair(self) -> Repair:
        return Repair(self.functions)

    @cached_property
    def _names(self) -> set[Any]:
        return {function.get("name") for function in self.functions}

    def is_undeclared_call(self, part: Json) -> bool:
        """Whether a part calls a function that the request does not declare, or calls one unreadably."""
        name = _called(part)
        is_declared = isinstance(name, str) and name in self._names
        return name is not None and not (is_declared and not self.is_unreadable_call(part))

    def is_unreadable_call(self, part: Json) -> bool:
        """Whether a call's arguments are a text, which would have been read if it were JSON; a task is one."""
        name = _called(part)
        return name not in (None, self.delegate) and isinstance(part["functionCall"].get("args"), str)

    def mended(self, candidate: Json) -> Json:
        """A candidate with calls in place of what was written as calls."""
        parts = parts_of(candidate)
        if self.repair and any(part.keys() & _REPAIRED for part in parts):
            parts = self._repair.parts(parts)
        calls = []
        if self.repair and candidate.get("finishReason") in _UNREADABLE:
            calls = self._repair.calls_in_message(candidate.get("finishMessage"))
        if calls:
            signature = {"thoughtSignature": STAND_IN_SIGNATURE} if self.signs else {}
            parts = [*parts, {**calls[0], **signature}, *calls[1:]]
            kept = {key: value for key, value in candidate.items() if key != "finishMessage"}
            candidate = {**kept, "finishReason": "STOP"}
        return _with_parts(candidate, parts)

    def __call__(self, parts: list[Json]) -> list[Json]:
        """The parts to be shown of those that came."""
        if self.json_begins:
            parts = list(self._with_remarks_as_thoughts(parts))
        return [visible for part in parts if (visible := self._part(part)) is not None]

    def open_remark(self, parts: list[Json]) -> int | None:
        """Where a text begins that is no JSON, and of which the next parts tell whether it is the answer."""
        place, in_json = None, self._in_json
        for index, part in enumerate(parts):
            if "text" not in part:
                place, in_json = None, False
            elif self.json_begins and place is None and not in_json and not part.get("thought"):
                in_json = self._begins_json(part)
                place = None if in_json else index
        return place

    def _with_remarks_as_thoughts(self, parts: list[Json]) -> Iterator[Json]:
        last = max((index for index, part in enumerate(parts) if "text" not in part), default=-1)
        for index, part in enumerate(parts):
            self._in_json = "text" in part and (self._in_json or self._begins_json(part))
            is_remark = bool(part.get("text")) and not self._in_json and index < last
            yield {**part, "thought": True} if is_remark else part

    def _begins_json(self, part: Json) -> bool:
        return not part.get("thought") and str(part["text"]).lstrip().startswith(tuple(self.json_begins))

    def _part(self, part: Json) -> Json | None:
        if self.text_as_thought and part.get("text"):
            return {**part, "thought": True}
        call = self._pieces.add(part)
        piece = part.get("functionCall")
        if not isinstance(piece, dict):
            return part
        if self.delegate and (call.name if call else piece.get("name")) == self.delegate:
            if not any(call is each for each in self._delegated):
                self._delegated.append(call or piece)
            self._signature_hidden |= "thoughtSignature" in part
            return None
        self.has_calls = True
        if self._signature_hidden and "thoughtSignature" not in part:
            # Of parallel calls only the first is signed, and that one is hidden now.
            self._signature_hidden = False
            return {**part, "thoughtSignature": STAND_IN_SIGNATURE}
        return part


def _called(part: Json) -> Any:
    """The name of the function that a part calls; `None` for any other part."""
    call = part.get("functionCall")
    return call.get("name") if isinstance(call, dict) else None


def _with_parts(candidate: Json, parts: list[Json]) -> Json:
    if parts == parts_of(candidate):
        return candidate
    return {**candidate, "content": {"role": "model", **(candidate.get("content") or {}), "parts": parts}}


class _Repetition:
    """What a stream that is resumed from a token brings once more: the parts shown behind that token."""

    def __init__(self) -> None:
        self._behind: list[Json] = []
        self._expected: list[Json] = []

    def begin(self) -> None:
        """Expect what was shown behind the last token."""
        self._expected = list(self._behind)

    def new_parts(self, parts: list[Json], *, at_token: bool) -> list[Json]:
        """The parts that were not shown before; `at_token` says whether a new token stands behind them."""
        new = [rest for part in parts for rest in self._rest(part)]
        self._behind = list(self._expected) if at_token else [*self._behind, *new]
        return new

    def _rest(self, part: Json) -> list[Json]:
        """What is new of a part: all of it, nothing, or the end of a text."""
        while self._expected:
            expected = self._expected[0]
            if part == expected:
                del self._expected[0]
                return []
            text, known = _growing(part), _growing(expected)
            if text is None or known is None or text[:2] != known[:2]:
                self._expected.clear()  # it goes another way
            elif known[2].startswith(text[2]):
                self._expected[0] = _cut(expected, len(text[2]))
                return []
            elif text[2].startswith(known[2]):
                del self._expected[0]
                part = _cut(part, len(known[2]))
            else:
                self._expected.clear()
        return [part]


def _growing(part: Json) -> tuple[Any, Any, str] | None:
    """The text of a part that may be cut anywhere, and what it is the text of; `None` for any other part."""
    if isinstance(text := part.get("text"), str):
        return tuple(sorted(part)), None, text
    match part.get("functionCall"):
        case {"partialArgs": [{"jsonPath": path, "stringValue": str(text)}], **call}:
            return call.get("id"), path, text
    return None


def _cut(part: Json, length: int) -> Json:
    """A part less the beginning of its text."""
    if "text" in part:
        return {**part, "text": part["text"][length:]}
    call = part["functionCall"]
    partial = call["partialArgs"][0]
    rest = {**partial, "stringValue": partial["stringValue"][length:]}
    return {**part, "functionCall": {**call, "partialArgs": [rest]}}


@dataclass
class Exchange:
    """A request to make, and what becomes of its answer.

    `visible` takes the parts of the answer as they come, and gives those that the user sees. Where it `is_only`,
    no other exchange follows, so that other candidates than the first can be shown at once.
    """

    request: GenerateContentRequest  # in the end that of the last hop
    visible: VisibleParts | Callable[[list[Json]], list[Json]] = list
    retries: int = 0  # how often an answer that is none is asked for again
    is_only: bool = False
    answer: list[Json] = field(default_factory=list)  # the parts so far, hidden ones included
    has_begun: bool = False  # whether the present hop has brought anything
    _finish_reason: Any = None
    _block_reason: str = ""
    _token: str = ""
    _brought_parts: bool = False
    _withheld: list[Json] = field(default_factory=list)
    _repetition: _Repetition = field(default_factory=_Repetition)
    _others: dict[int, VisibleParts] = field(default_factory=dict)
    _held: list[tuple[int, Json]] = field(default_factory=list)

    @property
    def cut_off(self) -> str:
        """Why the answer is not whole: its finish reason or the prompt's block reason; empty if it is."""
        return self._block_reason or ("" if self._finish_reason in _ENDED else str(self._finish_reason))

    @property
    def is_whole_so_far(self) -> bool:
        """Whether all that has come is shown."""
        return not self._withheld

    def shown(self, chunk: GenerateContentResponse) -> GenerateContentResponse:
        """A chunk as the user sees it; the parts of its first candidate are added to the answer."""
        self.has_begun = True
        feedback = chunk.get("promptFeedback")
        if isinstance(feedback, dict):
            self._block_reason = str(feedback.get("blockReason") or self._block_reason)
        shown: list[Json] = []
        for position, candidate in enumerate(candidates_of(chunk)):
            index = index_of(candidate, position)
            if not index:
                shown.append(self._first(candidate))
            elif self.is_only:
                shown.append(self._other(index, candidate))
            else:
                self._held.append((index, self._other(index, candidate)))
        if shown == chunk.get("candidates", []):
            return chunk
        return cast("GenerateContentResponse", {**chunk, "candidates": shown})

    def rest(self) -> list[GenerateContentResponse]:
        """What was withheld to the end, where the answer ended without a word of how."""
        parts, self._withheld = self._withheld, []
        self.answer += parts
        content = content_of("model", self.visible(parts))
        return [cast("GenerateContentResponse", {"candidates": [{"content": content}]})] if parts else []

    def _first(self, candidate: Json) -> Json:
        self._token = candidate.get("continuationToken") or self._token
        if isinstance(self.visible, VisibleParts):
            candidate = self.visible.mended(candidate)
            parts = [*self._withheld, *parts_of(candidate)]
            if candidate.get("finishReason") == "STOP" and any(map(self.visible.is_unreadable_call, parts)):
                candidate = {**candidate, "finishReason": _UNREADABLE[0]}
        reason = candidate.get("finishReason")
        at_token = bool(candidate.get("continuationToken")) and self._has_new_token
        parts = self._repetition.new_parts(parts_of(candidate), at_token=at_token)
        parts = self._parts_to_take(parts, reason)
        self._finish_reason = reason or self._finish_reason
        self._brought_parts |= bool(parts)
        self.answer += parts
        goes_on = reason == _CONTINUED and bool(parts) and self._has_new_token
        hidden = ("continuationToken", "finishReason") if goes_on else ("continuationToken",)
        kept = {key: value for key, value in candidate.items() if key not in hidden}
        return _with_parts(kept, self.visible(parts))

    def _parts_to_take(self, parts: list[Json], reason: Any) -> list[Json]:
        """The parts, but for those of which the next ones tell what they are.

        A call of no declared function is not taken before the answer has ended well, a text beside JSON that is
        demanded not before it is known whether it is a remark.
        """
        parts, self._withheld = _with_whole_characters([*self._withheld, *parts]), []
        if not isinstance(self.visible, VisibleParts):
            return parts
        undeclared = next((i for i, part in enumerate(parts) if self.visible.is_undeclared_call(part)), None)
        half = len(parts) - 1 if parts and _HALF.search(str(parts[-1].get("text", ""))) else None
        places = [each for each in (undeclared, half, self.visible.open_remark(parts)) if each is not None]
        place = min(places, default=None)
        if place is not None and not reason:
            parts, self._withheld = parts[:place], parts[place:]
        elif reason in _UNREADABLE and self.retries:
            readable = [part for part in parts if not self.visible.is_undeclared_call(part)]
            if not any(map(_called, [*self.answer, *readable])):
                return readable
        return parts

    def _other(self, index: int, candidate: Json) -> Json:
        if not isinstance(self.visible, VisibleParts):
            return candidate
        visible = self._others.setdefault(index, self.visible.another())
        candidate = visible.mended({**candidate, "index": index})
        return _with_parts(candidate, visible(parts_of(candidate)))

    @property
    def held(self) -> list[GenerateContentResponse]:
        """What was held back of other candidates, less those that delegate code, which nobody carried out."""
        whole = [(index, candidate) for index, candidate in self._held if not self._others[index].delegated]
        return [cast("GenerateContentResponse", {"candidates": [candidate]}) for _, candidate in whole]

    @property
    def is_none(self) -> bool:
        """Whether the answer says nothing and calls nothing, or ended with a call that cannot be read.

        Beside other candidates it stays: what they said cannot be taken back.
        """
        if self._block_reason or self._others or any("functionCall" in part for part in self.answer):
            return False
        if self._finish_reason in _UNREADABLE:
            return True
        return self._finish_reason == "STOP" and not any(map(_says_something, self.answer))

    def ask_again(self, request: GenerateContentRequest) -> None:
        """Make the request that was answered once more; what the user has seen of its answer stays."""
        self.retries -= 1
        self.request = request
        if not any(map(_says_something, self.answer)):
            self.answer = []
            return
        history = [content_of("model", whole_calls(self.answer)), content_of("user", [{"text": _AGAIN}])]
        contents = [*request.get("contents", ()), *history]
        self.request = cast("GenerateContentRequest", {**request, "contents": contents})

    def begin_hop(self, token: str | None) -> None:
        """Prepare the next request for the same answer."""
        if token:
            self.request = cast("GenerateContentRequest", {**self.request, "continuationToken": token})
            self._repetition.begin()
        else:
            self._repetition = _Repetition()
        self.has_begun = self._brought_parts = False
        self._finish_reason, self._token = None, ""

    @property
    def made_progress(self) -> bool:
        """Whether the present hop brought anything new: where it was cut, a token to go on from."""
        return self._brought_parts if self._finish_reason == _CONTINUED else self._has_new_token

    @property
    def next_token(self) -> str | None:
        """The token with which the answer goes on; `None` where it has ended, or nothing says how it goes on."""
        if self._block_reason or self._finish_reason not in (None, _CONTINUED):
            return None
        if self._has_new_token:
            return self._token
        return self.request.get("continuationToken") if self._finish_reason is None else None

    @property
    def _has_new_token(self) -> bool:
        return self._token not in ("", self.request.get("continuationToken"))


def _with_whole_characters(parts: list[Json]) -> list[Json]:
    """The parts, with a character of which two texts hold a half (gateways cut UTF-16) whole in the second."""
    whole: list[Json] = []
    for part in parts:
        text, before, joined = part.get("text"), whole[-1] if whole else {}, {}
        if isinstance(text, str) and _HALF.search(str(before.get("text", ""))):
            halves = before["text"][-1] + text
            whole[-1] = {**before, "text": before["text"][:-1]}
            joined["text"] = halves.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        whole.append({**part, **joined})
    return whole


def _says_something(part: Json) -> bool:
    if not is_remark(part) and (not part or part.keys() - _ANSWERLESS):  # of a kind that is not known
        return True
    return not part.get("thought") and bool(str(part.get("text", "")).strip())


def content_of(role: str, parts: list[Json]) -> Content:
    """A content of the wire."""
    return cast("Content", {"role": role, "parts": parts})


Exchanges: TypeAlias = Generator[Exchange, None, None]
"""Exchanges to make one after the other; the failure of one is thrown in."""


def answered(exchange: Exchange) -> Exchanges:
    """Make a request, follow its answer to the end, and ask again where it is none.

    Raises:
        GeminiError: Thrown in by whoever makes the requests, where nothing could be resumed.
    """
    request = exchange.request
    yield from _hops(exchange)
    while exchange.retries and exchange.is_none:
        exchange.ask_again(request)
        yield from _hops(exchange)


def _hops(exchange: Exchange) -> Exchanges:
    token: str | None = None
    fruitless = 0
    while True:
        exchange.begin_hop(token)
        failure: GeminiError | None = None
        try:
            yield exchange
        except GeminiError as error:
            failure = error
        is_refused = isinstance(failure, GeminiAPIError) and not exchange.has_begun
        fruitless = 0 if exchange.made_progress else fruitless + 1
        token = None if is_refused or fruitless >= _FRUITLESS_HOPS else exchange.next_token
        if token is None:
            if failure is not None:
                raise failure
            return
