"""Temporal for those commands that talk to workflows themselves."""

from __future__ import annotations

import atexit
import time
from typing import TYPE_CHECKING

from cli.failure import CommandFailed

if TYPE_CHECKING:
    from temporalio.client import Client


async def connect_temporal() -> Client:
    """A client as the environment says; imported late, because most commands need none.

    Raises:
        CommandFailed: Temporal does not answer, or the environment is not complete.
    """
    # The Temporal SDK's threads may crash a shutting-down interpreter (temporalio/sdk-python#300).
    atexit.register(time.sleep, 0.1)
    import temporal
    from settings import ConfigurationError, load_settings

    try:
        return await temporal.connect(load_settings(), attempts=1)
    except ConfigurationError as error:
        raise CommandFailed(str(error)) from error
    except RuntimeError as error:
        raise CommandFailed(
            f"Temporal does not answer ({error}). Is it running? `make up` starts the whole stack."
        ) from error
