"""Certificates that are wrong in some way, and TLS that is cut: at most one quick retry, and the remedy is named."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.errors import ConfigurationError, GeminiConnectionError, GeminiError
from tests.calls import ainvoked, astreamed, invoked, streamed
from tests.faults.matrix import CHUNKED, EVENTS, HEAD, MODEL, SHOWN
from tests.faults.servers import raw_server

NOW = dt.datetime.now(dt.UTC)
WAYS = pytest.mark.parametrize("ask", [invoked, ainvoked, streamed, astreamed])


class Certificate:
    """A certificate with its key; signed by itself where no issuer is given."""

    def __init__(
        self, folder: Any, name: str, issuer: Any = None, host: str = "127.0.0.1", days: int = 9
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        by = issuer or self
        certificate = (
            x509.CertificateBuilder(by.name, self.name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(NOW - dt.timedelta(days=20))
            .not_valid_after(NOW + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False
            )
            .sign(by.key, hashes.SHA256())
        )
        secret = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.path)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    ca = Certificate(folder, "ca")
    return {
        "ca": ca,
        "good": Certificate(folder, "good", ca),
        "expired": Certificate(folder, "expired", ca, days=-1),
        "elsewhere": Certificate(folder, "elsewhere", ca, host="192.0.2.1"),
    }


def chat(url: str, **settings: Any) -> ChatGeminiCodeExecution:
    return ChatGeminiCodeExecution(model=MODEL, api_key="k", base_url=url, **settings)


def events(body: bytes) -> bytes:
    return HEAD + b"Connection: close\r\n\r\n" + body


@WAYS
@pytest.mark.parametrize(
    ("name", "is_known", "remedy"),
    [
        ("ca", False, "client_args="),
        ("good", False, "SSL_CERT_FILE"),
        ("expired", True, "clock"),
        ("elsewhere", True, "base_url"),
    ],
)
def test_a_certificate_that_is_not_trusted(certificates, ask, name, is_known, remedy):
    known = {"client_args": {"verify": str(certificates["ca"].path)}} if is_known else {}
    with raw_server((EVENTS,), tls=certificates[name].tls) as server:
        llm = chat(server.url, **known)
        with pytest.raises(GeminiConnectionError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            ask(llm)
        llm.close()
    assert remedy in caught.value.remedy
    assert server.connections <= 2
    assert not server.requests


@pytest.mark.parametrize("ask", [streamed, astreamed])
@pytest.mark.parametrize("verify", [str, ssl.create_default_context, False], ids=["path", "context", "off"])
def test_an_authority_of_ones_own(certificates, ask, verify):
    path = str(certificates["ca"].path)
    given = verify and (verify(cafile=path) if verify is not str else path)
    with raw_server((events(EVENTS),), tls=certificates["good"].tls) as server:
        llm = chat(server.url, client_args={"verify": given})
        assert ask(llm).text == "whole"
        llm.close()


@pytest.mark.parametrize("ask", [streamed, astreamed])
def test_a_server_that_wants_a_certificate_of_its_clients(tmp_path, certificates, ask):
    ca, context = certificates["ca"], ssl.create_default_context(cafile=str(certificates["ca"].path))
    tls = Certificate(tmp_path, "strict", ca).tls
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(ca.path)
    with raw_server((events(EVENTS),), tls=tls) as server:
        llm = chat(server.url, client_args={"verify": context})
        with pytest.raises(GeminiConnectionError) as caught:
            streamed(llm)
        assert "client_args={'verify': context}" in caught.value.remedy
        context.load_cert_chain(Certificate(tmp_path, "client", ca).path)
        llm = chat(server.url, client_args={"verify": context})
        assert ask(llm).text == "whole"
        llm.close()


@WAYS
@pytest.mark.parametrize("path", ["/no/such/ca.pem", __file__])
def test_an_authority_that_cannot_be_read(ask, path):
    with pytest.raises(ConfigurationError, match=r"client_args=\{verify\} cannot be used"):
        ask(chat("https://127.0.0.1:9", client_args={"verify": path}))


@pytest.mark.parametrize(
    ("begun", "shown", "requests"),
    [
        (CHUNKED + b"%x\r\n%s" % (len(SHOWN), SHOWN), "who", 1),
        (events(SHOWN), "who", 1),
        (events(SHOWN[:9]), "", 2),
    ],
)
def test_tls_that_is_cut(certificates, begun, shown, requests):
    async def stream(llm: Any, chunks: list[str]) -> None:
        try:
            async for chunk in llm.astream("q"):
                chunks.append(chunk.text)  # noqa: PERF401 -- what came before the error counts
        finally:
            await llm.aclose()

    with raw_server((begun,), tls=certificates["good"].tls) as server:
        llm = chat(server.url, max_retries=1, client_args={"verify": str(certificates["ca"].path)})
        for chunks in ([], []):
            before = server.requests
            with pytest.raises(GeminiError):
                asyncio.run(stream(llm, chunks))
            assert ("".join(chunks), server.requests - before) == (shown, requests)
