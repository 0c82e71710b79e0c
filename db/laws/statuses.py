"""Not a law of its own, but a sign that one was broken: statuses that contradict the records."""

from __future__ import annotations

from db.laws.check import Check

_ORDERS = "SELECT count(*) FROM orders"

# Which shipping statuses each order status can go with. A cancelled order stays in `picking` when
# the warehouse could not be called off any more.
_TOGETHER = """
    WITH together (status, shipping_status) AS (VALUES
        ('pending', 'pending'), ('pending_restock', 'pending'), ('confirmed', 'pending'),
        ('processing', 'picking'), ('processing', 'pending'),
        ('shipped', 'in_transit'), ('shipped', 'out_for_delivery'), ('shipped', 'exception'),
        ('shipped', 'returned'),
        ('delivered', 'delivered'), ('delivered', 'returned'),
        ('completed', 'delivered'), ('completed', 'returned'),
        ('cancelled', 'pending'), ('cancelled', 'picking')
    )
    SELECT format('order %s is %s with its goods %s', order_number, status, shipping_status)
    FROM orders
    WHERE status <> 'refunded' AND (status, shipping_status) NOT IN (SELECT * FROM together)
"""

_UNPAID = """
    SELECT format('order %s is %s, but its payment is %s', order_number, status, payment_status)
    FROM orders
    WHERE (status IN ('confirmed', 'processing', 'shipped', 'delivered', 'completed')
           AND payment_status IN ('pending', 'failed'))
        OR (status = 'cancelled' AND payment_status = 'pending')
"""

_MONEY = """
    SELECT format('order %s is %s, but keeps %s', order_number, payment_status, kept_minor)
    FROM orders
    WHERE (payment_status IN ('pending', 'failed') AND kept_minor > 0)
        OR (payment_status IN ('paid', 'partially_refunded') AND kept_minor = 0
            AND replacement_of IS NULL)
"""

_NO_PARCEL = """
    SELECT format('order %s is %s, but there is no parcel', order_number, status)
    FROM orders
    WHERE status IN ('shipped', 'delivered', 'completed')
        AND NOT EXISTS (SELECT FROM shipments WHERE order_id = orders.id)
"""

# One parcel may have left while another warehouse still picks.
_EARLY_PARCEL = """
    SELECT format('order %s is %s, but parcel %s is on its way',
                  order_number, orders.status, tracking_number)
    FROM orders JOIN shipments ON order_id = orders.id
    WHERE orders.status IN ('pending', 'pending_restock', 'confirmed', 'cancelled')
        OR (orders.status = 'processing' AND NOT EXISTS (
            SELECT FROM picking_lists AS other
            WHERE other.order_id = orders.id AND other.state IN ('intended', 'accepted')))
"""

_NO_PICKING = """
    SELECT format('order %s is %s, but no warehouse was asked to pick it', order_number, status)
    FROM orders
    WHERE status IN ('processing', 'shipped', 'delivered', 'completed')
        AND NOT EXISTS (SELECT FROM picking_lists WHERE order_id = orders.id)
"""

# A status and its row on the timeline are written in one transaction.
_TIMELINE = """
    WITH told (status, kind) AS (VALUES
        ('confirmed', 'order_confirmed'), ('processing', 'picking_accepted'),
        ('shipped', 'order_shipped'), ('delivered', 'order_delivered'),
        ('completed', 'order_completed'), ('cancelled', 'order_cancelled')
    )
    SELECT format('order %s is %s, but its timeline does not say "%s"',
                  order_number, status, told.kind)
    FROM orders JOIN told USING (status)
    WHERE NOT EXISTS (SELECT FROM order_events AS event
                      WHERE event.order_id = orders.id AND event.kind = told.kind)
"""

CHECKS = tuple(
    Check(0, _ORDERS, violations)
    for violations in (
        _TOGETHER,
        _UNPAID,
        _MONEY,
        _NO_PARCEL,
        _EARLY_PARCEL,
        _NO_PICKING,
        _TIMELINE,
    )
)
