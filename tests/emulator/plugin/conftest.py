"""The plugin's fixtures, whether or not it is installed as a plugin here."""

from __future__ import annotations

from langchain_codeexec.pytest_plugin import (
    gemini_code_model,
    gemini_emulator,
    gemini_judge,
    gemini_model_settings,
    pytest_configure,
)

__all__ = [
    "gemini_code_model",
    "gemini_emulator",
    "gemini_judge",
    "gemini_model_settings",
    "pytest_configure",
]
