"""Answers that are objects."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import RunnableMap, RunnablePassthrough
from pydantic import BaseModel

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.translation.declarations import function_names, schema_of, wire_tools

if TYPE_CHECKING:
    from langchain_core.language_models.base import LanguageModelInput
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import Runnable

__all__ = ["structured_output"]

_METHODS = ("json_schema", "function_calling", "json_mode")


def structured_output(
    llm: BaseChatModel, schema: Any, *, method: str, include_raw: bool, **kwargs: Any
) -> Runnable[LanguageModelInput, Any]:
    """What `with_structured_output` returns; see there."""
    if method not in _METHODS:
        raise ConfigurationError(f"unknown method {method!r}; use one of {', '.join(_METHODS)}")
    if schema is None and method != "json_mode":
        raise ConfigurationError(f"method={method!r} needs a schema; pass one, or use method='json_mode'")
    kwargs.pop("strict", None)
    traced = {"ls_structured_output_format": {"kwargs": {"method": method}, "schema": schema or {}}}
    bound: Runnable[LanguageModelInput, Any]
    if method == "function_calling":
        [declared] = wire_tools([schema])
        [name] = function_names([declared])
        tools = [*kwargs.pop("tools", ()), declared]
        bound = llm.bind_tools(tools, tool_choice=name, **traced, **kwargs)
        parser: Runnable[Any, Any] = (
            PydanticToolsParser(tools=[schema], first_tool_only=True)
            if _is_model(schema)
            else JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
        )
    else:
        shape = {"response_schema": schema_of(schema)} if method == "json_schema" else {}
        bound = llm.bind(response_mime_type="application/json", **shape, **traced, **kwargs)
        parser = _FinalPydantic(pydantic_object=schema) if _is_model(schema) else _FinalJson()
    if not include_raw:
        return bound | parser
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=bound) | parsed.with_fallbacks([failed], exception_key="parsing_error")


def _is_model(schema: Any) -> bool:
    return isinstance(schema, type) and issubclass(schema, BaseModel)


def _final_text(message: BaseMessage) -> str:
    """The text after the last run of code: what comes before it is the way to the answer, not the answer."""
    if isinstance(message.content, str):
        return message.content
    texts: list[str] = []
    for block in message.content:
        if isinstance(block, dict) and block.get("type") == "server_tool_result":
            texts.clear()
        elif isinstance(block, dict) and block.get("type") == "text":
            texts.append(block["text"])
    return "".join(texts)


def _final(result: list[Generation]) -> list[Generation]:
    [generation] = result
    return (
        [Generation(text=_final_text(generation.message))]
        if isinstance(generation, ChatGeneration)
        else result
    )


class _FinalJson(JsonOutputParser):
    """Parses the answer's final text as JSON."""

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        return super().parse_result(_final(result), partial=partial)


class _FinalPydantic(PydanticOutputParser[Any]):
    """Parses the answer's final text as an object of a class."""

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        return super().parse_result(_final(result), partial=partial)
