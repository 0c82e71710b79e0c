"""Law 4 for goods that are sent again: never less than was paid for, never goods and money."""

# ruff: noqa: S608 - every statement is put together from constants of this package

from __future__ import annotations

from db.after_sales import SENT_UNITS
from db.laws.check import SETTLING, Check
from db.sent_again import SENT_AGAIN

_RESENT = "SELECT count(*) FROM shipments WHERE resent_as IS NOT NULL"
_AGAIN = "SELECT count(*) FROM orders WHERE replacement_of IS NOT NULL"

_RESENDS_MORE = f"""
    SELECT format('order %s sends %s × %s again, but %s were in parcel %s',
                  other.order_number, item.quantity, item.sku, coalesce(sum(lost.units), 0),
                  parcel.tracking_number)
    FROM shipments AS parcel
    JOIN orders AS other ON other.id = parcel.resent_as
    JOIN order_items AS item ON item.order_id = other.id
    LEFT JOIN ({SENT_UNITS}) AS lost ON lost.order_id = parcel.order_id
        AND lost.tracking_number = parcel.tracking_number AND lost.sku = item.sku
    GROUP BY other.id, item.line_no, item.quantity, item.sku, parcel.tracking_number, order_number
    HAVING item.quantity > coalesce(sum(lost.units), 0)
"""

_NOT_MADE_GOOD = """
    SELECT format('parcel %s of order %s is %s and counts as delivered, but %s, which sent its'
                  ' goods again, is %s',
                  tracking_number, parcel.order_id, parcel.status,
                  coalesce(order_number, 'nothing'), coalesce(other.status, 'not there'))
    FROM shipments AS parcel LEFT JOIN orders AS other ON other.id = parcel.resent_as
    WHERE parcel.shipping_status = 'delivered' AND parcel.status <> 'delivered'
        AND coalesce(other.status, '') NOT IN ('delivered', 'completed')
"""

# What came of each order that sends goods again, in its own parcels or in what was sent for those.
_CAME = f"""
    WITH RECURSIVE way (order_id, again) AS (
        SELECT resent_as, resent_as FROM shipments WHERE resent_as IS NOT NULL
        UNION ALL
        SELECT way.order_id, parcel.resent_as FROM way JOIN shipments AS parcel
            ON parcel.order_id = way.again AND parcel.resent_as IS NOT NULL
            AND parcel.shipping_status = 'delivered' AND parcel.status <> 'delivered'
    )
    SELECT way.order_id, sent.sku, sum(sent.units) AS units
    FROM way JOIN ({SENT_UNITS}) AS sent ON sent.order_id = way.again
    WHERE sent.shipping_status = 'delivered' AND sent.tracking_status = 'delivered'
    GROUP BY 1, 2
"""

_PAID_BACK = f"""
    SELECT lines FROM refunds WHERE refunds.order_id = first.id
        AND (state <> 'failed' OR settled_at > now() - {SETTLING})
"""

# What a mere amount was given back for cannot be told: such an order is left alone.
_NEVER_CAME = f"""
    SELECT format('order %s paid for %s × %s that were sent again as order %s, but %s came, and the'
                  ' money for %s went back',
                  first.order_number, item.quantity, item.sku, other.order_number,
                  coalesce(came.units, 0), coalesce(back.units, 0))
    FROM shipments AS parcel
    JOIN orders AS first ON first.id = parcel.order_id
    JOIN orders AS other ON other.id = parcel.resent_as
    JOIN order_items AS item ON item.order_id = other.id
    JOIN order_items AS bought ON bought.order_id = first.id AND bought.sku = item.sku
    LEFT JOIN ({_CAME}) AS came ON came.order_id = other.id AND came.sku = item.sku
    LEFT JOIN LATERAL (
        SELECT sum((lines ->> bought.line_no::text)::int) AS units FROM ({_PAID_BACK}) AS paid
    ) AS back ON true
    WHERE parcel.shipping_status = 'delivered' AND parcel.status <> 'delivered'
        AND first.kept_minor > 0 AND first.updated_at < now() - {SETTLING}
        AND item.quantity > coalesce(came.units, 0) + coalesce(back.units, 0)
        AND NOT EXISTS ({_PAID_BACK} AND lines = '{{}}')
"""

# Found while something can still be done about it: these goods have not come yet.
_BOTH = f"""
    SELECT format('order %s gives money back for %s × %s, and sends %s of %s again (%s)',
                  order_number, back.units, item.sku, coming.units, item.quantity, coming.way)
    FROM orders
    JOIN order_items AS item ON item.order_id = orders.id
    JOIN (
        SELECT order_id, line_no, sum(units) AS units,
               string_agg(coalesce(nullif(order_number, ''), return_id), ', ') AS way
        FROM ({SENT_AGAIN}) AS again GROUP BY 1, 2
    ) AS coming ON coming.order_id = orders.id AND coming.line_no = item.line_no
    JOIN LATERAL (
        SELECT sum((lines ->> item.line_no::text)::int) AS units FROM refunds
        WHERE refunds.order_id = orders.id AND state <> 'failed'
    ) AS back ON true
    WHERE back.units + coming.units > item.quantity
"""

# An order takes a moment to call off what it sends again, and what is sent again for that.
_PAID_BACK_AND_PICKED = f"""
    WITH RECURSIVE way (first, again) AS (
        SELECT order_id, resent_as FROM shipments
        WHERE resent_as IS NOT NULL AND given_up_at IS NULL
        UNION ALL
        SELECT way.first, parcel.resent_as FROM way JOIN shipments AS parcel
            ON parcel.order_id = way.again AND resent_as IS NOT NULL AND given_up_at IS NULL
    )
    SELECT format('order %s is paid back, but order %s, which sends its goods again, is %s',
                  bought.order_number, again.order_number, again.status)
    FROM way
    JOIN orders AS bought ON bought.id = way.first
    JOIN orders AS again ON again.id = way.again
    WHERE bought.kept_minor = 0 AND bought.total_minor > 0
        AND bought.updated_at < now() - {SETTLING}
        AND again.status IN ('pending', 'pending_restock', 'confirmed', 'processing')
"""

CHECKS = (
    Check(4, _RESENT, _RESENDS_MORE),
    Check(4, _RESENT, _NOT_MADE_GOOD),
    Check(4, _RESENT, _NEVER_CAME),
    Check(4, _AGAIN, _BOTH),
    Check(4, _RESENT, _PAID_BACK_AND_PICKED),
)
