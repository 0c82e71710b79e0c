"""PayPal's own SDK drives the simulator: what it believes, our adapter may believe."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.paypal_kit import Refused, Shop, listed, new_id, payment_id, shop


@pytest.fixture(scope="module")
async def paypal() -> AsyncIterator[Shop]:
    async with shop() as running:
        yield running


async def test_an_order_for_a_wallet_asks_its_payer_to_act(paypal: Shop) -> None:
    order = await paypal.create("88.88", "USD")
    found = await paypal.get(order)

    assert (order.status, order.body["status"]) == (201, "PAYER_ACTION_REQUIRED")
    assert order.rels() == ["self", "payer-action"]
    assert order.link("self") == f"{paypal.url}/paypal/v2/checkout/orders/{order.id}"
    assert len(order.id) == 17
    assert order.debug_id
    assert found.body == order.body
    unit = found.unit
    assert unit["amount"] == {"currency_code": "USD", "value": "88.88"}
    assert unit["custom_id"] == unit["invoice_id"] == payment_id(order)


async def test_an_order_without_a_payment_source_offers_to_approve(paypal: Shop) -> None:
    order = await paypal.create(wallet=False)

    assert order.body["status"] == "CREATED"
    assert order.rels() == ["self", "approve", "update", "capture"]


async def test_an_answer_is_minimal_unless_the_representation_is_preferred(paypal: Shop) -> None:
    order = await paypal.create(prefer=None)

    assert set(order.body) == {"id", "status", "payment_source", "links"}


async def test_the_same_request_id_makes_one_order_and_answers_what_it_is_now(
    paypal: Shop,
) -> None:
    key = new_id()
    first = await paypal.create(key=key)
    await paypal.does(first, "approve")
    again = await paypal.create(key=key)

    assert (first.status, again.status) == (201, 200)
    assert (again.id, again.body["status"]) == (first.id, "APPROVED")
    assert again.rels() == ["self", "update", "capture"]


async def test_a_post_without_a_request_id_is_simply_repeated(paypal: Shop) -> None:
    custom_id = new_id()
    first = await paypal.create(key="", wallet=False, custom_id=custom_id)
    second = await paypal.create(key="", wallet=False, custom_id=custom_id)

    assert (first.status, second.status) == (201, 201)
    assert first.id != second.id


async def test_an_order_with_a_payment_source_needs_a_request_id(paypal: Shop) -> None:
    with pytest.raises(Refused) as refused:
        await paypal.create(key="")

    assert (refused.value.status, refused.value.issues) == (400, ["PAYPAL_REQUEST_ID_REQUIRED"])


async def test_an_approved_order_is_captured_once(paypal: Shop) -> None:
    order = await paypal.create("10.50")
    await paypal.does(order, "approve")
    first = await paypal.capture(order)
    again = await paypal.capture(order)
    with pytest.raises(Refused) as other:
        await paypal.capture(order, key=new_id())

    (capture,) = first.payments()
    assert (first.status, again.status) == (201, 200)
    assert (first.body["status"], capture["status"]) == ("COMPLETED", "COMPLETED")
    assert capture["amount"] == {"currency_code": "USD", "value": "10.50"}
    assert again.payments() == [capture]
    assert (other.value.status, other.value.issues) == (422, ["ORDER_ALREADY_CAPTURED"])
    assert (await paypal.held(order))["captured"] == 1050


async def test_a_minimal_answer_to_a_capture_has_the_capture(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.does(order, "pay")
    captured = await paypal.capture(order, prefer="return=minimal")
    alone = await paypal.get_capture(captured)

    (capture,) = captured.payments()
    assert "intent" not in captured.body
    assert alone.body["supplementary_data"] == {"related_ids": {"order_id": order.id}}
    assert alone.body.items() >= capture.items()


async def test_an_order_that_nobody_approved_is_not_captured(paypal: Shop) -> None:
    order = await paypal.create()
    with pytest.raises(Refused) as refused:
        await paypal.capture(order)

    error = refused.value
    assert (error.status, error.name) == (422, "UNPROCESSABLE_ENTITY")
    assert error.issues == ["ORDER_NOT_APPROVED"]
    assert error.body["debug_id"]
    assert (await paypal.get(order)).body["status"] == "PAYER_ACTION_REQUIRED"


async def test_a_declined_instrument_sends_the_payer_back_to_choose_another(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.does(order, "decline")
    assert (await paypal.get(order)).body["status"] == "APPROVED"
    with pytest.raises(Refused) as declined:
        await paypal.capture(order)
    waiting = await paypal.get(order)
    with pytest.raises(Refused) as too_early:
        await paypal.capture(order)
    await paypal.does(order, "approve")

    assert (declined.value.status, declined.value.issues) == (422, ["INSTRUMENT_DECLINED"])
    links = listed(declined.value.body, "links")
    assert {"redirect", "information_link"} == {link["rel"] for link in links}
    assert waiting.body["status"] == "PAYER_ACTION_REQUIRED"
    assert too_early.value.issues == ["ORDER_NOT_APPROVED"]
    assert (await paypal.capture(order)).payments()[0]["status"] == "COMPLETED"


async def test_a_decline_can_have_any_reason(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.does(order, "decline", code="TRANSACTION_REFUSED")
    with pytest.raises(Refused) as declined:
        await paypal.capture(order)

    assert declined.value.issues == ["TRANSACTION_REFUSED"]


async def test_a_slow_instrument_leaves_the_capture_pending_until_it_settles(
    paypal: Shop,
) -> None:
    order = await paypal.create("30.00")
    await paypal.does(order, "process")
    captured = await paypal.capture(order)
    held = await paypal.held(order)
    with pytest.raises(Refused) as refused:
        await paypal.refund(captured)
    await paypal.does(order, "pay")
    settled = await paypal.get(order)

    (pending,), (completed,) = captured.payments(), settled.payments()
    assert (captured.body["status"], pending["status"]) == ("COMPLETED", "PENDING")
    assert pending["status_details"] == {"reason": "PENDING_REVIEW"}
    assert (held["open"], held["captured"], held["status"]) == (True, 0, "pending")
    assert refused.value.issues == ["PENDING_CAPTURE"]
    assert (completed["id"], completed["status"]) == (pending["id"], "COMPLETED")
    assert (await paypal.held(order))["captured"] == 3000


async def test_a_pending_capture_may_be_denied_and_the_order_is_over(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.does(order, "process")
    captured = await paypal.capture(order)
    await paypal.does(order, "decline")
    denied = await paypal.get(order)
    with pytest.raises(Refused) as refused:
        await paypal.refund(captured)
    await paypal.does(order, "pay", expect=409)

    assert denied.payments()[0]["status"] == "DECLINED"
    assert refused.value.issues == ["REFUND_NOT_ALLOWED"]
    assert (await paypal.held(order))["open"] is False


async def test_another_amount_than_asked_for_may_be_captured(paypal: Shop) -> None:
    order = await paypal.create("20.00")
    await paypal.does(order, "pay", amount=1999)
    captured = await paypal.capture(order)

    assert captured.payments()[0]["amount"] == {"currency_code": "USD", "value": "19.99"}


async def test_an_invoice_is_paid_once(paypal: Shop) -> None:
    first = await paypal.paid()
    second = await paypal.create(custom_id=payment_id(first), invoice_id=payment_id(first))
    await paypal.does(second, "approve")
    with pytest.raises(Refused) as refused:
        await paypal.capture(second, key=new_id())

    assert refused.value.issues == ["DUPLICATE_INVOICE_ID"]
