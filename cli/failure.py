"""Why a command stopped, in words for the person at the terminal."""

from __future__ import annotations

REFUSED = 1
CANNOT_RUN = 2


class CommandFailed(Exception):
    """Shown without a traceback. `code` 1: the answer is no; 2: the command could not run."""

    def __init__(self, message: str, *, code: int = CANNOT_RUN) -> None:
        super().__init__(message)
        self.code = code
