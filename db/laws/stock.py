"""Laws 1, 2 and 8: counters, holds and the ledger tell one story."""

# ruff: noqa: S608 - every statement is put together from constants of this package

from __future__ import annotations

from db.laws.check import Check

_SHELVES = "SELECT count(*) FROM inventory"
_HOLDS = "SELECT count(*) FROM holds"
_LIVE_HOLDS = "SELECT count(*) FROM holds WHERE state = 'held'"

_COUNTERS = """
    SELECT format('%s in %s: total %s, available %s, reserved %s do not add up',
                  sku, warehouse_id, total, available, reserved)
    FROM inventory
    WHERE total <> available + reserved OR least(total, available, reserved) < 0
"""

_RESERVED_IS_HELD = """
    SELECT format('%s in %s: reserved %s, but live holds promise %s',
                  sku, warehouse_id, reserved, coalesce(held, 0))
    FROM inventory
    LEFT JOIN (
        SELECT warehouse_id, sku, sum(quantity) AS held
        FROM hold_lines JOIN holds ON holds.id = hold_id AND state = 'held'
        GROUP BY warehouse_id, sku
    ) AS live USING (warehouse_id, sku)
    WHERE reserved <> coalesce(held, 0)
"""

_LEDGER = """
    SELECT format('%s in %s: the counters say %s available and %s reserved, the ledger %s and %s',
                  sku, warehouse_id, available, reserved,
                  coalesce(moved_available, 0), coalesce(moved_reserved, 0))
    FROM inventory
    LEFT JOIN (
        SELECT warehouse_id, sku, sum(delta_available) AS moved_available,
               sum(delta_reserved) AS moved_reserved
        FROM stock_movements GROUP BY warehouse_id, sku
    ) AS ledger USING (warehouse_id, sku)
    WHERE available <> coalesce(moved_available, 0) OR reserved <> coalesce(moved_reserved, 0)
"""

# Which movements a hold in each state must have, for every line and with the line's quantity.
_EXPECTED = """
    WITH expected (state, reason, available, reserved) AS (VALUES
        ('held', 'reserved', -1, 1),
        ('committed', 'reserved', -1, 1), ('committed', 'committed', 0, -1),
        ('released', 'reserved', -1, 1), ('released', 'released', 1, -1),
        ('expired', 'reserved', -1, 1), ('expired', 'expired', 1, -1)
    )
"""

_MOVEMENT_MISSING = (
    _EXPECTED
    + """
    SELECT format('hold %s of order %s is %s, but its movement "%s" of %s %s in %s is %s',
                  holds.id, holds.order_id, state, expected.reason, quantity, line.sku,
                  line.warehouse_id,
                  CASE WHEN moved.id IS NULL THEN 'missing' ELSE 'of another quantity' END)
    FROM holds
    JOIN expected USING (state)
    JOIN hold_lines AS line ON line.hold_id = holds.id
    LEFT JOIN stock_movements AS moved
        ON moved.reference = holds.id AND moved.reason = expected.reason
        AND moved.warehouse_id = line.warehouse_id AND moved.sku = line.sku
    WHERE moved.id IS NULL
        OR moved.delta_available <> expected.available * quantity
        OR moved.delta_reserved <> expected.reserved * quantity
"""
)

# Goods of a committed hold may come back later: `restocked` is the one movement that may follow.
_MOVEMENT_TOO_MUCH = (
    _EXPECTED
    + """
    SELECT format('hold %s of order %s is %s, yet it has a movement "%s" of %s in %s',
                  holds.id, holds.order_id, holds.state, moved.reason, moved.sku,
                  moved.warehouse_id)
    FROM stock_movements AS moved
    JOIN holds ON holds.id = moved.reference
    LEFT JOIN expected ON expected.state = holds.state AND expected.reason = moved.reason
    LEFT JOIN hold_lines AS line ON line.hold_id = holds.id
        AND line.warehouse_id = moved.warehouse_id AND line.sku = moved.sku
    WHERE line.hold_id IS NULL
        OR (expected.reason IS NULL
            AND NOT (holds.state = 'committed' AND moved.reason = 'restocked'
                     AND moved.delta_available = line.quantity AND moved.delta_reserved = 0))
"""
)

