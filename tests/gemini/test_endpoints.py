from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.endpoints import Endpoint, count_tokens_body, resource_name

MODEL = "publishers/google/models/m:generateContent"
OWN = "projects/q/locations/us-east1/endpoints/123"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (Endpoint("developer"), "generativelanguage.googleapis.com/v1beta/models/m:generateContent"),
        (
            Endpoint("developer", api_version="v1"),
            "generativelanguage.googleapis.com/v1/models/m:generateContent",
        ),
        (Endpoint("vertex"), f"aiplatform.googleapis.com/v1beta1/{MODEL}"),
        (
            Endpoint("vertex", project="p"),
            f"aiplatform.googleapis.com/v1beta1/projects/p/locations/global/{MODEL}",
        ),
        (
            Endpoint("vertex", project="p", location="asia-east1"),
            f"asia-east1-aiplatform.googleapis.com/v1beta1/projects/p/locations/asia-east1/{MODEL}",
        ),
        *(
            (
                Endpoint("vertex", project="p", location=region),
                f"aiplatform.{region}.rep.googleapis.com/v1beta1/projects/p/locations/{region}/{MODEL}",
            )
            for region in ("us", "eu")
        ),
        (
            Endpoint("vertex", "https://gw.example/google/", "example.com:p", "us-east1", "v1"),
            f"gw.example/google/v1/projects/example.com:p/locations/us-east1/{MODEL}",
        ),
        (
            Endpoint("developer", "gateway.example:8443"),
            "gateway.example:8443/v1beta/models/m:generateContent",
        ),
    ],
)
def test_url_of_endpoint(endpoint: Endpoint, url: str) -> None:
    assert endpoint.url("m", "generateContent") == f"https://{url}"


@pytest.mark.parametrize("root", ["http://127.9.8.7:80", "http://[::1]:80", "http://localhost"])
def test_plain_http_on_this_machine(root: str) -> None:
    endpoint = Endpoint("developer", root)
    assert endpoint.url("m", "generateContent") == f"{root}/v1beta/models/m:generateContent"
    assert endpoint.is_local


@pytest.mark.parametrize(
    ("method", "end"),
    [
        ("generateContent", "m:generateContent"),
        ("streamGenerateContent", "m:streamGenerateContent?alt=sse"),
        ("countTokens", "m:countTokens"),
    ],
)
def test_url_of_method(method, end) -> None:
    assert Endpoint("developer").url("m", method).endswith(f"/models/{end}")


@pytest.mark.parametrize(
    ("kind", "model", "name"),
    [
        ("developer", "gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("developer", "models/x", "models/x"),
        ("developer", "tunedModels/x", "tunedModels/x"),
        ("developer", "publishers/google/models/x", "models/x"),
        ("developer", "a/b", "models/a/b"),
        ("vertex", "gemini-2.5-flash", "publishers/google/models/gemini-2.5-flash"),
        ("vertex", "gemini-2.5-flash@001", "publishers/google/models/gemini-2.5-flash@001"),
        ("vertex", "models/x", "publishers/google/models/x"),
        ("vertex", "publishers/meta/models/x", "publishers/meta/models/x"),
        ("vertex", "meta/x", "publishers/meta/models/x"),
        ("vertex", "endpoints/123", "endpoints/123"),
        ("vertex", "tunedModels/x", "tunedModels/x"),
        ("vertex", OWN, OWN),
        ("vertex", "no-such-model-ünknown", "publishers/google/models/no-such-model-%C3%BCnknown"),
        ("developer", "x:predict%2e\\&", "models/x%3Apredict%252e%5C%26"),
    ],
)
def test_resource_name(kind, model: str, name: str) -> None:
    assert resource_name(kind, model) == name


def test_full_name_goes_to_the_host_of_its_own_location() -> None:
    url = f"https://us-east1-aiplatform.googleapis.com/v1beta1/{OWN}:generateContent"
    assert Endpoint("vertex", project="p").url(OWN, "generateContent") == url
    url = f"https://gw/v1beta1/{OWN}:generateContent"
    assert Endpoint("vertex", "https://gw", "p").url(OWN, "generateContent") == url


UNSAFE = ["", " ", "a b", "a\n", "../x", "models/../x", "a..b", "x?alt=sse", "x#y", "/x", "x/", "a//b", "./x"]


@pytest.mark.parametrize("model", [*UNSAFE, "a/./b", None, 7])
@pytest.mark.parametrize("kind", ["vertex", "developer"])
def test_name_that_would_change_the_url_is_refused(kind, model) -> None:
    with pytest.raises(ConfigurationError, match="model="):
        Endpoint(kind).url(model, "generateContent")


@given(kind=st.sampled_from(["vertex", "developer"]), model=st.text())
def test_no_name_escapes_its_place_in_the_path(kind, model: str) -> None:
    try:
        url = Endpoint(kind, project="p").url(model, "generateContent")
    except ConfigurationError:
        return
    assert url.isascii()
    assert not set("?#\\ ") & set(url)
    assert ".." not in url
    assert url.endswith(":generateContent")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"base_url": "http://example.com"}, "plain http"),
        ({"base_url": "http://10.0.0.1"}, "plain http"),
        ({"base_url": "http://localhost.example.com"}, "plain http"),
        ({"base_url": "ftp://example.com"}, "must start with https"),
        ({"base_url": "https://"}, "scheme, host"),
        ({"base_url": "https://h/?key=1"}, "scheme, host"),
        ({"base_url": "https://h/#x"}, "scheme, host"),
        ({"base_url": "https://h:port"}, "not a URL"),
        ({"base_url": "https://h o"}, "scheme, host"),
        ({"project": "p/../q"}, "project="),
        ({"project": "p?x"}, "project="),
        ({"project": 7}, "project=7"),
        ({"base_url": 7}, "base_url=7"),
        ({"location": "evil.example.com/"}, "location="),
        ({"location": ""}, "location="),
        ({"api_version": "v1/x"}, "api_version="),
        ({"api_version": ".."}, "api_version="),
    ],
)
def test_setting_that_cannot_be_part_of_a_url(settings, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        Endpoint("vertex", **settings)


def test_kind_is_checked() -> None:
    with pytest.raises(ConfigurationError, match="'vertex' or 'developer'"):
        Endpoint("azure")


def test_password_in_base_url_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="user name or password") as caught:
        Endpoint("developer", "https://user:hunter2@gw.example")
    assert "hunter2" not in str(caught.value)


WHOLE = {
    "contents": [1],
    "systemInstruction": 3,
    "tools": [2],
    "generationConfig": {},
    "toolConfig": {},
    "labels": {},
}


@pytest.mark.parametrize(
    ("kind", "request_", "body"),
    [
        ("developer", {"contents": [1]}, {"contents": [1]}),
        ("developer", {}, {}),
        ("developer", WHOLE, {"generateContentRequest": {"model": "models/m", **WHOLE}}),
        ("vertex", WHOLE, {key: WHOLE[key] for key in list(WHOLE)[:4]}),
    ],
)
def test_count_tokens_body(kind, request_, body) -> None:
    assert count_tokens_body(kind, "m", request_) == body
