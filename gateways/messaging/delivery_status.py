"""Reports of what became of a mail: RFC 3464, wrapped as RFC 6522 says, addresses as in RFC 6533.

Anybody may write to the address that reports come back to, and mail systems take liberties: what is
there is used, in any order, and what does not fit is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from email import message_from_bytes, message_from_string
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from typing import NamedTuple

from domain.errors import PermanentError
from gateways.times import as_utc


class NoReport(PermanentError):
    """A mail that says nothing of one of ours: somebody's answer, or too little of a report."""


class Fate(NamedTuple):
    """What became of a mail for one recipient.

    `addresses` are the recipient's, as first given and as finally used; `action` and `status` are
    RFC 3464's (`failed`, `5.1.1`), the status as precise as the report has it.
    """

    addresses: frozenset[str]
    action: str
    status: str


class Report(NamedTuple):
    """What became of the mail `message_id`, which was written `to` an address.

    `to` is empty and `at` None if the report does not say.
    """

    message_id: str
    to: str
    fates: tuple[Fate, ...]
    at: datetime | None


_STATUSES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED = frozenset(
    {
        "message/rfc822",
        "message/global",
        "message/global-headers",
        "message/rfc822-headers",
        "text/rfc822-headers",
    }
)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,200}>")
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
_REPLY = re.compile(r"\b[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
_BLANK_LINE = re.compile(r"\r?\n[ \t]*\r?\n")
# "Other or undefined": what the other side answered tells more.
_VAGUE = {"2.0.0", "4.0.0", "5.0.0"}
_BY_CLASS = {"2": "delivered", "4": "delayed", "5": "failed"}
# The parser's time is the product of the two, and no report comes near.
_MOST_BREAKS = 20_000
_MOST_BOUNDARIES = 50
_MOST_PARTS = 20


def read_report(body: bytes) -> Report:
    """Read a mail as a delivery report.

    Raises:
        NoReport: it is none, or names no mail and no recipient that one could look for.
    """
    if body.count(b"\n") + body.count(b"\r") > _MOST_BREAKS:
        raise NoReport("it has too many lines")
    if body.lower().count(b"boundary") > _MOST_BOUNDARIES:
        raise NoReport("it has too many parts")
    try:
        return _read(message_from_bytes(body))
    except RecursionError:
        raise NoReport("its parts are nested too deeply") from None
    except (ValueError, LookupError) as error:
        # The standard library's parser lets through what strangers' character sets do to it.
        raise NoReport(f"it cannot be read: {type(error).__name__}") from None


def _read(mail: Message) -> Report:
    parts = _parts(mail)
    status = next((part for part in parts if part.get_content_type() in _STATUSES), None)
    if status is None:
        raise NoReport("it is no delivery report")
    fates = tuple(fate for group in _groups(status) if (fate := _fate(group)) is not None)
    if not fates:
        raise NoReport("the report tells of no recipient")
    returned = [part for part in map(_headers, parts) if part is not None]
    message_id = _first_id(returned, mail)
    if not message_id:
        raise NoReport("the report does not say which mail it is about")
    to = next((found for part in returned if (found := _address(_field(part, "To")))), "")
    return Report(message_id, to, fates, _moment(_field(mail, "Date")))


def _parts(mail: Message) -> list[Message]:
    """The first parts of a mail; what is in a returned mail is not the report's."""
    found: list[Message] = []
    waiting = [mail]
    while waiting and len(found) < _MOST_PARTS:
        part = waiting.pop(0)
        if part.get_content_maintype() == "multipart":
            waiting += _inner(part)
        else:
            found.append(part)
    return found


def _inner(part: Message) -> list[Message]:
    content = part.get_payload()
    if not isinstance(content, list):
        return []
    return [inner for inner in content if isinstance(inner, Message)]


def _groups(status: Message) -> Iterator[Message]:
    """The groups of fields: one about the mail, then one about each recipient."""
    for block in _inner(status):
        yield block
        # The library knows the groups of one of the two types only.
        rest = block.get_payload()
        for text in _BLANK_LINE.split(rest) if isinstance(rest, str) else ():
            yield message_from_string(text.lstrip())


def _fate(group: Message) -> Fate | None:
    addresses = frozenset(
        address
        for name in ("Original-Recipient", "Final-Recipient")
        if (address := _field(group, name).partition(";")[2].strip().strip("<>").lower())
    )
    status = _status(_field(group, "Status"), _field(group, "Diagnostic-Code"))
    action = _field(group, "Action").partition("(")[0].strip().lower()
    if action not in {"failed", "delayed", "delivered", "relayed", "expanded"}:
        action = _BY_CLASS.get(status[:1], "")
    return Fate(addresses, action, status) if addresses and action else None


def _status(status: str, diagnostic: str) -> str:
    """The enhanced status code (RFC 3463); empty if there is none."""
    found = _STATUS.match(status)
    if found is None or found[1] in _VAGUE:
        found = _REPLY.search(diagnostic) or found
    return found[1] if found else ""


def _headers(part: Message) -> Message | None:
    """The headers of the mail that comes back in a part."""
    if part.get_content_type() not in _RETURNED:
        return None
    inner = _inner(part)
    if inner:
        return inner[0]
    raw = part.get_payload(decode=True)
    return message_from_bytes(raw) if isinstance(raw, bytes) else None


def _first_id(returned: Sequence[Message], report: Message) -> str:
    """The Message-ID of the mail that came back, or of that which the report answers."""
    fields = [_field(part, "Message-ID") for part in returned]
    fields += [_field(report, "In-Reply-To"), _field(report, "References")]
    found = (_MESSAGE_ID.search(field) for field in fields)
    return next((one[0] for one in found if one is not None), "")


def _field(part: Message, name: str) -> str:
    """A field's text: empty if it is missing, with what is not ASCII replaced."""
    return str(part.get(name, "")).replace("\x00", "").strip()


def _address(field: str) -> str:
    return parseaddr(field)[1].lower()


def _moment(text: str) -> datetime | None:
    try:
        return as_utc(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        return None
