import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.endpoints import Endpoint, count_tokens_body, resource_name

DEVELOPER = "generativelanguage.googleapis.com"
VERTEX = "aiplatform.googleapis.com/v1beta1"
MODEL = "publishers/google/models/m"
FULL = "projects/q/locations/us-east1/endpoints/123"


@pytest.mark.parametrize(
    ("endpoint", "model", "url"),
    [
        (Endpoint("developer"), "m", f"https://{DEVELOPER}/v1beta/models/m"),
        (Endpoint("developer", api_version="v1"), "m", f"https://{DEVELOPER}/v1/models/m"),
        (Endpoint("developer", "gateway.example:8443"), "m", "https://gateway.example:8443/v1beta/models/m"),
        (Endpoint("developer", "http://127.9.8.7:80"), "m", "http://127.9.8.7:80/v1beta/models/m"),
        (Endpoint("developer", "http://[::1]:80"), "m", "http://[::1]:80/v1beta/models/m"),
        (Endpoint("developer", "http://localhost"), "m", "http://localhost/v1beta/models/m"),
        (Endpoint("vertex"), "m", f"https://{VERTEX}/{MODEL}"),
        (Endpoint("vertex", project="p"), "m", f"https://{VERTEX}/projects/p/locations/global/{MODEL}"),
        (
            Endpoint("vertex", project="p", location="asia-east1"),
            "m",
            f"https://asia-east1-{VERTEX}/projects/p/locations/asia-east1/{MODEL}",
        ),
        (
            Endpoint("vertex", project="p", location="eu"),
            "m",
            f"https://aiplatform.eu.rep.googleapis.com/v1beta1/projects/p/locations/eu/{MODEL}",
        ),
        (
            Endpoint("vertex", "https://gw.example/google/", "example.com:p", "us-east1", "v1"),
            "m",
            f"https://gw.example/google/v1/projects/example.com:p/locations/us-east1/{MODEL}",
        ),
        (Endpoint("vertex", project="p"), FULL, f"https://us-east1-{VERTEX}/{FULL}"),
        (Endpoint("vertex", "https://gw", "p"), FULL, f"https://gw/v1beta1/{FULL}"),
    ],
)
def test_url(endpoint: Endpoint, model: str, url: str) -> None:
    assert endpoint.url(model, "generateContent") == f"{url}:generateContent"
    assert endpoint.url(model, "streamGenerateContent") == f"{url}:streamGenerateContent?alt=sse"
    assert endpoint.url(model, "countTokens") == f"{url}:countTokens"
    assert endpoint.is_local == url.startswith("http://")


@pytest.mark.parametrize(
    ("kind", "model", "name"),
    [
        ("developer", "gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("developer", "models/x", "models/x"),
        ("developer", "tunedModels/x", "tunedModels/x"),
        ("developer", "publishers/google/models/x", "models/x"),
        ("developer", "a/b", "models/a/b"),
        ("developer", "x:predict%2e\\&", "models/x%3Apredict%252e%5C%26"),
        ("vertex", "gemini-2.5-flash@001", "publishers/google/models/gemini-2.5-flash@001"),
        ("vertex", "models/x", "publishers/google/models/x"),
        ("vertex", "publishers/meta/models/x", "publishers/meta/models/x"),
        ("vertex", "meta/x", "publishers/meta/models/x"),
        ("vertex", "endpoints/123", "endpoints/123"),
        ("vertex", "tunedModels/x", "tunedModels/x"),
        ("vertex", FULL, FULL),
        ("vertex", "ünknown", "publishers/google/models/%C3%BCnknown"),
    ],
)
def test_resource_name(kind, model: str, name: str) -> None:
    assert resource_name(kind, model) == name


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
    ("settings", "root"),
    [
        ({"base_url": "localhost:8080"}, "http://localhost:8080/v1beta/"),
        ({"base_url": "127.0.0.1"}, "http://127.0.0.1/v1beta/"),
        ({"base_url": "[::1]:8080/v1"}, "http://[::1]:8080/v1/"),
        ({"base_url": "gateway.example.com"}, "https://gateway.example.com/v1beta/"),
        ({"base_url": "localhost.example.com:80"}, "https://localhost.example.com:80/v1beta/"),
        ({"base_url": "https://h/v1beta"}, "https://h/v1beta/"),
        ({"base_url": "https://h/p/v1alpha1//"}, "https://h/p/v1alpha1/"),
        ({"base_url": "https://h/v1beta", "api_version": "v1beta"}, "https://h/v1beta/"),
        ({"base_url": "https://h/v1", "api_version": "v1beta"}, "https://h/v1/v1beta/"),
        ({"base_url": "https://h/vision1"}, "https://h/vision1/v1beta/"),
        ({"base_url": "https://v1"}, "https://v1/v1beta/"),
    ],
)
def test_an_address_is_understood_as_it_was_meant(settings, root: str) -> None:
    assert Endpoint("developer", **settings).url("m", "generateContent") == f"{root}models/m:generateContent"


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"base_url": "http://example.com"}, "plain http"),
        ({"base_url": "http://localhost.example.com"}, "plain http"),
        ({"base_url": "ftp://example.com"}, "must start with https"),
        ({"base_url": "https://"}, "scheme, host"),
        ({"base_url": "https://h/?key=1"}, "scheme, host"),
        ({"base_url": "https://h/#x"}, "scheme, host"),
        ({"base_url": "https://h:port"}, "not a URL"),
        ({"base_url": "https://h o"}, "scheme, host"),
        ({"project": "p/../q"}, "project="),
        ({"project": "p?x"}, "project="),
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


def test_an_unknown_kind_or_a_password_is_refused_and_no_password_shown() -> None:
    with pytest.raises(ConfigurationError, match="'vertex' or 'developer'"):
        Endpoint("azure")
    with pytest.raises(ConfigurationError, match="user name or password") as caught:
        Endpoint("developer", "https://user:hunter2@gw.example")
    assert "hunter2" not in str(caught.value)


COUNTED = {"contents": [1], "systemInstruction": 3, "tools": [2], "generationConfig": {}}
WHOLE = {**COUNTED, "toolConfig": {}, "labels": {}}


@pytest.mark.parametrize(
    ("kind", "request_", "body"),
    [
        ("developer", {"contents": [1]}, {"contents": [1]}),
        ("developer", {}, {}),
        ("developer", WHOLE, {"generateContentRequest": {"model": "models/m", **WHOLE}}),
        ("vertex", WHOLE, COUNTED),
    ],
)
def test_count_tokens_body(kind, request_, body) -> None:
    assert count_tokens_body(kind, "m", request_) == body
