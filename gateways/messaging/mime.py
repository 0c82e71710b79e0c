"""A rendered letter as an internet message (RFC 5322), safe against header injection."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from urllib.parse import quote, unquote

from email_validator import EmailNotValidError, validate_email

from domain.notification import EmailContent
from gateways.errors import GatewayRejected

# 7bit: relays without 8BITMIME must not have to re-encode, which would break DKIM signatures.
_POLICY = SMTP.clone(cte_type="7bit")


def parse_sender(sender: str) -> Address:
    """The shop's own address, written `Name <user@domain>`.

    Raises:
        ValueError: it is not an address.
    """
    name, spec = parseaddr(sender)
    if not spec:
        raise ValueError(f"{sender!r} is not a sender: write Name <user@domain>")
    return Address(display_name=name, addr_spec=_ascii(spec))


def build_message(
    *, sender: Address, to: str, to_name: str, content: EmailContent, notification_id: str
) -> EmailMessage:
    """One mail with a text and an HTML part, and its attachments.

    `notification_id` alone decides its Message-ID.

    Raises:
        GatewayRejected: the address or a header can never be sent.
    """
    message = EmailMessage(policy=_POLICY)
    try:
        message["From"] = sender
        message["To"] = Address(display_name=_one_line(to_name), addr_spec=_recipient(to))
        message["Subject"] = content.subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = message_id(notification_id, sender.domain)
        message["Auto-Submitted"] = "auto-generated"
        if content.kind is not None:
            message["X-Orderflow-Kind"] = content.kind.value
        if content.unsubscribe_url:
            message["List-Unsubscribe"] = f"<{content.unsubscribe_url}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    except ValueError as error:
        raise GatewayRejected("invalid_header", str(error)) from error
    _check_lines(message)
    message.set_content(content.text)
    message.add_alternative(content.html, subtype="html")
    for file in content.attachments:
        main, _, sub = file.media_type.partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.filename)
    return message


def message_id(notification_id: str, domain: str) -> str:
    """`<{notification_id}@domain>`: the same on every attempt, so a relay may drop a duplicate."""
    return f"<{quote(notification_id, safe='')}@{domain}>"


def notification_of(message_id: str) -> str:
    """The notification that a Message-ID of ours names; of another's, nothing that we know."""
    return unquote(message_id.strip("<>").rpartition("@")[0])


def _check_lines(message: EmailMessage) -> None:
    """The library refuses line breaks as they are, and lets through encoded ones (RFC 2047)."""
    for name, value in message.items():
        if len(str(value).splitlines()) > 1:
            raise GatewayRejected("invalid_header", f"{name} has a line break")


def _recipient(address: str) -> str:
    try:
        return _ascii(address)
    except ValueError as error:
        raise GatewayRejected("invalid_address", str(error)) from error


def _ascii(address: str) -> str:
    """`address` with its domain in punycode, as relays without SMTPUTF8 need it."""
    try:
        valid = validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    if valid.ascii_email is None:
        raise ValueError("the part before the @ is not ASCII")
    return valid.ascii_email


def _one_line(name: str) -> str:
    """A name must never cost the customer the mail: what cannot stand in a header is left out.

    "=?" begins an encoded word (RFC 2047), which the library would decode, line breaks and all.
    """
    printable = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(printable.replace("=?", "= ?").split())
