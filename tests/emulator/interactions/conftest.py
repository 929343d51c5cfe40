"""Interactions over plain HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.emulator.conftest import Client

PATH = "/v1beta/interactions"
VERTEX = "/v1beta1/projects/p/locations/global/interactions"
OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
CODE_TOOL = {"type": "code_execution"}
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


class Interactions:
    """A client of one emulator."""

    def __init__(self, client: Client) -> None:
        self.emulator = client.emulator
        self.http = client.http

    def post(self, body: dict[str, Any], path: str = PATH, **headers: str) -> httpx.Response:
        return self.http.post(path, json={"model": NEW, **body}, headers=headers)

    def create(self, *, path: str = PATH, **body: Any) -> dict[str, Any]:
        return good(self.post(body, path))

    def get(self, interaction: dict[str, Any], **query: str) -> dict[str, Any]:
        return good(self.http.get(f"{PATH}/{interaction['id']}", params=query))

    def stream(self, **body: Any) -> list[dict[str, Any]]:
        return events(self.post({**body, "stream": True}))

    def resume(self, interaction_id: str, **query: str) -> list[dict[str, Any]]:
        return events(self.http.get(f"{PATH}/{interaction_id}", params={"stream": "true", **query}))


def good(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    return response.json()


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """The events of a whole stream: each under the name it says, the last the mark."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    *blocks, mark, nothing = response.text.split("\n\n")
    assert (mark, nothing) == ("event: done\ndata: [DONE]", "")
    return list(map(event, blocks))


def event(block: str) -> dict[str, Any]:
    name, data = block.split("\n")
    found: dict[str, Any] = json.loads(data.removeprefix("data: "))
    assert name == f"event: {found['event_type']}"
    return found


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    assert error.keys() == {"message", "code"}
    return response.status_code, error["code"], error["message"]


@pytest.fixture
def interact(start: Callable[..., Client]) -> Callable[..., Interactions]:
    """Start an emulator for a script, and a client of it."""
    return lambda script, **options: Interactions(start(script, **options))
