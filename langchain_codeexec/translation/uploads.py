"""Whether media in tools' replies travel as files of the user's, which the service numbers and code finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage

from langchain_codeexec.gemini.capabilities import capabilities
from langchain_codeexec.translation.replay import is_own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

__all__ = ["replies_are_files"]


def replies_are_files(messages: Sequence[BaseMessage]) -> bool:
    """Whether the requests of a conversation carry the media of tools' replies beside the function responses.

    Our chat model puts them there for Gemini 2.x, which takes none inside a response; langchain-google-genai
    always does, langchain-google-vertexai never.

    Args:
        messages: The conversation; its last answer tells which chat model and which Gemini it is held with.
    """
    answer = next((message for message in reversed(messages) if isinstance(message, AIMessage)), None)
    if answer is None:
        return False
    metadata = answer.response_metadata
    if is_own(answer):
        return not capabilities(str(metadata.get("model_name", "")), metadata["endpoint"]).media_in_responses
    return metadata.get("model_provider") == "google_genai"
