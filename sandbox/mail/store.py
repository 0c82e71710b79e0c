"""Mails as files: one `.eml` each, which any mail program opens."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path

_ID = re.compile(r"\d{8}T\d{12}-[0-9a-f]{8}")
_KIND = re.compile(r"[a-z_]{1,40}")
_NO_SUBJECT = "(no subject)"


@dataclass(frozen=True, slots=True)
class MailSummary:
    """What a list shows; `date` is UTC and `kind` is what the header `X-Orderflow-Kind` says."""

    id: str
    to: str
    subject: str
    date: datetime
    kind: str

    def matches(self, query: str) -> bool:
        """Whether every word of `query` is in it."""
        text = f"{self.to} {self.subject} {self.kind}".casefold()
        return all(word in text for word in query.casefold().split())


class MailStore:
    """The mails of a directory; of more than `keep` the oldest are deleted."""

    def __init__(self, directory: Path, *, keep: int = 5_000) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._keep = keep
        self._mails: dict[str, MailSummary] = {}
        for path in sorted(directory.glob("*.eml")):
            if _ID.fullmatch(path.stem):
                self._remember(path.stem, path.read_bytes())

    def add(self, content: bytes, recipients: Sequence[str], sender: str = "") -> str:
        """Keep one mail and give its id; ids sort by time of arrival.

        `recipients` and `sender` are the envelope's.
        """
        mail_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        # Added as a delivering server does: the header need not name the one who gets the mail.
        lines = [f"Delivered-To: {recipient}" for recipient in recipients]
        trace = "\r\n".join([*lines, f"Return-Path: <{sender}>", ""]).encode()
        path = self._path(mail_id)
        draft = path.with_suffix(".new")
        draft.write_bytes(trace + content)
        draft.replace(path)
        self._remember(mail_id, trace + content)
        return mail_id

    def summaries(self, query: str = "") -> list[MailSummary]:
        """All mails that match, newest first."""
        return [mail for mail in reversed(self._mails.values()) if mail.matches(query)]

    def summary(self, mail_id: str) -> MailSummary | None:
        """One mail's summary, or None when there is no such mail."""
        return self._mails.get(mail_id)

    def raw(self, mail_id: str) -> bytes | None:
        """One mail as it arrived."""
        return self._path(mail_id).read_bytes() if mail_id in self._mails else None

    def message(self, mail_id: str) -> EmailMessage | None:
        """One mail, parsed."""
        content = self.raw(mail_id)
        if content is None:
            return None
        return BytesParser(EmailMessage, policy=policy.default).parsebytes(content)

    def _path(self, mail_id: str) -> Path:
        return self._directory / f"{mail_id}.eml"

    def _remember(self, mail_id: str, content: bytes) -> None:
        self._mails[mail_id] = _summarize(mail_id, content)
        while len(self._mails) > self._keep:
            oldest = next(iter(self._mails))
            del self._mails[oldest]
            self._path(oldest).unlink(missing_ok=True)


def _summarize(mail_id: str, content: bytes) -> MailSummary:
    headers = BytesHeaderParser(policy=policy.default).parsebytes(content)
    return MailSummary(
        id=mail_id,
        to=", ".join(str(value) for value in headers.get_all("Delivered-To", [])),
        subject=str(headers["Subject"] or _NO_SUBJECT),
        date=_date(str(headers["Date"] or ""), mail_id),
        kind=_kind(str(headers["X-Orderflow-Kind"] or "")),
    )


def _date(header: str, mail_id: str) -> datetime:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        arrived = mail_id.partition("-")[0]
        return datetime.strptime(arrived, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)


def _kind(header: str) -> str:
    return header if _KIND.fullmatch(header) else ""
