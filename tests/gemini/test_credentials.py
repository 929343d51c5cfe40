import asyncio
import copy
import datetime as dt
import json
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import google.auth.credentials
import google.oauth2.credentials
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import RefreshError, TransportError

from langchain_codeexec.errors import (
    AuthenticationError,
    ConfigurationError,
    CredentialsError,
    GeminiConnectionError,
    GeminiTimeoutError,
)
from langchain_codeexec.gemini.credentials import default_credentials, oauth_credentials
from langchain_codeexec.gemini.rest import rest_transport


class Numbered(google.auth.credentials.Credentials):
    """Credentials whose tokens are numbered, and whose refresh may be held up or fail."""

    def __init__(self, lifetime: float = 3600, failure: Exception | None = None) -> None:
        super().__init__()
        self.lifetime = lifetime
        self.failure = failure
        self.refreshes = 0
        self.threads: list[int] = []
        self.held = threading.Event()
        self.held.set()

    def refresh(self, request) -> None:
        self.held.wait(20)
        self.threads.append(threading.get_ident())
        self.refreshes += 1
        if self.failure is not None:
            raise self.failure
        self.token = f"t{self.refreshes}"
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        self.expiry = now + dt.timedelta(seconds=self.lifetime)


def bearer(number: int) -> dict[str, str]:
    return {"authorization": f"Bearer t{number}"}


def test_a_token_is_kept_while_it_is_fresh() -> None:
    source = Numbered()
    credentials = oauth_credentials(source)
    assert [credentials.headers() for _ in range(3)] == [bearer(1)] * 3
    assert source.refreshes == 1


@pytest.mark.parametrize("lifetime", [-10, 60], ids=["expired", "about to expire"])
def test_a_token_is_renewed_before_it_expires(lifetime: float) -> None:
    credentials = oauth_credentials(Numbered(lifetime))
    assert [credentials.headers() for _ in range(3)] == [bearer(1), bearer(2), bearer(3)]


def test_one_refresh_serves_all_threads() -> None:
    source = Numbered()
    source.held.clear()
    credentials = oauth_credentials(source)
    all_started = threading.Barrier(21)

    def headers(_: int):
        all_started.wait(20)
        return credentials.headers()

    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(headers, range(20))
        all_started.wait(20)
        source.held.set()
        assert list(answers) == [bearer(1)] * 20
    assert source.refreshes == 1


def test_one_refresh_serves_all_tasks_and_does_not_block_their_loop() -> None:
    source = Numbered()
    source.held.clear()
    credentials = oauth_credentials(source)

    async def ask_all() -> list:
        tasks = [asyncio.create_task(credentials.aheaders()) for _ in range(50)]
        tasks.append(asyncio.create_task(asyncio.to_thread(credentials.headers)))
        await asyncio.sleep(0)
        tasks[0].cancel()  # the one that began the refresh
        tasks[1].cancel()
        await asyncio.sleep(0)
        source.held.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(ask_all())
    assert {type(result) for result in results[:2]} == {asyncio.CancelledError}
    assert results[2:] == [bearer(1)] * 49
    assert source.refreshes == 1
    assert source.threads != [threading.get_ident()]


def test_a_failed_refresh_fails_for_all_and_is_tried_again() -> None:
    source = Numbered(failure=RefreshError("invalid_grant: gone", {"id_token": "s3cr3t"}))
    credentials = oauth_credentials(source)

    async def ask_all() -> list:
        return await asyncio.gather(*(credentials.aheaders() for _ in range(3)), return_exceptions=True)

    results = asyncio.run(ask_all())
    assert {type(result) for result in results} == {CredentialsError}
    with pytest.raises(
        CredentialsError, match=r"invalid_grant: gone[\s\S]*gcloud auth application-default login"
    ) as caught:
        credentials.headers()
    assert "s3cr3t" not in str(caught.value)
    source.failure = None
    assert credentials.headers()["authorization"].startswith("Bearer t")


