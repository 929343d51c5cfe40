"""What the emulator answers other packages' clients, by what they ask last."""

from __future__ import annotations

from typing import Any

from langchain_codeexec.emulator import Prompt
from langchain_codeexec.emulator.brain import last_text
from langchain_codeexec.emulator.parsing import tool_kinds
from langchain_codeexec.emulator.targets import Target, quota_exceeded

CODE = {"executableCode": {"code": "print(sum(range(11)))"}}
READ = {"executableCode": {"code": "print(open('input_file_0.py').read(), end='')"}}
CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Utrecht"}}}

WEATHER = {
    "name": "get_weather",
    "description": "The current weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TEXTS = ["rivers of Europe", "the longest river in Europe", "a tax on income"]


def model(prompt: Prompt) -> Any:
    """What is answered, by what the last turn says."""
    text = last_text(prompt)
    for word, answer in ANSWERS.items():
        if word in text:
            return answer(prompt) if callable(answer) else answer
    raise AssertionError(text)


ANSWERS: dict[str, Any] = {
    "drizzle": "Drizzle.",
    "weather": lambda prompt: [CODE, CALL] if "codeExecution" in tool_kinds(prompt.request) else [CALL],
    "Thanks": "You are welcome.",
    "quota": lambda prompt: quota_exceeded(Target(prompt.endpoint, "v1beta", prompt.model), 7),
    "Read": [READ, "That is all."],
    "Sum": ["I add them all up. ", CODE, "It is 55."],
}
