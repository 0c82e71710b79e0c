"""The simulator's memory: JSON documents in SQLite, so that `kill -9` loses nothing committed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)

# NORMAL in WAL mode does not fsync on commit: a killed process loses nothing, only a power cut
# may, and a commit costs tens of microseconds, so it can run on the event loop.
_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA busy_timeout = 5000;
CREATE TABLE IF NOT EXISTS document (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS document_owner ON document (kind, owner, seq);
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    party TEXT NOT NULL,
    order_id TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS journal_order ON journal (order_id, seq);
CREATE INDEX IF NOT EXISTS journal_payment ON journal (payment_id, seq);
"""


class Store:
    """One SQLite connection, used by the event loop's thread only."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._depth = 0
        self._after_commit: list[Callable[[], None]] = []

    def open(self) -> None:
        """Open the file, creating what is missing."""
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.executescript(_SCHEMA)
        self._connection = connection

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def execute(self, sql: str, *parameters: str | float) -> sqlite3.Cursor:
        """Run one statement."""
        if self._connection is None:
            raise RuntimeError("the simulator's store is not open")
        return self._connection.execute(sql, parameters)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; an inner transaction belongs to the outer one. Never await inside."""
        if self._depth == 0:
            self.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._after_commit.clear()
                self.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self.execute("COMMIT")
            actions, self._after_commit = self._after_commit, []
            for action in actions:
                action()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the current transaction is safe, at once outside of one."""
        if self._depth == 0:
            action()
        else:
            self._after_commit.append(action)


class Collection(Generic[M]):
    """The documents of one kind, in the order of their creation, each with one owner."""

    def __init__(self, store: Store, kind: str, model: type[M]) -> None:
        self._store = store
        self._kind = kind
        self._model = model

    def get(self, document_id: str) -> M | None:
        """The document, if there is one."""
        row = self._store.execute(
            "SELECT body FROM document WHERE kind = ? AND id = ?", self._kind, document_id
        ).fetchone()
        return self._model.model_validate_json(row[0]) if row else None

    def put(self, document_id: str, document: M, owner: str = "") -> None:
        """Write the document; it keeps its place in the order."""
        self._store.execute(
            "INSERT INTO document (kind, id, owner, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, owner = excluded.owner",
            self._kind,
            document_id,
            owner,
            document.model_dump_json(),
        )

    def delete(self, document_id: str) -> None:
        """Forget the document."""
        self._store.execute(
            "DELETE FROM document WHERE kind = ? AND id = ?", self._kind, document_id
        )

    def clear(self) -> None:
        """Forget all documents of this kind."""
        self._store.execute("DELETE FROM document WHERE kind = ?", self._kind)

    def owned(self, owner: str) -> list[M]:
        """The owner's documents, oldest first."""
        rows = self._store.execute(
            "SELECT body FROM document WHERE kind = ? AND owner = ? ORDER BY seq",
            self._kind,
            owner,
        )
        return [self._model.model_validate_json(row[0]) for row in rows]

    def latest(self, limit: int) -> list[M]:
        """The newest documents, newest first."""
        rows = self._store.execute(
            "SELECT body FROM document WHERE kind = ? ORDER BY seq DESC LIMIT ?", self._kind, limit
        )
        return [self._model.model_validate_json(row[0]) for row in rows]
