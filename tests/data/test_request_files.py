"""Whether media in tools' replies are files of the user's, by the chat model and the Gemini of a conversation."""

from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda

from langchain_codeexec.data import files_in
from langchain_codeexec.data.request_files import replies_are_files
from langchain_codeexec.grounding import DocumentCalculation

OURS = {"output_version": "v1", "endpoint": "vertex", "model_provider": "google_genai"}
PICTURE = {"type": "image", "base64": "AAAA", "mime_type": "image/png"}
TABLE = {"page_content": "| a |\n|---|\n| 3 |", "metadata": {"title": "T"}}


def conversation(metadata: dict[str, Any]) -> list[Any]:
    call = {"type": "tool_call", "id": "1", "name": "photo", "args": {}}
    return [
        HumanMessage([{"type": "text", "text": "Take one."}, PICTURE]),
        AIMessage([call], tool_calls=[call], response_metadata=metadata),
        ToolMessage([PICTURE], tool_call_id="1"),
    ]


@pytest.mark.parametrize(
    ("metadata", "are_files"),
    [
        ({**OURS, "model_name": "gemini-2.5-flash"}, True),
        ({**OURS, "model_name": "gemini-3-flash-preview"}, False),
        ({"model_provider": "google_genai", "model_name": "gemini-3-flash-preview"}, True),
        ({"model_provider": "google_vertexai", "model_name": "gemini-2.5-flash"}, False),
        ({"model_provider": "openai"}, False),
    ],
)
def test_the_last_answer_decides(metadata: dict[str, Any], are_files: bool) -> None:
    messages = conversation(metadata)
    assert not replies_are_files(messages[:1])
    assert replies_are_files(messages) is are_files
    assert len(files_in(messages, tool_replies=are_files)) == 1 + are_files


def test_a_calculation_numbers_its_files_behind_them() -> None:
    requests: list[Any] = []
    llm = RunnableLambda(lambda messages: requests.append(messages) or AIMessage("It is 3."))
    history = conversation({"model_provider": "google_genai"})
    question = {"messages": [*history, HumanMessage("What is a?")], "documents": [Document(**TABLE)]}
    DocumentCalculation(llm).invoke(question)
    assert "- input_file_2.csv: table 1 of [1] T" in requests[0][-1].text
