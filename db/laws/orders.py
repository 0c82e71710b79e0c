"""Laws 4 and 7: an order's money and goods fit its status, and an ended one leaves nothing open."""

# ruff: noqa: S608 - every statement is put together from constants of this package

from __future__ import annotations

from db.laws.check import SETTLING, Check

_ORDERS = "SELECT count(*) FROM orders"
_PAID = """
    SELECT count(*) FROM orders
    WHERE status IN ('confirmed', 'processing', 'shipped', 'delivered', 'completed')
"""
_ENDED = "SELECT count(*) FROM orders WHERE status IN ('cancelled', 'refunded')"

# Money that goes back: asked for, or refused a moment ago and about to be asked for again.
_REFUND_ON_ITS_WAY = f"""
    EXISTS (
        SELECT FROM refunds WHERE refunds.order_id = orders.id
            AND (state <> 'failed' OR settled_at > now() - {SETTLING})
    )
"""

# Goods that the warehouse sent off although the order was called off cannot come back by a booking.
_GOODS_LEFT = """
    (EXISTS (SELECT FROM shipments WHERE shipments.order_id = orders.id)
     OR EXISTS (SELECT FROM order_events AS said WHERE said.order_id = orders.id
                AND said.kind = 'picking_recall_refused'))
"""

_PAID_WITHOUT_STOCK = f"""
    SELECT format('order %s is %s, but has neither committed stock nor a refund on its way',
                  order_number, status)
    FROM orders
    WHERE status IN ('confirmed', 'processing', 'shipped', 'delivered', 'completed')
        AND payment_status <> 'review'
        AND NOT EXISTS (SELECT FROM holds WHERE holds.order_id = orders.id AND state = 'committed')
        AND NOT {_REFUND_ON_ITS_WAY}
"""

_STOCK_GONE_BACK = f"""
    SELECT format('order %s is %s, but its stock went back at %s and no refund is on its way',
                  order_number, status, to_char(moved.at, 'YYYY-MM-DD HH24:MI:SS'))
    FROM orders
    JOIN (
        SELECT order_id, max(at) AS at FROM stock_movements
        WHERE reason = 'restocked' GROUP BY order_id
    ) AS moved ON moved.order_id = orders.id
    WHERE status IN ('confirmed', 'processing') AND payment_status <> 'review'
        AND moved.at < now() - {SETTLING}
        AND NOT {_REFUND_ON_ITS_WAY}
"""

_PAID_BUT_PENDING = f"""
    SELECT format('order %s is %s, but payment %s has captured %s',
                  order_number, status, payments.id, captured_minor)
    FROM payments JOIN orders ON orders.id = order_id
    WHERE status IN ('pending', 'pending_restock')
        AND captured_minor > 0 AND NOT surplus
        AND (mismatch = '' OR (decision = 'accept' AND decided_at < now() - {SETTLING}))
"""

_KEEPS_STOCK = f"""
    SELECT format('order %s is cancelled, but keeps the stock of hold %s (%s)',
                  order_number, holds.id, holds.state)
    FROM orders JOIN holds ON holds.order_id = orders.id
    WHERE status = 'cancelled'
        AND (state = 'held' OR (state = 'committed' AND NOT {_GOODS_LEFT} AND NOT EXISTS (
            SELECT FROM stock_movements AS moved
            WHERE moved.reference = holds.id AND moved.reason = 'restocked')))
"""

# Money that came late is captured in one step and claimed for its refund in the next.
_KEEPS_MONEY = f"""
    SELECT format('order %s is %s, but keeps %s minor units of %s with no refund on their way',
                  order_number, status, kept_minor, currency)
    FROM orders
    WHERE status IN ('cancelled', 'refunded') AND kept_minor > 0 AND payment_status <> 'review'
        AND NOT {_REFUND_ON_ITS_WAY}
        AND NOT EXISTS (
            SELECT FROM payments WHERE payments.order_id = orders.id AND captured_minor > 0
                AND payments.updated_at > now() - {SETTLING})
"""

_CAN_STILL_BE_PAID = """
    SELECT format('order %s is cancelled, but payment %s is %s and could still be paid',
                  order_number, payments.id, state)
    FROM orders JOIN payments ON payments.order_id = orders.id
    WHERE status = 'cancelled' AND state IN ('intended', 'pending', 'processing', 'failed')
"""

_STILL_PICKED = f"""
    SELECT format('order %s is cancelled, but picking list %s is %s',
                  order_number, picking_lists.id, state)
    FROM orders JOIN picking_lists ON picking_lists.order_id = orders.id
    WHERE status = 'cancelled' AND state IN ('intended', 'accepted', 'shipped')
        AND NOT {_GOODS_LEFT}
"""

_STILL_WAITING = """
    SELECT format('order %s is %s, but still waits for %s of %s',
                  order_number, status, quantity, sku)
    FROM orders JOIN restock_requests ON restock_requests.order_id = orders.id
    WHERE status <> 'pending_restock' AND state = 'open'
"""

CHECKS = (
    Check(4, _PAID, _PAID_WITHOUT_STOCK),
    Check(4, _PAID, _STOCK_GONE_BACK),
    Check(4, _ORDERS, _PAID_BUT_PENDING),
    Check(4, _ENDED, _KEEPS_STOCK),
    Check(4, _ENDED, _KEEPS_MONEY),
    Check(7, _ENDED, _CAN_STILL_BE_PAID),
    Check(7, _ENDED, _STILL_PICKED),
    Check(7, "SELECT count(*) FROM restock_requests", _STILL_WAITING),
)
