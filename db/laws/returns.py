"""Laws 1 and 4 for what comes back: no unit twice, none lost, nothing paid for in vain."""

# ruff: noqa: S608 - every statement is put together from constants of this package

from __future__ import annotations

from db.after_sales import SENT_UNITS
from db.laws.check import Check

_RETURNS = "SELECT count(*) FROM returns"
_LINES = "SELECT count(*) FROM return_lines"
_REPLACEMENTS = "SELECT count(*) FROM orders WHERE replacement_of IS NOT NULL"

# What a return takes: what was asked for until it has arrived, then what came.
_TAKEN = """
    SELECT line.order_id, line.line_no,
           sum(CASE WHEN received_at IS NULL THEN quantity ELSE resellable + damaged END) AS units
    FROM return_lines AS line JOIN returns ON returns.id = line.return_id
    WHERE state NOT IN ('rejected', 'expired') GROUP BY 1, 2
"""

_MORE_THAN_DELIVERED = f"""
    SELECT format('order %s: %s units of line %s are in returns, but %s have reached the door',
                  order_number, taken.units, taken.line_no, coalesce(came.units, 0))
    FROM ({_TAKEN}) AS taken
    JOIN orders ON orders.id = taken.order_id
    LEFT JOIN (
        SELECT order_id, line_no, sum(units) AS units FROM ({SENT_UNITS}) AS sent
        WHERE shipping_status IN ('delivered', 'returned') GROUP BY 1, 2
    ) AS came USING (order_id, line_no)
    WHERE taken.units > coalesce(came.units, 0)
"""

# Everything that comes enters the ledger, and what is damaged leaves it under a reference of its
# own: what is left of both can be sold again.
_LEDGER = """
    SELECT format('return %s of order %s has %s × %s received and %s damaged,'
                  ' the ledger %s returned and %s written off',
                  returns.id, returns.order_id, resellable + damaged, line.sku, damaged,
                  coalesce(came.units, 0), coalesce(lost.units, 0))
    FROM return_lines AS line
    JOIN returns ON returns.id = line.return_id
    LEFT JOIN (
        SELECT reference, sku, sum(delta_available) AS units
        FROM stock_movements WHERE reason = 'returned' GROUP BY 1, 2
    ) AS came ON came.reference = returns.id AND came.sku = line.sku
    LEFT JOIN (
        SELECT reference, sku, -sum(delta_available) AS units
        FROM stock_movements WHERE reason = 'adjusted' GROUP BY 1, 2
    ) AS lost ON lost.reference = concat(returns.id, ':', 'damaged') AND lost.sku = line.sku
    WHERE resellable + damaged <> coalesce(came.units, 0) OR damaged <> coalesce(lost.units, 0)
"""

_STRAY_MOVEMENT = """
    SELECT format('%s of %s in %s came back by return %s, which does not exist',
                  delta_available, sku, warehouse_id, quote_literal(reference))
    FROM stock_movements
    WHERE reason = 'returned' AND NOT EXISTS (SELECT FROM returns WHERE returns.id = reference)
"""

_UNPAID = """
    SELECT format('return %s of order %s is refunded, but no money went back',
                  returns.id, order_number)
    FROM returns JOIN orders ON orders.id = order_id
    WHERE state = 'refunded' AND kept_minor > 0 AND NOT EXISTS (
        SELECT FROM refunds WHERE refunds.order_id = orders.id AND refunds.state = 'succeeded')
"""

_REPLACED = """
    SELECT format('return %s of order %s is exchanged, but its replacement %s is %s',
                  returns.id, returns.order_id, other.order_number, other.status)
    FROM returns JOIN orders AS other ON other.id = replacement_order_id
    WHERE state = 'exchanged' AND other.status NOT IN ('shipped', 'delivered', 'completed')
"""

_REPLACES_MORE = """
    SELECT format('order %s replaces %s × %s, but %s came back',
                  other.order_number, item.quantity, item.sku,
                  coalesce(line.resellable + line.damaged, 0))
    FROM orders AS other
    JOIN order_items AS item ON item.order_id = other.id
    LEFT JOIN returns ON replacement_order_id = other.id
    LEFT JOIN return_lines AS line ON line.return_id = returns.id AND line.sku = item.sku
    WHERE other.replacement_of IS NOT NULL
        AND NOT EXISTS (SELECT FROM shipments WHERE resent_as = other.id)
        AND item.quantity <> coalesce(line.resellable + line.damaged, 0)
"""

_UNSETTLED = """
    SELECT format('return %s of order %s has been received since %s, and is not settled',
                  id, order_id, to_char(received_at, 'YYYY-MM-DD HH24:MI'))
    FROM returns WHERE state = 'received' AND kind = 'refund'
        AND received_at < now() - interval '1 day'
"""

CHECKS = (
    Check(4, _LINES, _MORE_THAN_DELIVERED),
    Check(1, _LINES, _LEDGER),
    Check(1, "SELECT count(*) FROM stock_movements WHERE reason = 'returned'", _STRAY_MOVEMENT),
    Check(4, _RETURNS, _UNPAID),
    Check(4, _RETURNS, _REPLACED),
    Check(4, _REPLACEMENTS, _REPLACES_MORE),
    Check(4, _RETURNS, _UNSETTLED, warning=True),
)
