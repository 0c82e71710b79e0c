"""Laws 3 and 5: every amount is accounted for, every call that moves money has its key."""

# ruff: noqa: S608 - every statement is put together from constants of this package

from __future__ import annotations

from db.laws.check import SETTLING, Check

_ORDERS = "SELECT count(*) FROM orders"
_PAYMENTS = "SELECT count(*) FROM payments"
_REFUNDS = "SELECT count(*) FROM refunds"

_KEPT = """
    SELECT format('order %s keeps %s, but %s was captured and %s refunded (minor units of %s)',
                  orders.order_number, kept_minor, coalesce(captured, 0), coalesce(refunded, 0),
                  orders.currency)
    FROM orders
    LEFT JOIN (
        SELECT order_id, currency, sum(captured_minor) AS captured
        FROM payments GROUP BY order_id, currency
    ) AS money ON money.order_id = orders.id AND money.currency = orders.currency
    LEFT JOIN (
        SELECT order_id, currency, sum(amount_minor) AS refunded
        FROM refunds WHERE state = 'succeeded' GROUP BY order_id, currency
    ) AS back ON back.order_id = orders.id AND back.currency = orders.currency
    WHERE kept_minor <> coalesce(captured, 0) - coalesce(refunded, 0)
"""

_LINES = """
    SELECT format('order %s has lines of %s, but a subtotal of %s',
                  order_number, sum(order_items.total_minor), subtotal_minor)
    FROM orders LEFT JOIN order_items ON order_id = orders.id
    GROUP BY orders.id
    HAVING subtotal_minor <> coalesce(sum(order_items.total_minor), 0)
"""

# An attempt always asks for the whole order.
_ASKED = """
    SELECT format('payment %s of order %s asked for %s %s, but the order costs %s %s',
                  payments.id, order_number, amount_minor, payments.currency, total_minor,
                  orders.currency)
    FROM payments JOIN orders ON orders.id = order_id
    WHERE amount_minor <> total_minor OR payments.currency <> orders.currency
"""

_CAPTURED = """
    SELECT format('payment %s of order %s asked for %s and captured %s, and nobody was told',
                  payments.id, order_number, amount_minor, captured_minor)
    FROM payments JOIN orders ON orders.id = order_id
    WHERE captured_minor NOT IN (0, amount_minor) AND mismatch = ''
"""

_MISMATCH = """
    SELECT format('payment %s of order %s does not match (%s), but the order is %s, not in review',
                  payments.id, order_number, mismatch, payment_status)
    FROM payments JOIN orders ON orders.id = order_id
    WHERE mismatch <> '' AND decision <> 'accept'
        AND (captured_minor > refunded_minor OR (captured_minor = 0 AND decision <> 'refund'))
        AND payment_status <> 'review'
"""

# Money that was not what was asked for is the order's only if somebody said so, and wrote down why.
_DECIDED = """
    SELECT format('payment %s of order %s was decided about (%s), and nobody said who and why',
                  payments.id, payments.order_id, payments.decision)
    FROM payments
    WHERE payments.decision <> '' AND NOT EXISTS (
        SELECT FROM operator_tasks AS task
        WHERE task.payment_id = payments.id AND task.kind = 'payment_mismatch'
            AND task.state = 'done' AND task.decision = payments.decision
            AND task.note <> '' AND task.decided_by <> '')
"""

_EXCESS = f"""
    SELECT format('payment %s of order %s was accepted and keeps %s, but asked for %s',
                  payments.id, order_id, captured_minor - refunded_minor, amount_minor)
    FROM payments
    WHERE decision = 'accept' AND captured_minor - refunded_minor > amount_minor
        AND NOT EXISTS (
            SELECT FROM refunds WHERE payment_id = payments.id
                AND (state NOT IN ('succeeded', 'failed')
                     OR settled_at > now() - {SETTLING}))
"""

_DISPUTE = """
    SELECT format('payment %s of order %s is disputed, but the order is %s, not in review',
                  payments.id, order_number, payment_status)
    FROM payments JOIN orders ON orders.id = order_id
    WHERE disputed AND dispute_outcome = '' AND captured_minor > refunded_minor
        AND payment_status <> 'review'
"""

_LOST = """
    SELECT format('payment %s of order %s was lost to the bank, which took nothing of it',
                  payments.id, order_id)
    FROM payments
    WHERE dispute_outcome = 'lost' AND captured_minor > refunded_minor
        AND NOT EXISTS (
            SELECT FROM refunds WHERE payment_id = payments.id AND made_by = 'bank')
"""

