"""A secret planted wherever one can be given, and looked for in all that comes out: representations, saved models,
what callbacks and caches get, exceptions with their chain, their frames' locals and their attributes, logs."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from typing import Any

import httpx
import pytest
from google.auth.credentials import Credentials
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps
from pydantic import SecretStr, ValidationError

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.errors import CodeExecError
from tests.calls import response
from tests.services import NEW

SECRET = "Rumpelstiltskin7"
URL = "http://127.0.0.1:9"  # the port of discard, where nobody listens


class Token(Credentials):
    """Credentials with the secret as their token, or that fail with it in their hands."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.token = None if fails else SECRET

    def refresh(self, request: Any) -> None:
        from google.auth.exceptions import RefreshError

        assertion = self.token or SECRET
        raise RefreshError("invalid_grant", {"assertion": assertion})


KEY_FILE = {
    "type": "service_account",
    "client_email": "robot@p.iam.gserviceaccount.com",
    "token_uri": f"{URL}/token",
    "private_key": f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n",
    "project_id": "p",
}
WORKING: dict[str, dict[str, Any]] = {
    "key": {"api_key": SECRET},
    "key, the other name": {"google_api_key": SECRET},
    "key in bytes": {"api_key": SECRET.encode()},
    "authorization": {"api_key": "key", "additional_headers": {"Authorization": f"Bearer {SECRET}"}},
    "gateway's header": {"api_key": "key", "additional_headers": {"x-gateway": SECRET}},
    "cookie": {"api_key": "key", "additional_headers": {"cookie": f"session={SECRET}"}},
    "token": {"vertexai": True, "project": "p", "credentials": Token()},
    "sink": {"api_key": "key", "output_sink": f"memory://user:{SECRET}@outputs"},
    "variable": {},
}
REFUSED: dict[str, dict[str, Any]] = {
    "userinfo": {"api_key": "key", "base_url": f"https://user:{SECRET}@gateway.example"},
    "user": {"api_key": "key", "base_url": f"{SECRET}@gateway.example"},
    "query": {"api_key": "key", "base_url": f"https://gateway.example/?key={SECRET}"},
    "fragment": {"api_key": "key", "base_url": f"https://gateway.example/#{SECRET}"},
    "plain http": {"api_key": SECRET, "base_url": "http://gateway.example"},
    "key of two lines": {"api_key": f"{SECRET}\n{SECRET}"},
    "header of two lines": {"api_key": "key", "additional_headers": {"x-gateway": f"{SECRET}\r\n"}},
    "header in bytes": {"api_key": "key", "additional_headers": {"x-gateway": [SECRET]}},
    "headers as text": {"api_key": "key", "additional_headers": f"x-gateway: {SECRET}"},
    "misspelt": {"apikey": SECRET},
    "both": {"api_key": SECRET, "credentials": Token()},
    "other setting": {"api_key": SECRET, "max_retries": -1},
    "other setting, header": {"api_key": "k", "additional_headers": {"x": SECRET}, "timeout": -1},
    "other setting, variable": {"vertexai": True, "location": "?"},
    "key file of another type": {"credentials": {**KEY_FILE, "type": "odd"}},
    "text that is no key file": {"credentials": f'{{"private_key": "{SECRET}"'},
}


def texts_in(value: Any, depth: int = 9, seen: set[int] | None = None) -> list[str]:
    """All texts that can be reached from a value by attributes and items."""
    seen = set() if seen is None else seen
    if id(value) in seen or depth < 0:
        return []
    seen.add(id(value))
    match value:
        case str():
            return [value]
        case bytes():
            return [value.decode("latin-1")]
        case dict():
            inside = [*value, *value.values()]
        case list() | tuple() | set():
            inside = list(value)
        case SecretStr():
            return [repr(value)]
        case _:
            inside = list(getattr(value, "__dict__", {}).values())
    return [text for item in inside for text in texts_in(item, depth - 1, seen)]


def chain(error: BaseException | None) -> list[BaseException]:
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def shown(error: BaseException) -> list[str]:
    """What error reporters collect of an exception, from the second frame on: the first is the test's own."""
    texts = []
    for link in chain(error):
        texts += [str(link), repr(link), *texts_in(link)]
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                # Reporters show texts, lists and mappings item by item, and anything else by its repr.
                for value in frame.f_locals.values():
                    plain = isinstance(value, str | bytes | list | tuple | dict)
                    texts += texts_in(value, 4) if plain else []
                    texts.append(repr(value))
    return texts


def is_clean(texts: list[str]) -> bool:
    return not [text[:300] for text in texts if SECRET in text]


