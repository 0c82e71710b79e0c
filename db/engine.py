"""The connection pool and the session factory that activities are given."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

Sessions = async_sessionmaker[AsyncSession]


def connect(database_url: str, pool_size: int = 10) -> AsyncEngine:
    """A pool of at most `pool_size` connections; a dead connection is noticed and replaced."""
    return create_async_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        # Parameters are customers' names and addresses: they must not reach a log.
        hide_parameters=True,
        connect_args={
            "server_settings": {"application_name": "orderflow", "timezone": "UTC"},
            "timeout": 10,
            "command_timeout": 30,
        },
    )


def session_factory(engine: AsyncEngine) -> Sessions:
    """Sessions on `engine`; objects stay readable after their commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
