"""The stock benchmark, on a PostgreSQL of its own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


async def test_one_run_holds_alone_and_together_and_breaks_no_law() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench", "stock"),
        *("--alone", "10", "--together", "20", "--rounds", "1"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    printed = output.decode()

    assert process.returncode == 0, printed
    assert "laws broken: 0" in printed
    for callers in (64, 256):
        assert f"{callers} callers on one SKU:" in printed