_STRAY_MOVEMENTS = """
    SELECT format('movement %s ("%s" of %s in %s) names the hold %s, which does not exist',
                  id, reason, sku, warehouse_id, quote_literal(reference))
    FROM stock_movements
    WHERE reason IN ('reserved', 'released', 'expired', 'committed')
        AND NOT EXISTS (SELECT FROM holds WHERE holds.id = reference)
"""

_EMPTY_HOLDS = """
    SELECT format('hold %s of order %s promises nothing', holds.id, order_id)
    FROM holds WHERE NOT EXISTS (SELECT FROM hold_lines WHERE hold_id = holds.id)
"""

_TWO_LIVE_HOLDS = """
    SELECT format('order %s has %s live holds: %s', order_id, count(*), string_agg(id, ', '))
    FROM holds WHERE state IN ('held', 'committed')
    GROUP BY order_id HAVING count(*) > 1
"""

_MOVED_TWICE = """
    SELECT format('%s was booked as "%s" %s times for %s in %s',
                  reference, reason, count(*), sku, warehouse_id)
    FROM stock_movements
    GROUP BY reference, reason, warehouse_id, sku HAVING count(*) > 1
"""

# A delivery is booked under the receipt `{supply order}/{delivery note}`.
_SUPPLIED = """
    SELECT format('supply order %s of %s for %s: %s have come, but the ledger says %s',
                  supply.id, supply.sku, supply.warehouse_id, supply.received,
                  coalesce(booked, 0))
    FROM supply_orders AS supply
    LEFT JOIN (
        SELECT split_part(reference, '/', 1) AS id, warehouse_id, sku,
               sum(delta_available) AS booked
        FROM stock_movements WHERE reason = 'received' AND strpos(reference, '/') > 0
        GROUP BY 1, 2, 3
    ) AS ledger USING (id, warehouse_id, sku)
    WHERE supply.received <> coalesce(booked, 0)
"""

_OVERDUE = """
    SELECT format('hold %s of order %s (%s) should have ended at %s',
                  holds.id, order_id, orders.status, to_char(expires_at, 'YYYY-MM-DD HH24:MI:SS'))
    FROM holds JOIN orders ON orders.id = order_id
    WHERE state = 'held' AND expires_at < now() - interval '5 minutes'
"""

_ORPHANED = """
    SELECT format('hold %s is live, but its order %s is %s', holds.id, order_id, orders.status)
    FROM holds JOIN orders ON orders.id = order_id
    WHERE state = 'held' AND orders.status NOT IN ('pending', 'pending_restock')
"""

COUNTERS = (
    Check(1, _SHELVES, _COUNTERS),
    Check(1, _SHELVES, _RESERVED_IS_HELD),
    Check(1, _SHELVES, _LEDGER),
)

CHECKS = (
    *COUNTERS,
    Check(1, "SELECT count(*) FROM supply_orders", _SUPPLIED),
    Check(2, _HOLDS, _MOVEMENT_MISSING),
    Check(2, _HOLDS, _MOVEMENT_TOO_MUCH),
    Check(2, "SELECT count(*) FROM stock_movements", _STRAY_MOVEMENTS),
    Check(2, _HOLDS, _EMPTY_HOLDS),
    Check(2, _HOLDS, _TWO_LIVE_HOLDS),
    Check(2, "SELECT count(*) FROM stock_movements", _MOVED_TWICE),
    Check(8, _LIVE_HOLDS, _OVERDUE),
    Check(8, _LIVE_HOLDS, _ORPHANED),
)
