from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from domain.money import Money
from domain.payment import (
    PaymentCreated,
    PaymentRejected,
    PaymentState,
)
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    OutcomeUnknown,
    RateLimited,
)
from gateways.http import build_client
from gateways.payments.alipay import AlipayGateway
from gateways.payments.protocol import PaymentGateway
from tests.gateways import alipay_wire as wire
from tests.gateways.alipay_wire import (
    ASKED,
    BUYER,
    CLOSE,
    PRECREATE,
    QUERY,
    TRADE_NO,
    all_asked,
    only_asked,
    payment_ref,
    payment_request,
    precreated,
    refused,
    says,
    success,
    trade,
)
from tests.gateways.peer import Peer

Call = Callable[[AlipayGateway], Awaitable[object]]

NOBODY = refused("40004", "ACQ.TRADE_NOT_EXIST")


NOTHING = Money.zero("CNY")


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """One for all: making one costs more than what most of these tests do."""
    async with build_client(answer_timeout=timedelta(seconds=5)) as client:
        yield client


@pytest.fixture
def alipay(client: httpx.AsyncClient, peer: Peer) -> AlipayGateway:
    return wire.gateway(client, peer.url)


def test_it_meets_the_contract(alipay: AlipayGateway) -> None:
    gateway: PaymentGateway = alipay
    assert gateway.name == "alipay"


async def test_creating_asks_for_a_qr_code_that_expires_and_tells_the_order(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, PRECREATE, precreated())
    outcome = await alipay.create(payment_request())
    assert isinstance(outcome, PaymentCreated)
    assert outcome.provider_ref == "P00001"
    qr_code = "https://qr.alipay.com/bax03431ljhokirwl38f00a7"
    assert (outcome.action.type, outcome.action.value) == ("qr_code", qr_code)
    assert only_asked(peer).biz == {
        "out_trade_no": "P00001",
        "total_amount": "123.45",
        "subject": "订单支付 - EC-1",
        "time_expire": "2026-11-22 00:45:59",
        "passback_params": "O00001",
    }


async def test_creating_again_sends_the_very_same_matter(alipay: AlipayGateway, peer: Peer) -> None:
    says(peer, PRECREATE, precreated())
    outcomes = [await alipay.create(payment_request()) for _ in range(2)]
    assert outcomes[0] == outcomes[1]
    first, second = all_asked(peer)
    assert first == second


async def test_the_subject_is_cut_and_has_no_characters_that_alipay_refuses(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, PRECREATE, precreated())
    description = "a/b=c&d" + "单" * 300
    request = payment_request().model_copy(update={"description": description})
    await alipay.create(request)
    assert only_asked(peer).biz["subject"] == "a b c d" + "单" * 249


@pytest.mark.parametrize("currency", ["USD", "JPY", "HKD"])
async def test_another_currency_is_rejected_without_asking_alipay(
    alipay: AlipayGateway, peer: Peer, currency: str
) -> None:
    outcome = await alipay.create(payment_request(amount=Money(minor=100, currency=currency)))
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == "currency_not_supported"
    assert not peer.seen


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        ("40004", "ACQ.TOTAL_FEE_EXCEED"),
        ("40004", "ACQ.TRADE_HAS_CLOSE"),
        ("40004", "ACQ.INVALID_PARAMETER"),
        ("40002", "isv.invalid-parameter"),
    ],
)
async def test_a_refused_creation_is_an_outcome_with_alipays_code(
    alipay: AlipayGateway, peer: Peer, code: str, sub_code: str
) -> None:
    says(peer, PRECREATE, refused(code, sub_code))
    outcome = await alipay.create(payment_request())
    assert isinstance(outcome, PaymentRejected)
    assert (outcome.code, outcome.message) == (sub_code, f"因为{sub_code}")


async def test_a_number_used_for_another_payment_is_our_mistake_and_not_a_refused_payment(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, PRECREATE, refused("40004", "ACQ.CONTEXT_INCONSISTENT"))
    with pytest.raises(GatewayRejected, match="CONTEXT_INCONSISTENT"):
        await alipay.create(payment_request())


async def test_a_payment_that_was_paid_meanwhile_counts_as_created_and_has_no_qr_code(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, PRECREATE, refused("40004", "ACQ.TRADE_HAS_SUCCESS"))
    outcome = await alipay.create(payment_request())
    assert isinstance(outcome, PaymentCreated)
    assert (outcome.provider_ref, outcome.action.value) == ("P00001", "")


