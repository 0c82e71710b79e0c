"""An SMTP server that accepts every mail, but for recipients that ask to be refused."""

from __future__ import annotations

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.mail.store import MailStore

_SIZE_LIMIT_BYTES = 10_000_000

# As a mailbox provider's test addresses do: the local part says what happens.
_REFUSALS = {
    "bounce": "550 5.1.1 The mailbox does not exist",
    "greylist": "451 4.7.1 Greylisted, try again later",
}


class _Sink:
    """The hooks that aiosmtpd calls by name."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        refusal = _REFUSALS.get(address.partition("@")[0].partition("+")[0].lower())
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        content = envelope.content
        if not isinstance(content, bytes):
            return "554 5.6.0 The message is not readable"
        mail_id = self._store.add(content, envelope.rcpt_tos, envelope.mail_from or "")
        return f"250 2.0.0 Ok: kept as {mail_id}"


async def listen(store: MailStore, host: str, port: int) -> asyncio.Server:
    """Serve SMTP on the running loop; every accepted mail is in `store` before it is answered.

    `bounce@…` and `greylist@…` (also with a +suffix) are refused for good and for now.
    """
    loop = asyncio.get_running_loop()
    sink = _Sink(store)

    def connection() -> SMTP:
        return SMTP(
            sink,
            data_size_limit=_SIZE_LIMIT_BYTES,
            enable_SMTPUTF8=True,
            hostname="mail.orderflow.example",
            loop=loop,
        )

    return await loop.create_server(connection, host, port)
