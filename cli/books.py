"""Commands that read the database directly: one session, and errors in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from cli.failure import REFUSED, CommandFailed
from cli.whereabouts import Whereabouts
from db.engine import connect, session_factory
from db.orders import OrderRow

T = TypeVar("T")

_NO_TABLE = "42P01"


def ask_books(where: Whereabouts, question: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """The answer to one question to the database.

    Raises:
        CommandFailed: the database does not answer, or is not what it should be.
    """
    return asyncio.run(guarded(where["database"], lambda: _ask(where["database"], question)))


async def guarded(database: str, work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` on `database`.

    Raises:
        CommandFailed: the database does not answer, or is not what it should be.
    """
    shown = shown_url(database)
    try:
        return await work()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CommandFailed(
            f"the database at {shown} does not answer ({error}). Is it running?"
            " `make up` starts the whole stack."
        ) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == _NO_TABLE:
            raise CommandFailed(
                f"the database at {shown} has no tables yet: run `python starter.py migrate`."
            ) from error
        raise CommandFailed(f"the database at {shown} says: {error.orig}") from error


def find_order_id(where: Whereabouts, given: str) -> str:
    """The id of the order that the user named by its id or its number.

    Raises:
        CommandFailed: there is no order with this number.
    """
    name = given.strip().upper()
    if not name.startswith("ORD"):
        return name
    order_id = ask_books(
        where,
        lambda session: session.scalar(
            select(OrderRow.id).where(col(OrderRow.order_number) == name)
        ),
    )
    if order_id is None:
        raise CommandFailed(f"there is no order {name}", code=REFUSED)
    return order_id


def shown_url(database: str) -> str:
    """The database's address without its password.

    Raises:
        CommandFailed: it is not the address of a database.
    """
    try:
        url = make_url(database)
    except ArgumentError as error:
        raise CommandFailed(
            "the database's address must look like postgresql+asyncpg://user@host:5432/orderflow"
        ) from error
    if url.drivername != "postgresql+asyncpg":
        raise CommandFailed("the database's address must start with postgresql+asyncpg://")
    return f"{url.host}:{url.port or 5432}/{url.database}"


async def _ask(database: str, question: Callable[[AsyncSession], Awaitable[T]]) -> T:
    engine = connect(database, pool_size=1)
    try:
        async with session_factory(engine)() as session:
            return await question(session)
    finally:
        await engine.dispose()
