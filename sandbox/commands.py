"""Runs a command of the project that comes to an end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sandbox.errors import SandboxError, log_tail

_PATIENCE_SECONDS = 120.0


async def run_once(
    command: tuple[str, ...], *, env: Mapping[str, str], cwd: Path, log: Path
) -> None:
    """Run `command` to its end; what it prints goes to `log`.

    Raises:
        SandboxError: it failed, or took longer than two minutes; with the end of its log.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=env,
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    shown = " ".join(command[1:])
    try:
        code = await asyncio.wait_for(process.wait(), _PATIENCE_SECONDS)
    except TimeoutError:
        raise SandboxError(
            f"`{shown}` took longer than {_PATIENCE_SECONDS:.0f} s:\n{log_tail(log)}"
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code != 0:
        raise SandboxError(f"`{shown}` failed (exit code {code}):\n{log_tail(log)}")
