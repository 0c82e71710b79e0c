"""What the adapter makes of WeChat's answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from domain.errors import PermanentError
from domain.money import Money
from domain.payment import (
    PaymentCreated,
    PaymentRejected,
    PaymentState,
    PaymentView,
    RefundState,
    RefundView,
)
from gateways.errors import GatewayAuthError, GatewayRejected, NotFound, OutcomeUnknown, RateLimited
from gateways.payments.wechat_pay import WeChatPayGateway
from tests.gateways.peer import Peer
from tests.gateways.wechat_pay_wire import (
    ASKED,
    CLOSE,
    CREATE,
    PAYMENT,
    PAYMENT_ID,
    QUERY,
    QUERY_REFUND,
    REFUND,
    REFUND_ID,
    TRANSACTION_ID,
    new_gateway,
    payment_request,
    problem,
    refund,
    refund_request,
    transaction,
    wechat_says,
)

CODE_URL = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz"
NOTHING = Money.zero("CNY")

Call = Callable[[WeChatPayGateway], Awaitable[object]]

CALLS: dict[str, Call] = {
    CREATE: lambda gateway: gateway.create(payment_request()),
    QUERY: lambda gateway: gateway.query(PAYMENT),
    CLOSE: lambda gateway: gateway.close(PAYMENT),
    REFUND: lambda gateway: gateway.refund(refund_request()),
    QUERY_REFUND: lambda gateway: gateway.query_refund(PAYMENT, refund_id=REFUND_ID),
}


@pytest.fixture
def gateway(client: httpx.AsyncClient, peer: Peer) -> WeChatPayGateway:
    return new_gateway(client, peer.url)


async def test_a_created_payment_is_a_qr_code_under_our_number(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    wechat_says(peer, CREATE, {"code_url": CODE_URL})
    outcome = await gateway.create(payment_request())
    assert isinstance(outcome, PaymentCreated)
    assert outcome.provider_ref == PAYMENT_ID
    assert (outcome.action.type, outcome.action.value) == ("qr_code", CODE_URL)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "PARAM_ERROR"), (403, "RULE_LIMIT"), (403, "TRADE_ERROR"), (400, "ORDER_CLOSED")],
)
async def test_a_refused_payment_is_an_outcome_with_wechats_code(
    gateway: WeChatPayGateway, peer: Peer, status: int, code: str
) -> None:
    wechat_says(peer, CREATE, problem(code), status=status)
    outcome = await gateway.create(payment_request())
    assert outcome == PaymentRejected(code=code, message=f"because of {code}")
    assert len(peer.seen) == 1


@pytest.mark.parametrize("code", ["ORDERPAID", "OUT_TRADE_NO_USED", "INVALID_REQUEST"])
async def test_a_payment_refused_because_it_is_paid_already_is_not_lost(
    gateway: WeChatPayGateway, peer: Peer, code: str
) -> None:
    wechat_says(peer, CREATE, problem(code), status=400)
    wechat_says(peer, QUERY, transaction("SUCCESS"))
    outcome = await gateway.create(payment_request())
    assert isinstance(outcome, PaymentCreated)
    assert (outcome.provider_ref, outcome.action.value) == (PAYMENT_ID, "")


@pytest.mark.parametrize("code", ["OUT_TRADE_NO_USED", "INVALID_REQUEST"])
async def test_a_number_that_another_open_payment_has_is_our_mistake(
    gateway: WeChatPayGateway, peer: Peer, code: str
) -> None:
    wechat_says(peer, CREATE, problem(code), status=403)
    wechat_says(peer, QUERY, transaction("NOTPAY"))
    with pytest.raises(GatewayRejected) as refused:
        await gateway.create(payment_request())
    assert refused.value.code == code


@pytest.mark.parametrize("found", [transaction("CLOSED"), None])
async def test_an_invalid_payment_that_nobody_can_pay_is_rejected(
    gateway: WeChatPayGateway, peer: Peer, found: object
) -> None:
    wechat_says(peer, CREATE, problem("INVALID_REQUEST"), status=400)
    if found is None:
        wechat_says(peer, QUERY, problem("ORDER_NOT_EXIST"), status=404)
    else:
        wechat_says(peer, QUERY, found)
    outcome = await gateway.create(payment_request())
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("trade_state", "state"),
    [
        ("NOTPAY", PaymentState.PENDING),
        ("CLOSED", PaymentState.CLOSED),
        ("REVOKED", PaymentState.CLOSED),
        ("USERPAYING", PaymentState.PROCESSING),
    ],
)
async def test_an_unpaid_payment_holds_no_money(
    gateway: WeChatPayGateway, peer: Peer, trade_state: str, state: PaymentState
) -> None:
    wechat_says(peer, QUERY, transaction(trade_state))
    assert await gateway.query(PAYMENT) == PaymentView(
        payment_id=PAYMENT_ID,
        provider_ref=PAYMENT_ID,
        state=state,
        captured=NOTHING,
        refunded=NOTHING,
    )


async def test_a_paid_payment_holds_its_price_whatever_coupons_the_customer_had(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    wechat_says(peer, QUERY, transaction("SUCCESS"))
    assert await gateway.query(PAYMENT) == PaymentView(
        payment_id=PAYMENT_ID,
        provider_ref=PAYMENT_ID,
        capture_ref=TRANSACTION_ID,
        state=PaymentState.PAID,
        captured=ASKED,
        refunded=None,
    )


async def test_a_refunded_payment_stays_paid_and_does_not_tell_what_went_back(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    wechat_says(peer, QUERY, transaction("REFUND"))
    view = await gateway.query(PAYMENT)
    assert (view.state, view.captured, view.refunded) == (PaymentState.PAID, ASKED, None)


async def test_the_amount_is_what_wechat_says_never_what_we_asked_for(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    wechat_says(peer, QUERY, transaction("SUCCESS", amount={"total": 1, "currency": "HKD"}))
    view = await gateway.query(PAYMENT)
    assert view.captured == Money(minor=1, currency="HKD")


async def test_a_failed_try_says_why(gateway: WeChatPayGateway, peer: Peer) -> None:
    wechat_says(peer, QUERY, transaction("PAYERROR", trade_state_desc="银行卡余额不足"))
    view = await gateway.query(PAYMENT)
    assert (view.state, view.captured) == (PaymentState.FAILED, NOTHING)
    assert (view.failure_code, view.failure_message) == ("PAYERROR", "银行卡余额不足")


async def test_an_accepted_query_means_that_the_customer_is_paying(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    wechat_says(peer, QUERY, problem("USERPAYING"), status=202)
    view = await gateway.query(PAYMENT)
    assert (view.state, view.captured) == (PaymentState.PROCESSING, NOTHING)


@pytest.mark.parametrize(
    ("close_status", "close_body", "found", "state"),
    [
        (204, b"", transaction("CLOSED"), PaymentState.CLOSED),
        (204, b"", transaction("NOTPAY"), PaymentState.PENDING),
        (204, b"", transaction("SUCCESS"), PaymentState.PAID),
        (202, problem("USERPAYING"), transaction("USERPAYING"), PaymentState.PROCESSING),
        (400, problem("ORDERPAID"), transaction("SUCCESS"), PaymentState.PAID),
        (400, problem("ORDER_CLOSED"), transaction("CLOSED"), PaymentState.CLOSED),
        (404, problem("ORDER_NOT_EXIST"), transaction("SUCCESS"), PaymentState.PAID),
    ],
)
async def test_closing_is_decided_by_the_query_alone(
    gateway: WeChatPayGateway,
    peer: Peer,
    close_status: int,
    close_body: object,
    found: object,
    state: PaymentState,
) -> None:
    wechat_says(peer, CLOSE, close_body, status=close_status)
    wechat_says(peer, QUERY, found)
    assert (await gateway.close(PAYMENT)).state is state


@pytest.mark.parametrize("close_status", [204, 404])
async def test_what_wechat_does_not_know_after_a_close_is_closed(
    gateway: WeChatPayGateway, peer: Peer, close_status: int
) -> None:
    body = b"" if close_status == 204 else problem("ORDER_NOT_EXIST")
    wechat_says(peer, CLOSE, body, status=close_status)
    wechat_says(peer, QUERY, problem("ORDER_NOT_EXIST"), status=404)
    assert await gateway.close(PAYMENT) == PaymentView(
        payment_id=PAYMENT_ID,
        provider_ref=PAYMENT_ID,
        state=PaymentState.CLOSED,
        captured=NOTHING,
        refunded=NOTHING,
    )


async def test_a_404_in_other_words_than_wechats_closes_nothing(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    wechat_says(peer, CLOSE, status=204)
    peer.says(QUERY, {"message": "no Route matched with those values"}, status=404)
    with pytest.raises(OutcomeUnknown):
        await gateway.close(PAYMENT)


async def test_what_wechat_does_not_know_is_not_found(
    gateway: WeChatPayGateway, peer: Peer
) -> None:
    wechat_says(peer, QUERY, problem("ORDER_NOT_EXIST"), status=404)
    wechat_says(peer, QUERY_REFUND, problem("RESOURCE_NOT_EXISTS"), status=404)
    with pytest.raises(NotFound):
        await gateway.query(PAYMENT)
    with pytest.raises(NotFound):
        await gateway.query_refund(PAYMENT, refund_id=REFUND_ID)
    with pytest.raises(NotFound):
        await gateway.query_refund(PAYMENT)


@pytest.mark.parametrize(
    ("status", "state", "failure_code"),
    [
        ("PROCESSING", RefundState.PENDING, ""),
        ("SUCCESS", RefundState.SUCCEEDED, ""),
        ("CLOSED", RefundState.FAILED, "CLOSED"),
        ("ABNORMAL", RefundState.MANUAL, "ABNORMAL"),
    ],
)
@pytest.mark.parametrize("call", [REFUND, QUERY_REFUND])
async def test_each_refund_status_is_understood(
    gateway: WeChatPayGateway,
    peer: Peer,
    call: str,
    status: str,
    state: RefundState,
    failure_code: str,
) -> None:
    wechat_says(peer, call, refund(status))
    assert await CALLS[call](gateway) == RefundView(
        refund_id=REFUND_ID,
        provider_ref=REFUND_ID,
        state=state,
        amount=Money(minor=345, currency="CNY"),
        failure_code=failure_code,
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "NOT_ENOUGH"),
        (400, "INVALID_REQUEST"),
        (403, "USER_ACCOUNT_ABNORMAL"),
        (404, "RESOURCE_NOT_EXISTS"),
    ],
)
async def test_a_refused_refund_raises_with_wechats_code(
    gateway: WeChatPayGateway, peer: Peer, status: int, code: str
) -> None:
    wechat_says(peer, REFUND, problem(code), status=status)
    with pytest.raises(GatewayRejected) as refused:
        await gateway.refund(refund_request())
    assert refused.value.code == code
    assert f"because of {code}" in refused.value.reason


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (QUERY, transaction("SUCCESS", out_trade_no="P99")),
        (QUERY, transaction("SUCCESS", mchid="1900000002")),
        (QUERY, transaction("ON_HOLD")),
        (QUERY, transaction("success")),
        (QUERY, transaction("SUCCESS", amount=None)),
        (QUERY, transaction("SUCCESS", amount={"payer_total": 12345, "currency": "CNY"})),
        (QUERY, transaction("SUCCESS", amount={"total": "12345", "currency": "CNY"})),
        (QUERY, transaction("SUCCESS", amount={"total": 123.45, "currency": "CNY"})),
        (QUERY, transaction("SUCCESS", amount={"total": 12345.0, "currency": "CNY"})),
        (QUERY, transaction("SUCCESS", amount={"total": True, "currency": "CNY"})),
        (QUERY, transaction("SUCCESS", amount={"total": -1, "currency": "CNY"})),
        (QUERY, transaction("SUCCESS", amount={"total": 1, "currency": "yuan"})),
        (QUERY, {"code_url": CODE_URL}),
        (CREATE, {"code_url": ""}),
        (CREATE, {"prepay_id": "wx201410272009395522657a690389285100"}),
        (REFUND, refund(out_refund_no="R99")),
        (REFUND, refund(out_trade_no="P99")),
        (REFUND, refund("ON_HOLD")),
        (REFUND, refund(amount={"total": 12345, "currency": "CNY"})),
        (REFUND, refund(amount={"refund": "345", "currency": "CNY"})),
        (QUERY_REFUND, refund(out_refund_no="R99")),
        (QUERY_REFUND, refund(out_trade_no="P99")),
        (QUERY_REFUND, refund("SUCCEEDED")),
    ],
)
async def test_a_signed_answer_that_says_something_else_is_not_guessed_at(
    gateway: WeChatPayGateway, peer: Peer, call: str, answer: object
) -> None:
    wechat_says(peer, call, answer)
    with pytest.raises(OutcomeUnknown):
        await CALLS[call](gateway)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, problem("SIGN_ERROR"), GatewayAuthError),
        (403, problem("NO_AUTH"), GatewayAuthError),
        (400, problem("APPID_MCHID_NOT_MATCH"), GatewayAuthError),
        (401, b"<html>who are you</html>", GatewayAuthError),
        (429, problem("FREQUENCY_LIMITED"), RateLimited),
        (429, b"<html>slow down</html>", RateLimited),
        (400, problem("SYSTEM_ERROR"), OutcomeUnknown),
        (500, problem("SYSTEM_ERROR"), OutcomeUnknown),
        (500, problem("PARAM_ERROR"), OutcomeUnknown),
        (502, b"<html>bad gateway</html>", OutcomeUnknown),
        (503, b"", OutcomeUnknown),
        (302, b"", OutcomeUnknown),
        (404, b"<html>not here</html>", OutcomeUnknown),
        (400, b"<html>what?</html>", OutcomeUnknown),
    ],
)
async def test_every_call_reads_every_kind_of_error_alike(
    gateway: WeChatPayGateway,
    peer: Peer,
    call: str,
    status: int,
    body: object,
    kind: type[Exception],
) -> None:
    wechat_says(peer, call, body, status=status)
    with pytest.raises(kind) as raised:
        await CALLS[call](gateway)
    assert type(raised.value) is kind
    said = f"{raised.value} {raised.value.__cause__}"
    assert "html" not in said
    assert "secret-value" not in said
    assert len(peer.seen) == 1


@pytest.mark.parametrize("body", [b"<html>", b"", [], "yes", None, {}, 7])
@pytest.mark.parametrize("call", [CREATE, QUERY, REFUND, QUERY_REFUND])
async def test_a_signed_success_that_cannot_be_read_is_an_unknown_outcome(
    gateway: WeChatPayGateway, peer: Peer, call: str, body: object
) -> None:
    wechat_says(peer, call, body)
    with pytest.raises(OutcomeUnknown, match="cannot be read"):
        await CALLS[call](gateway)


@pytest.mark.parametrize("call", CALLS)
async def test_a_timeout_after_the_request_went_out_is_an_unknown_outcome(
    peer: Peer, hasty_client: httpx.AsyncClient, call: str
) -> None:
    peer.hangs(call)
    with pytest.raises(OutcomeUnknown):
        await CALLS[call](new_gateway(hasty_client, peer.url))
    assert len(peer.requests(call)) == 1


@pytest.mark.parametrize("call", CALLS)
async def test_a_refused_connection_is_retryable_because_nothing_was_sent(
    client: httpx.AsyncClient, deaf_url: str, call: str
) -> None:
    with pytest.raises(ConnectionError) as raised:
        await CALLS[call](new_gateway(client, deaf_url))
    assert not isinstance(raised.value, OutcomeUnknown | PermanentError)


async def test_rate_limiting_tells_how_long_to_wait(gateway: WeChatPayGateway, peer: Peer) -> None:
    peer.says(QUERY, problem("FREQUENCY_LIMITED"), status=429, headers={"Retry-After": "9"})
    with pytest.raises(RateLimited) as raised:
        await gateway.query(PAYMENT)
    assert raised.value.retry_after == timedelta(seconds=9)


def test_wechat_is_acknowledged_with_nothing_or_told_of_a_failure(
    gateway: WeChatPayGateway,
) -> None:
    assert gateway.acknowledge(accepted=True) == (204, "application/json", b"")
    status, media_type, body = gateway.acknowledge(accepted=False)
    assert (status, media_type) == (400, "application/json")
    assert body.startswith(b'{"code":"FAIL","message":"')
