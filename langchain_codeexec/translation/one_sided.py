"""Contents as text where a request declares only one side: what the other side did is told, not replayed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from langchain_codeexec.translation.prose import code_as_text, result_as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_codeexec.gemini.wire import Content

__all__ = ["with_code_as_text", "with_functions_as_text"]

Json = dict[str, Any]


def with_functions_as_text(contents: Sequence[Content]) -> list[Content]:
    """Contents whose function calls and responses are text; files that came with a response stay files."""
    return _told(contents, _FUNCTIONS)


def with_code_as_text(contents: Sequence[Content]) -> list[Content]:
    """Contents whose code and results are text; images that the code drew stay images."""
    return _told(contents, _CODE)


def _told(contents: Sequence[Content], in_words: Mapping[str, Callable[[Json], list[Json]]]) -> list[Content]:
    told: list[Any] = []
    for content in contents:
        parts = content.get("parts", [])
        if any(key in part for part in parts for key in in_words):
            said = [words for part in parts for words in _part(cast("Json", part), in_words)]
            told.append({**content, "parts": said})
        else:
            told.append(content)
    return told


def _part(part: Json, in_words: Mapping[str, Callable[[Json], list[Json]]]) -> list[Json]:
    for key, words in in_words.items():
        if isinstance(part.get(key), dict):
            return words(part[key])
    return [part]


def _call(call: Json) -> list[Json]:
    return [{"text": f"I called {call.get('name')} with {_compact(call.get('args') or {})}."}]


def _response(response: Json) -> list[Json]:
    said = f"{response.get('name')} returned: {_compact(response.get('response') or {})}"
    return [{"text": said}, *(response.get("parts") or [])]


def _code(code: Json) -> list[Json]:
    return [{"text": code_as_text(code.get("code", ""), code.get("language", ""))}]


def _result(result: Json) -> list[Json]:
    return [{"text": result_as_text(result.get("outcome"), result.get("output"))}]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_FUNCTIONS: Final = {"functionCall": _call, "functionResponse": _response}
_CODE: Final = {"executableCode": _code, "codeExecutionResult": _result}
