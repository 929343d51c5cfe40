"""What tests of answers that take more than one request share."""

from typing import Any

from tests.calls import call, response
from tests.services import Gemini

CODE = {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}}
QUESTION = "How many roads must a man walk down?"


def get_price(item: str) -> float:
    """Look up the price of an item in the catalog."""
    return 9.5


PRICE = call("get_price", item="lamp")
THOUGHT = {"text": "Hm. ", "thought": True}


def text(said: str) -> dict[str, Any]:
    return {"text": said}


def hop(token: str, *parts: Any) -> dict[str, Any]:
    return response(*parts, finishReason="CONTINUATION", continuationToken=token)


def counted(answer: dict[str, Any], prompt: int, candidates: int) -> dict[str, Any]:
    others = {"toolUsePromptTokenCount": 0, "thoughtsTokenCount": 0}
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": candidates, **others}
    return {**answer, "usageMetadata": usage}


def tokens(gemini: Gemini) -> list[str | None]:
    return [body.get("continuationToken") for body in gemini.bodies]


def kinds(answer: Any) -> list[str]:
    return [block["type"] for block in answer.content]
