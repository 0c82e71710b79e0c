"""`python -m sandbox.mail`: takes every mail and shows it.

Reads MAIL_DIR, MAIL_SMTP_PORT, MAIL_WEB_PORT, and for what does not arrive SIM_CALLBACK_URL (the
API) and SMTP_BOUNCE_SECRET.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvicorn

from sandbox.mail.bounces import Postmaster
from sandbox.mail.pages import build_app
from sandbox.mail.smtp import listen
from sandbox.mail.store import MailStore

_HOST = "127.0.0.1"
_NEEDED = "MAIL_DIR, MAIL_SMTP_PORT, MAIL_WEB_PORT, SIM_CALLBACK_URL and SMTP_BOUNCE_SECRET"


async def serve(
    directory: Path, smtp_port: int, web_port: int, *, api: str, bounce_secret: str
) -> None:
    """Take mail on one port and show it on the other, until SIGINT or SIGTERM."""
    store = MailStore(directory)
    postmaster = Postmaster(store, api, bounce_secret)
    pages = uvicorn.Server(
        uvicorn.Config(
            build_app(store, postmaster),
            host=_HOST,
            port=web_port,
            log_level="warning",
            lifespan="off",
        )
    )
    smtp = await listen(store, _HOST, smtp_port)
    try:
        await pages.serve()
    finally:
        smtp.close()


def main() -> None:
    """Read the environment and serve."""
    try:
        directory = Path(os.environ["MAIL_DIR"])
        smtp_port, web_port = (int(os.environ[f"MAIL_{kind}_PORT"]) for kind in ("SMTP", "WEB"))
        api, secret = os.environ["SIM_CALLBACK_URL"], os.environ["SMTP_BOUNCE_SECRET"]
    except (KeyError, ValueError) as error:
        sys.exit(f"mail: {_NEEDED} are needed: {error}")
    asyncio.run(serve(directory, smtp_port, web_port, api=api, bounce_secret=secret))


if __name__ == "__main__":
    main()