@pytest.mark.parametrize(
    "fields", [precreated() | {"qr_code": ""}, success(), precreated() | {"out_trade_no": "P2"}]
)
async def test_a_creation_without_our_qr_code_cannot_be_believed(
    alipay: AlipayGateway, peer: Peer, fields: dict[str, object]
) -> None:
    says(peer, PRECREATE, fields)
    with pytest.raises(OutcomeUnknown):
        await alipay.create(payment_request())


@pytest.mark.parametrize(
    ("status", "captured_before", "sent", "state", "captured", "refunded"),
    [
        ("WAIT_BUYER_PAY", False, "", PaymentState.PENDING, NOTHING, NOTHING),
        ("WAIT_BUYER_PAY", True, "", PaymentState.PENDING, NOTHING, NOTHING),
        ("TRADE_SUCCESS", False, "2026-11-21 18:29:59", PaymentState.PAID, ASKED, None),
        ("TRADE_SUCCESS", False, "", PaymentState.PAID, ASKED, None),
        ("TRADE_SUCCESS", True, "2026-11-21 18:29:59", PaymentState.PAID, ASKED, None),
        ("TRADE_FINISHED", False, "2026-11-21 18:29:59", PaymentState.PAID, ASKED, None),
        ("TRADE_FINISHED", True, "", PaymentState.PAID, ASKED, None),
        ("TRADE_CLOSED", False, "", PaymentState.CLOSED, NOTHING, NOTHING),
        ("TRADE_CLOSED", False, "2026-11-21 18:29:59", PaymentState.PAID, ASKED, ASKED),
        ("TRADE_CLOSED", True, "", PaymentState.PAID, ASKED, ASKED),
        ("TRADE_CLOSED", True, "2026-11-21 18:29:59", PaymentState.PAID, ASKED, ASKED),
    ],
)
async def test_each_status_is_understood_with_what_is_remembered_of_the_payment(
    alipay: AlipayGateway,
    peer: Peer,
    status: str,
    captured_before: bool,  # noqa: FBT001
    sent: str,
    state: PaymentState,
    captured: Money,
    refunded: Money | None,
) -> None:
    says(peer, QUERY, trade(status, send_pay_date=sent))
    view = await alipay.query(payment_ref(captured_before=captured_before))
    assert (view.state, view.captured, view.refunded) == (state, captured, refunded)
    assert (view.payment_id, view.provider_ref) == ("P00001", "P00001")
    assert view.capture_ref == (TRADE_NO if state is PaymentState.PAID else "")
    assert (view.refunds, view.disputed, view.failure_code) == ((), False, "")
    assert BUYER not in view.model_dump_json()
    assert only_asked(peer).biz == {"out_trade_no": "P00001"}


async def test_a_payment_that_nobody_scanned_is_pending(alipay: AlipayGateway, peer: Peer) -> None:
    says(peer, QUERY, NOBODY)
    view = await alipay.query(payment_ref())
    assert (view.state, view.captured, view.refunded) == (PaymentState.PENDING, NOTHING, NOTHING)
    assert (view.provider_ref, view.capture_ref) == ("P00001", "")


async def test_a_lost_creation_is_found_by_our_own_number(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, QUERY, trade("TRADE_SUCCESS"))
    view = await alipay.query(payment_ref().model_copy(update={"provider_ref": ""}))
    assert (view.state, view.provider_ref) == (PaymentState.PAID, "P00001")


@pytest.mark.parametrize("status", ["TRADE_PENDING", "trade_success", "", "TRADE_SUCCESS "])
async def test_a_status_that_alipay_never_documented_is_not_guessed(
    alipay: AlipayGateway, peer: Peer, status: str
) -> None:
    says(peer, QUERY, trade(status))
    with pytest.raises(OutcomeUnknown, match="is not known"):
        await alipay.query(payment_ref())