_UNPAID_CAPTURE = """
    SELECT format('payment %s of order %s is %s, but captured %s',
                  id, order_id, state, captured_minor)
    FROM payments
    WHERE (captured_minor > 0 AND state <> 'paid')
        OR (captured_minor = 0 AND state = 'paid' AND mismatch = '')
"""

_REFUND_SUMS = """
    SELECT format('payment %s counts %s refunded and %s claimed, its refunds add up to %s and %s',
                  payments.id, refunded_minor, claimed_minor, coalesce(refunded, 0),
                  coalesce(claimed, 0))
    FROM payments
    LEFT JOIN (
        SELECT payment_id,
               sum(amount_minor) FILTER (WHERE state = 'succeeded') AS refunded,
               sum(amount_minor) FILTER (WHERE state <> 'failed') AS claimed
        FROM refunds GROUP BY payment_id
    ) AS back ON payment_id = payments.id
    WHERE refunded_minor <> coalesce(refunded, 0) OR claimed_minor <> coalesce(claimed, 0)
        OR claimed_minor > captured_minor
"""

_STRAY_REFUNDS = """
    SELECT format('refund %s of %s %s does not fit payment %s of order %s',
                  refunds.id, refunds.amount_minor, refunds.currency, payments.id,
                  payments.order_id)
    FROM refunds JOIN payments ON payments.id = payment_id
    WHERE refunds.order_id <> payments.order_id OR refunds.currency <> payments.currency
"""

_TWO_PAY = """
    SELECT format('order %s is paid %s times: %s',
                  order_id, count(*), string_agg(id, ', ' ORDER BY attempt))
    FROM payments
    WHERE captured_minor > 0 AND NOT surplus AND (mismatch = '' OR decision = 'accept')
    GROUP BY order_id HAVING count(*) > 1
"""


def _keys(table: str) -> str:
    return f"""
        SELECT format('the key %s stands for %s intents in {table}: %s',
                      quote_literal(idempotency_key), count(*), string_agg(id, ', '))
        FROM {table} GROUP BY idempotency_key HAVING count(*) > 1 OR idempotency_key = ''
    """


_REFERENCES = """
    SELECT format('%s %s stands for payments %s', gateway, provider_ref, string_agg(id, ', '))
    FROM payments WHERE provider_ref <> ''
    GROUP BY gateway, provider_ref HAVING count(*) > 1
"""

_NO_REFERENCE = """
    SELECT format('payment %s is %s, but %s never named it', id, state, gateway)
    FROM payments
    WHERE provider_ref = '' AND state IN ('pending', 'processing', 'paid', 'failed')
"""

_UNKNOWN_PAYMENT = """
    SELECT format('payment %s of order %s has been "%s" since %s: its outcome is unknown',
                  id, order_id, state, to_char(created_at, 'YYYY-MM-DD HH24:MI'))
    FROM payments
    WHERE state IN ('intended', 'pending', 'processing') AND created_at < now() - interval '1 hour'
"""

_UNKNOWN_REFUND = """
    SELECT format('refund %s of order %s has been "%s" since %s: its outcome is unknown',
                  id, order_id, state, to_char(created_at, 'YYYY-MM-DD HH24:MI'))
    FROM refunds
    WHERE state IN ('intended', 'pending') AND created_at < now() - interval '1 hour'
"""

_MANUAL_REFUND = """
    SELECT format('refund %s of order %s waits for a person (%s)', id, order_id, failure_code)
    FROM refunds WHERE state = 'manual'
"""

CHECKS = (
    Check(3, _ORDERS, _KEPT),
    Check(3, _ORDERS, _LINES),
    Check(3, _PAYMENTS, _ASKED),
    Check(3, _PAYMENTS, _CAPTURED),
    Check(3, _PAYMENTS, _MISMATCH),
    Check(3, _PAYMENTS, _DECIDED),
    Check(3, _PAYMENTS, _EXCESS),
    Check(3, _PAYMENTS, _DISPUTE),
    Check(3, _PAYMENTS, _LOST),
    Check(3, _PAYMENTS, _UNPAID_CAPTURE),
    Check(3, _PAYMENTS, _REFUND_SUMS),
    Check(3, _REFUNDS, _STRAY_REFUNDS),
    Check(3, _PAYMENTS, _TWO_PAY),
    Check(5, _PAYMENTS, _keys("payments")),
    Check(5, _REFUNDS, _keys("refunds")),
    Check(5, _PAYMENTS, _REFERENCES),
    Check(5, _PAYMENTS, _NO_REFERENCE),
    Check(5, _PAYMENTS, _UNKNOWN_PAYMENT, warning=True),
    Check(5, _REFUNDS, _UNKNOWN_REFUND, warning=True),
    Check(5, _REFUNDS, _MANUAL_REFUND, warning=True),
)
