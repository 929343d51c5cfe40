"""Running cases against a server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from tests.conformance.laws import LAWS, answer_content
from tests.conformance.patterns import mismatches
from tests.conformance.reports import Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tests.conformance.cases import Case, Turn

__all__ = ["Place", "run_cases"]


@dataclass(frozen=True, slots=True)
class Place:
    """A service and a model to ask.

    Attributes:
        name: `developer/2` and so on.
        prefix: URL path before the model's name.
        model: Bare model name.
        headers: Credentials.
    """

    name: str
    prefix: str
    model: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def generation(self) -> int:
        """The generation of the model."""
        return int(self.name.rpartition("/")[2])


def run_cases(
    cases: Iterable[Case],
    places: Iterable[Place],
    url: str,
    *,
    timeout: float = 120,
    tell: Callable[[Verdict], object] = lambda verdict: None,
) -> Report:
    """Run every case in each of the places it holds for.

    Args:
        cases: The cases.
        places: The places.
        url: Base URL of the server.
        timeout: Seconds an answer may take.
        tell: Called with every verdict as it is reached.

    Raises:
        httpx.ConnectError: The server cannot be reached.
    """
    verdicts = []
    known = list(places)
    with httpx.Client(base_url=url, timeout=timeout) as http:
        for case in cases:
            for place in known:
                if place.name in case.places:
                    verdicts.append(Verdict(case.name, place.name, tuple(_problems(http, case, place))))
                    tell(verdicts[-1])
    return Report(tuple(verdicts))


def _problems(http: httpx.Client, case: Case, place: Place) -> Iterator[str]:
    """What is wrong; what follows a turn that went wrong is not asked."""
    answers: list[dict[str, Any]] = []
    for number, turn in enumerate(case.turns, 1):
        label = f"turn {number}: " if len(case.turns) > 1 else ""
        try:
            response = _ask(http, case, place, _filled(turn.request, answers))
            bodies = _bodies(response)
        except httpx.ConnectError:
            raise
        except httpx.HTTPError as error:
            yield f"{label}{type(error).__name__}: {error}"
            return
        except ValueError as error:
            yield f"{label}the answer is no JSON: {error}"
            return
        found = [label + problem for problem in _judged(turn, place, response.status_code, bodies)]
        yield from found
        if found:
            return
        answers.append(answer_content(bodies))


def _ask(http: httpx.Client, case: Case, place: Place, body: Any) -> httpx.Response:
    model = place.model if case.model is None else case.model
    credentials = dict(place.headers)
    if case.key is not None:
        credentials = {"x-goog-api-key": case.key} if case.key else {}
    if not case.method:
        return http.get(f"{place.prefix}/{model}".rstrip("/"), headers=credentials)
    content = body if isinstance(body, str) else json.dumps(body)
    headers = {**credentials, "content-type": "application/json"}
    return http.post(f"{place.prefix}/{model}:{case.method}", content=content, headers=headers)


def _bodies(response: httpx.Response) -> list[dict[str, Any]]:
    """The bodies of an answer in any of the three framings."""
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        events = response.text.replace("\r\n", "\n").split("\n\n")
        bodies = [json.loads(event.removeprefix("data:")) for event in events if event.strip()]
    else:
        body = response.json()
        bodies = body if isinstance(body, list) else [body]
    if not bodies or not all(isinstance(body, dict) for body in bodies):
        raise ValueError("it holds no objects")
    return bodies


def _judged(turn: Turn, place: Place, status: int, bodies: list[dict[str, Any]]) -> Iterator[str]:
    if status != turn.status:
        yield f"the status is {status}, not {turn.status}: {json.dumps(bodies[0])[:300]}"
        return
    if turn.expect is not None:
        yield from mismatches(_joined(bodies), turn.expect)
    for law in turn.laws:
        yield from (f"{law}: {problem}" for problem in LAWS[law](bodies, place.generation))


def _joined(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    """The last body, its first candidate with the parts of all."""
    last = bodies[-1]
    if len(bodies) == 1 or not last.get("candidates"):
        return last
    first, *others = last["candidates"]
    return {**last, "candidates": [{**first, "content": answer_content(bodies)}, *others]}


def _filled(request: Any, answers: list[dict[str, Any]]) -> Any:
    if isinstance(request, dict):
        if request.keys() == {"$answer"}:
            return answers[request["$answer"] - 1]
        return {name: _filled(value, answers) for name, value in request.items()}
    if isinstance(request, list):
        return [_filled(item, answers) for item in request]
    return request
