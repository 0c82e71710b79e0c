"""`bounce`: what a mail server runs for each mail that comes back."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

from cli import output
from cli.failure import CommandFailed
from cli.http import Remote
from cli.options import DEFAULT_DATA_DIR, ApiUrl, DataDir
from cli.whereabouts import Whereabouts
from gateways.signatures import SIGNATURE_HEADER, sign

# As in <sysexits.h>: a mail server gives a mail up for the first, and tries again for the second.
DATA_ERROR = 65
TRY_AGAIN = 75

_SECRET = "SMTP_BOUNCE_SECRET"
# What the API reads of a callback. A report begins with what counts and ends with the mail.
_LONGEST = 256 * 1024
_NOT_READABLE = {413, 422}


def bounce(*, data_dir: DataDir = DEFAULT_DATA_DIR, api_url: ApiUrl = "") -> None:
    """Pass a delivery report from stdin on to the API, signed with SMTP_BOUNCE_SECRET.

    For a mail server: it ends with 0 when the mail is dealt with (also one that is no report), with
    75 when it has to be handed over again, and with 65 when that would be of no use.
    """
    # All of it is read: a mail server need not bear a pipe that closes early.
    content = sys.stdin.buffer.read()[:_LONGEST]
    if not content.strip():
        raise CommandFailed("there is no mail on stdin", code=DATA_ERROR)
    try:
        status, said = _pass_on(Whereabouts(data_dir, api=api_url), content)
    except CommandFailed as failed:
        raise CommandFailed(str(failed), code=TRY_AGAIN) from failed
    if status >= 300:
        code = DATA_ERROR if status in _NOT_READABLE else TRY_AGAIN
        raise CommandFailed(f"the API did not take the report: {said}", code=code)
    output.say(said)


def _pass_on(where: Whereabouts, content: bytes) -> tuple[int, str]:
    """The API's status, and what it said."""
    where.environment()
    secret = os.environ.get(_SECRET, "")
    if not secret:
        raise CommandFailed(f"{_SECRET} is not set: nothing can be signed")
    headers = {
        "Content-Type": "message/rfc822",
        SIGNATURE_HEADER: sign(content, secret, datetime.now(UTC)),
    }
    with Remote("the API", where["api"]) as api:
        answer = api.hand_over("/callbacks/messages/email", content, headers)
    told = ": ".join(str(answer.body[name]) for name in ("status", "reason") if name in answer.body)
    return answer.status, told if answer.ok else answer.said()
