"""Takes a mail apart for a reader; a mail that is badly made is shown as well as it can be."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart

_SHOWN_HEADERS = ("From", "To", "Delivered-To", "Reply-To", "Date", "Message-ID")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attached file."""

    name: str
    media_type: str
    content: bytes

    @property
    def size(self) -> str:
        """Its size in words."""
        size = len(self.content)
        return f"{size} bytes" if size < 2_000 else f"{size / 1_000:,.0f} kB"


def shown_headers(message: EmailMessage) -> list[tuple[str, str]]:
    """The headers that matter to a reader."""
    return [
        (name, ", ".join(str(value) for value in message.get_all(name, [])))
        for name in _SHOWN_HEADERS
        if name in message
    ]


def body(message: EmailMessage, subtype: str) -> str | None:
    """The `html` or the `plain` body, or None when there is none."""
    part = message.get_body((subtype,))
    if part is None:
        return None
    content = _payload(part)
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def attachments(message: EmailMessage) -> list[Attachment]:
    """The attached files, in their order."""
    return [
        Attachment(
            name=part.get_filename("attachment"),
            media_type=part.get_content_type(),
            content=_payload(part),
        )
        for part in message.iter_attachments()
    ]


def _payload(part: MIMEPart) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else part.as_bytes()
