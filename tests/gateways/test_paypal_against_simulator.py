"""The adapter and the simulator were written apart from each other: here they meet."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.ids import PAYMENT, REFUND, encode_id
from domain.money import Money
from domain.payment import (
    CallbackEvent,
    CallbackTopic,
    PaymentCreated,
    PaymentRef,
    PaymentState,
    RefundRequest,
    RefundState,
)
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    InvalidCallback,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from gateways.payments.paypal import PayPalGateway
from tests.accounts import ACCOUNTS, provider_keys
from tests.gateways.paypal_wire import payment_request
from tests.gateways.simulated import Delivery, Simulated

ASKED = Money(minor=12345, currency="CNY")
NOTHING = Money.zero("CNY")


def _yuan(minor: int) -> Money:
    return Money(minor=minor, currency="CNY")


def _gateway(simulated: Simulated, **changes: str) -> PayPalGateway:
    return PayPalGateway(
        simulated.client,
        client_id=changes.get("client_id", ACCOUNTS["paypal_client_id"]),
        client_secret=changes.get("client_secret", ACCOUNTS["paypal_client_secret"]),
        webhook_id=changes.get("webhook_id", ACCOUNTS["paypal_webhook_id"]),
        base_url=f"{simulated.url}/paypal",
        cert_hosts=(simulated.url,),
        trust_roots=str(provider_keys().paypal_root),
        verification="postback" if changes.get("verification") == "postback" else "offline",
        shop_url="https://shop.example.com",
    )


@pytest.fixture
def gateway(simulated: Simulated) -> PayPalGateway:
    return _gateway(simulated)


async def _created(gateway: PayPalGateway, amount: Money = ASKED) -> PaymentRef:
    payment_id = encode_id(PAYMENT, uuid4())
    request = payment_request(amount, payment_id=payment_id, idempotency_key=f"{payment_id}:c:1")
    outcome = await gateway.create(request)
    assert isinstance(outcome, PaymentCreated)
    assert outcome.action.type == "redirect"
    return PaymentRef(payment_id=payment_id, provider_ref=outcome.provider_ref, asked=amount)


async def _approved(
    gateway: PayPalGateway, simulated: Simulated, amount: Money = ASKED
) -> PaymentRef:
    payment = await _created(gateway, amount)
    await simulated.moves(f"paypal/{payment.payment_id}/approve")
    return payment


async def _paid(gateway: PayPalGateway, simulated: Simulated, amount: Money = ASKED) -> PaymentRef:
    payment = await _approved(gateway, simulated, amount)
    view = await gateway.capture(payment, f"{payment.payment_id}:capture:1")
    assert (view.state, view.captured) == (PaymentState.PAID, amount)
    return payment.model_copy(update={"capture_ref": view.capture_ref})


def _refund(payment: PaymentRef, minor: int) -> RefundRequest:
    refund_id = encode_id(REFUND, uuid4())
    return RefundRequest(
        refund_id=refund_id,
        payment=payment,
        amount=Money(minor=minor, currency=payment.asked.currency),
        reason="不想要了",
        idempotency_key=f"{refund_id}:refund:1",
    )


async def _told(
    simulated: Simulated, gateway: PayPalGateway, kind: str, payment: PaymentRef
) -> CallbackEvent:
    async def read(delivery: Delivery) -> CallbackEvent | None:
        if delivery.path != "/callbacks/payments/paypal":
            return None
        try:
            news = await gateway.parse_callback(delivery.headers, delivery.body, datetime.now(UTC))
        except InvalidCallback:
            return None
        ours = {payment.payment_id, payment.provider_ref, payment.capture_ref}
        named = {news.payment_id, news.provider_ref, news.capture_ref} - {""}
        return news if news.kind == kind and named & ours else None

    return await simulated.told(read)


@pytest.mark.parametrize("currency", ["CNY", "USD", "EUR", "GBP", "HKD", "JPY"])
async def test_a_payment_is_created_approved_captured_and_refunded_in_any_currency(
    gateway: PayPalGateway, simulated: Simulated, currency: str
) -> None:
    amount = Money(minor=12345, currency=currency)
    payment = await _created(gateway, amount)
    before = await gateway.query(payment)
    assert (before.state, before.captured) == (PaymentState.PENDING, Money.zero(currency))

    await simulated.moves(f"paypal/{payment.payment_id}/approve")
    assert (await gateway.query(payment)).state is PaymentState.APPROVED

    captured = await gateway.capture(payment, f"{payment.payment_id}:capture:1")
    asked_again = await gateway.query(payment)
    assert captured == asked_again
    assert (captured.state, captured.captured) == (PaymentState.PAID, amount)
    assert (captured.refunded, captured.refunds) == (Money.zero(currency), ())

    view = await gateway.refund(_refund(payment, 345))
    assert (view.state, view.amount.minor) == (RefundState.SUCCEEDED, 345)
    after = await gateway.query(payment)
    assert (after.state, after.captured) == (PaymentState.PAID, amount)
    assert after.refunded == Money(minor=345, currency=currency)
    assert after.refunds == (view,)


@pytest.mark.parametrize("verification", ["offline", "postback"])
async def test_every_step_is_told_of_and_proven_either_way(
    simulated: Simulated, verification: str
) -> None:
    gateway = _gateway(simulated, verification=verification)
    payment = await _approved(gateway, simulated)
    approved = await _told(simulated, gateway, "CHECKOUT.ORDER.APPROVED", payment)
    assert approved.topic is CallbackTopic.PAYMENT
    assert (approved.payment_id, approved.provider_ref) == (
        payment.payment_id,
        payment.provider_ref,
    )

    view = await gateway.capture(payment, f"{payment.payment_id}:capture:1")
    payment = payment.model_copy(update={"capture_ref": view.capture_ref})
    paid = await _told(simulated, gateway, "PAYMENT.CAPTURE.COMPLETED", payment)
    assert paid.topic is CallbackTopic.PAYMENT
    assert (paid.payment_id, paid.capture_ref) == (payment.payment_id, view.capture_ref)

    refund = await gateway.refund(_refund(payment, 345))
    back = await _told(simulated, gateway, "PAYMENT.CAPTURE.REFUNDED", payment)
    assert (back.topic, back.refund_ref) == (CallbackTopic.REFUND, refund.provider_ref)
    assert (back.payment_id, back.capture_ref) == ("", view.capture_ref)

    await simulated.moves(f"paypal/{payment.payment_id}/dispute")
    disputed = await _told(simulated, gateway, "CUSTOMER.DISPUTE.CREATED", payment)
    assert (disputed.topic, disputed.capture_ref) == (CallbackTopic.DISPUTE, view.capture_ref)


async def test_a_forged_webhook_is_refused_and_the_true_one_that_follows_is_not(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    payment = await _created(gateway)
    match = {"paymentId": payment.payment_id}
    await simulated.suffers("paypal", "CHECKOUT.ORDER.APPROVED", "bad_signature", match=match)
    await simulated.moves(f"paypal/{payment.payment_id}/approve")

    async def refused(delivery: Delivery) -> bool | None:
        if payment.payment_id.encode() not in delivery.body:
            return None
        try:
            await gateway.parse_callback(delivery.headers, delivery.body, datetime.now(UTC))
        except InvalidCallback:
            return True
        return None

    assert await simulated.told(refused)


async def test_creating_again_with_the_same_key_gives_the_same_order(
    gateway: PayPalGateway,
) -> None:
    payment_id = encode_id(PAYMENT, uuid4())
    request = payment_request(payment_id=payment_id, idempotency_key=f"{payment_id}:c:1")
    first, second = await gateway.create(request), await gateway.create(request)
    assert first == second


@pytest.mark.parametrize("behavior", ["timeout_after_commit", "error_after_commit"])
@pytest.mark.parametrize("operation", ["create", "capture", "refund"])
async def test_what_happened_without_an_answer_happens_once(
    gateway: PayPalGateway, simulated: Simulated, operation: str, behavior: str
) -> None:
    payment_id = encode_id(PAYMENT, uuid4())
    await simulated.suffers(
        "paypal", operation, behavior, match={"paymentId": payment_id}, seconds=0
    )
    request = payment_request(payment_id=payment_id, idempotency_key=f"{payment_id}:c:1")
    if operation == "create":
        with pytest.raises(OutcomeUnknown):
            await gateway.create(request)
    outcome = await gateway.create(request)
    assert isinstance(outcome, PaymentCreated)
    payment = PaymentRef(payment_id=payment_id, provider_ref=outcome.provider_ref, asked=ASKED)
    await simulated.moves(f"paypal/{payment_id}/approve")
    key = f"{payment_id}:capture:1"
    if operation == "capture":
        with pytest.raises(OutcomeUnknown):
            await gateway.capture(payment, key)
        assert (await gateway.query(payment)).state is PaymentState.PAID
    view = await gateway.capture(payment, key)
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)
    refund = _refund(payment, 345)
    if operation == "refund":
        with pytest.raises(OutcomeUnknown):
            await gateway.refund(refund)
    made = await gateway.refund(refund)
    after = await gateway.query(payment)
    assert (after.refunds, after.refunded) == ((made,), _yuan(345))


@pytest.mark.parametrize(
    ("code", "failure"), [("", "INSTRUMENT_DECLINED"), ("TRANSACTION_REFUSED",) * 2]
)
async def test_a_declined_capture_took_nothing(
    gateway: PayPalGateway, simulated: Simulated, code: str, failure: str
) -> None:
    payment = await _created(gateway)
    await simulated.moves(f"paypal/{payment.payment_id}/decline", code=code)
    view = await gateway.capture(payment, f"{payment.payment_id}:capture:1")
    assert (view.state, view.failure_code) == (PaymentState.FAILED, failure)
    assert view.failure_message
    assert (view.captured, (await gateway.query(payment)).captured) == (NOTHING, NOTHING)


async def test_a_pending_capture_settles_later(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    payment = await _created(gateway)
    await simulated.moves(f"paypal/{payment.payment_id}/process")
    view = await gateway.capture(payment, f"{payment.payment_id}:capture:1")
    assert (view.state, view.captured) == (PaymentState.PROCESSING, NOTHING)
    assert (await gateway.close(payment)).state is PaymentState.PROCESSING
    with pytest.raises(GatewayRejected, match="PENDING_CAPTURE"):
        await gateway.refund(_refund(payment, 1))
    await simulated.moves(f"paypal/{payment.payment_id}/pay")
    settled = await gateway.query(payment)
    assert (settled.state, settled.capture_ref) == (PaymentState.PAID, view.capture_ref)


async def test_capturing_before_the_approval_or_twice_asks(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    payment = await _created(gateway)
    early = await gateway.capture(payment, f"{payment.payment_id}:capture:1")
    assert early.state is PaymentState.PENDING
    await simulated.moves(f"paypal/{payment.payment_id}/approve")
    first = await gateway.capture(payment, f"{payment.payment_id}:capture:2")
    second = await gateway.capture(payment, f"{payment.payment_id}:capture:3")
    assert first == second
    assert first.state is PaymentState.PAID


@pytest.mark.parametrize("approved", [True, False])
async def test_closing_what_was_not_captured_closes_it(
    gateway: PayPalGateway,
    simulated: Simulated,
    approved: bool,  # noqa: FBT001
) -> None:
    payment = await (_approved(gateway, simulated) if approved else _created(gateway))
    for _ in range(2):
        view = await gateway.close(payment)
        assert (view.state, view.captured) == (PaymentState.CLOSED, NOTHING)


async def test_closing_what_was_captured_shows_the_money(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    payment = await _paid(gateway, simulated)
    view = await gateway.close(payment)
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)


async def test_a_payment_of_another_amount_shows_it(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    payment = await _created(gateway)
    await simulated.moves(f"paypal/{payment.payment_id}/pay", amount=1)
    view = await gateway.capture(payment, f"{payment.payment_id}:capture:1")
    assert (view.state, view.captured) == (PaymentState.PAID, _yuan(1))


@pytest.mark.parametrize(("move", "end"), [("settle", "succeeded"), ("fail", "failed")])
async def test_a_pending_refund_comes_to_its_end(
    gateway: PayPalGateway, simulated: Simulated, move: str, end: str
) -> None:
    payment = await _paid(gateway, simulated)
    request = _refund(payment, 12345)
    match = {"paymentId": payment.payment_id}
    await simulated.suffers("paypal", "refund", "refund_pending", match=match)
    pending = await gateway.refund(request)
    assert pending.state is RefundState.PENDING
    path = f"paypal/{payment.payment_id}/refund-{move}"
    await simulated.moves(path, refund_id=request.refund_id)
    for names in ({"refund_id": request.refund_id}, {"refund_ref": pending.provider_ref}):
        view = await gateway.query_refund(payment, **names)
        assert (view.refund_id, view.state) == (request.refund_id, end)
    after = await gateway.query(payment)
    assert after.refunded == (ASKED if end == "succeeded" else NOTHING)


async def test_more_than_is_left_is_not_refunded_and_a_full_refund_shows(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    payment = await _paid(gateway, simulated)
    await gateway.refund(_refund(payment, 345))
    with pytest.raises(GatewayRejected, match="REFUND_AMOUNT_EXCEEDED"):
        await gateway.refund(_refund(payment, 12001))
    await gateway.refund(_refund(payment, 12000))
    with pytest.raises(GatewayRejected, match="CAPTURE_FULLY_REFUNDED"):
        await gateway.refund(_refund(payment, 1))
    view = await gateway.query(payment)
    assert (view.state, view.captured, view.refunded) == (PaymentState.PAID, ASKED, ASKED)


async def test_a_refund_whose_key_was_forgotten_is_found_and_not_made_twice(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    payment = await _paid(gateway, simulated)
    request = _refund(payment, 12345)
    first = await gateway.refund(request)
    second = await gateway.refund(request.model_copy(update={"idempotency_key": "another"}))
    assert first == second


async def test_a_refund_made_in_the_dashboard_has_no_number_of_ours(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    payment = await _paid(gateway, simulated)
    await simulated.moves(f"paypal/{payment.payment_id}/refund-outside", amount=500)
    news = await _told(simulated, gateway, "PAYMENT.CAPTURE.REFUNDED", payment)
    view = await gateway.query_refund(payment, refund_ref=news.refund_ref)
    assert (view.refund_id, view.amount, view.state) == ("", _yuan(500), RefundState.SUCCEEDED)
    assert (await gateway.query(payment)).refunds == (view,)


async def test_what_paypal_does_not_know_is_not_found(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    nowhere = PaymentRef(payment_id="P01", provider_ref="NOSUCHORDER", asked=ASKED)
    with pytest.raises(NotFound):
        await gateway.query(nowhere)
    assert (await gateway.close(nowhere)).state is PaymentState.CLOSED
    payment = await _paid(gateway, simulated)
    for names in ({"refund_id": "R01"}, {"refund_ref": "NOSUCHREFUND"}):
        with pytest.raises(NotFound):
            await gateway.query_refund(payment, **names)


async def test_wrong_credentials_are_an_error_of_ours(simulated: Simulated) -> None:
    for wrong in ({"client_id": "nobody"}, {"client_secret": "guess"}):
        with pytest.raises(GatewayAuthError):
            await _created(_gateway(simulated, **wrong))


async def test_throttling_and_failures_are_told_apart(
    gateway: PayPalGateway, simulated: Simulated
) -> None:
    payment = await _created(gateway)
    for behavior, error in (
        ("rate_limit", RateLimited),
        ("fail_before_commit", OutcomeUnknown),
    ):
        match = {"paymentId": payment.payment_id}
        await simulated.suffers("paypal", "retrieve", behavior, match=match)
        with pytest.raises(error):
            await gateway.query(payment)
    assert (await gateway.query(payment)).state is PaymentState.PENDING
