"""`doctor`: what it finds out, and that it prints no value."""

import json
from importlib.metadata import PackageNotFoundError

import pytest

import langchain_codeexec
from langchain_codeexec.cli import doctor
from langchain_codeexec.cli.doctor import VARIABLES, read_configuration
from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.executors import default
from langchain_codeexec.executors.process import ProcessExecutor
from langchain_codeexec.sandbox import battery
from langchain_codeexec.sandbox.local import LocalSandbox
from tests.cli.conftest import words

DEVELOPER = "Gemini Developer API"
SIGN_IN = json.dumps({"type": "authorized_user", "client_id": "c", "refresh_token": "r"})
KEY_FILE = json.dumps({"type": "service_account", "project_id": "my-project", "private_key": "s3cret"})


def test_all_is_well_offline_without_any_configuration(cli):
    result = cli("doctor")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "✓ offline the emulator can answer and run code (no language model)" in lines
    assert any(line.startswith("✗ --live no API key for the Gemini Developer API.") for line in lines)
    assert any(line.startswith("· sandbox LocalSandbox isolates programs here (") for line in lines)
    assert "· GOOGLE_API_KEY not set" in lines
    assert any(line.startswith("✓ emulator ") and "starlette" in line for line in lines)


def test_json_is_one_object(cli, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "s3cret")
    result = cli("doctor", "--json")
    report = json.loads(result.stdout)
    assert report["offline"]["ready"] is True
    assert report["live"] == {
        "service": "Gemini Developer API",
        "why": "an API key is set",
        "credentials": "API key (GEMINI_API_KEY)",
        "ready": True,
        "remedy": "",
    }
    assert report["environment"] == {name: name == "GEMINI_API_KEY" for name in VARIABLES}
    assert set(report["extras"]) >= {"agents", "cli", "emulator", "genai", "plots", "vertexai"}
    assert "all" not in report["extras"]
    assert set(report["extras"]["emulator"]) == {"cryptography", "starlette", "uvicorn"}


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_values_are_never_printed(cli, monkeypatch, tmp_path, form):
    (tmp_path / "s3cret.json").write_text(KEY_FILE)
    secrets = {
        "GOOGLE_API_KEY": "s3cret-key",
        "GOOGLE_CLOUD_PROJECT": "s3cret-project",
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "s3cret.json"),
        "GOOGLE_GEMINI_BASE_URL": "http://s3cret.example",
        "GOOGLE_GENAI_USE_VERTEXAI": "false",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    result = cli("doctor", *form)
    assert result.exit_code == 0
    assert "s3cret" not in result.stdout + result.stderr
    assert "$GOOGLE_GEMINI_BASE_URL" in result.stdout


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (None, "not configured", None, False)),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "perhaps"}, (None, "not configured", None, False)),
        ({"GOOGLE_API_KEY": "k"}, (DEVELOPER, "an API key is set", "API key (GOOGLE_API_KEY)", True)),
        (
            {"GOOGLE_API_KEY": "k", "GOOGLE_GENAI_USE_VERTEXAI": "true"},
            ("Vertex AI", "GOOGLE_GENAI_USE_VERTEXAI says so", "API key (GOOGLE_API_KEY)", True),
        ),
        (
            {"GOOGLE_CLOUD_PROJECT": "p"},
            ("Vertex AI", "GOOGLE_CLOUD_PROJECT is set and no API key", None, False),
        ),
        (
            {"GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:1"},
            (
                DEVELOPER,
                "the default, at GOOGLE_GEMINI_BASE_URL",
                "none needed: the base URL is not Google's",
                True,
            ),
        ),
    ],
)
def test_service_and_credentials(tmp_path, environ, expected):
    found = read_configuration({"HOME": str(tmp_path), **environ})
    assert (found.service, found.why, found.credentials, found.ready) == expected
    assert bool(found.remedy) is not found.ready


@pytest.mark.parametrize(
    ("content", "credentials"),
    [
        (SIGN_IN, "gcloud sign-in"),
        (KEY_FILE, "service account key"),
        ('{"type": "of_the_future"}', "credentials of another kind"),
        ('{"no": "type"}', None),
        ("[]", None),
        ("no JSON", None),
    ],
)
@pytest.mark.parametrize("place", ["HOME", "APPDATA", "CLOUDSDK_CONFIG", "GOOGLE_APPLICATION_CREDENTIALS"])
def test_default_credentials_are_found_where_google_looks(tmp_path, place, content, credentials):
    folder = tmp_path / {"HOME": ".config/gcloud", "APPDATA": "gcloud"}.get(place, ".")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "application_default_credentials.json"
    file.write_text(content)
    value = file if place == "GOOGLE_APPLICATION_CREDENTIALS" else tmp_path
    found = read_configuration({"GOOGLE_CLOUD_PROJECT": "p", place: str(value)})
    assert found.credentials == credentials
    assert found.ready is (credentials is not None)
    assert ("cannot be read as credentials" in found.remedy) is (credentials is None)


