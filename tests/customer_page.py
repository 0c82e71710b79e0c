"""Words for the customer's page: its link, what it shows, and orders put where a story is long."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import quote
from uuid import uuid4

import httpx
from sqlalchemy import text

from domain.ids import SHIPMENT, encode_id
from domain.page_links import LinkKeys
from domain.tracking import TrackingStatus
from settings import reveal
from tests.house import House

_PARCEL = (
    "UPDATE holds SET state = 'committed', moved_at = now() WHERE order_id = :order",
    """
    INSERT INTO picking_lists (id, order_id, warehouse_id, state, document, created_at, updated_at)
    VALUES (:list, :order, 'WH-HZ', 'shipped', '{}', :now, :now)
    """,
    """
    INSERT INTO shipments (id, order_id, picking_list_id, carrier, tracking_number, status,
                           shipped_at, estimated_delivery)
    VALUES (:parcel, :order, :list, 'sf-express', :number, :status, :now, :day)
    """,
    """
    INSERT INTO tracking_events
        (shipment_id, dedupe_key, occurred_at, status, description, location)
    VALUES (:parcel, 'e1', :now, :status, '<b>已到达</b>', '杭州市')
    """,
)


def keys(house: House) -> LinkKeys:
    return LinkKeys.from_ring([(k, reveal(key)) for k, key in house.settings.tracking_link_keys])


def link(house: House, number: str, **query: str) -> str:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{house.api}/t/{number}?k={quote(keys(house).sign(number))}{more}"


async def open_page(house: House, number: str, language: str = "", **query: str) -> httpx.Response:
    headers = {"Accept-Language": language}
    return await house.http.get(link(house, number, **query), headers=headers)


class Outline(HTMLParser):
    """The tags of a page with their attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag in {"style", "script"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


async def set_to(house: House, order_id: str, **columns: object) -> None:
    """Put an order where a story would need long to bring it."""
    assignments = ", ".join(f"{name} = :{name}" for name in columns)
    async with house.sessions.begin() as session:
        await session.execute(
            text(f"UPDATE orders SET {assignments} WHERE id = :id"),  # noqa: S608 - ours
            {"id": order_id, **columns},
        )


async def add_parcel(house: House, order_id: str, status: TrackingStatus) -> str:
    """A parcel of the order's warehouse, as if it had been picked and sent."""
    number = f"SF{uuid4().int % 10**12:012d}"
    values = {
        "order": order_id,
        "list": f"K{uuid4().hex[:26].upper()}",
        "parcel": encode_id(SHIPMENT, uuid4()),
        "number": number,
        "status": status.value,
        "now": datetime.now(UTC),
        "day": datetime(2026, 11, 23, 4, tzinfo=UTC),
    }
    async with house.sessions.begin() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in _PARCEL:
            await session.execute(text(statement), values)
    return number
