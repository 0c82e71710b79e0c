from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from domain.money import Money
from domain.payment import (
    RefundState,
)
from gateways.errors import (
    GatewayRejected,
    NotFound,
    OutcomeUnknown,
)
from gateways.http import build_client
from gateways.payments.alipay import AlipayGateway
from tests.gateways import alipay_wire as wire
from tests.gateways.alipay_wire import (
    REFUND,
    REFUND_QUERY,
    TRADE_NO,
    all_asked,
    only_asked,
    payment_ref,
    refund_done,
    refund_found,
    refund_request,
    refused,
    says,
    success,
)
from tests.gateways.peer import Peer

Call = Callable[[AlipayGateway], Awaitable[object]]


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """One for all: making one costs more than what most of these tests do."""
    async with build_client(answer_timeout=timedelta(seconds=5)) as client:
        yield client


@pytest.fixture
def alipay(client: httpx.AsyncClient, peer: Peer) -> AlipayGateway:
    return wire.gateway(client, peer.url)


async def test_a_refund_is_made_under_our_number_in_yuan(alipay: AlipayGateway, peer: Peer) -> None:
    says(peer, REFUND, refund_done())
    view = await alipay.refund(refund_request(minor=345, reason="不想要了"))
    assert (view.refund_id, view.provider_ref) == ("R00001", "R00001")
    # `refund_fee` is what has gone back in all, not what went back now.
    assert (view.state, view.amount.minor) == (RefundState.SUCCEEDED, 345)
    assert only_asked(peer).method == REFUND
    assert only_asked(peer).biz == {
        "out_trade_no": "P00001",
        "refund_amount": "3.45",
        "out_request_no": "R00001",
        "refund_reason": "不想要了",
    }


async def test_a_reason_is_cut_and_none_is_not_sent(alipay: AlipayGateway, peer: Peer) -> None:
    says(peer, REFUND, refund_done())
    await alipay.refund(refund_request(reason="因" * 999))
    await alipay.refund(refund_request())
    with_reason, without = all_asked(peer)
    assert with_reason.biz["refund_reason"] == "因" * 256
    assert "refund_reason" not in without.biz


@pytest.mark.parametrize("fund_change", ["N", "", "y", "maybe"])
async def test_a_refund_that_moved_no_money_now_was_made_before_if_alipay_finds_it(
    alipay: AlipayGateway, peer: Peer, fund_change: str
) -> None:
    says(peer, REFUND, refund_done(fund_change))
    says(peer, REFUND_QUERY, refund_found())
    view = await alipay.refund(refund_request(minor=345))
    assert (view.refund_id, view.state) == ("R00001", RefundState.SUCCEEDED)
    assert view.amount.minor == 345
    assert [request.method for request in all_asked(peer)] == [REFUND, REFUND_QUERY]


@pytest.mark.parametrize(
    "found", [success(), refund_found(refund_amount="3.44"), refund_found(out_request_no="R2")]
)
async def test_a_refund_that_moved_no_money_and_is_not_found_is_to_be_repeated(
    alipay: AlipayGateway, peer: Peer, found: dict[str, object]
) -> None:
    says(peer, REFUND, refund_done("N"))
    says(peer, REFUND_QUERY, found)
    with pytest.raises(OutcomeUnknown):
        await alipay.refund(refund_request(minor=345))


@pytest.mark.parametrize(
    "sub_code",
    [
        "ACQ.REASON_TRADE_REFUND_FEE_ERR",
        "ACQ.TRADE_HAS_FINISHED",
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.SELLER_BALANCE_NOT_ENOUGH",
        "ACQ.TRADE_NOT_EXIST",
    ],
)
async def test_a_refused_refund_carries_alipays_code(
    alipay: AlipayGateway, peer: Peer, sub_code: str
) -> None:
    says(peer, REFUND, refused("40004", sub_code))
    with pytest.raises(GatewayRejected) as rejected:
        await alipay.refund(refund_request())
    assert rejected.value.code == sub_code
    assert sub_code in rejected.value.reason


async def test_money_that_is_not_yuan_is_not_refunded_as_if_it_were(
    alipay: AlipayGateway, peer: Peer
) -> None:
    dollars = refund_request().model_copy(update={"amount": Money(minor=345, currency="USD")})
    with pytest.raises(GatewayRejected, match="currency_not_supported"):
        await alipay.refund(dollars)
    assert not peer.seen


async def test_a_refund_of_another_payment_is_not_believed(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, REFUND, refund_done(out_trade_no="P00002"))
    with pytest.raises(OutcomeUnknown, match="P00001"):
        await alipay.refund(refund_request())


@pytest.mark.parametrize(
    "fields",
    [
        refund_found(),
        refund_found(refund_status="REFUND_SUCCESS"),
        success(refund_amount="3.45"),
    ],
)
@pytest.mark.parametrize("by", ["refund_id", "refund_ref"])
async def test_a_refund_is_found_by_its_number_on_either_side(
    alipay: AlipayGateway, peer: Peer, fields: dict[str, object], by: str
) -> None:
    says(peer, REFUND_QUERY, fields)
    view = await alipay.query_refund(payment_ref(), **{by: "R00001"})
    assert (view.refund_id, view.provider_ref) == ("R00001", "R00001")
    assert (view.state, view.amount.minor) == (RefundState.SUCCEEDED, 345)
    assert only_asked(peer).biz == {"out_trade_no": "P00001", "out_request_no": "R00001"}


async def test_a_refund_made_in_the_dashboard_is_found_by_the_number_it_was_told_by(
    alipay: AlipayGateway, peer: Peer
) -> None:
    says(peer, REFUND_QUERY, refund_found(out_request_no=TRADE_NO))
    view = await alipay.query_refund(payment_ref(), refund_id="R00001", refund_ref=TRADE_NO)
    assert (view.refund_id, view.provider_ref) == (TRADE_NO, TRADE_NO)
    assert only_asked(peer).biz["out_request_no"] == TRADE_NO


@pytest.mark.parametrize(
    "fields",
    [
        success(),
        success(out_trade_no="P00001", out_request_no="R00001", trade_no=TRADE_NO),
        refused("40004", "ACQ.TRADE_NOT_EXIST"),
    ],
)
async def test_a_refund_without_an_amount_was_never_made(
    alipay: AlipayGateway, peer: Peer, fields: dict[str, object]
) -> None:
    says(peer, REFUND_QUERY, fields)
    with pytest.raises(NotFound):
        await alipay.query_refund(payment_ref(), refund_id="R00001")


async def test_a_refund_without_a_number_is_not_found_without_asking(
    alipay: AlipayGateway, peer: Peer
) -> None:
    with pytest.raises(NotFound):
        await alipay.query_refund(payment_ref())
    assert not peer.seen


@pytest.mark.parametrize(
    "changes",
    [
        {"refund_status": "REFUND_PROCESSING"},
        {"out_trade_no": "P00002"},
        {"out_request_no": "R00002"},
        {"refund_amount": 3.45},
        {"refund_amount": ""},
    ],
)
async def test_a_refund_that_is_another_one_or_makes_no_sense_is_not_believed(
    alipay: AlipayGateway, peer: Peer, changes: dict[str, object]
) -> None:
    says(peer, REFUND_QUERY, refund_found(**changes))
    with pytest.raises(OutcomeUnknown):
        await alipay.query_refund(payment_ref(), refund_id="R00001")