@pytest.mark.parametrize(
    "failure", [TransportError("no route"), RefreshError("busy", retryable=True), OSError("no route")]
)
def test_a_token_server_out_of_reach_is_a_connection_failure(failure) -> None:
    with pytest.raises(GeminiConnectionError, match=r"no route|busy"):
        oauth_credentials(Numbered(failure=failure)).headers()


class Tokenless(Numbered):
    def refresh(self, request) -> None:
        """Refresh nothing."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is raised there
@pytest.mark.parametrize(
    ("source", "says"),
    [
        (Numbered(failure=ValueError("<html>")), "<html>"),
        (Numbered(failure=KeyboardInterrupt()), "interrupted"),
        (Tokenless(), "no token"),
    ],
)
def test_what_else_a_refresh_may_do_is_typed(source, says: str) -> None:
    credentials = oauth_credentials(source)
    with pytest.raises(CredentialsError, match=says):
        credentials.headers()
    with pytest.raises(CredentialsError, match=says):
        asyncio.run(credentials.aheaders())


def test_a_token_is_not_waited_for_longer_than_the_limits(transport_with, generate) -> None:
    source = Numbered()
    source.held.clear()
    with pytest.raises(GeminiTimeoutError, match=r"no token came for 0\.05 s"):
        generate(transport_with(source), "m", {}, timeout=0.05)
    with pytest.raises(GeminiTimeoutError, match=r"waiting for a token.*deadline=…"):
        generate(transport_with(source), "m", {}, deadline=0.05)
    source.held.set()


@pytest.fixture
def transport_with(make_transport):
    return lambda source: make_transport(oauth_credentials(source))


def test_a_refused_token_is_replaced_once(server, transport_with, generate) -> None:
    for status in (200, 401, 200, 200, 401, 401):
        server.answer(status=status)
    transport = transport_with(Numbered())
    for _ in range(3):
        assert generate(transport, "m", {}) == {}
    with pytest.raises(AuthenticationError):
        generate(transport, "m", {})
    sent = [received.headers["authorization"] for received in server.requests]
    assert sent == [f"Bearer t{number}" for number in (1, 1, 2, 2, 2, 3)]


def test_the_refusal_is_raised_when_the_token_cannot_be_replaced(server, transport_with, generate) -> None:
    server.answer({"error": {"code": 401, "message": "Expired."}}, status=401)
    transport = transport_with(google.oauth2.credentials.Credentials("only-this-token"))
    with pytest.raises(AuthenticationError, match="Expired") as caught:
        generate(transport, "m", {})
    assert isinstance(caught.value.__cause__, CredentialsError)
    assert len(server.requests) == 1


def test_anonymous_credentials_send_nothing(server, transport_with, generate) -> None:
    server.answer(status=401)
    with pytest.raises(AuthenticationError):
        generate(transport_with(google.auth.credentials.AnonymousCredentials()), "m", {})
    assert "authorization" not in server.requests[0].headers


def test_quota_project_of_the_credentials_is_sent() -> None:
    source = google.oauth2.credentials.Credentials("t", quota_project_id="q")
    assert oauth_credentials(source).headers() == {"authorization": "Bearer t", "x-goog-user-project": "q"}


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def key_info(server, private_key: str) -> dict[str, str]:
    return {
        "type": "service_account",
        "project_id": "key-project",
        "private_key_id": "1",
        "private_key": private_key,
        "client_email": "robot@key-project.iam.gserviceaccount.com",
        "token_uri": f"{server.url}/token",
    }


@pytest.fixture(params=["mapping", "text", "path", "path text"])
def key_source(request, key_info, tmp_path):
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key_info))
    sources = {"mapping": key_info, "text": json.dumps(key_info), "path": path, "path text": str(path)}
    return sources[request.param]


TOKEN = {"access_token": "fetched", "expires_in": 3600, "token_type": "Bearer"}


def test_service_account_key_without_the_library_requests(server, key_source, monkeypatch) -> None:
    for module in ("requests", "google.auth.transport.requests"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "other")
    for _ in range(2):
        server.answer(TOKEN)
        server.answer()
    original = rest_transport(credentials=key_source, base_url=server.url)
    for transport in (original, pickle.loads(pickle.dumps(original)), copy.deepcopy(original)):
        transport.generate("m", {})
        transport.close()
    token, first, *_ = server.requests
    assert token.path == "/token"
    assert b"jwt-bearer" in token.raw
    assert first.path.startswith("/v1beta1/projects/key-project/locations/global/")
    assert first.headers["authorization"] == "Bearer fetched"
    assert [received.path == "/token" for received in server.requests] == [True, False, True, False, False]


def test_the_token_server_refuses(server, key_info) -> None:
    server.answer({"error": "invalid_grant", "error_description": "Account deleted"}, status=400)
    server.raw()
    credentials = oauth_credentials(key_info)
    with pytest.raises(CredentialsError, match="invalid_grant: Account deleted"):
        credentials.headers()
    with pytest.raises(GeminiConnectionError, match="token server"):
        credentials.headers()


USER = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}


def test_authorized_user_file(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "adc.json"
    path.write_text(json.dumps(USER))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "env-p")
    assert default_credentials().project == "env-p"
    # google-auth sends this kind to the real token server whatever the file says.
    assert oauth_credentials(path).project is None


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "cannot be read"),
        ("not json", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("{}", "type None"),
        ('{"type": "external_account"}', "GOOGLE_APPLICATION_CREDENTIALS"),
        ('{"type": "service_account"}', "malformed"),
        ('{"type": "authorized_user"}', "malformed"),
        (b"\xff\xfe\x00", "not a text file"),
    ],
)
def test_key_file_that_cannot_be_used(tmp_path, content, match: str) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CredentialsError, match=match) as caught:
        oauth_credentials(path).headers()
    assert "key.json" in str(caught.value)


def test_what_is_no_key_is_refused_and_not_shown(key_info) -> None:
    broken = key_info | {"private_key": "s3cr3t"}
    with pytest.raises(CredentialsError, match="malformed") as caught:
        oauth_credentials(broken).headers()
    assert "s3cr3t" not in str(caught.value)
    with pytest.raises(CredentialsError, match="not a JSON object") as caught:
        oauth_credentials('{"private_key": "s3cr3t"')
    assert "s3cr3t" not in str(caught.value)
    with pytest.raises(CredentialsError, match="not int"):
        oauth_credentials(7)


def test_default_credentials_that_are_missing_or_name_no_project(tmp_path, monkeypatch) -> None:
    path = tmp_path / "adc.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    with pytest.raises(CredentialsError, match="gcloud auth application-default login"):
        rest_transport(vertexai=True)
    transport = rest_transport(vertexai=True, project="p", credentials=None)  # looks nothing up yet
    with pytest.raises(CredentialsError):
        transport.generate("m", {})
    transport.close()
    path.write_text(json.dumps(USER))
    with pytest.raises(ConfigurationError, match="GOOGLE_CLOUD_PROJECT"):
        rest_transport(vertexai=True)


def test_representations_show_no_secret(key_info) -> None:
    for credentials in (oauth_credentials(key_info), oauth_credentials(Numbered()), default_credentials()):
        assert repr(credentials) == "OAuthCredentials(…)"


FORKING = """
import os, sys, threading
sys.path.insert(0, {folder!r})
from google.auth.credentials import Credentials
from langchain_codeexec.gemini.credentials import oauth_credentials

entered, go_on = threading.Event(), threading.Event()

class Slow(Credentials):
    def refresh(self, request):
        entered.set()
        go_on.wait(20)
        self.token = f"of {{os.getpid()}}"

credentials = oauth_credentials(Slow())
thread = threading.Thread(target=credentials.headers)
thread.start()
entered.wait(20)
child = os.fork()  # the child has no thread that could ever finish the refresh
go_on.set()
if child == 0:
    ok = credentials.headers() == {{"authorization": f"Bearer of {{os.getpid()}}"}}
    os._exit(0 if ok else 1)
thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system does not fork")
def test_a_child_forked_during_a_refresh_makes_its_own(tmp_path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING.format(folder=str(tmp_path))]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0
