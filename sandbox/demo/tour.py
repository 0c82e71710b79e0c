"""Brings a stack up, tells the stories at the same time, and looks into the books."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from rich.progress import Progress, SpinnerColumn, TextColumn
from sqlalchemy import text

import temporal
from cli import output
from db.audit import AuditReport, audit
from db.engine import Sessions, connect, session_factory
from sandbox.demo import show
from sandbox.demo.links import find_links
from sandbox.demo.shop import Shop
from sandbox.demo.stories import STORIES
from sandbox.demo.story import Story, tell
from sandbox.endpoints_file import write_endpoints
from sandbox.stack import EmbeddedStack
from settings import load_settings

_FINE, _WRONG = 0, 1
_MAIL_PATIENCE_SECONDS = 20.0


async def run(*, stay: bool) -> int:
    """The whole demo; the exit code."""
    with _scratch_folder() as folder:
        began = time.monotonic()
        with _busy("starting PostgreSQL and Temporal") as say:
            stack = EmbeddedStack(folder, 0, durable=False, progress=say)
            await stack.__aenter__()
        try:
            output.say(f"The whole stack is up after {time.monotonic() - began:.0f} s.", "dim")
            fine = await _tour(stack, folder, staying=stay)
            if not fine:
                output.say(f"The logs of this run are kept in {_keep_logs(folder)}", "bold")
            if stay:
                output.say("\nThe stack keeps running. Ctrl-C stops it.", "bold")
                with suppress(asyncio.CancelledError):
                    await stack.wait_for_failure()
            return _FINE if fine else _WRONG
        finally:
            await stack.__aexit__(None, None, None)


async def _tour(stack: EmbeddedStack, folder: Path, *, staying: bool) -> bool:
    at = stack.endpoints
    # The commands of `starter.py` find this stack as they find that of `make up`.
    write_endpoints(folder, at)
    os.environ.update(stack.environment)
    client = await temporal.connect(load_settings())
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        shop = Shop(at, http, client)
        with _busy(f"{len(STORIES)} stories are under way"):
            stories = await asyncio.gather(*(tell(shop, *story) for story in STORIES))
            sent, report = await _look_into_books(at.database)
            await _look_again(shop, stories)
        mails = await shop.mails()
        orders = [story.order for story in stories if story.order]
        found = await find_links(shop, at, orders[0], folder) if orders else None
        opened = [await shop.opens(url) for url in found.pages.values()] if found else []
    for number, story in enumerate(stories, start=1):
        show.story(number, story)
    show.messages(sent, len(mails))
    show.books(report)
    fine = show.verdict(
        {
            "every story ended as it should": not any(story.wrong for story in stories),
            "every mail that was sent arrived once": sent["email sent"] == len(mails),
            "every message went out": not any(
                name.endswith((" failed", " pending")) for name in sent
            ),
            "every law holds": report.ok,
            "every page below opens": bool(opened) and all(opened),
        }
    )
    if found:
        show.links(found, staying=staying)
    return fine


async def _look_into_books(database: str) -> tuple[Counter[str], AuditReport]:
    """What became of all messages, and then the audit."""
    engine = connect(database, pool_size=1)
    try:
        sessions = session_factory(engine)
        sent = await _messages(sessions)
        async with sessions() as session:
            return sent, await audit(session)
    finally:
        await engine.dispose()


async def _look_again(shop: Shop, stories: Sequence[Story]) -> None:
    """The stories' orders, now that their customers have been told how they ended."""
    for story in stories:
        if story.order:
            story.order = await shop.look(story.order["orderId"])


async def _messages(sessions: Sessions) -> Counter[str]:
    """Messages by channel and state, once none is on its way any more."""
    deadline = time.monotonic() + _MAIL_PATIENCE_SECONDS
    while True:
        async with sessions() as session:
            rows = await session.execute(
                text("SELECT channel, state, count(*) FROM notifications GROUP BY 1, 2 ORDER BY 1")
            )
            found = Counter({f"{channel} {state}": count for channel, state, count in rows})
        on_their_way = any(name.endswith(" pending") for name in found)
        if not on_their_way or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.2)


def _keep_logs(folder: Path) -> Path:
    """Copy the logs to where they outlive the demo; the copy's folder."""
    kept = Path(tempfile.mkdtemp(prefix="orderflow-demo-logs-"))
    shutil.copytree(folder / "logs", kept, dirs_exist_ok=True)
    return kept


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="orderflow-demo-") as folder:
        # PostgreSQL may run under an account of its own.
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def _busy(doing: str) -> Iterator[Callable[[str], None]]:
    spinner = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        console=output.console,
        transient=True,
        disable=not output.console.is_terminal,
    )
    with spinner:
        task = spinner.add_task(doing)
        yield lambda line: spinner.update(task, description=line)
