"""PayPal's own SDK refunds at the simulator: whole, in parts, late, in vain, and by others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.paypal_kit import Refused, Shop, kinds, listed, member, new_id, payment_id, shop
from tests.sandbox.simulator_kit import eventually


@pytest.fixture(scope="module")
async def paypal() -> AsyncIterator[Shop]:
    async with shop() as running:
        yield running


async def test_a_capture_is_refunded_in_parts_and_then_the_rest(paypal: Shop) -> None:
    paid = await paypal.paid("10.00")
    part = await paypal.refund(paid, "4.00", note_to_payer="商品缺货")
    between = await paypal.get_capture(paid)
    rest = await paypal.refund(paid)
    order = await paypal.get(paid)

    assert (part.status, part.body["status"]) == (201, "COMPLETED")
    assert part.body["amount"] == {"currency_code": "USD", "value": "4.00"}
    assert part.body["note_to_payer"] == "商品缺货"
    assert rest.body["amount"] == {"currency_code": "USD", "value": "6.00"}
    assert between.body["status"] == "PARTIALLY_REFUNDED"
    assert order.payments()[0]["status"] == "REFUNDED"
    assert [refund["id"] for refund in order.payments("refunds")] == [part.id, rest.id]
    held = await paypal.held(paid)
    assert (held["captured"], held["refunded"]) == (1000, 1000)


async def test_a_refund_is_found_by_its_id_and_points_at_its_capture(paypal: Shop) -> None:
    paid = await paypal.paid()
    made = await paypal.refund(paid, "1.00")
    found = await paypal.get_refund(made)

    assert found.body == made.body
    assert found.link("up").endswith(f"/v2/payments/captures/{paid.payments()[0]['id']}")
    assert str(found.body["custom_id"]).startswith("R")
    assert found.body["custom_id"] == found.body["invoice_id"]


async def test_the_same_request_id_makes_one_refund(paypal: Shop) -> None:
    paid, key = await paypal.paid("10.00"), new_id()
    first = await paypal.refund(paid, "2.00", key=key)
    again = await paypal.refund(paid, "2.00", key=key)

    assert (first.status, again.status, again.id) == (201, 200, first.id)
    assert (await paypal.held(paid))["refunded"] == 200


async def test_a_refund_without_a_request_id_is_simply_repeated(paypal: Shop) -> None:
    paid = await paypal.paid("10.00")
    first = await paypal.refund(paid, "2.00", key="")
    second = await paypal.refund(paid, "2.00", key="")

    assert first.id != second.id
    assert (await paypal.held(paid))["refunded"] == 400


@pytest.mark.parametrize(
    ("value", "issue"), [("6.01", "REFUND_AMOUNT_EXCEEDED"), ("1.001", "DECIMAL_PRECISION")]
)
async def test_no_more_than_is_left_goes_back(paypal: Shop, value: str, issue: str) -> None:
    paid = await paypal.paid("10.00")
    await paypal.refund(paid, "4.00")
    with pytest.raises(Refused) as refused:
        await paypal.refund(paid, value)

    assert (refused.value.status, refused.value.issues) == (422, [issue])
    assert (await paypal.held(paid))["refunded"] == 400


async def test_nothing_is_left_of_a_capture_that_went_back_whole(paypal: Shop) -> None:
    paid = await paypal.paid()
    await paypal.refund(paid)
    with pytest.raises(Refused) as whole:
        await paypal.refund(paid)
    with pytest.raises(Refused) as part:
        await paypal.refund(paid, "0.01")

    assert whole.value.issues == part.value.issues == ["CAPTURE_FULLY_REFUNDED"]


async def test_a_refund_is_in_the_currency_of_its_capture(paypal: Shop) -> None:
    paid = await paypal.paid("10.00", "USD")
    with pytest.raises(Refused) as refused:
        await paypal.refund(paid, amount={"currency_code": "EUR", "value": "1.00"})

    assert refused.value.issues == ["REFUND_CAPTURE_CURRENCY_MISMATCH"]


async def test_a_pending_refund_claims_its_amount_and_counts_when_it_settles(
    paypal: Shop,
) -> None:
    paid = await paypal.paid("10.00")
    await paypal.suffers("refund_pending", "refund", match={"paymentId": payment_id(paid)})
    refund = await paypal.refund(paid, "7.00")
    before = await paypal.held(paid)
    with pytest.raises(Refused) as too_much:
        await paypal.refund(paid, "4.00")
    await paypal.does(paid, "refund-settle", refund_id=str(refund.body["custom_id"]))
    settled = await paypal.get_refund(refund)

    assert refund.body["status"] == "PENDING"
    assert refund.body["status_details"] == {"reason": "ECHECK"}
    assert (before["refunded"], before["status"]) == (0, "completed")
    assert too_much.value.issues == ["REFUND_AMOUNT_EXCEEDED"]
    assert settled.body["status"] == "COMPLETED"
    assert (await paypal.held(paid))["refunded"] == 700
    await eventually(
        lambda: (
            {"PAYMENT.REFUND.PENDING", "PAYMENT.CAPTURE.REFUNDED"} <= set(kinds(paypal.about(paid)))
        )
    )


async def test_a_failed_refund_gives_its_claim_back(paypal: Shop) -> None:
    paid = await paypal.paid("10.00")
    await paypal.suffers("refund_pending", "refund", match={"paymentId": payment_id(paid)})
    refund = await paypal.refund(paid)
    await paypal.does(paid, "refund-fail")
    failed = await paypal.get_refund(refund)
    again = await paypal.refund(paid)

    assert failed.body["status"] == "FAILED"
    assert (again.body["status"], again.body["amount"]) == ("COMPLETED", refund.body["amount"])
    assert (await paypal.held(paid))["refunded"] == 1000
    told = await paypal.told(paid, "PAYMENT.REFUND.FAILED")
    assert member(told.body, "resource")["id"] == refund.id


async def test_a_refund_that_is_through_neither_settles_nor_fails(paypal: Shop) -> None:
    paid = await paypal.paid()
    await paypal.refund(paid)

    await paypal.does(paid, "refund-settle", expect=409)
    await paypal.does(paid, "refund-fail", expect=409)


async def test_a_refund_made_in_the_dashboard_has_no_number_of_ours(paypal: Shop) -> None:
    paid = await paypal.paid("10.00")
    await paypal.does(paid, "refund-outside", amount=300)
    await paypal.does(paid, "refund-outside", amount=701, expect=409)
    told = await paypal.told(paid, "PAYMENT.CAPTURE.REFUNDED")
    (refund,) = (await paypal.get(paid)).payments("refunds")
    (view,) = listed(await paypal.held(paid), "refunds")

    assert told.body["resource"] == refund
    assert refund["amount"] == {"currency_code": "USD", "value": "3.00"}
    assert refund["custom_id"] == payment_id(paid)
    assert (view["refundId"], view["providerRef"]) == ("", refund["id"])


async def test_a_disputed_capture_is_refunded_whole_or_not_at_all(paypal: Shop) -> None:
    paid = await paypal.paid("10.00")
    await paypal.does(paid, "dispute")
    with pytest.raises(Refused) as refused:
        await paypal.refund(paid, "1.00")

    assert refused.value.issues == ["CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED"]
    assert (await paypal.refund(paid)).body["status"] == "COMPLETED"


async def test_what_is_not_paid_cannot_be_disputed_or_refunded_outside(paypal: Shop) -> None:
    order = await paypal.create()

    await paypal.does(order, "dispute", expect=409)
    await paypal.does(order, "refund-outside", expect=409)
