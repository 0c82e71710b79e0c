"""The connection pool and the session factory that activities are given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

Sessions = async_sessionmaker[AsyncSession]


def connect(database_url: str, pool_size: int = 10) -> AsyncEngine:
    """A pool of at most `pool_size` connections; a dead connection is noticed and replaced."""
    engine = create_async_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        # Parameters are customers' names and addresses: they must not reach a log.
        hide_parameters=True,
        connect_args={
            "server_settings": {
                "application_name": "orderflow",
                "timezone": "UTC",
                # Transactions are short: who keeps a row for longer than this is stuck.
                "lock_timeout": "5s",
            },
            "timeout": 10,
            "command_timeout": 30,
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def session_factory(engine: AsyncEngine) -> Sessions:
    """Sessions on `engine`; objects stay readable after their commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def single_statements(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """A session whose statements are each a transaction of its own.

    For reading, and for one write alone: it saves the trips to begin and to end a transaction.
    """
    async with sessions() as session:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        yield session


@asynccontextmanager
async def one_snapshot(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """A session to read with whose statements all see the same moment."""
    async with sessions() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def _refuse_closed(
    _connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """Have the pool replace a connection that the server has closed.

    The event loop knows of it already. SQLAlchemy's own `pool_pre_ping` asks the server instead:
    a transaction around each question, three trips for each session.
    """
    driver = entry.driver_connection
    if driver is None or driver.is_closed():
        raise DisconnectionError("the server has closed the connection")
