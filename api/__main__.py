"""`python -m api`: serve the HTTP API until SIGTERM or SIGINT."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import time

import uvicorn

import telemetry
from api.app import create_app
from settings import Settings, load_settings

# The Temporal SDK's threads may still deliver a result while Python shuts down and crash it;
# registered first, this runs last (temporalio/sdk-python#300).
atexit.register(time.sleep, 0.1)

_GRACE_SECONDS = 20

log = logging.getLogger("orderflow.api")


def main() -> None:
    """Serve, then leave without waiting for the SDK's threads."""
    settings = load_settings()
    telemetry.set_up(settings, "api")
    code = 0
    try:
        _serve(settings)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except Exception:
        log.exception("api_failed")
        code = 1
    telemetry.flush()
    sys.stderr.flush()
    # Not sys.exit: the SDK's threads may hang the interpreter's shutdown.
    os._exit(code)


def _serve(settings: Settings) -> None:
    # uvicorn finishes what is running, then raises the signal again: by then we are leaving.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        # Access logs would hold order ids and the codec's token; telemetry has set logging up.
        access_log=False,
        log_config=None,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


if __name__ == "__main__":
    main()
