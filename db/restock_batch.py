"""Queues for goods, of many orders at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.inventory import Shortage
from domain.precedence import Claim


@dataclass(frozen=True, slots=True)
class NewShortage:
    """What an order waits for from now on."""

    order_id: str
    at: datetime
    shortages: tuple[Shortage, ...]


# Thousands may wait for one SKU. Only the asking orders' own claims are told apart; the others'
# are added up between them, which gives everybody the same place.
_CLAIMS = text(
    """
    WITH claim AS (
        SELECT request.order_id, request.sku, sum(item.quantity) AS quantity,
               (SELECT min(id) FROM restock_requests AS own
                WHERE own.order_id = request.order_id AND own.state = 'open') AS rank,
               request.order_id = ANY(CAST(:order_ids AS text[])) AS asks
        FROM restock_requests AS request
        JOIN order_items AS item ON item.order_id = request.order_id AND item.sku = request.sku
        WHERE request.state = 'open' AND request.sku = ANY(CAST(:skus AS text[]))
        GROUP BY request.order_id, request.sku
    )
    SELECT CASE WHEN asks THEN order_id ELSE '' END AS order_id, sku,
           sum(quantity) AS quantity, min(rank) AS rank
    FROM claim
    GROUP BY 1, sku, (SELECT count(DISTINCT own.rank) FROM claim AS own
                      WHERE own.asks AND own.rank <= claim.rank)
    """
)

_OPEN = text(
    """
    INSERT INTO restock_requests (order_id, sku, quantity, created_at)
    SELECT * FROM unnest(CAST(:order_ids AS text[]), CAST(:skus AS text[]),
                         CAST(:quantities AS int[]), CAST(:ats AS timestamptz[]))
    ON CONFLICT DO NOTHING
    """
)

_FILL = text(
    """
    UPDATE restock_requests SET state = 'filled', closed_at = filled.at
    FROM unnest(CAST(:order_ids AS text[]), CAST(:ats AS timestamptz[])) AS filled (order_id, at)
    WHERE restock_requests.order_id = filled.order_id AND state = 'open'
    """
)


async def claims_on(
    session: AsyncSession, skus: Collection[str], order_ids: Collection[str]
) -> list[Claim]:
    """What waiting orders claim of `skus`: each of `order_ids` for itself, others added up.

    Read it after the stock rows were locked: whoever joins the queue holds that lock.
    """
    rows = await session.execute(_CLAIMS, {"skus": sorted(skus), "order_ids": sorted(order_ids)})
    return [Claim.model_validate(dict(row)) for row in rows.mappings()]


async def open_requests(session: AsyncSession, shortages: Sequence[NewShortage]) -> None:
    """Note what orders wait for, the first of them first in every queue.

    An open request for the same SKU stays as it is.
    """
    lines = [(new, short) for new in shortages for short in new.shortages]
    await session.execute(
        _OPEN,
        {
            "order_ids": [new.order_id for new, _ in lines],
            "skus": [short.sku for _, short in lines],
            "quantities": [short.shortfall for _, short in lines],
            "ats": [new.at for new, _ in lines],
        },
    )


async def fill_requests(session: AsyncSession, filled: Sequence[tuple[str, datetime]]) -> None:
    """These orders wait no longer: they have all that they need."""
    await session.execute(
        _FILL,
        {
            "order_ids": [order_id for order_id, _ in filled],
            "ats": [at for _, at in filled],
        },
    )
