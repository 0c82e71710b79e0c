"""Runs `starter.py` as a user does, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]

# What decides where a command looks; a developer's own settings must not.
_DECISIVE = ("ORDERFLOW_", "DATABASE_URL", "TEMPORAL_", "PAYLOAD_KEYS", "SMTP_", "COLUMNS", "TERM")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed for programs."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Terminal:
    """A shell with certain variables set, in a directory without a stack's data."""

    directory: Path
    variables: dict[str, str]

    async def run(self, *arguments: str, stdin: str = "", **variables: str) -> Outcome:
        """One command; a traceback is never an answer."""
        return await self.python(str(PROJECT / "starter.py"), *arguments, stdin=stdin, **variables)

    async def python(
        self, program: str, *arguments: str, stdin: str = "", **variables: str
    ) -> Outcome:
        """Any program."""
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(_DECISIVE)
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            program,
            *arguments,
            cwd=self.directory,
            env={**clean, "COLUMNS": "100", **self.variables, **variables},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        outcome = Outcome(process.returncode, out.decode(), err.decode())
        assert "Traceback" not in outcome.out + outcome.err, outcome.err
        return outcome
