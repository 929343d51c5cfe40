"""The chat model as LangChain knows it: its interface.

Settings are in `settings`, what a call does in `call`, what parts and messages mean in `messages`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from operator import attrgetter
from threading import Lock
from typing import Any, ClassVar, Final, Self, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.base import LangSmithParams, LanguageModelInput
from langchain_core.language_models.chat_models import (
    BaseChatModel,
    agenerate_from_stream,
    generate_from_stream,
)
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr, ValidationError

from langchain_codeexec.binding import ToolBinding
from langchain_codeexec.call import Call, call_overrides, countable
from langchain_codeexec.control.limits import checked_limits
from langchain_codeexec.control.redaction import checked_redactor, redact_message
from langchain_codeexec.control.tracing import TracedStreams, atrace_answers, atraced, trace_answers, traced
from langchain_codeexec.data.outputs import sink_from
from langchain_codeexec.errors import CodeExecError, ConfigurationError, MissingDependencyError
from langchain_codeexec.gemini.errors import without_secrets
from langchain_codeexec.gemini.responses import joined
from langchain_codeexec.gemini.wire import EndpointKind, Transport
from langchain_codeexec.messages.legacy import LegacyContent
from langchain_codeexec.messages.stream import ChunkTranslator
from langchain_codeexec.messages.tools import bound_tools, tool_config, wire_tools
from langchain_codeexec.planning.plan import areport_plan, report_plan
from langchain_codeexec.planning.planners import checked_planner
from langchain_codeexec.profiles import model_profile
from langchain_codeexec.settings import (
    CALL_SETTINGS,
    CONNECTION_SETTINGS,
    GeminiSettings,
    refuse_nesting,
    settings_by_name,
)
from langchain_codeexec.takeover import settings_of

__all__ = ["ChatGeminiCodeExecution"]


class _Unsaved:
    """What a copy or a pickle of a model makes anew."""

    value: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


_CALL_SETTINGS_OF: Final = attrgetter(*CALL_SETTINGS)
_OF_CONNECTION: Final = frozenset(CONNECTION_SETTINGS) - {*CALL_SETTINGS}
_MOST_OPENED: Final = 4
_PROVIDERS: Final = {"vertex": "google_vertexai", "developer": "google_genai"}


class ChatGeminiCodeExecution(GeminiSettings, TracedStreams):
    """Gemini with code execution, on Vertex AI and on the Gemini Developer API.

    The model writes Python, Google's servers run it, and the answer says what came out. Each run arrives as
    content blocks (`server_tool_call`, `server_tool_result`, images) and is sent back unchanged as history.

    The service is chosen as `google-genai` chooses it: `vertexai`, else `GOOGLE_GENAI_USE_VERTEXAI`, else
    Vertex AI if `credentials` or `project` are given, else the Developer API.

    Examples:
        >>> llm = ChatGeminiCodeExecution(model="gemini-3-flash-preview")  # doctest: +SKIP
        >>> llm.invoke("What is the sum of the first 50 primes?").text  # doctest: +SKIP
        'The sum of the first 50 prime numbers is 5117.'

    Raises:
        ConfigurationError: The settings name no service that could be reached; the message says what to set.
    """

    model_config = GeminiSettings.model_config  # the other base's would ignore a misspelt setting
    _opened: Any = PrivateAttr(default=())
    _sdk: Any = PrivateAttr(default_factory=_Unsaved)
    _lock: ClassVar = Lock()

    def __init__(self, **settings: Any) -> None:
        try:
            refuse_nesting(settings)
            super().__init__(**settings_by_name(settings))
        except ValidationError as error:
            raise without_secrets(error)  # noqa: B904 -- the same error
        finally:
            settings.clear()  # error reporters show the variables of every frame
        if hasattr(self, "_add_version"):  # langchain-core 1.4 and newer
            self._add_version("langchain-codeexec", _release())
        # Not in a validator: pydantic would turn the typed error, a ValueError, into a ValidationError.
        self._connection()
        sink_from(self.output_sink)
        checked_planner(self.planner)
        checked_limits(self.limits)
        checked_redactor(self.redact)

    @classmethod
    def from_chat_model(cls, llm: BaseChatModel, **settings: Any) -> Self:
        """Take over a `ChatVertexAI` or `ChatGoogleGenerativeAI` with its settings.

        Args:
            llm: The model to take over: credentials, project, location, endpoint, generation and safety
                settings, callbacks, cache and rate limiter come along.
            **settings: Settings that replace those taken over.

        Raises:
            UnsupportedSettingError: It has a setting that cannot be carried over; the message names it.
        """
        try:
            return cls(**{**settings_of(llm), **settings_by_name(settings)})
        except CodeExecError as error:
            raise without_secrets(error)  # noqa: B904 -- the same error
        finally:
            settings.clear()

    @property
    def endpoint(self) -> EndpointKind:
        """Which service the model is reached at."""
        return self._connection().endpoint

    @property
    def connection(self) -> Transport:
        """What carries the requests: the transport given, or the one that the settings lead to."""
        return self._connection()

    @property
    def client(self) -> Any:
        """A `google.genai.Client` of the same connection, for files, caches and what else is not chat.

        Made when first asked for; `None` where google-genai (extra `genai`) is not installed or cannot connect
        with these settings. It does not carry the model's own requests.
        """
        with self._lock:
            if self._sdk.value is None:
                self._sdk.value = self._sdk_client()
        return self._sdk.value

    @property
    def async_client(self) -> Any:
        """The asynchronous half of `client`.

        Raises:
            ConfigurationError: There is no `client`.
        """
        if (client := self.client) is None:
            raise ConfigurationError(
                "no google.genai client has this connection: install the extra `genai`, or make a client yourself"
            )
        return client.aio

    @property
    def _use_vertexai(self) -> bool:
        """What langchain-google-genai's `create_context_cache` asks of a model, beside its `client`."""
        return self.endpoint == "vertex"

    # -- LangChain's interface ---------------------------------------------------------------------

    @property
    def _llm_type(self) -> str:
        return "gemini-code-execution"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        settings = zip(CALL_SETTINGS, _CALL_SETTINGS_OF(self), strict=True)
        fields = GeminiSettings.model_fields
        return {name: value for name, value in settings if value is not None and not fields[name].exclude}

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        """What a cache knows the model by: answers that were redacted are no others' answers."""
        known = super()._get_llm_string(stop=stop, **kwargs)
        return f"{known}---{self.redact!r}" if self.redact else known

    def _resolve_model_profile(self) -> ModelProfile:
        return model_profile(self.model)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = _PROVIDERS[self._connection().endpoint]
        named = call_overrides(kwargs)
        params["ls_model_name"] = str(named.get("model") or self.model)
        if (temperature := named.get("temperature", self.temperature)) is not None:
            params["ls_temperature"] = temperature
        if (max_tokens := named.get("max_output_tokens", self.max_output_tokens)) is not None:
            params["ls_max_tokens"] = max_tokens
        if stopping := stop or named.get("stop") or self.stop:
            params["ls_stop"] = stopping
        return params

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Which setting is read from which variable when a saved model is loaded."""
        return {"api_key": "GOOGLE_API_KEY"}

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Saved models are loaded with the credentials of the machine that loads them."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Where `load` finds the class."""
        return ["langchain_codeexec", "chat_model"]

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Declare tools beside code execution; calling it again on the result adds more.

        Args:
            tools: Functions and built-in tools in any of the ecosystem's spellings.
            tool_choice: A mode, a function's name, or a dict of OpenAI's, Anthropic's or Gemini's form. It
                speaks of functions and leaves code execution as it is.
            **kwargs: Settings for each call.

        Raises:
            ToolDeclarationError: A tool cannot be declared, two have one name, or the choice names none.
        """
        declared = wire_tools(tools)
        tool_config(tool_choice, declared)
        choice = {} if tool_choice is None else {"tool_choice": tool_choice}
        bound = {"tools": bound_tools(declared), **choice, **kwargs}
        return ToolBinding(bound=self, kwargs=bound, config={})

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: str | None = "json_schema",
        include_raw: bool = False,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Answer with an object of a schema, computed by code where that is needed.

        Args:
            schema: A pydantic or TypedDict class, a JSON Schema or an OpenAI function.
            method: `json_schema` (the service constrains the text), `function_calling` (the object is the
                arguments of a call), or `json_mode` (JSON of no given shape); `None` means the first.
            include_raw: Whether to return `{"raw", "parsed", "parsing_error"}` instead of raising.
            **kwargs: Settings for each call; `tools` declares further tools.

        Raises:
            ConfigurationError: The method is unknown, or needs a schema and has none.
        """
        from langchain_codeexec.structured import structured_output  # noqa: PLC0415 -- few need it

        return structured_output(
            self, schema, method=method or "json_schema", include_raw=include_raw, **kwargs
        )

    def get_num_tokens(self, text: str) -> int:
        """Count the tokens of a text by asking the service."""
        return self.get_num_tokens_from_messages([HumanMessage(text)])

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """Count the tokens of a conversation by asking the service.

        Args:
            messages: The conversation, or any window of one.
            tools: Counted along, in any of the forms that `bind_tools` takes.
        """
        if not (window := countable(messages)):
            return 0
        return self._call(window, None, {"tools": tools or []}).tokens()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        client, self._sdk.value = self._sdk.value, None
        if client is not None:
            client.close()
        for transport in self._transports():
            transport.close()

    async def aclose(self) -> None:
        """Close the connections, those of the running event loop included."""
        client, self._sdk.value = self._sdk.value, None
        if client is not None:
            client.close()
            await client.aio.aclose()
        for transport in self._transports():
            await transport.aclose()

    # -- one call ----------------------------------------------------------------------------------

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if kwargs.get("limits") or self.limits:  # an answer can only be cut while it comes
            return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))
        call = self._call(messages, stop, kwargs)
        response = joined(list(call.responses(streamed=False)))
        report_plan(call.plan, run_manager)
        answers = call.messages(response)
        trace_answers(answers, run_manager)
        return self._result(answers)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if kwargs.get("limits") or self.limits:
            return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))
        call = self._call(messages, stop, kwargs)
        response = joined([response async for response in call.aresponses(streamed=False)])
        await areport_plan(call.plan, run_manager)
        answers = call.read(response)
        if call.recorder:
            for answer in answers:
                await call.recorder.arecord(answer)
        await atrace_answers(answers, run_manager)
        return self._result(answers)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        call, legacy = self._call(messages, stop, kwargs), self._legacy()
        with closing(traced(_chunks(call, run_manager), run_manager, call.model)) as chunks:
            for chunk in chunks:
                yield ChatGenerationChunk(message=legacy.message(chunk) if legacy else chunk)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        call, legacy = self._call(messages, stop, kwargs), self._legacy()
        async with aclosing(atraced(_achunks(call, run_manager), run_manager, call.model)) as chunks:
            async for chunk in chunks:
                yield ChatGenerationChunk(message=legacy.message(chunk) if legacy else chunk)

    def _result(self, answers: list[AIMessage]) -> ChatResult:
        legacy = self._legacy()
        return ChatResult(
            generations=[
                ChatGeneration(message=legacy.message(answer) if legacy else answer) for answer in answers
            ]
        )

    def _legacy(self) -> LegacyContent | None:
        """What gives an answer the content of `output_version="v0"`, if that is set."""
        if self.output_version != "v0":
            return None
        return LegacyContent(self.model)

    def _call(self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Call:
        settings = dict(zip(CALL_SETTINGS, _CALL_SETTINGS_OF(self), strict=True))
        if stop is not None:
            settings["stop"] = stop
        overrides = call_overrides(kwargs)
        connection = {name: overrides.pop(name) for name in _OF_CONNECTION & overrides.keys()}
        try:
            return Call(messages, settings, overrides, self._connection(connection))
        except RecursionError as error:
            raise ConfigurationError(
                "a tool or a setting of the call holds itself, or is nested too deeply"
            ) from error

    def _connection(self, overrides: Mapping[str, Any] | None = None) -> Transport:
        """What carries the requests of a call, which may set for itself what makes a connection."""
        overrides = {name: value for name, value in (overrides or {}).items() if value is not None}
        if self.transport is not None:
            if not callable(getattr(self.transport, "generate", None)) or isinstance(self.transport, type):
                raise ConfigurationError(
                    f"transport is an object such as RestTransport(...), not a {type(self.transport).__name__}"
                )
            api = overrides.pop("api", self.api)
            if overrides:
                names = ", ".join(sorted(overrides))
                raise ConfigurationError(f"{names}: set this in the transport, which carries the requests")
            return _of_api(self.transport, api)
        if headers := overrides.get("additional_headers"):
            overrides["additional_headers"] = {**(self.additional_headers or {}), **headers}
        settings = {name: overrides.get(name, getattr(self, name)) for name in CONNECTION_SETTINGS}
        with self._lock:
            transport = next((transport for opened, transport in self._opened if opened == settings), None)
            if transport is None:
                try:
                    transport = _transport(settings)
                except CodeExecError as error:
                    settings.clear()  # error reporters show the variables of every frame
                    raise without_secrets(error)  # noqa: B904 -- the same error
                self._opened = ((settings, transport), *self._opened)[:_MOST_OPENED]
        return transport

    def _sdk_client(self) -> Any:
        try:
            from langchain_codeexec.gemini.genai import GenAITransport, genai_client  # noqa: PLC0415 -- an extra
        except MissingDependencyError:
            return None
        connection = self.transport or self._opened[0][1]
        connection = getattr(connection, "carrier", connection)
        if isinstance(connection, GenAITransport):
            return connection.client
        if self.transport is not None:
            return None
        return genai_client({name: getattr(self, name) for name in CONNECTION_SETTINGS}, connection.service)

    def _transports(self) -> list[Transport]:
        return [self.transport] if self.transport is not None else [each for _, each in self._opened]


def _chunks(
    call: Call, run_manager: CallbackManagerForLLMRun | None
) -> Generator[AIMessageChunk, None, None]:
    translator = None
    with closing(call.responses(streamed=True)) as responses:
        for response in responses:
            if translator is None:
                report_plan(call.plan, run_manager)
                translator = ChunkTranslator(call.origin)
            if chunk := translator.chunk(response):
                chunk = redact_message(chunk, call.redact)
                if call.recorder:
                    call.recorder.record(chunk)
                yield chunk
    yield (translator or ChunkTranslator(call.origin)).last()


async def _achunks(
    call: Call, run_manager: AsyncCallbackManagerForLLMRun | None
) -> AsyncGenerator[AIMessageChunk, None]:
    translator = None
    async with aclosing(call.aresponses(streamed=True)) as responses:
        async for response in responses:
            if translator is None:
                await areport_plan(call.plan, run_manager)
                translator = ChunkTranslator(call.origin)
            if chunk := translator.chunk(response):
                chunk = redact_message(chunk, call.redact)
                if call.recorder:
                    await call.recorder.arecord(chunk)
                yield chunk
    yield (translator or ChunkTranslator(call.origin)).last()


@cache
def _release() -> str:
    try:
        return version("langchain-codeexec")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "unknown"


def _transport(settings: Mapping[str, Any]) -> Transport:
    from langchain_codeexec.gemini.rest import rest_transport  # noqa: PLC0415 -- imports httpx on use

    by_name = dict(settings)
    api = by_name.pop("api")
    return _of_api(rest_transport(headers=by_name.pop("additional_headers"), **by_name), api)


def _of_api(transport: Any, api: str) -> Transport:
    """A transport that speaks the protocol; one that speaks interactions already stays as it is."""
    if api == "generate_content" or getattr(transport, "api", None) == api:
        return cast("Transport", transport)
    from langchain_codeexec.gemini.interactions.transport import InteractionsTransport  # noqa: PLC0415 -- few need it

    return InteractionsTransport(transport)
