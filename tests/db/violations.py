"""One broken database for each question that the audit asks.

`{completed}`, `{cancelled_hold}` and so on stand for the ids of healthy orders and what belongs to
them; see `tests.db.healthy`.
"""

from __future__ import annotations

from typing import NamedTuple


class Violation(NamedTuple):
    """How to break a law, and words by which the audit must name it."""

    law: int
    name: str
    sql: str
    told: str


VIOLATIONS = (
    Violation(
        1,
        "counters that do not add up",
        "UPDATE inventory SET total = total + 1 WHERE sku = 'CHG-GN-65' AND warehouse_id = 'WH-SH'",
        "CHG-GN-65 in WH-SH: total 181, available 180, reserved 0 do not add up",
    ),
    Violation(
        1,
        "reserved stock without a hold",
        "UPDATE inventory SET available = available - 2, reserved = reserved + 2 "
        "WHERE sku = 'MOU-WL-01' AND warehouse_id = 'WH-HZ'",
        "MOU-WL-01 in WH-HZ: reserved 2, but live holds promise 0",
    ),
    Violation(
        1,
        "counters that the ledger does not explain",
        "UPDATE inventory SET available = available + 5, total = total + 5 "
        "WHERE sku = 'MOU-WL-01' AND warehouse_id = 'WH-HZ'",
        "MOU-WL-01 in WH-HZ: the counters say 305 available and 0 reserved, the ledger 300 and 0",
    ),
    Violation(
        2,
        "a hold whose movement is missing",
        "DELETE FROM stock_movements WHERE reference = '{completed_hold}' AND reason = 'committed'",
        'hold {completed_hold} of order {completed} is committed, but its movement "committed"',
    ),
    Violation(
        2,
        "a movement of another quantity than the hold's",
        "UPDATE stock_movements SET delta_available = -3, delta_reserved = 3 "
        "WHERE reference = '{completed_hold}' AND reason = 'reserved'",
        "is of another quantity",
    ),
    Violation(
        2,
        "a hold that moved twice",
        "UPDATE holds SET state = 'released' WHERE id = '{completed_hold}'",
        'hold {completed_hold} of order {completed} is released, yet it has a movement "committed"',
    ),
    Violation(
        2,
        "a movement of a hold that does not exist",
        "UPDATE stock_movements SET reference = 'H404' WHERE reference = '{completed_hold}'",
        "names the hold 'H404', which does not exist",
    ),
    Violation(
        2,
        "a hold that promises nothing",
        "DELETE FROM hold_lines WHERE hold_id = '{completed_hold}'",
        "hold {completed_hold} of order {completed} promises nothing",
    ),
    Violation(
        2,
        "an order with two live holds",
        "UPDATE holds SET order_id = '{unpaid}' WHERE id = '{completed_hold}'",
        "order {unpaid} has 2 live holds",
    ),
    Violation(
        2,
        "a movement that was booked twice",
        "INSERT INTO stock_movements (at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference) SELECT at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference FROM stock_movements WHERE reference = '{completed_hold}'"
        " AND reason = 'committed'",
        '{completed_hold} was booked as "committed" 2 times for CHG-GN-65',
    ),
    Violation(
        3,
        "an order that keeps other money than was captured",
        "UPDATE orders SET kept_minor = 1 WHERE id = '{completed}'",
        "keeps 1, but 12900 was captured and 0 refunded (minor units of CNY)",
    ),
    Violation(
        3,
        "a refund that the order's money does not show",
        "UPDATE refunds SET state = 'pending' WHERE id = '{cancelled_refund}'",
        "keeps 0, but 12900 was captured and 0 refunded",
    ),
    Violation(
        3,
        "lines that do not come to the subtotal",
        "UPDATE order_items SET quantity = 2, total_minor = 25800 WHERE order_id = '{completed}'",
        "has lines of 25800, but a subtotal of 12900",
    ),
    Violation(
        3,
        "a payment that asked for another amount",
        "UPDATE payments SET amount_minor = 100 WHERE id = '{unpaid_payment}'",
        "payment {unpaid_payment} of order {unpaid_number} asked for 100 CNY",
    ),
    Violation(
        3,
        "a capture of another amount that nobody was told of",
        "UPDATE payments SET captured_minor = 9900 WHERE id = '{completed_payment}';"
        "UPDATE orders SET kept_minor = 9900 WHERE id = '{completed}'",
        "asked for 12900 and captured 9900, and nobody was told",
    ),
    Violation(
        3,
        "a mismatch that is not in review",
        "UPDATE payments SET mismatch = 'captured 1.00 USD' WHERE id = '{completed_payment}'",
        "does not match (captured 1.00 USD), but the order is paid, not in review",
    ),
    Violation(
        3,
        "a mismatch that is to go back and is not in review",
        "UPDATE payments SET mismatch = 'captured 1.00 USD', decision = 'refund',"
        " decided_at = now() WHERE id = '{completed_payment}'",
        "does not match (captured 1.00 USD), but the order is paid, not in review",
    ),
    Violation(
        3,
        "a mismatch that was accepted without a word",
        "UPDATE payments SET mismatch = 'captured 1.00 USD', decision = 'accept',"
        " decided_at = now() WHERE id = '{completed_payment}'",
        "payment {completed_payment} of order {completed} was decided about (accept), and nobody"
        " said who and why",
    ),
    Violation(
        3,
        "a mismatch that was accepted for no reason",
        "UPDATE payments SET mismatch = 'captured 1.00 USD', decision = 'accept',"
        " decided_at = now() WHERE id = '{completed_payment}';"
        "INSERT INTO operator_tasks (id, kind, order_id, payment_id, state, task, dedupe_key,"
        " decision, decided_by, opened_at) VALUES ('T1', 'payment_mismatch', '{completed}',"
        " '{completed_payment}', 'done', '', 'k', 'accept', 'Chen', now())",
        "payment {completed_payment} of order {completed} was decided about (accept), and nobody"
        " said who and why",
    ),
    Violation(
        3,
        "an accepted payment that keeps more than was asked",
        "UPDATE payments SET mismatch = 'captured 130.00 CNY', decision = 'accept',"
        " decided_at = now(), captured_minor = 13000 WHERE id = '{completed_payment}';"
        "UPDATE orders SET kept_minor = 13000 WHERE id = '{completed}'",
        "payment {completed_payment} of order {completed} was accepted and keeps 13000, but asked"
        " for 12900",
    ),
    Violation(
        3,
        "a lost dispute whose money nobody booked",
        "UPDATE payments SET disputed = true, dispute_outcome = 'lost'"
        " WHERE id = '{completed_payment}'",
        "payment {completed_payment} of order {completed} was lost to the bank, which took nothing",
    ),
    Violation(
        3,
        "a chargeback that is not in review",
        "UPDATE payments SET disputed = true WHERE id = '{completed_payment}'",
        "of order {completed_number} is disputed, but the order is paid, not in review",
    ),
    Violation(
        3,
        "money on a payment that failed",
        "UPDATE payments SET state = 'failed' WHERE id = '{completed_payment}'",
        "payment {completed_payment} of order {completed} is failed, but captured 12900",
    ),
    Violation(
        3,
        "a payment whose refunds do not add up",
        "UPDATE payments SET refunded_minor = 100, claimed_minor = 100"
        " WHERE id = '{completed_payment}'",
        "payment {completed_payment} counts 100 refunded and 100 claimed",
    ),
    Violation(
        3,
        "a refund of another order's payment",
        "UPDATE refunds SET order_id = '{completed}' WHERE id = '{cancelled_refund}'",
        "refund {cancelled_refund} of 12900 CNY does not fit payment {cancelled_payment}",
    ),
    Violation(
        3,
        "an order that is paid twice",
        "UPDATE payments SET order_id = '{completed}', attempt = 2 WHERE id = '{refunded_payment}'",
        "order {completed} is paid 2 times: {completed_payment}, {refunded_payment}",
    ),
    Violation(
        4,
        "a paid order without stock",
        "UPDATE holds SET order_id = '{expired}' WHERE id = '{completed_hold}'",
        "order {completed_number} is completed, but has neither committed stock nor a refund",
    ),
    Violation(
        4,
        "a paid order whose stock went back long ago",
        "INSERT INTO stock_movements (at, warehouse_id, sku, reason, delta_available,"
        " delta_reserved, reference, order_id) SELECT now() - interval '1 hour', warehouse_id, sku,"
        " 'restocked', 1, 0, reference, order_id FROM stock_movements"
        " WHERE reference = '{processing_hold}' AND reason = 'committed'",
        "order {processing_number} is processing, but its stock went back at",
    ),
    Violation(
        4,
        "an order that waits though its payment was accepted long ago",
        "UPDATE orders SET status = 'pending' WHERE id = '{processing}';"
        "UPDATE payments SET mismatch = 'captured 1.00 USD', decision = 'accept',"
        " decided_at = now() - interval '1 hour' WHERE id = '{processing_payment}'",
        "order {processing_number} is pending, but payment {processing_payment} has captured 12900",
    ),
    Violation(
        4,
        "a paid order that is still pending",
        "UPDATE orders SET status = 'pending' WHERE id = '{processing}'",
        "order {processing_number} is pending, but payment {processing_payment} has captured 12900",
    ),
    Violation(
        4,
        "a cancelled order that keeps stock",
        "DELETE FROM stock_movements WHERE reference = '{cancelled_hold}' AND reason = 'restocked'",
        "order {cancelled_number} is cancelled, but keeps the stock of hold {cancelled_hold}",
    ),
    Violation(
        4,
        "a cancelled order whose hold is live",
        "UPDATE orders SET status = 'cancelled' WHERE id = '{unpaid}'",
        "keeps the stock of hold {unpaid_hold} (held)",
    ),
    Violation(
        4,
        "a cancelled order that keeps money",
        "UPDATE refunds SET state = 'failed', settled_at = now() - interval '1 hour'"
        " WHERE id = '{cancelled_refund}';"
        "UPDATE payments SET updated_at = now() - interval '1 hour'"
        " WHERE id = '{cancelled_payment}';"
        "UPDATE orders SET kept_minor = 12900 WHERE id = '{cancelled}'",
        "order {cancelled_number} is cancelled, but keeps 12900 minor units of CNY",
    ),
    Violation(
        4,
        "goods that are both paid back and sent again",
        "UPDATE shipments SET resent_as = '{processing}' WHERE order_id = '{shipped}';"
        """UPDATE refunds SET order_id = '{shipped}', lines = '{{"1": 1}}'"""
        " WHERE id = '{cancelled_refund}'",
        "order {shipped_number} gives money back for 1 × CHG-GN-65, and sends 1 of 1 again"
        " ({processing_number})",
    ),
    Violation(
        4,
        "goods that are picked again for an order that was paid back",
        "UPDATE shipments SET resent_as = '{processing}' WHERE order_id = '{shipped}';"
        "UPDATE orders SET kept_minor = 0, updated_at = now() - interval '1 hour'"
        " WHERE id = '{shipped}'",
        "order {shipped_number} is paid back, but order {processing_number}, which sends its goods"
        " again, is processing",
    ),
    Violation(
        5,
        "two payments under one key",
        "UPDATE payments SET idempotency_key = (SELECT idempotency_key FROM payments"
        " WHERE id = '{completed_payment}') WHERE id = '{unpaid_payment}'",
        "the key '{completed_payment}:create:1' stands for 2 intents in payments",
    ),
    Violation(
        5,
        "a refund without a key",
        "UPDATE refunds SET idempotency_key = '' WHERE id = '{cancelled_refund}'",
        "the key '' stands for 1 intents in refunds",
    ),
    Violation(
        5,
        "two payments with one reference",
        "UPDATE payments SET provider_ref = 'pi_1'"
        " WHERE id IN ('{completed_payment}', '{unpaid_payment}')",
        "stripe pi_1 stands for payments",
    ),
    Violation(
        5,
        "a paid payment that the provider never named",
        "UPDATE payments SET provider_ref = '' WHERE id = '{completed_payment}'",
        "payment {completed_payment} is paid, but stripe never named it",
    ),
    Violation(
        6,
        "a callback that nobody applied",
        "UPDATE callback_inbox SET applied_at = NULL, received_at = now() - interval '11 minutes'"
        " WHERE event_id = '{completed}'",
        "(shipped from warehouse about {completed}) has waited since",
    ),
    Violation(
        6,
        "a callback that was stored twice",
        "UPDATE callback_inbox SET event_id = 'evt_1'",
        "event evt_1 of warehouse was stored 3 times",
    ),
    Violation(
        7,
        "a cancelled order that can still be paid",
        "UPDATE payments SET state = 'pending' WHERE id = '{expired_payment}'",
        "payment {expired_payment} is pending and could still be paid",
    ),
    Violation(
        4,
        "a shipped order of which one warehouse knows nothing",
        "UPDATE hold_lines SET warehouse_id = 'WH-SH' WHERE hold_id = '{completed_hold}'",
        "order {completed_number} is completed, but WH-SH was never asked for its part",
    ),
    Violation(
        4,
        "a delivered order of which a part is still picked",
        "UPDATE picking_lists SET state = 'accepted' WHERE order_id = '{completed}'",
        "order {completed_number} is completed, but picking list",
    ),
    Violation(
        4,
        "a refused part whose stock did not come back",
        "UPDATE picking_lists SET state = 'refused', updated_at = now() - interval '1 hour'"
        " WHERE order_id = '{shipped}'",
        "order {shipped_number} goes on without WH-HZ, but 1 of CHG-GN-65 are not back",
    ),
    Violation(
        5,
        "a parcel of a picking list that is still open",
        "UPDATE picking_lists SET state = 'accepted' WHERE order_id = '{shipped}'",
        "parcel SF{shipped} of order {shipped_number} came of picking list",
    ),
    Violation(
        7,
        "a cancelled order that is still picked",
        "UPDATE picking_lists SET order_id = '{cancelled}' WHERE order_id = '{processing}'",
        "order {cancelled_number} is cancelled, but picking list",
    ),
    Violation(
        7,
        "an order that waits for goods though it has ended",
        "UPDATE restock_requests SET order_id = '{expired}'",
        "order {expired_number} is cancelled, but still waits for 1 of PEN-FT-F",
    ),
    Violation(
        8,
        "a hold past its deadline",
        "UPDATE holds SET expires_at = now() - interval '6 minutes' WHERE id = '{unpaid_hold}'",
        "hold {unpaid_hold} of order {unpaid} (pending) should have ended at",
    ),
    Violation(
        8,
        "a live hold of an order that goes on",
        "UPDATE orders SET status = 'confirmed' WHERE id = '{unpaid}'",
        "hold {unpaid_hold} is live, but its order {unpaid} is confirmed",
    ),
    Violation(
        9,
        "a customer who was told twice",
        "INSERT INTO notifications (id, order_id, kind, channel, state, created_at, sent_at)"
        " SELECT 'N2', order_id, kind, channel, state, created_at, sent_at FROM notifications"
        " WHERE order_id = '{completed}'",
        'order {completed} was told "review_invitation" () 2 times by email',
    ),
    Violation(
        9,
        "a message that was sent at no time",
        "UPDATE notifications SET sent_at = NULL WHERE order_id = '{completed}'",
        "is sent, sent at no time",
    ),
    Violation(
        9,
        "a review invitation after the refund",
        "DELETE FROM order_events WHERE order_id = '{refunded}' AND kind = 'order_completed';"
        "UPDATE notifications SET sent_at = now() + interval '1 minute'"
        " WHERE order_id = '{refunded}'",
        "order {refunded_number} is refunded, and was invited to write a review at",
    ),
    Violation(
        9,
        "a review invitation for a cancelled order",
        "UPDATE notifications SET order_id = '{cancelled}' WHERE order_id = '{completed}'",
        "order {cancelled_number} is cancelled, and was invited",
    ),
    Violation(
        0,
        "goods that contradict the order",
        "UPDATE orders SET shipping_status = 'in_transit' WHERE id = '{cancelled}'",
        "order {cancelled_number} is cancelled with its goods in_transit",
    ),
    Violation(
        0,
        "a payment status that contradicts the order",
        "UPDATE orders SET payment_status = 'failed' WHERE id = '{completed}'",
        "order {completed_number} is completed, but its payment is failed",
    ),
    Violation(
        0,
        "money under a payment status without money",
        "UPDATE orders SET payment_status = 'pending' WHERE id = '{processing}'",
        "order {processing_number} is pending, but keeps 12900",
    ),
    Violation(
        0,
        "a shipped order without a parcel",
        "DELETE FROM shipments WHERE order_id = '{completed}'",
        "order {completed_number} is completed, but there is no parcel",
    ),
    Violation(
        0,
        "a parcel of an order that was not shipped",
        "UPDATE shipments SET order_id = '{unpaid}' WHERE order_id = '{completed}'",
        "order {unpaid_number} is pending, but parcel SF{completed} is on its way",
    ),
    Violation(
        0,
        "an order that is picked though all of it has left",
        "UPDATE orders SET status = 'processing', shipping_status = 'picking'"
        " WHERE id = '{shipped}'",
        "order {shipped_number} is processing, but parcel SF{shipped} is on its way",
    ),
    Violation(
        0,
        "an order that nobody was asked to pick",
        "DELETE FROM picking_lists WHERE order_id = '{processing}'",
        "order {processing_number} is processing, but no warehouse was asked to pick it",
    ),
    Violation(
        0,
        "a status that the timeline does not know",
        "DELETE FROM order_events WHERE order_id = '{completed}' AND kind = 'order_completed'",
        'order {completed_number} is completed, but its timeline does not say "order_completed"',
    ),
)
