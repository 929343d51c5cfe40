"""A certificate for this machine, made for one run: what `tls` serves with, and clients are told to trust."""

from __future__ import annotations

import ipaddress
import shutil
import ssl
import tempfile
import weakref
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from langchain_codeexec.errors import MissingDependencyError

__all__ = ["Certificate"]

_LIFE = timedelta(days=30)


class Certificate:
    """A certificate that signs itself, and its key, which is known to this process alone.

    Args:
        hosts: Names and addresses it is for, besides those of this machine.

    Attributes:
        context: What a server serves with.
        path: File with the certificate, in PEM, for the clients' trust store; it goes with this object.

    Raises:
        MissingDependencyError: cryptography is not installed.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        certificate, key = _make(list(dict.fromkeys(["localhost", "127.0.0.1", "::1", *hosts])))
        folder = Path(tempfile.mkdtemp(prefix="gemini-emulator-"))  # for this user alone
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = folder / "certificate.pem"
        self.path.write_bytes(certificate)
        key_file = folder / "key.pem"
        key_file.write_bytes(key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.path, key_file)
        key_file.unlink()


def _make(hosts: list[str]) -> tuple[bytes, bytes]:
    """A certificate and its key, in PEM."""
    try:
        from cryptography import x509  # noqa: PLC0415 -- only where it is served with
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 -- as above
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 -- as above
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415 -- as above
    except ImportError as error:
        raise MissingDependencyError("cryptography", "emulator") from error

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Gemini emulator")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    now = datetime.now(UTC)
    addresses = {host: _address(host) for host in hosts}
    names: list[x509.GeneralName] = [
        x509.DNSName(host) if address is None else x509.IPAddress(address)
        for host, address in addresses.items()
    ]
    usage = dict.fromkeys(
        "content_commitment key_encipherment data_encipherment key_agreement crl_sign encipher_only "
        "decipher_only".split(),
        False,
    )
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectAlternativeName(names), False),
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (identifier, False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False),
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # for clocks that are behind
        .not_valid_after(now + _LIFE)
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    pem = serialization.Encoding.PEM
    key_bytes = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return builder.sign(key, hashes.SHA256()).public_bytes(pem), key_bytes


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
