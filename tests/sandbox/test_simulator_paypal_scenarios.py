"""Misfortunes at the simulated PayPal, as PayPal's own SDK lives through them; and the payer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import requests

from tests.sandbox.paypal_kit import Refused, Shop, kinds, new_id, payment_id, shop


@pytest.fixture(scope="module")
async def paypal() -> AsyncIterator[Shop]:
    async with shop() as running:
        yield running


async def test_what_failed_before_it_was_done_is_done_by_the_next_try(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.does(order, "approve")
    match = {"paymentId": payment_id(order)}
    await paypal.suffers("fail_before_commit", "capture", match=match)
    with pytest.raises(Refused) as failed:
        await paypal.capture(order)
    between = await paypal.get(order)
    captured = await paypal.capture(order)

    assert (failed.value.status, failed.value.name) == (500, "INTERNAL_SERVER_ERROR")
    assert between.body["status"] == "APPROVED"
    assert captured.status == 201
    verdicts = [e["verdict"] for e in await paypal.journal(order) if e["operation"] == "capture"]
    assert verdicts == ["fail_before_commit", "committed"]


@pytest.mark.parametrize("misfortune", ["timeout_after_commit", "error_after_commit"])
async def test_a_lost_answer_is_found_again_with_the_same_request_id(
    paypal: Shop, misfortune: str
) -> None:
    paid = await paypal.paid("10.00")
    key, more = new_id(), {"seconds": 0} if misfortune.startswith("timeout") else {}
    await paypal.suffers(misfortune, "refund", match={"idempotencyKey": key}, **more)
    with pytest.raises((Refused, requests.RequestException)):
        await paypal.refund(paid, "3.00", key=key)
    again = await paypal.refund(paid, "3.00", key=key)

    assert (again.status, again.body["status"]) == (200, "COMPLETED")
    assert (await paypal.held(paid))["refunded"] == 300
    verdicts = [e["verdict"] for e in await paypal.journal(paid) if e["operation"] == "refund"]
    assert verdicts == [f"{misfortune}+committed", "replayed"]


async def test_a_lost_create_is_found_again_with_the_same_request_id(paypal: Shop) -> None:
    key = new_id()
    await paypal.suffers("error_after_commit", "create", match={"idempotencyKey": key})
    with pytest.raises(Refused):
        await paypal.create(key=key)

    assert (await paypal.create(key=key)).status == 200


async def test_too_many_requests_are_told_when_to_come_back(paypal: Shop) -> None:
    order = await paypal.create()
    match = {"ref": order.id}
    await paypal.suffers("rate_limit", "retrieve", match=match, seconds=2, times=2)
    limited = await paypal.http.get(
        f"/paypal/v2/checkout/orders/{order.id}", headers=await paypal.token()
    )
    with pytest.raises(Refused) as refused:
        await paypal.get(order)

    assert (limited.status_code, limited.headers["retry-after"]) == (429, "2")
    assert (refused.value.status, refused.value.name) == (429, "RATE_LIMIT_REACHED")
    assert (await paypal.get(order)).status == 200


@pytest.mark.parametrize(
    ("operation", "code", "status", "issue"),
    [
        ("capture", "", 422, "TRANSACTION_REFUSED"),
        ("capture", "ORDER_EXPIRED", 422, "ORDER_EXPIRED"),
        ("capture", "PERMISSION_DENIED", 403, "PERMISSION_DENIED"),
        ("retrieve", "INVALID_RESOURCE_ID", 404, "INVALID_RESOURCE_ID"),
    ],
)
async def test_paypal_may_refuse_for_a_reason_of_its_own(
    paypal: Shop, operation: str, code: str, status: int, issue: str
) -> None:
    order = await paypal.create()
    await paypal.does(order, "approve")
    match = {"paymentId": payment_id(order)}
    await paypal.suffers("reject", operation, match=match, code=code)
    with pytest.raises(Refused) as refused:
        await (paypal.capture(order) if operation == "capture" else paypal.get(order))

    assert (refused.value.status, refused.value.issues) == (status, [issue])
    assert (await paypal.get(order)).body["status"] == "APPROVED"


async def test_a_token_may_be_taken_back_and_a_new_one_is_good(paypal: Shop) -> None:
    order = await paypal.create()
    path = f"/paypal/v2/checkout/orders/{order.id}"
    await paypal.suffers("reject", "retrieve", match={"ref": order.id}, code="invalid_token")
    refused = await paypal.http.get(path, headers=await paypal.token())
    accepted = await paypal.http.get(path, headers=await paypal.token())

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert accepted.status_code == 200


async def test_no_token_is_given_while_paypal_fails(paypal: Shop) -> None:
    await paypal.suffers("reject", "token", times=1)
    with pytest.raises(AssertionError, match="invalid_client"):
        await paypal.token()

    assert await paypal.token()


async def test_a_request_id_in_flight_is_refused_and_then_answers(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.does(order, "approve")
    match = {"paymentId": payment_id(order)}
    await paypal.suffers("delay_before_commit", "capture", match=match, seconds=0.4)
    path = f"/paypal/v2/checkout/orders/{order.id}/capture"
    headers = await paypal.token() | {"PayPal-Request-Id": new_id()}
    both = await asyncio.gather(
        *(paypal.http.post(path, headers=headers, json={}) for _ in range(2))
    )
    after = await paypal.http.post(path, headers=headers, json={})

    refused, made = sorted(both, key=lambda a: a.status_code, reverse=True)
    assert (made.status_code, refused.status_code, after.status_code) == (201, 422, 200)
    assert refused.json()["details"][0]["issue"] == "ORDER_COMPLETION_IN_PROGRESS"


async def test_two_refunds_at_once_with_one_request_id_are_one(paypal: Shop) -> None:
    paid = await paypal.paid("10.00")
    match = {"paymentId": payment_id(paid)}
    await paypal.suffers("delay_before_commit", "refund", match=match, seconds=0.4)
    path = f"/paypal/v2/payments/captures/{paid.payments()[0]['id']}/refund"
    headers = await paypal.token() | {"PayPal-Request-Id": new_id()}
    amount = {"amount": {"currency_code": "USD", "value": "1.00"}}
    both = await asyncio.gather(
        *(paypal.http.post(path, headers=headers, json=amount) for _ in range(2))
    )

    refused, made = sorted(both, key=lambda a: a.status_code, reverse=True)
    assert (made.status_code, refused.status_code) == (201, 409)
    assert refused.json()["details"][0]["issue"] == "PREVIOUS_REQUEST_IN_PROGRESS"
    assert (await paypal.held(paid))["refunded"] == 100


async def test_the_payer_may_approve_in_the_very_moment_of_a_query(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.suffers("paid_meanwhile", "retrieve", match={"ref": order.id})

    assert (await paypal.get(order)).body["status"] == "APPROVED"
    await paypal.told(order, "CHECKOUT.ORDER.APPROVED")


async def test_payers_approve_by_themselves_if_told_to(paypal: Shop) -> None:
    await paypal.http.post("/_sim/scenario/defaults", json={"autoPay": 0})
    order = await paypal.create()
    await paypal.told(order, "CHECKOUT.ORDER.APPROVED")
    await paypal.http.post("/_sim/scenario/defaults", json={"autoPay": None})

    assert (await paypal.capture(order)).payments()[0]["status"] == "COMPLETED"


async def test_paying_twice_or_late_changes_nothing_that_the_shop_did_not_capture(
    paypal: Shop,
) -> None:
    order = await paypal.create()
    for _ in range(2):
        await paypal.does(order, "pay", force="true")
    held = await paypal.held(order)
    paid = await paypal.capture(order)
    await paypal.does(order, "pay")
    await paypal.does(order, "approve", expect=409)

    assert (held["status"], held["open"], held["captured"]) == ("approved", True, 0)
    assert kinds(paypal.about(paid)).count("CHECKOUT.ORDER.APPROVED") == 1
    assert len((await paypal.get(order)).payments()) == 1


async def test_the_link_opens_a_page_whose_button_approves(paypal: Shop) -> None:
    order = await paypal.create("88.88", description="<b>T-Shirt</b>")
    link = order.link("payer-action")
    page = await paypal.http.get(link)
    pressed = await paypal.http.post(link)
    afterwards = await paypal.http.get(link)

    assert page.status_code == 200
    assert "88.88 USD" in page.text
    assert "&lt;b&gt;T-Shirt" in page.text
    assert pressed.status_code == 303
    assert pressed.headers["location"].startswith(
        f"https://shop.example/back?a=1&token={order.id}&PayerID="
    )
    assert (await paypal.get(order)).body["status"] == "APPROVED"
    assert "<button>" not in afterwards.text
    await paypal.told(order, "CHECKOUT.ORDER.APPROVED")


async def test_a_page_without_a_way_back_says_so_itself_and_unknown_orders_have_none(
    paypal: Shop,
) -> None:
    order = await paypal.create(wallet=False)
    pressed = await paypal.http.post(order.link("approve"))
    back = await paypal.http.get(pressed.headers["location"])
    await paypal.capture(order)

    assert "Approved." in back.text
    assert (await paypal.http.post(order.link("approve"))).status_code == 409
    assert (await paypal.http.get("/paypal/checkoutnow?token=X")).status_code == 404
    assert (await paypal.http.post("/paypal/checkoutnow")).status_code == 404


async def test_everything_is_kept_over_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "simulator.db"
    async with shop(state) as before:
        order, key = await before.create(), new_id()
        await before.does(order, "approve")
        await before.suffers("delay_callbacks", "PAYMENT.CAPTURE.COMPLETED", seconds=0.3)
        paid = await before.capture(order)
        made = await before.refund(paid, "1.00", key=key)
        token = await before.token()
    async with shop(state) as after:
        again = await after.refund(paid, "1.00", key=key)
        with_old_token = await after.http.get(
            f"/paypal/v2/checkout/orders/{order.id}", headers=token
        )
        held = await after.held(paid)
        await after.told(paid, "PAYMENT.CAPTURE.COMPLETED")

    assert (again.status, again.id) == (200, made.id)
    assert with_old_token.json()["status"] == "COMPLETED"
    assert (held["captured"], held["refunded"]) == (8888, 100)
