"""Laws 4 and 5 for orders with several parcels: nothing is forgotten, nothing is sent twice."""

# ruff: noqa: S608 - every statement is put together from constants of this package

from __future__ import annotations

from db.laws.check import SETTLING, Check

_LISTS = "SELECT count(*) FROM picking_lists"
_PARCELS = "SELECT count(*) FROM shipments"
_GONE = "('shipped', 'delivered', 'completed')"
_GONE_ORDERS = f"SELECT count(*) FROM orders WHERE status IN {_GONE}"

_FORGOTTEN = f"""
    SELECT DISTINCT format('order %s is %s, but %s was never asked for its part',
                           order_number, status, line.warehouse_id)
    FROM orders
    JOIN holds ON holds.order_id = orders.id AND state = 'committed'
    JOIN hold_lines AS line ON line.hold_id = holds.id
    WHERE status IN {_GONE} AND NOT EXISTS (
        SELECT FROM picking_lists AS list
        WHERE list.order_id = orders.id AND list.warehouse_id = line.warehouse_id)
"""

_STILL_OPEN = f"""
    SELECT format('order %s is %s, but picking list %s of %s is %s',
                  order_number, status, list.id, warehouse_id, state)
    FROM orders JOIN picking_lists AS list ON list.order_id = orders.id
    WHERE status IN {_GONE} AND state IN ('intended', 'accepted')
"""

_DROPPED_KEEPS_STOCK = f"""
    SELECT format('order %s goes on without %s, but %s of %s are not back on their shelf',
                  order_number, list.warehouse_id, line.quantity, line.sku)
    FROM orders
    JOIN picking_lists AS list ON list.order_id = orders.id
    JOIN holds ON holds.order_id = orders.id AND holds.state = 'committed'
    JOIN hold_lines AS line
        ON line.hold_id = holds.id AND line.warehouse_id = list.warehouse_id
    WHERE status NOT IN ('cancelled', 'refunded') AND list.state IN ('refused', 'cancelled')
        AND EXISTS (SELECT FROM shipments WHERE shipments.order_id = orders.id)
        AND list.updated_at < now() - {SETTLING}
        AND NOT EXISTS (
            SELECT FROM stock_movements AS moved
            WHERE moved.reference = holds.id AND moved.reason = 'restocked'
                AND moved.warehouse_id = line.warehouse_id AND moved.sku = line.sku)
"""

_PARCEL_OF_ANOTHER = """
    SELECT format('parcel %s of order %s came of picking list %s, which is %s',
                  tracking_number, order_number, list.id,
                  CASE WHEN list.order_id = orders.id THEN state ELSE 'of another order' END)
    FROM shipments
    JOIN orders ON orders.id = shipments.order_id
    JOIN picking_lists AS list ON list.id = picking_list_id
    WHERE list.order_id <> orders.id OR state <> 'shipped'
"""

CHECKS = (
    Check(4, _GONE_ORDERS, _FORGOTTEN),
    Check(4, _GONE_ORDERS, _STILL_OPEN),
    Check(4, _LISTS, _DROPPED_KEEPS_STOCK),
    Check(5, _PARCELS, _PARCEL_OF_ANOTHER),
)