class Listener(BaseCallbackHandler):
    """Keeps what callbacks are given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **more: Any) -> None:
        self.given += [serialized, more, repr(more), repr(serialized)]

    def on_llm_end(self, response: Any, **more: Any) -> None:
        self.given += [response.model_dump(), more]

    def on_llm_error(self, error: BaseException, **more: Any) -> None:
        self.given += [*shown(error), more]


def model(settings: dict[str, Any], **more: Any) -> ChatGeminiCodeExecution:
    return ChatGeminiCodeExecution(**{"model": NEW, "max_retries": 0, **more, **settings})


@pytest.fixture
def variable(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)


@pytest.mark.usefixtures("variable")
@pytest.mark.parametrize("settings", WORKING.values(), ids=WORKING)
def test_a_model_shows_no_secret(settings, wire, caplog):
    wire.says(response({"text": "Hi."}))
    caplog.set_level(logging.DEBUG)
    listener, cache = Listener(), InMemoryCache()
    llm = model(settings, base_url=wire.url, callbacks=[listener], cache=cache)
    bound = llm.bind_tools([]).with_config(tags=["t"])
    for made in (llm, bound, llm.with_structured_output({"title": "t", "type": "object", "properties": {}})):
        assert is_clean([repr(made), str(made), dumps(made)])
    dumped = [
        llm.model_dump(),
        llm.model_dump(mode="json"),
        llm.model_dump_json(),
        dict(llm._identifying_params),
    ]
    asked = [bound.invoke("q"), *llm.stream("q"), asyncio.run(llm.ainvoke("again"))]
    assert is_clean(
        texts_in([dumped, repr(dumped), llm._get_llm_string(), llm._get_ls_params(), llm.get_name()])
    )
    assert is_clean([repr(llm.connection), *texts_in([message.model_dump() for message in asked])])
    assert listener.given
    assert is_clean(texts_in(listener.given))
    assert is_clean([repr(list(cache._cache.items())), *texts_in(list(cache._cache))])
    assert is_clean([caplog.text])
    llm.close()


ANSWERS = {
    "refused": (403, b'{"error": {"code": 403, "message": "no"}}'),
    "unauthorized": (401, b"{}"),
    "moved": (302, b""),
    "no JSON": (200, b"<html>"),
    "cut": (200, b'{"candidates"'),
    "unreachable": None,
}


@pytest.mark.usefixtures("variable")
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("settings", WORKING.values(), ids=WORKING)
def test_an_error_shows_no_secret(settings, answer, wire, caplog):
    caplog.set_level(logging.DEBUG)
    listener = Listener()
    if answer is not None:
        wire.status, wire.answer = answer
    llm = model(settings, base_url=wire.url if answer else URL, callbacks=[listener])
    for call in (
        lambda: llm.invoke("q"),
        lambda: list(llm.stream("q")),
        lambda: asyncio.run(llm.ainvoke("q")),
        lambda: llm.get_num_tokens("q"),
    ):
        with pytest.raises(CodeExecError) as caught:
            call()
        assert is_clean([*shown(caught.value), pickle.dumps(caught.value).decode("latin-1")])
    assert is_clean([*texts_in(listener.given), caplog.text])
    llm.close()


@pytest.mark.usefixtures("variable")
@pytest.mark.parametrize("settings", REFUSED.values(), ids=REFUSED)
def test_a_refused_setting_is_not_shown(settings):
    for make in (model, lambda settings: ChatGeminiCodeExecution.from_chat_model(other_model(), **settings)):
        with pytest.raises((CodeExecError, ValidationError)) as caught:
            make(settings).invoke("q")
        assert is_clean([text for text in shown(caught.value) if "environ(" not in text])


def other_model() -> Any:
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(model=NEW, google_api_key=SECRET)


@pytest.mark.parametrize(
    "credentials",
    [KEY_FILE, Token(fails=True), {**KEY_FILE, "type": "authorized_user", "refresh_token": SECRET}],
)
def test_credentials_that_fail_are_not_shown(credentials, tmp_path):
    llm = model({"vertexai": True, "project": "p", "credentials": credentials}, base_url=f"{URL}")
    for call in (lambda: llm.invoke("q"), lambda: asyncio.run(llm.ainvoke("q"))):
        with pytest.raises(CodeExecError) as caught:
            call()
        assert is_clean(shown(caught.value))


def test_the_response_of_an_error_is_kept_without_its_request(wire):
    wire.says({"error": {"code": 429, "message": "slow"}}, status=429)
    llm = model({"api_key": SECRET}, base_url=wire.url)
    with pytest.raises(CodeExecError) as caught:
        llm.invoke("q")
    kept = caught.value.response
    assert isinstance(kept, httpx.Response)
    assert (kept.status_code, kept.json()["error"]["message"]) == (429, "slow")
    assert str(kept.request.url).endswith(f"{NEW}:generateContent")
    assert is_clean(texts_in(kept))
