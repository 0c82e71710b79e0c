"""Stripe's webhooks: signed, redelivered, and believed by the official SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import stripe

from tests.accounts import ACCOUNTS
from tests.sandbox.simulator_kit import (
    Delivery,
    Lab,
    eventually,
    laboratory,
    payment_id,
)


@pytest.fixture(scope="module")
async def lab() -> AsyncIterator[Lab]:
    async with laboratory() as running:
        yield running


def opened(delivery: Delivery) -> stripe.Event:
    return stripe.Webhook.construct_event(  # type: ignore[no-any-return]
        delivery.raw, delivery.headers["stripe-signature"], ACCOUNTS["stripe_webhook_secret"]
    )


async def test_a_payment_is_called_back_in_an_envelope_that_the_sdk_believes(lab: Lab) -> None:
    intent = await lab.paid(777)
    await eventually(lambda: lab.receiver.about(intent.id))
    delivery = lab.receiver.about(intent.id)[0]
    event = opened(delivery)

    assert delivery.path == "/callbacks/payments/stripe"
    assert (event.type, event.livemode, event.pending_webhooks) == (
        "payment_intent.succeeded",
        False,
        1,
    )
    assert event.id.startswith("evt_")
    assert event.api_version == "2026-10-28.endive"
    assert event.data.object["amount_received"] == 777
    assert event.data.object["metadata"]["payment_id"] == payment_id(intent)


async def test_only_subscribed_events_arrive_and_carry_the_key_that_caused_them(lab: Lab) -> None:
    intent = await lab.intent()
    payment = payment_id(intent)
    await lab.post(f"/_sim/stripe/{payment}/decline?code=insufficient_funds")
    await lab.post(f"/_sim/stripe/{payment}/process")
    await lab.post(f"/_sim/stripe/{payment}/pay")
    await lab.stripe.v1.refunds.create_async(
        {"payment_intent": intent.id}, {"idempotency_key": f"{payment}:refund:1"}
    )
    await lab.post(f"/_sim/stripe/{payment}/refund-fail")
    await eventually(lambda: len(lab.receiver.about(intent.id)) == 7)

    events = {str(d.body["type"]): opened(d) for d in lab.receiver.about(intent.id)}
    assert set(events) == {
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "refund.failed",
    }
    created = events["refund.created"].request
    assert created is not None
    assert created.idempotency_key == f"{payment}:refund:1"
    failed = events["payment_intent.payment_failed"].data.object
    assert failed["last_payment_error"]["decline_code"] == "insufficient_funds"


async def test_a_canceled_intent_is_called_back(lab: Lab) -> None:
    intent = await lab.intent()
    await lab.stripe.v1.payment_intents.cancel_async(intent.id)
    await eventually(lambda: lab.receiver.kinds(intent.id) == ["payment_intent.canceled"])


async def test_a_refused_callback_comes_again_under_the_same_id_until_accepted(lab: Lab) -> None:
    lab.receiver.statuses[:] = [500, 503]
    intent = await lab.paid()
    await eventually(lambda: len(lab.receiver.about(intent.id)) == 3)

    assert len({opened(d).id for d in lab.receiver.about(intent.id)}) == 1
    timestamps = [d.headers["stripe-signature"] for d in lab.receiver.about(intent.id)]
    assert timestamps[0] != timestamps[2]
    tries = [
        (e["status"], e["verdict"])
        for e in await lab.journal(payment_id=payment_id(intent))
        if e["kind"] == "callback"
    ]
    assert tries == [(500, "retrying"), (503, "retrying"), (200, "delivered")]


async def test_duplicates_are_the_same_event(lab: Lab) -> None:
    await lab.scenario("stripe", "duplicate_callbacks", "payment_intent.succeeded", count=3)
    intent = await lab.paid()
    await eventually(lambda: len(lab.receiver.about(intent.id)) == 3)

    assert len({opened(d).id for d in lab.receiver.about(intent.id)}) == 1


async def test_a_forged_signature_is_refused_by_the_sdk_and_the_true_one_follows(lab: Lab) -> None:
    await lab.scenario("stripe", "bad_signature", "payment_intent.succeeded")
    lab.receiver.statuses[:] = [400]
    intent = await lab.paid()
    await eventually(lambda: len(lab.receiver.about(intent.id)) == 2)
    forged, true = lab.receiver.about(intent.id)

    with pytest.raises(stripe.SignatureVerificationError):
        opened(forged)
    assert opened(true).type == "payment_intent.succeeded"


async def test_a_dropped_callback_never_comes_unless_it_is_sent_again_by_hand(lab: Lab) -> None:
    await lab.scenario("stripe", "drop_callbacks", "payment_intent.succeeded")
    dropped = await lab.paid()
    later = await lab.paid()
    await eventually(lambda: lab.receiver.about(later.id))
    (entry,) = [
        e for e in await lab.journal(payment_id=payment_id(dropped)) if e["kind"] == "callback"
    ]
    assert lab.receiver.about(dropped.id) == []
    assert (entry["verdict"], entry["delivered"]) == ("dropped", False)

    await lab.post(f"/_sim/redeliver/{entry['eventId']}")
    await eventually(lambda: lab.receiver.kinds(dropped.id) == ["payment_intent.succeeded"])


async def test_a_refund_in_the_dashboard_is_called_back_and_knows_nothing_of_ours(lab: Lab) -> None:
    intent = await lab.paid(1000)
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/refund-outside?amount=300")
    await eventually(lambda: len(lab.receiver.about(intent.id)) == 3)
    events = {str(d.body["type"]): opened(d) for d in lab.receiver.about(intent.id)}
    (listed,) = (await lab.stripe.v1.refunds.list_async({"payment_intent": intent.id})).data

    assert set(events) == {"payment_intent.succeeded", "refund.created", "charge.refunded"}
    refund = events["refund.created"].data.object
    assert (refund["id"], refund["metadata"].to_dict(), refund["amount"]) == (listed.id, {}, 300)
    charge = events["charge.refunded"].data.object
    assert (charge["amount_refunded"], charge["refunded"]) == (300, False)
    assert charge["metadata"]["payment_id"] == payment_id(intent)


@pytest.mark.parametrize(("move", "status"), [("dispute-win", "won"), ("dispute-lose", "lost")])
async def test_a_dispute_is_called_back_when_it_begins_and_when_the_bank_has_decided(
    lab: Lab, move: str, status: str
) -> None:
    intent = await lab.paid(1000)
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/dispute")
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/{move}")
    await eventually(lambda: len(lab.receiver.about(intent.id)) == 3)
    events = {str(d.body["type"]): opened(d) for d in lab.receiver.about(intent.id)}

    disputed = events["charge.dispute.created"].data.object
    assert (disputed["object"], disputed["status"]) == ("dispute", "needs_response")
    assert (disputed["payment_intent"], disputed["amount"]) == (intent.id, 1000)
    decided = events["charge.dispute.closed"].data.object
    assert (decided["id"], decided["status"]) == (disputed["id"], status)


async def test_a_delayed_callback_is_overtaken_by_a_later_one(lab: Lab) -> None:
    await lab.scenario("stripe", "delay_callbacks", "payment_intent.succeeded", seconds=0.4)
    intent = await lab.paid()
    await lab.stripe.v1.refunds.create_async({"payment_intent": intent.id})
    await eventually(lambda: len(lab.receiver.about(intent.id)) == 3)

    assert lab.receiver.kinds(intent.id)[-1] == "payment_intent.succeeded"
