"""TCP with TLS, verified always: for terminals that speak nexo over HTTPS or a bare socket.

    tls://192.168.1.60:8443?ca=/etc/backroom/terminal-ca.pem        issued by this authority, name as the host
    tls://192.168.1.60:8443?ca=/etc/...&name=terminal.example.com   the certificate's name is not the address
    tls://192.168.1.60:8443?fingerprint=9F86...                     self-signed: this very certificate (SHA-256)
    tls://pay.example.com:8443                                      by the system's authorities

There is no way to leave the check out: whoever can stand between till and terminal could else approve payments.

Source: RFC 8446, RFC 5246, RFC 6125; Python's ssl module.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import ssl
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from gateway.devices.transport import CONNECT_S, READ_AT_MOST, TcpTransport, Transport, gone, keep_alive
from gateway.errors import ConfigError, DeviceGone
from gateway.peripherals import ErrorCode

_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
SETTINGS = ("ca", "name", "fingerprint")


@dataclass(frozen=True, slots=True)
class Far:
    """Where to connect, and how the far end proves who it is."""

    host: str
    port: int
    ca: str = ""
    name: str = ""
    fingerprint: str = ""

    @property
    def what(self) -> str:
        return f"tls://{self.host}:{self.port}"


def far_of(url: str) -> Far:
    """Read the URL; nothing is opened.

    Raises:
        ConfigError: it lacks host or port, or a setting is wrong.
    """
    parts = urlsplit(url)
    settings = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, value in settings.items():
        if name not in SETTINGS:
            raise ConfigError(f"{url}: unknown setting {name!r}; there are {', '.join(SETTINGS)}")
        if not value:
            raise ConfigError(f"{url}: {name} is empty")
    fingerprint = settings.get("fingerprint", "").replace(":", "").lower()
    if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
        raise ConfigError(f"{url}: fingerprint is the certificate's SHA-256, 64 hexadecimal digits")
    if fingerprint and ("ca" in settings or "name" in settings):
        raise ConfigError(f"{url}: a fingerprint names one certificate; leave out ca and name")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise ConfigError(f"{url}: write it as tls://HOST:PORT?ca=/path/to/ca.pem")
    return Far(host, port, settings.get("ca", ""), settings.get("name", ""), fingerprint)


def context_for(far: Far) -> ssl.SSLContext:
    """At least TLS 1.2. With a fingerprint the check of issuer and name is replaced by it, before a byte is sent.

    Raises:
        DeviceGone: the authority's file cannot be read.
    """
    if far.fingerprint:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        try:
            context = ssl.create_default_context(cafile=far.ca or None)
        except (OSError, ssl.SSLError) as problem:
            text = f"{far.what}: cannot read the certificates in {far.ca}: {problem}; check the setting ca"
            raise DeviceGone(text, reason="untrusted", code=ErrorCode.ILLEGAL) from problem
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def open_tls(url: str) -> Transport:
    """Connect, and come back only when the far end has proved who it is.

    Raises:
        DeviceGone: nobody there, no TLS there, or a certificate that is not trusted (reason `untrusted`).
        ConfigError: the URL is not one.
    """
    far = far_of(url)
    context = await asyncio.to_thread(context_for, far)  # reads files
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(
                far.host, far.port, limit=READ_AT_MOST * 4, ssl=context, server_hostname=far.name or far.host
            )
    except TimeoutError as late:
        text = f"{far.what}: no connection within {CONNECT_S:.0f} s; check power, cable and address"
        raise DeviceGone(text, reason="gone", code=ErrorCode.NOHARDWARE) from late
    except ssl.SSLCertVerificationError as problem:
        text = f"{far.what}: its certificate is not trusted ({problem.verify_message}); check ca and name"
        raise DeviceGone(text, reason="untrusted", code=ErrorCode.FAILURE) from problem
    except ssl.SSLError as problem:
        text = f"{far.what}: no TLS 1.2 there ({problem.reason or problem}); check the port"
        raise DeviceGone(text, reason="untrusted", code=ErrorCode.FAILURE) from problem
    except OSError as problem:
        raise gone(far.what, problem) from problem
    if far.fingerprint:
        _must_be(far, writer)
    keep_alive(writer.get_extra_info("socket"))
    return TcpTransport(far.what, reader, writer)


def _must_be(far: Far, writer: asyncio.StreamWriter) -> None:
    """Compare the certificate's fingerprint; hang up if it is another one."""
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    seen = hashlib.sha256(certificate).hexdigest()
    if not hmac.compare_digest(seen, far.fingerprint):
        writer.transport.abort()
        text = (
            f"{far.what}: its certificate's fingerprint is {seen}; if the terminal was changed, put that into the URL"
        )
        raise DeviceGone(text, reason="untrusted", code=ErrorCode.FAILURE)
