"""TLS lines against real servers with real certificates: trusted ones are spoken to, all others never."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.devices.tls import far_of
from gateway.devices.transport import open_transport
from gateway.errors import ConfigError, DeviceGone
from tests.devices.shop import open_descriptors, until


@dataclass
class Identity:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    file: Path  # certificate and key

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def identity(folder: Path, name: str, issuer: Identity | None = None, days: int = 30) -> Identity:
    """A certificate for 127.0.0.1 and `name`, signed by `issuer` or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    begin = min(now, now + datetime.timedelta(days=days)) - datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(issuer.key if issuer else key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Identity(certificate, key, file)


class Server:
    """An echo; `heard` is what arrived inside the encryption."""

    def __init__(self) -> None:
        self.port = 0
        self.heard = b""
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        with contextlib.suppress(OSError):
            while data := await reader.read(100):
                self.heard += data
                writer.write(data)
        writer.transport.abort()

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def serving(who: Identity, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> AsyncIterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(who.file)
    with contextlib.suppress(ValueError):
        context.minimum_version = min(most, ssl.TLSVersion.TLSv1_2)
    context.maximum_version = most
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        server.hang_up()
        await listener.wait_closed()


@pytest.fixture
def authority(tmp_path: Path) -> Identity:
    return identity(tmp_path, "authority.test")


@pytest.fixture
def terminal(tmp_path: Path, authority: Identity) -> Identity:
    return identity(tmp_path, "terminal.test", authority)


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_terminal_of_a_trusted_authority_is_spoken_to(
    authority: Identity, terminal: Identity, most: ssl.TLSVersion
) -> None:
    async with serving(terminal, most) as server:
        line = await open_transport(f"tls://127.0.0.1:{server.port}?ca={authority.file}")
        await line.write(b"{}")
        assert await line.read() == b"{}"
        server.hang_up()
        with pytest.raises(DeviceGone):
            await line.read()
        line.close()


async def test_the_certificates_name_may_be_said(authority: Identity, terminal: Identity) -> None:
    async with serving(terminal) as server:
        url = f"tls://127.0.0.1:{server.port}?ca={authority.file}&name="
        (await open_transport(url + "terminal.test")).close()
        with pytest.raises(DeviceGone, match="not trusted") as refused:
            await open_transport(url + "other.test")
        assert refused.value.reason == "untrusted"
        assert server.heard == b""


async def test_a_terminal_of_nobody_an_expired_one_and_a_foreign_authority_are_refused(
    tmp_path: Path, authority: Identity
) -> None:
    (tmp_path / "x").mkdir()
    foreign = identity(tmp_path / "x", "authority.test")
    for who in (
        identity(tmp_path, "self.test"),
        identity(tmp_path, "old.test", authority, days=-1),
        identity(tmp_path, "foreign.test", foreign),
    ):
        async with serving(who) as server:
            for ca in (f"?ca={authority.file}", ""):
                with pytest.raises(DeviceGone, match="not trusted"):
                    await open_transport(f"tls://127.0.0.1:{server.port}{ca}")
            assert server.heard == b""


async def test_a_self_signed_terminal_by_its_fingerprint_and_no_other(tmp_path: Path) -> None:
    mine, other = identity(tmp_path, "mine.test"), identity(tmp_path, "other.test")
    pretty = ":".join(mine.fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    for fingerprint in (mine.fingerprint, pretty):
        async with serving(mine) as server:
            line = await open_transport(f"tls://127.0.0.1:{server.port}?fingerprint={fingerprint}")
            await line.write(b"{}")
            assert await line.read() == b"{}"
            line.close()
    async with serving(other) as server:
        with pytest.raises(DeviceGone, match=other.fingerprint) as refused:
            await open_transport(f"tls://127.0.0.1:{server.port}?fingerprint={mine.fingerprint}")
        assert refused.value.reason == "untrusted"
        assert server.heard == b""


async def test_refused_connections_leave_no_descriptor(tmp_path: Path, authority: Identity) -> None:
    async with serving(identity(tmp_path, "self.test")) as server:
        await asyncio.to_thread(lambda: None)  # the thread pool's own descriptors come first
        before = open_descriptors()
        for url in (f"?ca={authority.file}", f"?fingerprint={'0' * 64}"):
            for _ in range(5):
                with pytest.raises(DeviceGone):
                    await open_transport(f"tls://127.0.0.1:{server.port}{url}")
        await until(lambda: open_descriptors() <= before)


async def test_no_tls_there_nobody_there_and_no_file_are_told(tmp_path: Path) -> None:
    callers: list[asyncio.StreamWriter] = []

    def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer)
        writer.write(b"220 hello\r\n")

    listener = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    with pytest.raises(DeviceGone, match="no TLS") as refused:
        await open_transport(f"tls://127.0.0.1:{port}")
    assert refused.value.reason == "untrusted"
    listener.close()
    for caller in callers:
        caller.transport.abort()
    with pytest.raises(DeviceGone, match="nobody listens"):
        await open_transport(f"tls://127.0.0.1:{port}")
    with pytest.raises(DeviceGone, match="setting ca"):
        await open_transport(f"tls://127.0.0.1:{port}?ca={tmp_path}/nothing.pem")


@pytest.mark.parametrize(
    "url",
    [
        "tls://host",
        "tls://:8443",
        "tls://host:99999",
        "tls://host:8443?verify=no",
        "tls://host:8443?ca=",
        "tls://host:8443?fingerprint=abc",
        f"tls://host:8443?fingerprint={'a' * 64}&ca=/x",
    ],
)
def test_a_wrong_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigError):
        far_of(url)
