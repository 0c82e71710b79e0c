"""Lines to a mail relay that stay open: dialling, TLS and login cost more than the mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import aiosmtplib

# Relays hang up after five minutes (RFC 5321 section 4.5.3.2.7); what lies between us, earlier.
_IDLE_AT_MOST = timedelta(seconds=60)

# Relays count the mails of a line too; the strictest that are common allow a hundred.
_MAILS_AT_MOST = 100


@dataclass
class _Line:
    smtp: aiosmtplib.SMTP
    mails: int = 0
    idle_since: float = 0.0


class SmtpLines:
    """At most so many lines to one relay, each for one mail at a time.

    A line on which anything went wrong is not used again, and one that was idle is asked whether
    it is still there before a mail is entrusted to it.
    """

    def __init__(self, new: Callable[[], aiosmtplib.SMTP], at_most: int) -> None:
        """Remember how to make a line; nothing is connected yet."""
        self._new = new
        self._slots = asyncio.Semaphore(at_most)
        self._idle: list[_Line] = []

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A line that is connected, encrypted and logged in as it was made to be.

        Raises:
            SMTPException: it cannot be connected.
        """
        async with self._slots:
            line = await self._waiting() or await self._dialled()
            try:
                yield line.smtp
            except BaseException:
                line.smtp.close()
                raise
            await self._keep(line)

    async def aclose(self) -> None:
        """Take leave on the lines that are idle; a mail that is under way keeps its line."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_hang_up(line) for line in idle))

    async def _waiting(self) -> _Line | None:
        """The line that was used last, if it is still there."""
        while self._idle:
            line = self._idle.pop()
            if _now() - line.idle_since < _IDLE_AT_MOST.total_seconds():
                with suppress(aiosmtplib.SMTPException, OSError):
                    await line.smtp.noop()
                    return line
            line.smtp.close()
        return None

    async def _dialled(self) -> _Line:
        smtp = self._new()
        await smtp.connect()
        return _Line(smtp)

    async def _keep(self, line: _Line) -> None:
        line.mails += 1
        if line.mails >= _MAILS_AT_MOST:
            await _hang_up(line)
            return
        line.idle_since = _now()
        self._idle.append(line)


async def _hang_up(line: _Line) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        await line.smtp.quit()
    line.smtp.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
