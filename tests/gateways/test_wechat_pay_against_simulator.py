"""The adapter and the simulator were written apart from each other: here they meet."""

from __future__ import annotations

import asyncio
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
    RefundView,
)
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    InvalidCallback,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from gateways.payments.wechat_pay import WeChatPayGateway
from tests.accounts import ACCOUNTS, provider_keys
from tests.gateways import wechat_pay_wire as wire
from tests.gateways.simulated import Delivery, Simulated
from tests.gateways.wechat_pay_wire import ASKED

NOTHING = Money.zero("CNY")


def _path(request: PaymentRequest) -> str:
    return f"/told/by/wechat/{request.payment_id}"


def _gateway(simulated: Simulated, request: PaymentRequest, **changes: str) -> WeChatPayGateway:
    keys = provider_keys()
    account = {
        "mchid": ACCOUNTS["wechatpay_mchid"],
        "appid": ACCOUNTS["wechatpay_appid"],
        "serial": ACCOUNTS["wechatpay_serial"],
        "private_key": str(keys.wechatpay_merchant),
        "public_key": str(keys.public_half(keys.wechatpay_provider)),
        "public_key_id": ACCOUNTS["wechatpay_public_key_id"],
        "apiv3_key": ACCOUNTS["wechatpay_apiv3_key"],
        "base_url": f"{simulated.url}/wechatpay",
        "notify_url": f"{simulated.callback_url}{_path(request)}",
    }
    return WeChatPayGateway(simulated.client, **(account | changes))  # type: ignore[arg-type]  # all text


@pytest.fixture
def request_() -> PaymentRequest:
    update = {
        "payment_id": encode_id(PAYMENT, uuid4()),
        "expires_at": datetime.now(UTC) + timedelta(minutes=15),
    }
    return wire.payment_request().model_copy(update=update)


@pytest.fixture
def gateway(simulated: Simulated, request_: PaymentRequest) -> WeChatPayGateway:
    return _gateway(simulated, request_)


def _ref(request: PaymentRequest) -> PaymentRef:
    number = request.payment_id
    return PaymentRef(payment_id=number, provider_ref=number, asked=request.amount)


def _refund(request: PaymentRequest, minor: int) -> RefundRequest:
    update = {"refund_id": encode_id(REFUND, uuid4()), "payment": _ref(request)}
    return wire.refund_request("不想要了" * 20, minor).model_copy(update=update)


async def _paid(gateway: WeChatPayGateway, simulated: Simulated, request: PaymentRequest) -> None:
    assert isinstance(await gateway.create(request), PaymentCreated)
    await simulated.moves(f"wechatpay/{request.payment_id}/pay")


async def _told(
    simulated: Simulated,
    gateway: WeChatPayGateway,
    request: PaymentRequest,
    wanted: Callable[[CallbackEvent], bool],
) -> CallbackEvent:
    async def read(delivery: Delivery) -> CallbackEvent | None:
        if delivery.path != _path(request):
            return None
        news = await gateway.parse_callback(delivery.headers, delivery.body, datetime.now(UTC))
        return news if wanted(news) else None

    return await simulated.told(read)


async def _settled(gateway: WeChatPayGateway, request: RefundRequest) -> RefundView:
    async with asyncio.timeout(10):
        while True:
            view = await gateway.query_refund(request.payment, refund_id=request.refund_id)
            if view.state is not RefundState.PENDING:
                return view
            await asyncio.sleep(0.05)


