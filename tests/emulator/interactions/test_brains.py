"""Interactions from every brain: a LangChain model, the scenes, a recording."""

from __future__ import annotations

from typing import Any

import httpx
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from langchain_codeexec.emulator import (
    CassettePlayer,
    GeminiEmulator,
    LangChainBrain,
    RecordingProxy,
    SceneBrain,
    ScriptedBrain,
)
from tests.emulator.interactions.conftest import CODE_TOOL, NEW, OLD, PATH

LONG = "One two three four five six seven eight nine ten."


def results(found: dict[str, Any]) -> list[str]:
    return [step["result"] for step in found["steps"] if step["type"] == "code_execution_result"]


def test_a_langchain_model(interact):
    says = ["I add.\n```python\nprint(sum(range(11)))\n```", "It is 55."]
    model = GenericFakeChatModel(messages=iter(map(AIMessage, says)))
    found = interact(LangChainBrain(model)).create(input="Sum to ten", tools=[CODE_TOOL])
    assert results(found) == ["55\n"]
    assert found["steps"][-1]["content"] == [{"text": "It is 55.", "type": "text"}]


def test_a_scene(interact):
    client = interact(SceneBrain())
    found = client.create(
        model=OLD, input="What is the sum of the first 50 prime numbers?", tools=[CODE_TOOL]
    )
    assert "5117" in "".join(results(found))
    assert found["model"].startswith(f"{OLD} (")


def test_a_recording_plays_them_again(tmp_path):
    def talk(url: str) -> list[Any]:
        with httpx.Client(base_url=url, headers={"x-goog-api-key": "test"}, timeout=60) as http:
            first = http.post(PATH, json={"model": NEW, "input": "Hi"}).json()
            ask = {"model": NEW, "input": "More", "previous_interaction_id": first["id"], "stream": True}
            streamed = http.post(PATH, json=ask).text.replace("\r\n", "\n")
            gone = http.delete(f"{PATH}/{first['id']}").json()
            missing = http.get(f"{PATH}/{first['id']}")
            return [first, streamed, gone, missing.status_code, missing.json()]

    path = tmp_path / "cassette.yaml"
    with (
        GeminiEmulator(ScriptedBrain(["So.", LONG])) as emulator,
        RecordingProxy(emulator.url, path) as proxy,
    ):
        recorded = talk(proxy.url)
    with CassettePlayer(path) as player:
        assert talk(player.url) == recorded
    assert recorded[3] == 404
    assert "event: interaction.completed" in recorded[1]


def test_the_sandbox_says_that_it_runs_no_bash():
    script = [[{"executableCode": {"language": "BASH", "code": "ls"}}, "So."]]
    with GeminiEmulator(ScriptedBrain(script)) as emulator:
        body = {"model": NEW, "input": "List", "tools": [CODE_TOOL]}
        found = httpx.post(
            f"{emulator.url}{PATH}", json=body, headers={"x-goog-api-key": "a"}, timeout=60
        ).json()
    (step,) = [step for step in found["steps"] if step["type"] == "code_execution_result"]
    assert step["is_error"]
    assert "bash does not run here: processes cannot be started in this sandbox" in step["result"]