async def test_what_was_paid_is_told_even_when_it_is_not_what_was_asked(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, QUERY, trade("TRADE_SUCCESS", total_amount="0.01"))
    assert (await alipay.query(payment_ref())).captured == Money(minor=1, currency="CNY")


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": "P00002"},
        {"total_amount": 123.45},
        {"total_amount": "123.456"},
        {"total_amount": None},
        {"trade_no": ""},
        {"trade_status": 1},
    ],
)
async def test_an_answer_about_something_else_or_without_sense_is_not_believed(
    alipay: AlipayGateway, peer: Peer, changes: dict[str, object]
) -> None:
    says(peer, QUERY, trade("TRADE_SUCCESS", **changes))
    with pytest.raises(OutcomeUnknown) as unknown:
        await alipay.query(payment_ref())
    assert BUYER not in f"{unknown.value} {unknown.value.__cause__}"


async def test_a_brace_in_a_subject_breaks_nothing(alipay: AlipayGateway, peer: Peer) -> None:
    says(peer, QUERY, trade("TRADE_SUCCESS", subject='{"a":"}"}, "sign":"x"}'))
    assert (await alipay.query(payment_ref())).state is PaymentState.PAID


async def test_capturing_is_only_asking(alipay: AlipayGateway, peer: Peer) -> None:
    says(peer, QUERY, trade("TRADE_SUCCESS"))
    view = await alipay.capture(payment_ref(), "P00001:capture:1")
    assert view.state is PaymentState.PAID
    assert only_asked(peer).method == QUERY


CLOSED_SUCCESS = success(out_trade_no="P00001", trade_no=TRADE_NO)


@pytest.mark.parametrize(
    ("closing", "then", "state"),
    [
        (CLOSED_SUCCESS, trade("TRADE_CLOSED"), PaymentState.CLOSED),
        (CLOSED_SUCCESS, trade("TRADE_SUCCESS"), PaymentState.PAID),
        (CLOSED_SUCCESS, trade("WAIT_BUYER_PAY"), PaymentState.PENDING),
        (CLOSED_SUCCESS, NOBODY, PaymentState.CLOSED),
        (success(), trade("TRADE_CLOSED"), PaymentState.CLOSED),
        (NOBODY, NOBODY, PaymentState.CLOSED),
        (NOBODY, trade("WAIT_BUYER_PAY"), PaymentState.PENDING),
        (NOBODY, trade("TRADE_SUCCESS"), PaymentState.PAID),
        (refused("40004", "ACQ.TRADE_STATUS_ERROR"), trade("TRADE_SUCCESS"), PaymentState.PAID),
        (
            refused("40004", "ACQ.REASON_TRADE_STATUS_INVALID"),
            trade("TRADE_CLOSED"),
            PaymentState.CLOSED,
        ),
        (refused("40004", "ACQ.REASON_ILLEGAL_STATUS"), trade("TRADE_FINISHED"), PaymentState.PAID),
        (refused("40004", "ACQ.NEWS_TO_US"), trade("WAIT_BUYER_PAY"), PaymentState.PENDING),
    ],
)
async def test_closing_decides_nothing_the_query_after_it_does(
    alipay: AlipayGateway,
    peer: Peer,
    closing: dict[str, object],
    then: dict[str, object],
    state: PaymentState,
) -> None:
    says(peer, CLOSE, closing)
    says(peer, QUERY, then)
    view = await alipay.close(payment_ref())
    assert view.state is state
    assert [request.method for request in all_asked(peer)] == [CLOSE, QUERY]
    assert all(request.biz == {"out_trade_no": "P00001"} for request in all_asked(peer))


@pytest.mark.parametrize(
    ("code", "sub_code", "error"),
    [
        ("20000", "isp.unknow-error", OutcomeUnknown),
        ("40004", "ACQ.SYSTEM_ERROR", OutcomeUnknown),
        ("40005", "isv.app-call-limited", RateLimited),
        ("40002", "isv.invalid-signature", GatewayAuthError),
    ],
)
async def test_a_close_that_did_not_come_through_is_not_followed_by_a_guess(
    alipay: AlipayGateway, peer: Peer, code: str, sub_code: str, error: type[Exception]
) -> None:
    says(peer, CLOSE, refused(code, sub_code))
    with pytest.raises(error):
        await alipay.close(payment_ref())
    assert only_asked(peer).method == CLOSE


async def test_a_payment_is_closed_that_was_refunded_by_hand_is_paid_and_given_back(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, CLOSE, refused("40004", "ACQ.TRADE_STATUS_ERROR"))
    says(peer, QUERY, trade("TRADE_CLOSED"))
    view = await alipay.close(payment_ref(captured_before=True))
    assert (view.state, view.captured, view.refunded) == (PaymentState.PAID, ASKED, ASKED)
