"""A mail relay on a socket that keeps what it accepts and answers as a test tells it to."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Authenticator = Callable[[SMTP, Session, Envelope, str, LoginPassword], AuthResult]

USER, PASSWORD = "shop", "correct horse"


@dataclass
class Inbox:
    """What the relay accepted; the replies that are set are given instead of accepting."""

    mail_reply: str = ""
    rcpt_reply: str = ""
    data_reply: str = ""
    hang: bool = False
    drop: bool = False
    barrier: asyncio.Barrier | None = None
    gate: threading.Event | None = None
    envelopes: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    lines: list[SMTP] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def lines_used(self) -> int:
        """On how many connections the mails came."""
        return len(set(map(id, self.lines)))

    def hang_up(self) -> None:
        """Close all connections, without a word."""
        for line in self.lines:
            if line.transport is not None:
                line.loop.call_soon_threadsafe(line.transport.close)

    @property
    def messages(self) -> list[EmailMessage]:
        parsed = []
        for envelope in self.envelopes:
            message = message_from_bytes(raw(envelope), policy=default)
            assert isinstance(message, EmailMessage)
            parsed.append(message)
        return parsed

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if self.mail_reply:
            return self.mail_reply
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if self.rcpt_reply:
            return self.rcpt_reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.barrier:
            await self.barrier.wait()
        if self.gate:
            await asyncio.to_thread(self.gate.wait)
        self.at_once -= 1
        if self.hang:
            await asyncio.Event().wait()
        if self.drop:
            assert server.transport is not None
            server.transport.close()
        if self.data_reply:
            return self.data_reply
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None)
        self.lines.append(server)
        return "250 OK queued"


@contextmanager
def relay(
    inbox: Inbox,
    *,
    ssl_context: ssl.SSLContext | None = None,
    tls_context: ssl.SSLContext | None = None,
    require_starttls: bool = False,
    authenticator: Authenticator | None = None,
    auth_required: bool = False,
    data_size_limit: int = 1_000_000,
) -> Iterator[int]:
    """Run a relay on 127.0.0.1 and give its port; the options are aiosmtpd's."""
    port = free_port()
    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=port,
        ssl_context=ssl_context,
        tls_context=tls_context,
        require_starttls=require_starttls,
        authenticator=authenticator,
        auth_required=auth_required,
        data_size_limit=data_size_limit,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def check_login(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
) -> AuthResult:
    right = login == LoginPassword(USER.encode(), PASSWORD.encode())
    # handled=True would mean that this function already answered; then nobody does.
    return AuthResult(success=right, handled=False)


def raw(envelope: Envelope) -> bytes:
    assert isinstance(envelope.content, bytes)
    return envelope.content


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for 127.0.0.1: the relay's side and a client that trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "relay.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    return Certificate(server=server, client=ssl.create_default_context(cafile=str(pem)))
