"""The answers of a batch job: a file with a line for each, in any order, matched by the key of its request.

`jobs` says what the lines of the two services hold, and where that is documented.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import IO, Any, Final

from langchain_codeexec.errors import ResponseFormatError
from langchain_codeexec.gemini.errors import LONGEST_EXCERPT, api_error
from langchain_codeexec.gemini.jobs import LABEL
from langchain_codeexec.gemini.responses import canonical
from langchain_codeexec.gemini.wire import GenerateContentResponse

__all__ = ["JobAnswers"]

Json = dict[str, Any]

_NO_REQUEST: Final = "it answers no request of the job"
_REPEATED: Final = "it answers a request again"
_NOBODY: Final = "nobody asks for what it answers any more"


class JobAnswers:
    """The answers in a file, of which only the places are in memory.

    Args:
        file: The file.
        keys: The keys of the job's requests.
        model: Resource name of the job's model, which tells the service.
    """

    def __init__(self, file: IO[bytes], keys: Collection[str], model: str) -> None:
        self._file = file
        self._model = model
        self._places: dict[str, int] = {}
        self._strange: list[tuple[int, str]] = []
        place = 0
        file.seek(0)
        for line in file:
            if line.strip():
                self._index(place, _key_of(_object(line)), keys)
            place += len(line)

    def _index(self, place: int, key: str | None, keys: Collection[str]) -> None:
        if key is None or key not in keys:
            self._strange.append((place, _NO_REQUEST))
        elif key in self._places:
            self._strange.append((place, _REPEATED))
        else:
            self._places[key] = place

    def response(self, key: str) -> GenerateContentResponse | None:
        """The response to a request; `None` where there is no line for it.

        Raises:
            GeminiAPIError: The line has an error instead.
            ResponseFormatError: It has neither.
        """
        if key not in self._places:
            return None
        line = self._line(self._places[key])
        answer = _object(line)
        response, error = answer.get("response"), answer.get("error") or answer.get("status")
        if isinstance(response, dict) and response:
            return canonical(response, self._model)
        if isinstance(error, dict):
            raise api_error({"error": error})
        if isinstance(error, str) and error:
            raise api_error(_envelope(error))
        raise ResponseFormatError("the answer has neither a response nor an error", body=_text(line))

    def unmatched(self, used: Collection[str]) -> Iterator[tuple[str, Json | str]]:
        """What is wrong with each line that is the answer to none of these keys, and the line."""
        unused = [(place, _NOBODY) for key, place in self._places.items() if key not in used]
        for place, reason in sorted([*self._strange, *unused]):
            line = self._line(place)
            yield reason, _object(line) or _text(line)

    def _line(self, place: int) -> bytes:
        self._file.seek(place)
        return self._file.readline()


def _key_of(answer: Json) -> str | None:
    metadata, request = answer.get("metadata"), answer.get("request")
    labels = request.get("labels") if isinstance(request, dict) else None
    keys = (
        answer.get("key"),
        metadata.get("key") if isinstance(metadata, dict) else None,
        labels.get(LABEL) if isinstance(labels, dict) else None,
    )
    return next((key for key in keys if isinstance(key, str)), None)


def _envelope(status: str) -> Json | str:
    """The error's envelope, which Vertex AI puts behind words; the words where there is none."""
    return _object(status[status.find("{") :].encode("utf-8", "replace")) or status


def _object(line: bytes) -> Json:
    """The JSON object in a line; an empty one if there is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(line: bytes) -> str:
    return line[:LONGEST_EXCERPT].decode("utf-8", "replace").rstrip()
