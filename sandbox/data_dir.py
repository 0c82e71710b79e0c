"""The directory that holds everything an embedded stack remembers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError


@contextmanager
def locked_data_dir(path: Path) -> Iterator[Path]:
    """Create the directory if need be and hold it for this process alone; gives its full path.

    The system drops the lock when the process dies, however it dies.

    Raises:
        SandboxError: it cannot be written, or another stack runs on it.
    """
    directory = path.expanduser().resolve()
    try:
        for part in (directory, directory / "logs", directory / "run"):
            part.mkdir(parents=True, exist_ok=True)
        lock = (directory / "lock").open("a+")
    except OSError as error:
        raise SandboxError(
            f"cannot write to the data directory {directory}: {error.strerror}."
            " Choose another one with --data-dir."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise SandboxError(
                f"another stack (process {lock.read().strip() or 'unknown'}) runs on {directory}."
                " Stop it, or choose another directory with --data-dir and"
                " other ports with --port-base."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield directory
