"""The official Stripe SDK drives the simulator: what it believes, our adapter may believe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import stripe

from tests.accounts import ACCOUNTS
from tests.sandbox.simulator_kit import Lab, laboratory, payment_id, stripe_client


@pytest.fixture(scope="module")
async def lab() -> AsyncIterator[Lab]:
    async with laboratory() as running:
        yield running


async def test_a_new_intent_waits_for_its_customer_and_has_the_real_shape(lab: Lab) -> None:
    intent = await lab.intent(amount=1099, currency="CNY")

    assert intent.id.startswith("pi_")
    assert (intent.client_secret or "").startswith(f"{intent.id}_secret_")
    assert (intent.amount, intent.currency, intent.amount_received) == (1099, "cny", 0)
    assert (intent.status, intent.livemode) == ("requires_payment_method", False)
    assert (intent.latest_charge, intent.canceled_at, intent.last_payment_error) == (None,) * 3
    assert intent.last_response is not None
    assert str(intent.last_response.request_id).startswith("req_")


async def test_a_customer_who_pays_makes_the_intent_succeed_with_a_charge(lab: Lab) -> None:
    intent = await lab.paid(5000)
    expanded = await lab.stripe.v1.payment_intents.retrieve_async(
        intent.id, {"expand": ["latest_charge"]}
    )

    assert (intent.status, intent.amount_received) == ("succeeded", 5000)
    assert isinstance(intent.latest_charge, str)
    assert isinstance(expanded.latest_charge, stripe.Charge)
    assert (expanded.latest_charge.amount, expanded.latest_charge.paid) == (5000, True)


async def test_the_same_key_and_parameters_make_one_intent(lab: Lab) -> None:
    key, metadata = uuid4().hex, {"payment_id": "P" + uuid4().hex[:20]}

    first = await lab.intent(key=key, metadata=metadata)
    second = await lab.intent(key=key, metadata=metadata)

    assert first.id == second.id
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"


async def test_a_key_used_for_other_parameters_is_an_idempotency_error(lab: Lab) -> None:
    key = uuid4().hex
    await lab.intent(amount=100, key=key, metadata={})

    with pytest.raises(stripe.IdempotencyError):
        await lab.intent(amount=200, key=key, metadata={})


async def test_a_refused_form_is_not_stored_for_its_key(lab: Lab) -> None:
    key = uuid4().hex
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await lab.intent(key=key, surprise="x")
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "surprise")

    assert (await lab.intent(key=key)).status == "requires_payment_method"


async def test_payment_method_types_went_away_with_version_endive(lab: Lab) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await lab.intent(payment_method_types=["card"])
    limited = await lab.intent(allowed_payment_method_types=["card", "link"])
    old = await lab.http.post(
        "/v1/payment_intents",
        data={"amount": "100", "currency": "cny", "payment_method_types[]": "card"},
        headers={
            "Authorization": f"Bearer {ACCOUNTS['stripe_api_key']}",
            "Stripe-Version": "2026-08-26.dahlia",
        },
    )

    assert refused.value.code == "payment_method_types_no_longer_supported"
    assert limited.payment_method_types == ["card", "link"]
    assert (old.status_code, old.json()["payment_method_types"]) == (200, ["card"])


async def test_a_key_in_flight_is_a_conflict_and_then_a_replay(lab: Lab) -> None:
    key = uuid4().hex
    await lab.scenario(
        "stripe", "delay_before_commit", "create", seconds=0.5, match={"idempotencyKey": key}
    )
    first, second = await asyncio.gather(
        lab.intent(key=key, metadata={}),
        lab.intent(key=key, metadata={}),
        return_exceptions=True,
    )
    made, refused = (second, first) if isinstance(first, BaseException) else (first, second)

    assert isinstance(refused, stripe.APIError)
    assert refused.error is not None
    assert (refused.http_status, refused.error.code) == (409, "idempotency_key_in_use")
    assert isinstance(made, stripe.PaymentIntent)
    assert (await lab.intent(key=key, metadata={})).id == made.id


async def test_a_wrong_api_key_is_refused_and_never_repeated(lab: Lab) -> None:
    async with stripe_client(lab.url, "sk_test_of_somebody_else") as stranger:
        with pytest.raises(stripe.AuthenticationError) as refused:
            await stranger.v1.payment_intents.retrieve_async("pi_1")

    assert "sk_test_of_somebody" not in str(refused.value)


async def test_an_unknown_intent_is_missing(lab: Lab) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        await lab.stripe.v1.payment_intents.retrieve_async("pi_unknown")

    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


async def test_confirming_with_a_good_card_pays(lab: Lab) -> None:
    intent = await lab.intent()
    confirmed = await lab.stripe.v1.payment_intents.confirm_async(
        intent.id, {"payment_method": "pm_card_visa"}
    )

    assert confirmed.status == "succeeded"


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
async def test_a_declined_card_is_a_card_error_and_leaves_the_intent_open(
    lab: Lab, method: str, code: str, decline_code: str | None
) -> None:
    intent = await lab.intent()
    with pytest.raises(stripe.CardError) as declined:
        await lab.stripe.v1.payment_intents.confirm_async(intent.id, {"payment_method": method})
    after = await lab.stripe.v1.payment_intents.retrieve_async(intent.id)

    error = declined.value
    assert (error.http_status, error.code) == (402, code)
    assert error.error is not None
    assert error.error.decline_code == decline_code
    assert error.error.payment_intent is not None
    assert error.error.payment_intent.id == intent.id
    assert after.status == "requires_payment_method"
    assert after.last_payment_error is not None
    assert after.last_payment_error.code == code


async def test_a_decline_is_replayed_for_its_key(lab: Lab) -> None:
    intent, key = await lab.intent(), uuid4().hex
    charges = set()
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            await lab.stripe.v1.payment_intents.confirm_async(
                intent.id,
                {"payment_method": "pm_card_chargeCustomerFail"},
                {"idempotency_key": key},
            )
        assert declined.value.error is not None
        charges.add(declined.value.error.charge)

    assert len(charges) == 1


async def test_an_open_intent_can_be_canceled_once(lab: Lab) -> None:
    intent = await lab.intent()
    canceled = await lab.stripe.v1.payment_intents.cancel_async(intent.id)
    with pytest.raises(stripe.InvalidRequestError) as again:
        await lab.stripe.v1.payment_intents.cancel_async(intent.id)

    assert canceled.status == "canceled"
    assert canceled.canceled_at
    assert again.value.code == "payment_intent_unexpected_state"


async def test_a_paid_intent_cannot_be_canceled(lab: Lab) -> None:
    intent = await lab.paid()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await lab.stripe.v1.payment_intents.cancel_async(intent.id)

    assert (refused.value.http_status, refused.value.code) == (
        400,
        "payment_intent_unexpected_state",
    )


async def test_money_on_its_way_cannot_be_called_back(lab: Lab) -> None:
    intent = await lab.intent()
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/process")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await lab.stripe.v1.payment_intents.cancel_async(intent.id)
    after = await lab.stripe.v1.payment_intents.retrieve_async(intent.id)

    assert refused.value.code == "payment_intent_unexpected_state"
    assert after.status == "processing"


async def test_a_customer_who_pays_just_before_the_cancel_wins(lab: Lab) -> None:
    intent = await lab.intent()
    await lab.scenario(
        "stripe", "paid_meanwhile", "cancel", match={"paymentId": payment_id(intent)}
    )
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await lab.stripe.v1.payment_intents.cancel_async(intent.id)
    after = await lab.stripe.v1.payment_intents.retrieve_async(intent.id)

    assert refused.value.code == "payment_intent_unexpected_state"
    assert (after.status, after.amount_received) == ("succeeded", intent.amount)


async def test_a_disputed_charge_says_so_and_cannot_be_refunded(lab: Lab) -> None:
    intent = await lab.paid()
    path = f"/_sim/stripe/{payment_id(intent)}/dispute"
    await lab.post(path)
    await lab.post(path, expect=409)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await lab.stripe.v1.refunds.create_async({"payment_intent": intent.id})
    after = await lab.stripe.v1.payment_intents.retrieve_async(
        intent.id, {"expand": ["latest_charge"]}
    )

    assert refused.value.code == "charge_disputed"
    assert isinstance(after.latest_charge, stripe.Charge)
    assert after.latest_charge.disputed


async def test_a_refund_in_the_dashboard_is_the_rest_unless_it_says_how_much(lab: Lab) -> None:
    intent = await lab.paid(1000)
    path = f"/_sim/stripe/{payment_id(intent)}/refund-outside"
    await lab.post(path + "?amount=1001", expect=409)
    await lab.post(path + "?amount=0", expect=409)
    await lab.post(path + "?amount=300")
    await lab.post(path)
    await lab.post(path, expect=409)
    refunds = (await lab.stripe.v1.refunds.list_async({"payment_intent": intent.id})).data

    assert [(r.amount, r.status, r.metadata and r.metadata.to_dict()) for r in refunds] == [
        (700, "succeeded", {}),
        (300, "succeeded", {}),
    ]


async def test_refunds_are_bounded_by_what_was_captured(lab: Lab) -> None:
    intent = await lab.paid(1000)
    refunds = lab.stripe.v1.refunds
    part = await refunds.create_async({"payment_intent": intent.id, "amount": 400})
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        await refunds.create_async({"payment_intent": intent.id, "amount": 601})
    rest = await refunds.create_async({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as empty:
        await refunds.create_async({"payment_intent": intent.id, "amount": 1})

    assert (part.status, part.amount, rest.amount) == ("succeeded", 400, 600)
    assert (too_much.value.http_status, too_much.value.param) == (400, "amount")
    assert (empty.value.http_status, empty.value.code) == (400, "charge_already_refunded")


async def test_an_unpaid_intent_cannot_be_refunded(lab: Lab) -> None:
    intent = await lab.intent()
    with pytest.raises(stripe.InvalidRequestError):
        await lab.stripe.v1.refunds.create_async({"payment_intent": intent.id})


async def test_a_refund_is_made_once_per_key_and_found_by_our_own_id(lab: Lab) -> None:
    intent, key = await lab.paid(1000), uuid4().hex
    other = await lab.paid(1000)
    refund_id = "R" + uuid4().hex[:20]
    made = [
        await lab.stripe.v1.refunds.create_async(
            {"payment_intent": intent.id, "amount": 250, "metadata": {"refund_id": refund_id}},
            {"idempotency_key": key},
        )
        for _ in range(2)
    ]
    await lab.stripe.v1.refunds.create_async({"payment_intent": other.id})
    listed = await lab.stripe.v1.refunds.list_async({"payment_intent": intent.id, "limit": 100})
    found = await lab.stripe.v1.refunds.retrieve_async(made[0].id)

    assert made[0].id == made[1].id
    assert [(r.id, r.metadata and r.metadata["refund_id"]) for r in listed.data] == [
        (found.id, refund_id)
    ]


async def test_a_list_of_refunds_is_cut_at_its_limit_newest_first(lab: Lab) -> None:
    intent = await lab.paid(1000)
    made = [
        await lab.stripe.v1.refunds.create_async({"payment_intent": intent.id, "amount": 10 + n})
        for n in range(3)
    ]
    listed = await lab.stripe.v1.refunds.list_async({"payment_intent": intent.id, "limit": 2})
    everything = [refund.id async for refund in listed.auto_paging_iter()]

    assert ([r.id for r in listed.data], listed.has_more) == ([made[2].id, made[1].id], True)
    assert everything == [refund.id for refund in reversed(made)]


async def test_a_refund_may_settle_late_or_fail_and_frees_its_money_then(lab: Lab) -> None:
    intent = await lab.paid(1000)
    payment = payment_id(intent)
    await lab.scenario("stripe", "refund_pending", "refund", match={"paymentId": payment})
    refund = await lab.stripe.v1.refunds.create_async({"payment_intent": intent.id})
    await lab.post(f"/_sim/stripe/{payment}/refund-settle")
    settled = await lab.stripe.v1.refunds.retrieve_async(refund.id)
    await lab.post(f"/_sim/stripe/{payment}/refund-fail")
    failed = await lab.stripe.v1.refunds.retrieve_async(refund.id)
    again = await lab.stripe.v1.refunds.create_async({"payment_intent": intent.id})

    assert (refund.status, settled.status, failed.status) == ("pending", "succeeded", "failed")
    assert failed.failure_reason
    assert (again.status, again.amount) == ("succeeded", 1000)
