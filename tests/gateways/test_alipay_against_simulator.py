"""The adapter and the simulator were written apart from each other: here they meet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.ids import PAYMENT, REFUND, encode_id
from domain.money import Money
from domain.payment import (
    CallbackEvent,
    CallbackTopic,
    PaymentCreated,
    PaymentRef,
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
from gateways.payments.alipay import AlipayGateway
from tests.accounts import provider_keys
from tests.gateways import alipay_wire as wire
from tests.gateways.alipay_wire import ASKED
from tests.gateways.simulated import Delivery, Simulated

NOTHING = Money.zero("CNY")
PATH = "/told/by/alipay"


def _gateway(simulated: Simulated, **changes: str) -> AlipayGateway:
    keys = provider_keys()
    account = {
        "app_id": wire.APP_ID,
        "seller_id": wire.SELLER_ID,
        "private_key": str(keys.alipay_merchant),
        "public_key": str(keys.public_half(keys.alipay_provider)),
        "base_url": f"{simulated.url}/alipay/gateway.do",
        "notify_url": f"{simulated.callback_url}{PATH}",
    }
    return AlipayGateway(simulated.client, **(account | changes))  # type: ignore[arg-type]  # all text


@pytest.fixture(scope="module")
async def gateway(simulated: Simulated) -> AlipayGateway:
    return _gateway(simulated)


@pytest.fixture
def request_() -> PaymentRequest:
    expires_at = datetime.now(UTC) + timedelta(minutes=15)
    request = wire.payment_request(encode_id(PAYMENT, uuid4()))
    return request.model_copy(update={"expires_at": expires_at})


def _ref(request: PaymentRequest, *, captured_before: bool = False) -> PaymentRef:
    return wire.payment_ref(request.payment_id, captured_before=captured_before)


def _refund(request: PaymentRequest, minor: int) -> RefundRequest:
    refund = wire.refund_request(encode_id(REFUND, uuid4()), minor, reason="不想要了 {a/b}")
    return refund.model_copy(update={"payment": _ref(request, captured_before=True)})


async def _paid(gateway: AlipayGateway, simulated: Simulated, request: PaymentRequest) -> None:
    assert isinstance(await gateway.create(request), PaymentCreated)
    await simulated.moves(f"alipay/{request.payment_id}/pay")


async def _told(
    simulated: Simulated,
    gateway: AlipayGateway,
    request: PaymentRequest,
    wanted: Callable[[CallbackEvent], bool],
) -> CallbackEvent:
    async def read(delivery: Delivery) -> CallbackEvent | None:
        if delivery.path != PATH or request.payment_id.encode() not in delivery.body:
            return None
        news = await gateway.parse_callback(delivery.headers, delivery.body, datetime.now(UTC))
        return news if wanted(news) else None

    return await simulated.told(read)


async def test_a_payment_is_pending_until_it_is_paid_and_told_of(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    outcome = await gateway.create(request_)
    assert isinstance(outcome, PaymentCreated)
    assert outcome.provider_ref == request_.payment_id
    assert outcome.action.value.startswith("http")
    for move in ("", "scan"):
        if move:
            await simulated.moves(f"alipay/{request_.payment_id}/{move}")
        view = await gateway.query(_ref(request_))
        assert (view.state, view.captured, view.refunded) == (
            PaymentState.PENDING,
            NOTHING,
            NOTHING,
        )

    await simulated.moves(f"alipay/{request_.payment_id}/pay")

    after = await gateway.query(_ref(request_))
    assert (after.state, after.captured, after.refunded) == (PaymentState.PAID, ASKED, None)
    news = await _told(simulated, gateway, request_, lambda news: news.kind == "TRADE_SUCCESS")
    assert (news.topic, news.capture_ref) == (CallbackTopic.PAYMENT, after.capture_ref)
    assert news.dedupe_key
    assert news.occurred_at is not None
    assert abs(datetime.now(UTC) - news.occurred_at) < timedelta(seconds=30)


async def test_another_amount_than_asked_is_told_as_it_is(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await gateway.create(request_)
    await simulated.moves(f"alipay/{request_.payment_id}/pay", amount=1)
    assert (await gateway.query(_ref(request_))).captured == Money(minor=1, currency="CNY")


async def test_a_declined_payment_stays_open(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await gateway.create(request_)
    await simulated.moves(f"alipay/{request_.payment_id}/decline", code="insufficient_funds")
    assert (await gateway.query(_ref(request_))).state is PaymentState.PENDING


@pytest.mark.parametrize("scanned", [True, False])
async def test_a_closed_payment_is_closed_and_late_money_is_seen_nevertheless(
    gateway: AlipayGateway,
    simulated: Simulated,
    request_: PaymentRequest,
    scanned: bool,  # noqa: FBT001
) -> None:
    await gateway.create(request_)
    if scanned:
        await simulated.moves(f"alipay/{request_.payment_id}/scan")
    for _ in range(2):
        view = await gateway.close(_ref(request_))
        assert (view.state, view.captured) == (PaymentState.CLOSED, NOTHING)
    await simulated.moves(f"alipay/{request_.payment_id}/pay", force="true")
    late = await gateway.query(_ref(request_))
    assert (late.state, late.captured) == (PaymentState.PAID, ASKED)


@pytest.mark.parametrize("meanwhile", [True, False])
async def test_closing_a_paid_payment_says_paid(
    gateway: AlipayGateway,
    simulated: Simulated,
    request_: PaymentRequest,
    meanwhile: bool,  # noqa: FBT001
) -> None:
    if meanwhile:
        await gateway.create(request_)
        match = {"paymentId": request_.payment_id}
        await simulated.suffers("alipay", "cancel", "paid_meanwhile", match=match)
    else:
        await _paid(gateway, simulated, request_)
    view = await gateway.close(_ref(request_))
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)


async def test_creating_again_gives_the_same_and_once_it_is_paid_no_code_to_scan(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    assert await gateway.create(request_) == await gateway.create(request_)
    await simulated.moves(f"alipay/{request_.payment_id}/pay")
    outcome = await gateway.create(request_)
    assert isinstance(outcome, PaymentCreated)
    assert outcome.action.value == ""


async def test_the_same_number_for_something_else_is_our_mistake(
    gateway: AlipayGateway, request_: PaymentRequest
) -> None:
    await gateway.create(request_)
    other = request_.model_copy(update={"amount": Money(minor=1, currency="CNY")})
    with pytest.raises(GatewayRejected, match="CONTEXT_INCONSISTENT"):
        await gateway.create(other)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": Money(minor=10_000_000_001, currency="CNY")}, "ACQ.TOTAL_FEE_EXCEED"),
        ({"amount": NOTHING}, "ACQ.INVALID_PARAMETER"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "ACQ.INVALID_PARAMETER"),
    ],
)
async def test_what_alipay_does_not_take_is_rejected(
    gateway: AlipayGateway, request_: PaymentRequest, changes: dict[str, object], code: str
) -> None:
    outcome = await gateway.create(request_.model_copy(update=changes))
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == code


async def test_a_part_then_the_rest_is_refunded_and_nothing_more(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await _paid(gateway, simulated, request_)
    part, rest = _refund(request_, 345), _refund(request_, 12000)
    with pytest.raises(NotFound):
        await gateway.query_refund(part.payment, refund_id=part.refund_id)
    made = await gateway.refund(part)
    assert (made.state, made.amount) == (RefundState.SUCCEEDED, part.amount)
    assert await gateway.refund(part) == made
    assert await gateway.query_refund(part.payment, refund_id=part.refund_id) == made
    assert (await gateway.query(part.payment)).refunded is None
    with pytest.raises(GatewayRejected, match="REASON_TRADE_REFUND_FEE_ERR"):
        await gateway.refund(_refund(request_, 12001))

    assert (await gateway.refund(rest)).amount == rest.amount
    after = await gateway.query(_ref(request_))
    assert (after.state, after.captured, after.refunded) == (PaymentState.PAID, ASKED, ASKED)
    assert await gateway.refund(rest) == await gateway.query_refund(
        rest.payment, refund_id=rest.refund_id
    )
    with pytest.raises(GatewayRejected):
        await gateway.refund(_refund(request_, 1))

    for refund in (part, rest):
        number = refund.refund_id
        news = await _told(simulated, gateway, request_, lambda news: news.refund_ref == number)  # noqa: B023
        assert (news.topic, news.kind) == (CallbackTopic.REFUND, "refund")


async def test_a_refund_number_used_with_another_amount_is_our_mistake(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await _paid(gateway, simulated, request_)
    refund = _refund(request_, 345)
    await gateway.refund(refund)
    with pytest.raises(GatewayRejected, match="DISCORDANT_REPEAT_REQUEST"):
        await gateway.refund(refund.model_copy(update={"amount": Money(minor=1, currency="CNY")}))


async def test_an_unpaid_payment_has_nothing_to_refund(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await gateway.create(request_)
    for _ in range(2):
        with pytest.raises(GatewayRejected):
            await gateway.refund(_refund(request_, 1))
        await simulated.moves(f"alipay/{request_.payment_id}/scan")


async def test_a_finished_payment_is_paid_and_cannot_be_refunded(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await _paid(gateway, simulated, request_)
    await simulated.moves(f"alipay/{request_.payment_id}/finish")
    view = await gateway.query(_ref(request_))
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)
    with pytest.raises(GatewayRejected, match="TRADE_HAS_FINISHED"):
        await gateway.refund(_refund(request_, 1))
    news = await _told(simulated, gateway, request_, lambda news: news.kind == "TRADE_FINISHED")
    assert news.topic is CallbackTopic.PAYMENT


async def test_a_refund_made_in_the_console_is_told_of_and_found_by_that_number(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await _paid(gateway, simulated, request_)
    await simulated.moves(f"alipay/{request_.payment_id}/refund-outside", amount=100)
    news = await _told(
        simulated, gateway, request_, lambda news: news.topic is CallbackTopic.REFUND
    )
    found = await gateway.query_refund(_ref(request_), refund_ref=news.refund_ref)
    assert (found.provider_ref, found.amount.minor) == (news.refund_ref, 100)


@pytest.mark.parametrize("fault", ["unsigned_answer", "forged_answer", "error_after_commit"])
async def test_an_effect_whose_answer_cannot_be_believed_is_unknown_and_repeating_makes_no_second(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest, fault: str
) -> None:
    match = {"paymentId": request_.payment_id}
    await simulated.suffers("alipay", "create", fault, match=match)
    with pytest.raises(OutcomeUnknown):
        await gateway.create(request_)
    await _paid(gateway, simulated, request_)
    refund = _refund(request_, 100)
    await simulated.suffers("alipay", "refund", fault, match={"refundId": refund.refund_id})
    with pytest.raises(OutcomeUnknown):
        await gateway.refund(refund)
    found = await gateway.query_refund(refund.payment, refund_id=refund.refund_id)
    assert await gateway.refund(refund) == found


@pytest.mark.parametrize("operation", ["retrieve", "cancel"])
@pytest.mark.parametrize("fault", ["unsigned_answer", "forged_answer"])
async def test_an_unbelievable_answer_about_a_payment_is_an_unknown_outcome(
    gateway: AlipayGateway,
    simulated: Simulated,
    request_: PaymentRequest,
    operation: str,
    fault: str,
) -> None:
    await _paid(gateway, simulated, request_)
    match = {"paymentId": request_.payment_id}
    await simulated.suffers("alipay", operation, fault, match=match)
    ask = gateway.close if operation == "cancel" else gateway.query
    with pytest.raises(OutcomeUnknown):
        await ask(_ref(request_))
    assert (await ask(_ref(request_))).state is PaymentState.PAID


async def test_throttling_is_a_reason_to_come_back(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    match = {"paymentId": request_.payment_id}
    await simulated.suffers("alipay", "create", "rate_limit", match=match)
    with pytest.raises(RateLimited):
        await gateway.create(request_)
    assert isinstance(await gateway.create(request_), PaymentCreated)


async def test_a_forged_notification_is_refused(
    gateway: AlipayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    match = {"paymentId": request_.payment_id}
    await simulated.suffers("alipay", "TRADE_SUCCESS", "bad_signature", match=match)
    await _paid(gateway, simulated, request_)
    with pytest.raises(InvalidCallback, match="does not match"):
        await _told(simulated, gateway, request_, lambda news: news.kind == "TRADE_SUCCESS")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"private_key": str(provider_keys().alipay_provider)}, "invalid-signature"),
        ({"app_id": "2021000000000009"}, "invalid-app-id"),
    ],
)
async def test_wrong_credentials_are_told_apart_from_refusals(
    simulated: Simulated, request_: PaymentRequest, changes: dict[str, str], reason: str
) -> None:
    gateway = _gateway(simulated, **changes)
    for call in (
        gateway.create(request_),
        gateway.query(_ref(request_)),
        gateway.close(_ref(request_)),
        gateway.refund(_refund(request_, 1)),
    ):
        with pytest.raises(GatewayAuthError, match=reason) as refused:
            await call
        assert request_.payment_id not in str(refused.value)


async def test_another_ones_public_key_makes_every_answer_unknown(
    simulated: Simulated, request_: PaymentRequest
) -> None:
    keys = provider_keys()
    gateway = _gateway(simulated, public_key=str(keys.public_half(keys.alipay_merchant)))
    with pytest.raises(OutcomeUnknown, match="not signed by Alipay"):
        await gateway.create(request_)
