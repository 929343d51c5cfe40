"""`serve`, `record` and `replay`: who answers, what is written, and what is printed at the end."""

import signal
import tempfile

import httpx
import pytest

from langchain_codeexec.emulator import GeminiEmulator, ScriptedBrain

MODEL = "/v1beta/models/gemini-2.5-flash:generateContent"
SCRIPT = """\
- Hello.
- - {code: "import typer; print('there')"}
- Never asked for.
"""


def body(url: str, text: str = "Hi.") -> dict:
    """The body of an answer."""
    request = {"contents": [{"parts": [{"text": text}]}], "tools": [{"codeExecution": {}}]}
    response = httpx.post(url + MODEL, json=request, headers={"x-goog-api-key": "s3cret-key"}, timeout=60)
    return response.raise_for_status().json()


def answer(url: str, text: str = "Hi.") -> list[dict]:
    """The parts of an answer."""
    return body(url, text)["candidates"][0]["content"]["parts"]


@pytest.mark.parametrize(
    ("options", "outcome"), [(["--libraries", "all"], "OUTCOME_OK"), ([], "OUTCOME_FAILED")]
)
def test_a_script_answers_and_its_unused_steps_are_listed(serving, tmp_path, options, outcome):
    (tmp_path / "script.yaml").write_text(SCRIPT)
    options = ("--script", "script.yaml", *options)
    result, bodies = serving("serve", *options, client=lambda url: [body(url), body(url)])
    assert result.exit_code == 0
    first, second = (one["candidates"][0]["content"]["parts"] for one in bodies)
    assert first == [{"text": "Hello."}]
    assert second[1]["codeExecutionResult"]["outcome"] == outcome
    assert {one["modelVersion"] for one in bodies} == {"gemini-2.5-flash (stand-in: script script.yaml)"}
    assert "The steps of script.yaml answer" in result.stdout
    assert "language model" not in result.stdout
    assert result.stderr.splitlines()[0] == "Stopped."
    assert result.stderr.endswith("\nNot used: 'Never asked for.'\n")


def test_faults_are_answered_with(serving):
    def status(url: str) -> int:
        with pytest.raises(httpx.HTTPStatusError) as caught:
            body(url)
        return caught.value.response.status_code

    assert serving("serve", "--fault", "503", client=status)[1] == 503


def test_https_and_pages_of_other_origins(serving, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def allowed(url: str) -> str:
        assert url.startswith("https://")
        (certificate,) = tmp_path.glob("*/certificate.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        response = httpx.get(f"{url}/v1beta/models?key=k", headers={"origin": "http://localhost:5173"})
        return response.headers["access-control-allow-origin"]

    options = ("--tls", "--allow-origin", "http://localhost:5173", "--allow-origin", "http://localhost:1")
    result, origin = serving("serve", *options, client=allowed)
    assert (result.exit_code, origin) == (0, "http://localhost:5173")
    assert f"REQUESTS_CA_BUNDLE={tmp_path}/" in result.stdout


def test_a_chat_model_answers(serving, gemini):
    gemini.says("```python\nprint(6 * 7)\n```", "It is 42.")
    result, parts = serving("serve", "--brain", "google_genai:gemini-2.5-flash", client=answer)
    assert result.exit_code == 0
    assert parts[1]["codeExecutionResult"] == {"outcome": "OUTCOME_OK", "output": "42\n"}
    assert parts[2] == {"text": "It is 42."}
    assert "google_genai:gemini-2.5-flash answers; the code it writes really runs." in result.stdout
    assert result.stderr == "Stopped.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("serve --host 0.0.0.0", "host '0.0.0.0' is not a loopback address"),
        ("serve --host 192.0.2.1 --allow-remote", "cannot listen on 192.0.2.1"),
        ("serve --port 70000", "'--port'"),
        ("serve --fault sunspots", "sunspots"),
        ("serve --allow-origin *", "'*' is no origin of a page"),
        ("serve --libraries some", "'--libraries'"),
        ("record ftp://host new.yaml", "'ftp://host' is no http or https URL"),
        ("record http://127.0.0.1:99999 new.yaml", "is no http or https URL"),
        ("record http://127.0.0.1:9 none.yaml", "'none.yaml' is there already"),
        ("record http://127.0.0.1:9 . --overwrite", "'.' is there already"),
        ("record http://127.0.0.1:9 none.yaml/new.yaml", "'none.yaml/new.yaml' cannot be written"),
        ("replay missing.yaml", "the cassette missing.yaml cannot be read"),
        ("replay none.yaml", "none.yaml is no cassette"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_named(refusal, tmp_path, arguments, message):
    (tmp_path / "none.yaml").write_text("- 7\n")
    assert message in refusal(*arguments.split())
    assert [path.name for path in tmp_path.iterdir()] == ["none.yaml"]


@pytest.fixture
def cassette(serving, tmp_path):
    """A recording of two questions."""
    with GeminiEmulator(ScriptedBrain(["One.", "Two."])) as service:
        result, _ = serving(
            "record",
            service.url,
            "tapes/talk.yaml",
            client=lambda url: [answer(url, "one?"), answer(url, "two?")],
        )
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Recording {service.url} on http://127.0.0.1:")
    assert "export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:" in result.stdout
    assert result.stderr == "Stopped.\nInteractions written to tapes/talk.yaml: 2\n"
    assert "s3cret-key" not in (tmp_path / "tapes" / "talk.yaml").read_text()
    return "tapes/talk.yaml"


@pytest.mark.parametrize(("end", "options"), [(signal.SIGINT, []), (signal.SIGTERM, ["--timing"])])
def test_what_was_recorded_is_played(serving, cassette, end, options):
    result, parts = serving(
        "replay", cassette, *options, client=lambda url: [answer(url, "two?"), answer(url, "one?")], end=end
    )
    assert (result.exit_code, result.stderr) == (0, "Stopped.\n")
    assert parts == [[{"text": "Two."}], [{"text": "One."}]]


def test_what_was_not_played_is_listed(serving, cassette):
    def client(url):
        answer(url, "one?")
        with pytest.raises(httpx.HTTPStatusError, match="400"):
            answer(url, "three?")

    stderr = serving("replay", cassette, client=client)[0].stderr
    assert "interactions not used: 1 of 2; requests not recorded: 1\n" in stderr
    assert f"\nNot used: POST {MODEL}\nNot recorded: POST {MODEL}\n" in stderr


def test_a_lenient_player_answers_in_order(serving, cassette):
    result, parts = serving("replay", cassette, "--lenient", client=lambda url: answer(url, "three?"))
    assert parts == [{"text": "One."}]
    assert "interactions not used: 1 of 2; requests not recorded: 0" in result.stderr


def test_a_cassette_is_replaced_when_that_is_asked_for_and_something_came_in(serving, cassette, tmp_path):
    before = (tmp_path / cassette).read_text()
    with GeminiEmulator(ScriptedBrain(["Three."])) as service:
        options = ("record", service.url, cassette, "--overwrite")
        result, _ = serving(*options, client=lambda url: httpx.request("OPTIONS", url))
        assert "Nothing was asked" in result.stderr
        assert (tmp_path / cassette).read_text() == before
        serving(*options, client=answer)
    assert "Three." in (tmp_path / cassette).read_text()
    assert [path.name for path in (tmp_path / "tapes").iterdir()] == ["talk.yaml"]
