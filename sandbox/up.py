"""`starter.py up`: the embedded stack in the foreground, until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.endpoints_file import write_endpoints
from sandbox.errors import SandboxError
from sandbox.layout import Endpoints
from sandbox.stack import EmbeddedStack

_EXIT_STOPPED = 0
_EXIT_FAILED = 2


async def run_up(data_dir: Path, port_base: int, *, json_line: bool) -> int:
    """Run the stack until SIGINT or SIGTERM and give the exit code: 2 when it cannot run.

    With `json_line` the first and only line on stdout is the JSON object that names the
    endpoints, printed when everything answers; progress then goes to stderr.
    """
    console = Console(stderr=json_line, highlight=False)
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, told_to_stop.set)
    try:
        stack = EmbeddedStack(data_dir, port_base, progress=lambda line: _say(console, line))
        work = asyncio.create_task(_run(stack, console, data_dir, json_line=json_line))
        stop = asyncio.create_task(told_to_stop.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not work.done():
            _say(console, "stopping")
            work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        if work.cancelled():
            return _EXIT_STOPPED
        work.result()
    except SandboxError as error:
        Console(stderr=True, highlight=False).print(
            f"orderflow: {error}", markup=False, soft_wrap=True
        )
        return _EXIT_FAILED
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
    return _EXIT_STOPPED


async def _run(stack: EmbeddedStack, console: Console, data_dir: Path, *, json_line: bool) -> None:
    async with stack:
        write_endpoints(data_dir, stack.endpoints)
        if json_line:
            print(json.dumps(stack.endpoints.as_json()), flush=True)  # noqa: T201 - the contract
        else:
            _show(console, stack.endpoints, data_dir)
        await stack.wait_for_failure()


def _say(console: Console, line: str) -> None:
    console.print(f"  {line}", style="dim", markup=False)


def _show(console: Console, at: Endpoints, data_dir: Path) -> None:
    table = Table(title="Orderflow is running", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in (
        ("API", at.api),
        ("API key", at.api_key),
        ("Temporal Web UI", at.ui),
        ("Temporal", at.temporal),
        ("Mail", at.mail),
        ("Simulator", f"{at.simulator}/_sim/"),
        ("Database", at.database),
        ("Logs", str(data_dir.expanduser().resolve() / "logs")),
    ):
        table.add_row(name, value)
    console.print(table)
    console.print("\nPlace an order:\n", style="bold")
    elsewhere = "" if data_dir == Path(".data") else f" --data-dir {data_dir}"
    # Unwrapped, so that they can be copied from a narrow terminal.
    console.print(f"  python starter.py order{elsewhere}", markup=False, soft_wrap=True)
    console.print(
        f"  curl -X POST {at.api}/orders -H 'Authorization: Bearer {at.api_key}'"
        " -H 'Content-Type: application/json' -d @examples/order-cn.json",
        markup=False,
        soft_wrap=True,
    )
    console.print("\nCtrl-C stops it; what it holds is kept.", style="dim")
