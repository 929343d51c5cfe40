"""Structured output: answers as objects of a schema."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, get_origin

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models.base import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import TypeAdapter

from langchain_codeexec.errors import ConfigurationError, ToolDeclarationError
from langchain_codeexec.messages.from_wire import failure_of
from langchain_codeexec.messages.tools import function_names, schema_of, wire_tools

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
    shape = {} if schema is None else schema_of(schema)
    kwargs["ls_structured_output_format"] = {"kwargs": {"method": method}, "schema": _traced(schema, shape)}
    if method == "function_calling":
        bound, parser = _by_call(llm, schema, kwargs)
    else:
        limits = {"response_schema": shape} if shape else {}
        bound = llm.bind(response_mime_type="application/json", **limits, **kwargs)
        parser = _FinalPydantic(pydantic_object=schema) if _is_model(schema) else _FinalJson()
        if get_origin(schema) is not None:
            kind: Any = schema
            parser |= TypeAdapter(kind).validate_python
    if not include_raw:
        return bound | parser
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=bound) | parsed.with_fallbacks([failed], exception_key="parsing_error")


def _traced(schema: Any, shape: dict[str, Any]) -> dict[str, Any]:
    """The schema as langchain-core writes it into traces, where it can."""
    try:
        return convert_to_json_schema(schema)
    except (TypeError, ValueError):
        return shape


def _by_call(
    llm: BaseChatModel, schema: Any, kwargs: dict[str, Any]
) -> tuple[Runnable[LanguageModelInput, AIMessage], Runnable[Any, Any]]:
    """The model made to call a function whose arguments are the object, and what reads them."""
    names = function_names(wire_tools([schema]))
    if len(names) != 1:
        raise ToolDeclarationError(f"the schema must declare one function, not {len(names)}: {schema!r:.200}")
    tools = [*kwargs.pop("tools", ()), schema]
    bound = llm.bind_tools(tools, **{**kwargs, "tool_choice": names[0]})
    if _is_model(schema):
        return bound, PydanticToolsParser(tools=[schema], first_tool_only=True)
    return bound, JsonOutputKeyToolsParser(key_name=names[0], first_tool_only=True)


def _is_model(schema: Any) -> bool:
    """Whether it is a pydantic class, of version 1 or 2."""
    return isinstance(schema, type) and is_basemodel_subclass(schema)


def _final_text(message: BaseMessage) -> str:
    """The text after the last run of code: what comes before it is the way to the answer, not the answer.

    A run that nothing follows checked what was said before it.
    """
    texts = [""]
    for block in message.content_blocks:
        if block["type"] == "server_tool_result":
            texts.append("")
        elif block["type"] == "text":
            texts[-1] += block["text"]
    return next((text for text in reversed(texts) if text.strip()), "")


def _final(result: list[Generation], *, partial: bool) -> list[Generation]:
    [generation] = result
    if not isinstance(generation, ChatGeneration):
        return result
    text = _final_text(generation.message)
    metadata = generation.message.response_metadata
    # langchain-core would complete JSON that was cut off, and with it the last number or word.
    if not partial and (not text or metadata.get("finish_reason") == "MAX_TOKENS"):
        reason = failure_of(generation.message) or "It has no text."
        raise OutputParserException(f"The answer holds no JSON, or not all of it. {reason}", llm_output=text)
    return [Generation(text=text)]


class _FinalJson(JsonOutputParser):
    """Parses the answer's final text as JSON."""

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        return super().parse_result(_final(result, partial=partial), partial=partial)


class _FinalPydantic(PydanticOutputParser[Any]):
    """Parses the answer's final text as an object of a class."""

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        return super().parse_result(_final(result, partial=partial), partial=partial)
