"""What happened at the simulator's doors: every request, callback and control, never a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sandbox.simulator.store import Store


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Entry(BaseModel):
    """One line of the journal.

    `verdict` of a request: committed, replayed, read, rejected, or the fault that was played
    (with `+committed` or `+replayed` when the party acted nevertheless); of a callback: delivered,
    retrying, gave_up or dropped.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    seq: int = 0
    at: str = Field(default_factory=_now)
    party: str
    kind: Literal["request", "callback", "control"]
    operation: str
    order_id: str = ""
    payment_id: str = ""
    ref: str = ""
    refund_id: str = ""
    amount: str = ""
    idempotency_key: str = ""
    status: int | None = None
    verdict: str
    delivered: bool | None = None
    attempt: int | None = None
    event_id: str = ""
    detail: str = ""


class Journal:
    """The journal's lines, kept with the rest of the state."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, entry: Entry) -> None:
        """Add a line."""
        self._store.execute(
            "INSERT INTO journal (party, order_id, payment_id, body) VALUES (?, ?, ?, ?)",
            entry.party,
            entry.order_id,
            entry.payment_id,
            entry.model_dump_json(exclude={"seq"}),
        )

    def read(
        self, *, order_id: str = "", payment_id: str = "", party: str = "", limit: int = 200
    ) -> list[Entry]:
        """The latest `limit` lines that fit, oldest first."""
        wanted = {"order_id": order_id, "payment_id": payment_id, "party": party}
        filters = {column: value for column, value in wanted.items() if value}
        where = " AND ".join(f"{column} = ?" for column in filters) or "1"
        # Only the three column names above get into the statement's text.
        sql = f"SELECT seq, body FROM journal WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608
        rows = self._store.execute(sql, *filters.values(), limit).fetchall()
        entries = [Entry.model_validate_json(body) for _, body in rows]
        return [
            entry.model_copy(update={"seq": seq})
            for (seq, _), entry in reversed(list(zip(rows, entries, strict=True)))
        ]

    def first(self, payment_id: str) -> int | None:
        """Where the journal first speaks of a payment; none if it does not."""
        if not payment_id:
            return None
        sql = "SELECT MIN(seq) FROM journal WHERE payment_id = ?"
        (seq,) = self._store.execute(sql, payment_id).fetchone()
        return None if seq is None else int(seq)

    def order_of(self, payment_id: str) -> str:
        """The order that a payment is for; empty if no line tells."""
        if not payment_id:
            return ""
        sql = "SELECT MAX(order_id) FROM journal WHERE payment_id = ?"
        return self._store.execute(sql, payment_id).fetchone()[0] or ""

    def clear(self) -> None:
        """Tear all pages out."""
        self._store.execute("DELETE FROM journal")