def test_a_key_file_names_the_project(tmp_path):
    (tmp_path / "key.json").write_text(KEY_FILE)
    found = read_configuration(
        {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "key.json"), "GOOGLE_GENAI_USE_VERTEXAI": "1"}
    )
    assert (found.service, found.ready) == ("Vertex AI", True)


def test_gcloud_is_asked_for_the_project_that_its_sign_in_does_not_name(tmp_path, monkeypatch):
    (tmp_path / "application_default_credentials.json").write_text(SIGN_IN)
    gcloud = tmp_path / "gcloud"
    gcloud.write_text("#!/bin/sh\n[ \"$1 $2\" = 'config get' ] && echo my-project\n")
    gcloud.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    environ = {"CLOUDSDK_CONFIG": str(tmp_path), "GOOGLE_GENAI_USE_VERTEXAI": "1"}
    found = read_configuration(environ)
    assert (found.service, found.credentials, found.ready) == ("Vertex AI", "gcloud sign-in", True)
    gcloud.unlink()
    assert read_configuration(environ).service is None


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"python": "/nowhere/python"}, "code cannot be run here"),
        ({"output_bytes": 1}, "a program that should print 42 did not"),
    ],
)
def test_where_code_cannot_run_or_a_library_is_missing_nothing_is_usable(cli, monkeypatch, settings, problem):
    monkeypatch.setattr(default, "DefaultExecutor", lambda: ProcessExecutor(**settings))
    result = cli("doctor")
    assert result.exit_code == 2
    assert problem in words(result.stdout)
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert "starlette and uvicorn missing" in cli("doctor").stdout


def test_without_a_sandbox_it_says_so(cli, monkeypatch):
    def refuse(sandbox: LocalSandbox) -> None:
        raise SandboxUnavailableError("no namespaces")

    monkeypatch.setattr(LocalSandbox, "start", refuse)
    refused = cli("doctor")
    monkeypatch.setenv("CODEEXEC_ALLOW_UNSAFE", "1")
    allowed = cli("doctor")
    assert (refused.exit_code, allowed.exit_code) == (2, 0)
    assert "set CODEEXEC_ALLOW_UNSAFE=1" in words(refused.stdout)
    assert "sandbox no program could be run" in words(refused.stdout)
    isolation = "sandbox none: code runs as you, with your files and network"
    assert f"{isolation}, because CODEEXEC_ALLOW_UNSAFE allows it" in words(allowed.stdout)


FOUND = {
    "namespaces": {"missing": "no user namespaces", "attacks": 0, "breaches": [], "known": []},
    "auto": {"missing": "", "attacks": 3, "breaches": [], "known": []},
    "landlock": {"missing": "", "attacks": 3, "breaches": ["a", "b"], "known": ["a"]},
}


@pytest.mark.parametrize(
    ("modes", "code"), [(["namespaces", "auto"], 0), (["landlock"], 1), (["namespaces"], 0)]
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_sandbox_is_attacked(cli, monkeypatch, modes, code, form):
    monkeypatch.setattr(battery, "MODES_HERE", modes)
    monkeypatch.setattr(battery, "report_of_mode", FOUND.get)
    result = cli("doctor", "--sandbox", *form)
    assert result.exit_code == code
    if form:
        assert json.loads(result.stdout) == {mode: FOUND[mode] for mode in modes}
    else:
        stdout = words(result.stdout)
        lines = {
            "namespaces": "· namespaces not to be had: no user namespaces",
            "auto": "✓ auto 3 of 3 attacks held",
            "landlock": "✗ landlock 1 of 3 attacks held; known not to be held in this mode: a; NOT HELD: b.",
        }
        assert all(lines[mode] in stdout for mode in modes)


def test_a_missing_library_is_named_with_its_extra(cli, monkeypatch):
    def version(name: str) -> str:
        if name == "uvicorn":
            raise PackageNotFoundError(name)
        return {"starlette": "0.1.0"}.get(name, "999")

    monkeypatch.setattr(doctor, "version", version)
    stdout = words(cli("doctor").stdout)
    assert (
        "✗ emulator cryptography 999 missing or too old: starlette, uvicorn; pip install 'langchain-codeexec[emulator]'"
        in stdout
    )


def test_a_source_tree_that_is_not_installed_has_no_extras(cli, monkeypatch):
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "metadata", missing)
    report = json.loads(cli("doctor", "--json").stdout)
    assert report["extras"] == {}
    assert report["version"] == langchain_codeexec.__version__


def test_the_version_can_be_asked_for(cli):
    result = cli("--version")
    assert result.exit_code == 0
    assert result.stdout == f"{langchain_codeexec.__version__}\n"


COMMANDS = ["ask", "chat", "demo", "doctor", "serve", "judge", "record", "replay"]


@pytest.mark.parametrize("command_name", ["", *COMMANDS])
def test_every_help_has_the_exit_codes(cli, command_name):
    result = cli(*filter(None, [command_name]), "--help")
    assert result.exit_code == 0
    text = words(result.stdout)
    assert "options." not in text
    assert "Exit codes: 0 all went well; 1 the model or the service failed; 2 the command or the" in text
