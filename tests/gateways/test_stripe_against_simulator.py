"""The adapter and the simulator were written apart from each other: here they meet."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.ids import PAYMENT, REFUND, encode_id
from domain.money import Money
from domain.payment import (
    CallbackEvent,
    PaymentCreated,
    PaymentRejected,
    PaymentRequest,
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
from gateways.payments.stripe import StripeGateway
from tests.accounts import ACCOUNTS
from tests.gateways.simulated import Delivery, Simulated
from tests.gateways.stripe_wire import payment_ref, payment_request, refund_request

ASKED = Money(minor=12345, currency="CNY")


@pytest.fixture
def gateway(simulated: Simulated) -> StripeGateway:
    return StripeGateway(
        simulated.client,
        ACCOUNTS["stripe_api_key"],
        ACCOUNTS["stripe_webhook_secret"],
        simulated.url,
    )


@pytest.fixture
def request_() -> PaymentRequest:
    return payment_request(encode_id(PAYMENT, uuid4()), ASKED)


async def _created(gateway: StripeGateway, request: PaymentRequest) -> str:
    outcome = await gateway.create(request)
    assert isinstance(outcome, PaymentCreated)
    assert outcome.action.type == "client_secret"
    assert outcome.action.value.startswith(outcome.provider_ref)
    return outcome.provider_ref


async def _paid(gateway: StripeGateway, simulated: Simulated, request: PaymentRequest) -> str:
    ref = await _created(gateway, request)
    await simulated.moves(f"stripe/{request.payment_id}/pay")
    return ref


def _yuan(minor: int) -> Money:
    return Money(minor=minor, currency="CNY")


def _refund(ref: str, payment_id: str, minor: int) -> RefundRequest:
    refund_id = encode_id(REFUND, uuid4())
    return refund_request(ref, refund_id, minor, payment_id, reason="不想要了")


async def _told(simulated: Simulated, gateway: StripeGateway, kind: str, ref: str) -> CallbackEvent:
    async def read(delivery: Delivery) -> CallbackEvent | None:
        if delivery.path != "/callbacks/payments/stripe":
            return None
        try:
            news = await gateway.parse_callback(delivery.headers, delivery.body, datetime.now(UTC))
        except InvalidCallback:
            # Others had theirs forged on purpose.
            return None
        return news if (news.kind, news.provider_ref) == (kind, ref) else None

    return await simulated.told(read)


async def test_a_payment_is_created_open_then_paid_and_told_of(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    ref = await _created(gateway, request_)
    payment_id = request_.payment_id
    before = await gateway.query(payment_ref(ref, payment_id))
    assert (before.state, before.captured) == (PaymentState.PENDING, Money.zero("CNY"))

    await simulated.moves(f"stripe/{payment_id}/pay")

    after = await gateway.query(payment_ref(ref, payment_id))
    assert (after.state, after.captured) == (PaymentState.PAID, ASKED)
    assert (after.refunded, after.failure_code) == (Money.zero("CNY"), "")
    news = await _told(simulated, gateway, "payment_intent.succeeded", ref)
    assert news.payment_id == payment_id
    assert news.dedupe_key.startswith("evt_")


async def test_a_declined_payment_may_still_be_paid(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    ref = await _created(gateway, request_)
    payment_id = request_.payment_id
    await simulated.moves(f"stripe/{payment_id}/decline", code="insufficient_funds")
    declined = await gateway.query(payment_ref(ref, payment_id))
    assert (declined.state, declined.failure_code) == (PaymentState.FAILED, "insufficient_funds")
    assert declined.failure_message
    news = await _told(simulated, gateway, "payment_intent.payment_failed", ref)
    assert news.payment_id == payment_id

    await simulated.moves(f"stripe/{payment_id}/pay")
    assert (await gateway.query(payment_ref(ref, payment_id))).state is PaymentState.PAID


async def test_a_payment_in_processing_holds_no_money_yet(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    ref = await _created(gateway, request_)
    await simulated.moves(f"stripe/{request_.payment_id}/process")
    view = await gateway.query(payment_ref(ref, request_.payment_id))
    assert (view.state, view.captured.minor) == (PaymentState.PROCESSING, 0)


async def test_a_closed_payment_is_closed_for_good_and_closing_again_is_fine(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    ref = await _created(gateway, request_)
    for _ in range(2):
        view = await gateway.close(payment_ref(ref, request_.payment_id))
        assert (view.state, view.captured.minor) == (PaymentState.CLOSED, 0)
    news = await _told(simulated, gateway, "payment_intent.canceled", ref)
    assert news.payment_id == request_.payment_id


async def test_closing_a_paid_payment_says_paid(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    ref = await _paid(gateway, simulated, request_)
    view = await gateway.close(payment_ref(ref, request_.payment_id))
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)


async def test_a_close_whose_first_try_failed_for_good_succeeds_the_second_time(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    ref = await _created(gateway, request_)
    await simulated.suffers(
        "stripe", "cancel", "fail_stored", match={"paymentId": request_.payment_id}
    )
    with pytest.raises(OutcomeUnknown):
        await gateway.close(payment_ref(ref, request_.payment_id))
    view = await gateway.close(payment_ref(ref, request_.payment_id))
    assert view.state is PaymentState.CLOSED


async def test_a_part_then_the_rest_is_refunded_and_nothing_more(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    payment_id = request_.payment_id
    ref = await _paid(gateway, simulated, request_)
    part, rest, surplus = (_refund(ref, payment_id, minor) for minor in (345, 12000, 1))

    made = await gateway.refund(part)
    assert (made.state, made.amount) == (RefundState.SUCCEEDED, part.amount)
    assert (await gateway.query(payment_ref(ref, payment_id))).refunded == part.amount
    with pytest.raises(GatewayRejected) as too_much:
        await gateway.refund(_refund(ref, payment_id, 12001))
    assert too_much.value.code == "invalid_request_error"

    await gateway.refund(rest)
    after = await gateway.query(payment_ref(ref, payment_id))
    assert (after.state, after.captured, after.refunded) == (PaymentState.PAID, ASKED, ASKED)
    with pytest.raises(GatewayRejected) as nothing_left:
        await gateway.refund(surplus)
    assert nothing_left.value.code == "charge_already_refunded"

    news = await _told(simulated, gateway, "refund.created", ref)
    assert news.payment_id == payment_id


async def test_an_unpaid_payment_has_nothing_to_refund(
    gateway: StripeGateway, request_: PaymentRequest
) -> None:
    ref = await _created(gateway, request_)
    with pytest.raises(GatewayRejected):
        await gateway.refund(_refund(ref, request_.payment_id, 1))


async def test_a_refund_is_found_by_stripes_reference_and_by_our_id(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    ref = await _paid(gateway, simulated, request_)
    first, second = (_refund(ref, request_.payment_id, minor) for minor in (100, 200))
    with pytest.raises(NotFound):
        await gateway.query_refund(first.payment, refund_id=first.refund_id)
    views = [await gateway.refund(request) for request in (first, second)]
    for request, view in zip((first, second), views, strict=True):
        by_our_id = await gateway.query_refund(request.payment, refund_id=request.refund_id)
        by_reference = await gateway.query_refund(request.payment, refund_ref=view.provider_ref)
        assert by_our_id == by_reference == view


async def test_a_pending_refund_settles_or_fails_later(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    payment_id = request_.payment_id
    ref = await _paid(gateway, simulated, request_)
    for move, state in (
        ("refund-settle", RefundState.SUCCEEDED),
        ("refund-fail", RefundState.FAILED),
    ):
        request = _refund(ref, payment_id, 100)
        match = {"refundId": request.refund_id}
        await simulated.suffers("stripe", "refund", "refund_pending", match=match)
        pending = await gateway.refund(request)
        assert pending.state is RefundState.PENDING
        await simulated.moves(f"stripe/{payment_id}/{move}", refund_id=request.refund_id)
        later = await gateway.query_refund(request.payment, refund_ref=pending.provider_ref)
        assert later.state is state
    assert (await gateway.query(payment_ref(ref, payment_id))).refunded == _yuan(100)


async def test_the_same_key_makes_one_payment_and_one_refund(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    assert await gateway.create(request_) == await gateway.create(request_)
    ref = await _paid(gateway, simulated, request_)
    refund = _refund(ref, request_.payment_id, 100)
    assert await gateway.refund(refund) == await gateway.refund(refund)
    assert (await gateway.query(payment_ref(ref, request_.payment_id))).refunded == _yuan(100)


async def test_the_same_key_for_something_else_is_our_mistake(
    gateway: StripeGateway, request_: PaymentRequest
) -> None:
    await _created(gateway, request_)
    other = request_.model_copy(update={"amount": Money(minor=1, currency="CNY")})
    with pytest.raises(GatewayRejected) as refused:
        await gateway.create(other)
    assert refused.value.code == "idempotency_error"


@pytest.mark.parametrize("fault", ["error_after_commit", "timeout_after_commit"])
async def test_a_lost_answer_is_an_unknown_outcome_and_repeating_makes_no_second_effect(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest, fault: str
) -> None:
    payment_id = request_.payment_id
    await simulated.suffers("stripe", "create", fault, match={"paymentId": payment_id}, seconds=0)
    with pytest.raises(OutcomeUnknown):
        await gateway.create(request_)
    ref = await _paid(gateway, simulated, request_)

    refund = _refund(ref, payment_id, 100)
    match = {"refundId": refund.refund_id}
    await simulated.suffers("stripe", "refund", fault, match=match, seconds=0)
    with pytest.raises(OutcomeUnknown):
        await gateway.refund(refund)
    found = await gateway.query_refund(refund.payment, refund_id=refund.refund_id)
    assert await gateway.refund(refund) == found
    assert (await gateway.query(payment_ref(ref, payment_id))).refunded == _yuan(100)


async def test_an_error_before_the_effect_is_as_unknown_and_repeating_makes_the_one_effect(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    ref = await _paid(gateway, simulated, request_)
    refund = _refund(ref, request_.payment_id, 100)
    match = {"refundId": refund.refund_id}
    await simulated.suffers("stripe", "refund", "fail_before_commit", match=match)
    with pytest.raises(OutcomeUnknown):
        await gateway.refund(refund)
    with pytest.raises(NotFound):
        await gateway.query_refund(refund.payment, refund_id=refund.refund_id)
    assert (await gateway.refund(refund)).state is RefundState.SUCCEEDED


async def test_throttling_and_refusal_are_told_apart(
    gateway: StripeGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    match = {"paymentId": request_.payment_id}
    await simulated.suffers("stripe", "create", "rate_limit", match=match, seconds=2)
    with pytest.raises(RateLimited) as limited:
        await gateway.create(request_)
    assert limited.value.retry_after is not None
    assert limited.value.retry_after.total_seconds() == 2
    await simulated.suffers("stripe", "create", "reject", match=match, code="amount_too_large")
    outcome = await gateway.create(request_)
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == "amount_too_large"


async def test_what_stripe_does_not_know_is_not_found(gateway: StripeGateway) -> None:
    with pytest.raises(NotFound):
        await gateway.query(payment_ref("pi_unknown"))
    with pytest.raises(NotFound):
        await gateway.close(payment_ref("pi_unknown"))
    with pytest.raises(NotFound):
        await gateway.refund(_refund("pi_unknown", "P01", 1))
    with pytest.raises(NotFound):
        await gateway.query_refund(payment_ref("pi_unknown"), refund_ref="re_unknown")


async def test_another_accounts_key_is_refused(
    simulated: Simulated, request_: PaymentRequest
) -> None:
    stranger = StripeGateway(
        simulated.client, "sk_test_stranger", ACCOUNTS["stripe_webhook_secret"], simulated.url
    )
    with pytest.raises(GatewayAuthError):
        await stranger.create(request_)
