"""Goods that a customer is to get once more: what was lost, and what came back to be exchanged."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.refunding import SentAgain

# Of each line: what may come in place of a lost parcel, until that has come or cannot any more; and
# what is exchanged, from the moment when somebody asks for it. What people were called to look
# after, because its workflow is gone, is theirs to refund.
SENT_AGAIN = """
    SELECT parcel.order_id, item.line_no, item.sku, sent.quantity AS units, again.order_number,
           '' AS return_id
    FROM shipments AS parcel
    JOIN orders AS again ON again.id = parcel.resent_as
    JOIN order_items AS sent ON sent.order_id = again.id
    JOIN order_items AS item ON item.order_id = parcel.order_id AND item.sku = sent.sku
    WHERE parcel.given_up_at IS NULL AND parcel.shipping_status <> 'delivered'
        AND again.status NOT IN ('delivered', 'completed', 'cancelled', 'refunded')
    UNION ALL
    SELECT returns.order_id, line.line_no, line.sku,
           CASE WHEN received_at IS NULL THEN quantity ELSE resellable + damaged END,
           coalesce(again.order_number, ''), returns.id
    FROM returns
    JOIN return_lines AS line ON line.return_id = returns.id
    LEFT JOIN orders AS again ON again.id = replacement_order_id
    WHERE kind = 'exchange' AND state IN ('requested', 'approved', 'received')
        AND coalesce(again.status, '') NOT IN ('delivered', 'completed', 'cancelled', 'refunded')
        AND NOT EXISTS (
            SELECT FROM order_events AS failed WHERE failed.order_id = returns.order_id
                AND failed.dedupe_key = concat('exchange_failed', chr(58), returns.id))
"""

_OF_ORDER = text(
    f"SELECT line_no, units, order_number, return_id FROM ({SENT_AGAIN}) AS again"  # noqa: S608
    " WHERE order_id = :order_id AND units > 0 ORDER BY 1, 3, 4"
)


async def sent_again(session: AsyncSession, order_id: str) -> list[SentAgain]:
    """What of an order the customer is to get once more, line by line; lock the order before."""
    rows = await session.execute(_OF_ORDER, {"order_id": order_id})
    return [
        SentAgain(
            line_no=row.line_no,
            units=row.units,
            order_number=row.order_number,
            return_id=row.return_id,
        )
        for row in rows
    ]