async def test_a_payment_is_pending_until_it_is_paid_and_told_of(
    gateway: WeChatPayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    outcome = await gateway.create(request_)
    assert isinstance(outcome, PaymentCreated)
    assert outcome.provider_ref == request_.payment_id
    assert outcome.action.value.startswith("weixin://")
    before = await gateway.query(_ref(request_))
    assert (before.state, before.captured) == (PaymentState.PENDING, NOTHING)

    await simulated.moves(f"wechatpay/{request_.payment_id}/pay")

    after = await gateway.query(_ref(request_))
    assert (after.state, after.captured, after.refunded) == (PaymentState.PAID, ASKED, None)
    news = await _told(simulated, gateway, request_, lambda _: True)
    assert (news.kind, news.topic) == ("TRANSACTION.SUCCESS", CallbackTopic.PAYMENT)
    assert news.payment_id == request_.payment_id
    assert news.capture_ref == after.capture_ref != ""
    assert news.occurred_at is not None
    assert abs(datetime.now(UTC) - news.occurred_at) < timedelta(seconds=30)


async def test_another_amount_than_asked_is_told_as_it_is(
    gateway: WeChatPayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await gateway.create(request_)
    await simulated.moves(f"wechatpay/{request_.payment_id}/pay", amount=1)
    assert (await gateway.query(_ref(request_))).captured == Money(minor=1, currency="CNY")


async def test_a_declined_payment_stays_open(
    gateway: WeChatPayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await gateway.create(request_)
    await simulated.moves(f"wechatpay/{request_.payment_id}/decline")
    assert (await gateway.query(_ref(request_))).state is PaymentState.PENDING


async def test_a_closed_payment_is_closed_and_late_money_is_seen_nevertheless(
    gateway: WeChatPayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await gateway.create(request_)
    for _ in range(2):
        view = await gateway.close(_ref(request_))
        assert (view.state, view.captured) == (PaymentState.CLOSED, NOTHING)
    again = await gateway.create(request_)
    assert isinstance(again, PaymentRejected)
    assert again.code == "ORDER_CLOSED"
    await simulated.moves(f"wechatpay/{request_.payment_id}/pay", force="true")
    late = await gateway.query(_ref(request_))
    assert (late.state, late.captured) == (PaymentState.PAID, ASKED)


@pytest.mark.parametrize("meanwhile", [True, False])
async def test_closing_a_paid_payment_says_paid(
    gateway: WeChatPayGateway,
    simulated: Simulated,
    request_: PaymentRequest,
    meanwhile: bool,  # noqa: FBT001
) -> None:
    if meanwhile:
        await gateway.create(request_)
        match = {"paymentId": request_.payment_id}
        await simulated.suffers("wechatpay", "cancel", "paid_meanwhile", match=match)
    else:
        await _paid(gateway, simulated, request_)
    view = await gateway.close(_ref(request_))
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)


async def test_what_wechat_does_not_know_is_not_found_but_closed_once_we_closed_it(
    gateway: WeChatPayGateway, request_: PaymentRequest
) -> None:
    with pytest.raises(NotFound):
        await gateway.query(_ref(request_))
    assert (await gateway.close(_ref(request_))).state is PaymentState.CLOSED
    with pytest.raises(NotFound):
        await gateway.query_refund(_ref(request_), refund_ref="R00000000000000000000000000")


async def test_creating_again_gives_a_new_code_and_once_it_is_paid_no_code_to_scan(
    gateway: WeChatPayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    first, second = await gateway.create(request_), await gateway.create(request_)
    assert isinstance(first, PaymentCreated)
    assert isinstance(second, PaymentCreated)
    assert first.provider_ref == second.provider_ref
    await simulated.moves(f"wechatpay/{request_.payment_id}/pay")
    outcome = await gateway.create(request_)
    assert isinstance(outcome, PaymentCreated)
    assert outcome.action.value == ""


async def test_the_same_number_for_something_else_is_our_mistake(
    gateway: WeChatPayGateway, request_: PaymentRequest
) -> None:
    await gateway.create(request_)
    other = request_.model_copy(update={"amount": Money(minor=1, currency="CNY")})
    with pytest.raises(GatewayRejected, match="OUT_TRADE_NO_USED"):
        await gateway.create(other)


@pytest.mark.parametrize(
    "changes",
    [{"amount": NOTHING}, {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, {"description": ""}],
)
async def test_what_wechat_does_not_take_is_rejected(
    gateway: WeChatPayGateway, request_: PaymentRequest, changes: dict[str, object]
) -> None:
    outcome = await gateway.create(request_.model_copy(update=changes))
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == "PARAM_ERROR"


async def test_a_part_then_the_rest_is_refunded_and_nothing_more(
    gateway: WeChatPayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    await _paid(gateway, simulated, request_)
    part, rest = _refund(request_, 345), _refund(request_, 12000)
    made = await gateway.refund(part)
    assert (made.state, made.amount) == (RefundState.PENDING, part.amount)
    assert (await gateway.refund(part)).provider_ref == made.provider_ref
    view = await gateway.query(_ref(request_))
    assert (view.state, view.captured, view.refunded) == (PaymentState.PAID, ASKED, None)
    with pytest.raises(GatewayRejected, match="INVALID_REQUEST"):
        await gateway.refund(_refund(request_, 12001))
    await gateway.refund(rest)
    with pytest.raises(GatewayRejected):
        await gateway.refund(_refund(request_, 1))

    for refund in (part, rest):
        settled = await _settled(gateway, refund)
        assert (settled.state, settled.amount) == (RefundState.SUCCEEDED, refund.amount)
        number = refund.refund_id
        news = await _told(simulated, gateway, request_, lambda news: news.refund_ref == number)  # noqa: B023
        assert (news.topic, news.kind) == (CallbackTopic.REFUND, "REFUND.SUCCESS")
        found = await gateway.query_refund(_ref(request_), refund_ref=news.refund_ref)
        assert found == settled


@pytest.mark.parametrize(
    ("fails_as", "state"),
    [("ABNORMAL", RefundState.MANUAL), ("CLOSED", RefundState.FAILED)],
)
async def test_a_refund_that_the_bank_returns_is_told_of(
    gateway: WeChatPayGateway,
    simulated: Simulated,
    request_: PaymentRequest,
    fails_as: str,
    state: RefundState,
) -> None:
    await _paid(gateway, simulated, request_)
    refund = _refund(request_, 345)
    match = {"refundId": refund.refund_id}
    await simulated.suffers("wechatpay", "refund", "refund_pending", match=match, code=fails_as)
    assert (await gateway.refund(refund)).state is RefundState.PENDING
    await simulated.moves(
        f"wechatpay/{request_.payment_id}/refund-fail", refund_id=refund.refund_id
    )
    news = await _told(simulated, gateway, request_, lambda news: news.refund_ref != "")
    assert news.kind == f"REFUND.{fails_as}"
    view = await gateway.query_refund(_ref(request_), refund_ref=news.refund_ref)
    assert (view.state, view.failure_code) == (state, fails_as)


async def test_an_unpaid_payment_has_nothing_to_refund(
    gateway: WeChatPayGateway, request_: PaymentRequest
) -> None:
    await gateway.create(request_)
    with pytest.raises(GatewayRejected, match="RESOURCE_NOT_EXISTS"):
        await gateway.refund(_refund(request_, 1))


@pytest.mark.parametrize("fault", ["unsigned_answer", "forged_answer", "error_after_commit"])
async def test_an_effect_whose_answer_cannot_be_believed_is_unknown_and_repeating_makes_no_second(
    gateway: WeChatPayGateway, simulated: Simulated, request_: PaymentRequest, fault: str
) -> None:
    match = {"paymentId": request_.payment_id}
    await simulated.suffers("wechatpay", "create", fault, match=match)
    with pytest.raises(OutcomeUnknown):
        await gateway.create(request_)
    await _paid(gateway, simulated, request_)
    refund = _refund(request_, ASKED.minor)
    await simulated.suffers("wechatpay", "refund", fault, match={"refundId": refund.refund_id})
    with pytest.raises(OutcomeUnknown):
        await gateway.refund(refund)
    assert (await gateway.refund(refund)).amount == ASKED


@pytest.mark.parametrize("operation", ["retrieve", "cancel"])
@pytest.mark.parametrize("fault", ["unsigned_answer", "forged_answer"])
async def test_an_unbelievable_answer_about_a_payment_is_an_unknown_outcome(
    gateway: WeChatPayGateway,
    simulated: Simulated,
    request_: PaymentRequest,
    operation: str,
    fault: str,
) -> None:
    await gateway.create(request_)
    match = {"paymentId": request_.payment_id}
    await simulated.suffers("wechatpay", operation, fault, match=match)
    ask = gateway.close if operation == "cancel" else gateway.query
    with pytest.raises(OutcomeUnknown, match="not to be believed"):
        await ask(_ref(request_))
    closed = operation == "cancel"
    view = await ask(_ref(request_))
    assert view.state is (PaymentState.CLOSED if closed else PaymentState.PENDING)


async def test_throttling_and_refusal_are_told_apart(
    gateway: WeChatPayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    match = {"paymentId": request_.payment_id}
    await simulated.suffers("wechatpay", "create", "rate_limit", match=match, seconds=2)
    with pytest.raises(RateLimited) as limited:
        await gateway.create(request_)
    assert limited.value.retry_after == timedelta(seconds=2)
    for code in ("INVALID_REQUEST", "RULE_LIMIT"):
        await simulated.suffers("wechatpay", "create", "reject", match=match, code=code)
        outcome = await gateway.create(request_)
        assert isinstance(outcome, PaymentRejected)
        assert outcome.code == code


async def test_a_probe_is_refused(
    gateway: WeChatPayGateway, simulated: Simulated, request_: PaymentRequest
) -> None:
    match = {"paymentId": request_.payment_id}
    await simulated.suffers("wechatpay", "TRANSACTION.SUCCESS", "bad_signature", match=match)
    await _paid(gateway, simulated, request_)
    with pytest.raises(InvalidCallback, match="probe"):
        await _told(simulated, gateway, request_, lambda _: True)


@pytest.mark.parametrize(
    "changes",
    [
        {"private_key": str(provider_keys().wechatpay_provider)},
        {"serial": "0" * 40},
        {"appid": "wx0000000000000009"},
    ],
)
async def test_wrong_credentials_are_told_apart_from_refusals(
    simulated: Simulated, request_: PaymentRequest, changes: dict[str, str]
) -> None:
    with pytest.raises(GatewayAuthError):
        await _gateway(simulated, request_, **changes).create(request_)


async def test_another_ones_public_key_makes_every_answer_unknown(
    simulated: Simulated, request_: PaymentRequest
) -> None:
    keys = provider_keys()
    stranger = str(keys.public_half(keys.wechatpay_merchant))
    gateway = _gateway(simulated, request_, public_key=stranger)
    with pytest.raises(OutcomeUnknown, match="not to be believed"):
        await gateway.create(request_)
