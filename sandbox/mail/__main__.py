"""`python -m sandbox.mail`: takes every mail and shows it.

Reads MAIL_DIR, MAIL_SMTP_PORT and MAIL_WEB_PORT.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvicorn

from sandbox.mail.pages import build_app
from sandbox.mail.smtp import listen
from sandbox.mail.store import MailStore

_HOST = "127.0.0.1"


async def serve(directory: Path, smtp_port: int, web_port: int) -> None:
    """Take mail on one port and show it on the other, until SIGINT or SIGTERM."""
    store = MailStore(directory)
    pages = uvicorn.Server(
        uvicorn.Config(
            build_app(store), host=_HOST, port=web_port, log_level="warning", lifespan="off"
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
    except (KeyError, ValueError) as error:
        sys.exit(f"mail: MAIL_DIR, MAIL_SMTP_PORT and MAIL_WEB_PORT are needed: {error}")
    asyncio.run(serve(directory, smtp_port, web_port))


if __name__ == "__main__":
    main()
