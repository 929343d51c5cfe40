"""Secrets and personal data are found by the formats of their issuers, and replaced wherever code and results go."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from langchain_codeexec import CodeExecutionTool, PythonTool, code_executions
from langchain_codeexec.control import SECRETS, Redactor, personal_data
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError
from tests.calls import ALL_WAYS, in_chunks, response, sent_back
from tests.tools.calling import get_price, tool

if TYPE_CHECKING:
    from langchain_codeexec import LocalSandbox
    from tests.services import Gemini, Wire

KEY = "AKIA" + "Q" * 16
HIDDEN = "[REDACTED_AWS_ACCESS_KEY]"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\nMII{'E' * 60}\n"

FOUND = [
    ("aws_access_key", KEY),
    ("aws_access_key", "ASIA" + "Z" * 16),
    ("google_api_key", "AIza" + "b" * 35),
    ("google_oauth_token", "ya29." + "c" * 40),
    ("google_oauth_token", "GOCSPX-" + "d" * 28),
    ("github_token", "ghp_" + "e" * 36),
    ("github_token", "github_pat_" + "f" * 22 + "_" + "g" * 59),
    ("gitlab_token", "glpat-" + "h" * 20),
    ("openai_key", "sk-proj-" + "i" * 48),
    ("anthropic_key", "sk-ant-api03-" + "j" * 90),
    ("huggingface_token", "hf_" + "k" * 34),
    ("langsmith_key", "lsv2_pt_" + "0" * 32 + "_" + "1" * 10),
    ("slack_token", "xoxb-1234567890-" + "l" * 24),
    ("slack_token", "https://hooks.slack.com/services/T0/B0/" + "m" * 24),
    ("stripe_key", "sk_live_" + "n" * 24),
    ("sendgrid_key", f"SG.{'o' * 22}.{'p' * 43}"),
    ("npm_token", "npm_" + "q" * 36),
    ("pypi_token", "pypi-AgEIcHlwaS5vcmc" + "r" * 60),
    ("jwt", f"eyJ{'s' * 20}.eyJ{'t' * 20}.{'u' * 43}"),
    ("private_key", f"{PEM}-----END RSA PRIVATE KEY-----"),
    ("private_key", PEM),  # cut off
]
BESIDE = [
    ("aws_secret_key", "aws_secret_access_key = '{}'", "v/+" * 13 + "w"),
    ("azure_key", "DefaultEndpointsProtocol=https;AccountKey={};Endpoint", "x" * 86 + "=="),
    ("bearer_token", '{{"Authorization": "Bearer {}"}}', "y" * 30),
    ("password", "postgresql+psycopg://app:{}@db:5432/shop", "hunter2!"),
    ("password", "redis://:{}@cache", "z"),
    ("password_setting", "Server=db; Password={};Encrypt=yes", "hunter2"),
]
INNOCENT = [
    "print(6 * 7)", "https://example.org:8080/a@b", "AKIA", "sk-learn", "hf_token", "eyJ.eyJ.", "x = 'A' * 40",
    "https://user@example.org", "password = input()", "4111 1111 1111 1111", "3.14159265358979323846",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "secret"), FOUND)
def test_secrets_are_found_by_the_formats_of_their_issuers(kind: str, secret: str):
    hidden = f"[REDACTED_{kind.upper()}]"
    assert Redactor()(f"key = {secret!r}" if "\n" not in secret else secret) == (
        f"key = '{hidden}'" if "\n" not in secret else hidden,
        (kind,),
    )


@pytest.mark.parametrize(("kind", "text", "secret"), BESIDE)
def test_secrets_are_found_by_what_stands_before_them(kind: str, text: str, secret: str):
    assert Redactor()(text.format(secret)) == (text.format(f"[REDACTED_{kind.upper()}]"), (kind,))


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays(text: str):
    assert Redactor()(text) == (text, ())


def test_detectors_of_langchain_and_of_ones_own_go_together():
    def badges(text: str) -> list[dict[str, Any]]:
        place = text.find("badge 7")
        return [{"type": "badge", "start": place, "end": place + 7}] * (place >= 0)

    redact = Redactor(*SECRETS, *personal_data(), badges)
    text = (
        f"ann@example.org paid by 4111 1111 1111 1111 from 10.0.0.1, not 4111 1111 1111 1112, badge 7, {KEY}"
    )
    redacted = (
        "[REDACTED_EMAIL] paid by [REDACTED_CREDIT_CARD] from [REDACTED_IP], not 4111 1111 1111 1112, "
        f"[REDACTED_BADGE], {HIDDEN}"
    )
    assert redact(text) == (redacted, ("aws_access_key", "badge", "credit_card", "email", "ip"))
    overlapping = Redactor(
        lambda _: [{"type": "a", "start": 1, "end": 3}, {"type": "b", "start": 2, "end": 5}]
    )
    assert overlapping("0123456") == ("0[REDACTED_A]56", ("a", "b"))


@pytest.mark.parametrize(
    "piece", ["a.", "a+", "-----BEGIN PRIVATE KEY-----", "eyJ", "a://b:", "Authorization ", "sk-"]
)
def test_no_text_takes_for_ever(piece: str):
    text, kinds = Redactor()(piece * (500_000 // len(piece)))
    assert bool(kinds) is ("[REDACTED_" in text)


def test_without_langchain_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "langchain.agents.middleware.pii", None)
    with pytest.raises(MissingDependencyError, match=r"langchain-codeexec\[agents\]"):
        personal_data()


# -- of the chat model -----------------------------------------------------------------------------------------

PARTS = [
    {"text": f"The key {KEY} is prose."},
    {
        "executableCode": {"language": "PYTHON", "code": f"print('{KEY}')", "id": "1"},
        "thoughtSignature": "QQ==",
    },
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": f"{KEY}\n", "id": "1"}},
    {
        "executableCode": {"language": "PYTHON", "code": "print(1)", "id": "2", "new": KEY},
        "thoughtSignature": "Qg==",
    },
    {
        "codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n", "id": "2"},
        "thoughtSignature": "Qw==",
    },
]


@ALL_WAYS
def test_code_and_results_are_redacted_and_go_back_so(wire: Wire, ask: Any):
    wire.says(response(*PARTS))
    answer = ask(wire.chat(redact=Redactor()))
    first = code_executions(answer)[0]
    assert (first.code, first.output) == (f"print('{HIDDEN}')", f"{HIDDEN}\n")
    code, result, other, kept = sent_back(wire, wire.chat(), answer)[1:5]
    assert code == {"executableCode": {**PARTS[1]["executableCode"], "code": f"print('{HIDDEN}')"}}
    assert result == {"codeExecutionResult": {**PARTS[2]["codeExecutionResult"], "output": f"{HIDDEN}\n"}}
    assert other == {"executableCode": {**PARTS[3]["executableCode"], "new": HIDDEN}}
    assert kept == PARTS[4]


def test_the_service_takes_redacted_code_as_history(gemini: Gemini):
    gemini.says([{"executableCode": {"code": f"print('{KEY}')"}}, "Done."])
    llm = gemini.chat()
    answer = llm.invoke("q", redact=Redactor())
    assert llm.invoke([("user", "q"), answer, ("user", "again")])
    assert KEY not in str(gemini.body)


def test_chunks_are_redacted_before_anybody_sees_them(wire: Wire):
    wire.says(*in_chunks(*PARTS[1:]))
    assert KEY not in str(list(wire.chat(redact=Redactor()).stream("q")))


@pytest.mark.parametrize("redact", [7, "secrets", lambda _: 7, lambda text: text])
def test_what_is_no_redactor_is_refused(gemini: Gemini, redact: Any):
    gemini.says([{"executableCode": {"code": "print(1)"}}])
    with pytest.raises(ConfigurationError, match="redact"):
        gemini.chat(redact=redact).invoke("q")
    if not callable(redact):
        with pytest.raises(ConfigurationError, match="a detector is a function"):
            Redactor(redact)


# -- of tools --------------------------------------------------------------------------------------------------


@tool
def get_key(name: str) -> dict[str, Any]:
    """Give a key."""
    return {"key": KEY, "name": name}


@pytest.mark.parametrize("is_async", [False, True])
async def test_what_a_tool_gives_is_redacted(sandbox: LocalSandbox, is_async: bool):
    python = PythonTool(sandbox, tools=[get_key, get_price], redact=Redactor())
    code = f"open('{KEY}', 'w').close(); print(get_key('{KEY}')['key']); raise ValueError('{KEY}')"
    call = {"type": "tool_call", "name": "python", "id": "1", "args": {"code": code}}
    message = await python.ainvoke(call) if is_async else python.invoke(call)
    assert KEY not in str((message.content, message.artifact))
    [run] = code_executions(message)
    assert (run.calls[0].args, run.calls[0].result) == ({"name": HIDDEN}, {"key": HIDDEN, "name": HIDDEN})
    assert message.artifact["redacted"] == ["aws_access_key"]


def test_a_task_of_gemini_is_redacted_by_the_model_that_does_it(gemini: Gemini):
    gemini.says([{"executableCode": {"code": f"print('{KEY}')"}}, f"It is {KEY}."])
    seen: list[Any] = []
    llm = gemini.chat()
    call = {"type": "tool_call", "name": "code_execution", "id": "1", "args": {"task": "q"}}
    message = CodeExecutionTool(
        llm, redact=lambda text: (seen.append(text) or text.replace(KEY, HIDDEN), ["key"])
    ).invoke(call)
    assert KEY not in str((message.content, message.artifact))
    assert message.artifact["redacted"] == ["key"]
