import pytest

from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.gemini.endpoints import resolve_endpoint

VERTEX = {"GOOGLE_GENAI_USE_VERTEXAI": "true"}
KEY = {"GOOGLE_API_KEY": "env-key"}
PLACE = {"GOOGLE_CLOUD_PROJECT": "env-p", "GOOGLE_CLOUD_LOCATION": "env-l"}


@pytest.mark.parametrize(
    ("settings", "environ", "kind"),
    [
        ({}, KEY, "developer"),
        ({"api_key": "k"}, {}, "developer"),
        ({"api_key": "k", "location": "us"}, {}, "developer"),
        ({"api_key": "k"}, PLACE, "developer"),
        ({"vertexai": True}, KEY, "vertex"),
        ({"vertexai": False, "api_key": "k"}, VERTEX | PLACE, "developer"),
        ({"vertexai": False, "has_credentials": True}, {}, "developer"),
        ({}, KEY | VERTEX, "vertex"),
        ({}, KEY | {"GOOGLE_GENAI_USE_ENTERPRISE": "1"}, "vertex"),
        ({}, KEY | VERTEX | {"GOOGLE_GENAI_USE_ENTERPRISE": "False"}, "developer"),
        ({}, KEY | {"GOOGLE_GENAI_USE_VERTEXAI": "YES"}, "vertex"),
        ({}, KEY | {"GOOGLE_GENAI_USE_VERTEXAI": ""}, "developer"),
        ({"project": "p"}, KEY | {"GOOGLE_GENAI_USE_VERTEXAI": "no"}, "developer"),
        ({"project": "p"}, KEY, "vertex"),
        ({"has_credentials": True, "project": "p"}, KEY, "vertex"),
        ({}, PLACE, "vertex"),
        ({}, PLACE | KEY, "developer"),
    ],
)
def test_which_service(settings, environ, kind: str) -> None:
    assert resolve_endpoint(**settings, environ=environ).endpoint.kind == kind


@pytest.mark.parametrize(
    ("settings", "environ", "project", "location", "key"),
    [
        ({"api_key": "k"}, {}, "", "global", "k"),
        ({"api_key": "k"}, PLACE, "", "global", "k"),
        ({"api_key": "k", "project": "p"}, PLACE, "p", "env-l", "k"),
        ({"api_key": "k", "location": "l"}, PLACE, "env-p", "l", "k"),
        ({}, KEY, "", "global", "env-key"),
        ({}, {"GEMINI_API_KEY": "second"}, "", "global", "second"),
        ({}, {"GOOGLE_API_KEY": "first", "GEMINI_API_KEY": "second"}, "", "global", "first"),
        ({}, {"GOOGLE_API_KEY": "", "GEMINI_API_KEY": "second"}, "", "global", "second"),
        ({}, KEY | PLACE, "env-p", "env-l", None),
        ({}, KEY | {"GOOGLE_CLOUD_LOCATION": "env-l"}, "own", "env-l", None),
        ({"project": "p"}, KEY, "p", "global", None),
        ({"project": "p", "location": "l"}, KEY | PLACE, "p", "l", None),
        ({"has_credentials": True}, KEY, "own", "global", None),
        ({"has_credentials": True}, KEY | PLACE, "own", "env-l", None),
        ({"has_credentials": True, "project": "p"}, KEY | PLACE, "p", "env-l", None),
        ({}, PLACE, "env-p", "env-l", None),
        ({}, {}, "own", "global", None),
    ],
)
def test_what_vertex_is_called_with(settings, environ, project: str, location: str, key: str | None) -> None:
    resolved = resolve_endpoint(vertexai=True, **settings, environ=environ, default_project=lambda: "own")
    assert (resolved.endpoint.project, resolved.endpoint.location) == (project, location)
    assert resolved.api_key == key
    assert resolved.needs_credentials == (key is None)


@pytest.mark.parametrize(
    ("settings", "environ", "root"),
    [
        ({"api_key": "k"}, {"GOOGLE_GEMINI_BASE_URL": "https://d"}, "https://d"),
        ({"api_key": "k", "base_url": "https://e"}, {"GOOGLE_GEMINI_BASE_URL": "https://d"}, "https://e"),
        ({"api_key": "k", "vertexai": True}, {"GOOGLE_VERTEX_BASE_URL": "https://v"}, "https://v"),
        (
            {"api_key": "k", "vertexai": True},
            {"GOOGLE_GEMINI_BASE_URL": "https://d"},
            "https://aiplatform.googleapis.com",
        ),
    ],
)
def test_base_url(settings, environ, root: str) -> None:
    assert resolve_endpoint(**settings, environ=environ).endpoint.root == root


@pytest.mark.parametrize(
    ("settings", "environ", "needs_credentials"),
    [
        ({"base_url": "https://gw", "vertexai": True}, {}, False),
        ({"base_url": "https://gw", "vertexai": True, "project": "p"}, {}, True),
        ({"base_url": "https://gw", "vertexai": True, "has_credentials": True}, {}, True),
        ({"base_url": "https://gw"}, {}, False),
        ({"base_url": "http://127.0.0.1:1", "project": "p"}, {}, False),
        ({"base_url": "http://127.0.0.1:1", "project": "p", "has_credentials": True}, {}, True),
        ({"base_url": "http://127.0.0.1:1"}, PLACE, False),
    ],
)
def test_a_gateway_may_know_its_callers_otherwise(settings, environ, needs_credentials: bool) -> None:
    resolved = resolve_endpoint(**settings, environ=environ)
    assert resolved.api_key is None
    assert resolved.needs_credentials == needs_credentials


@pytest.mark.parametrize(
    ("settings", "environ", "match"),
    [
        ({}, {}, "GOOGLE_API_KEY.*GOOGLE_CLOUD_PROJECT"),
        ({"vertexai": False}, PLACE, "no API key"),
        ({"vertexai": True}, {}, "GOOGLE_CLOUD_PROJECT"),
        ({"has_credentials": True}, {}, "GOOGLE_CLOUD_PROJECT"),
        ({"api_key": "k", "has_credentials": True}, {}, "exclude each other"),
        ({}, {"GOOGLE_GENAI_USE_VERTEXAI": "perhaps"}, "GOOGLE_GENAI_USE_VERTEXAI='perhaps'"),
        ({"project": "p", "location": "u s"}, {}, "location="),
    ],
)
def test_what_is_missing_is_named(settings, environ, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        resolve_endpoint(**settings, environ=environ)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "from-process")
    resolved = resolve_endpoint()
    assert resolved.api_key == "from-process"
    assert "from-process" not in repr(resolved)
