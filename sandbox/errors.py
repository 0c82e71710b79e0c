"""What stops the embedded stack from working, in words that say what to do."""

from __future__ import annotations

from pathlib import Path


class SandboxError(Exception):
    """The stack cannot run; the message is written for the person at the terminal."""


def log_tail(log: Path, *, lines: int = 15) -> str:
    """The last lines of a child's log, indented, for an error message."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return f"  (nothing in {log})"
    tail = text.rstrip().splitlines()[-lines:]
    return "\n".join([*(f"  {line}" for line in tail), f"  (all of it: {log})"])
