"""Laws 6 and 9: what comes in is applied, what goes out goes out once."""

# ruff: noqa: S608 - every statement is put together from constants of this package

from __future__ import annotations

from db.laws.check import SETTLING, Check

_CALLBACKS = "SELECT count(*) FROM callback_inbox"
_NOTIFICATIONS = "SELECT count(*) FROM notifications"

_UNAPPLIED = f"""
    SELECT format('callback %s (%s from %s about %s) has waited since %s, delivered %s times',
                  id, kind, source, coalesce(nullif(subject, ''), 'nothing known'),
                  to_char(received_at, 'YYYY-MM-DD HH24:MI:SS'), deliveries)
    FROM callback_inbox
    WHERE applied_at IS NULL AND received_at < now() - {SETTLING}
"""

_STORED_TWICE = """
    SELECT format('event %s of %s was stored %s times', event_id, source, count(*))
    FROM callback_inbox GROUP BY source, event_id HAVING count(*) > 1
"""

_SENT_TWICE = """
    SELECT format('order %s was told "%s" (%s) %s times by %s',
                  order_id, kind, occasion, count(*), channel)
    FROM notifications WHERE state = 'sent'
    GROUP BY order_id, kind, occasion, channel HAVING count(*) > 1
"""

_SENT_UNSENT = """
    SELECT format('notification %s is %s, sent at %s',
                  id, state, coalesce(sent_at::text, 'no time'))
    FROM notifications WHERE (state = 'sent') <> (sent_at IS NOT NULL)
"""

# An order's clock and its refund's may differ (the order's may have been fast-forwarded), so the
# order of events is taken from the timeline as well: an order that was completed before its refund
# had sent its invitation by then.
_INVITED_AFTER_REFUND = """
    SELECT format('order %s is %s, and was invited to write a review at %s',
                  order_number, status, to_char(sent_at, 'YYYY-MM-DD HH24:MI:SS'))
    FROM notifications JOIN orders ON orders.id = order_id
    WHERE kind = 'review_invitation' AND state = 'sent'
        AND (status = 'cancelled'
             OR (status = 'refunded'
                 AND sent_at > (SELECT max(settled_at) FROM refunds
                                WHERE refunds.order_id = orders.id AND refunds.state = 'succeeded')
                 AND NOT EXISTS (SELECT FROM order_events AS ended WHERE ended.order_id = orders.id
                                 AND ended.kind = 'order_completed')))
"""

CHECKS = (
    Check(6, _CALLBACKS, _UNAPPLIED),
    Check(6, _CALLBACKS, _STORED_TWICE),
    Check(9, _NOTIFICATIONS, _SENT_TWICE),
    Check(9, _NOTIFICATIONS, _SENT_UNSENT),
    Check(9, _NOTIFICATIONS, _INVITED_AFTER_REFUND),
)
