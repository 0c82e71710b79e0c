from __future__ import annotations

import httpx
import pytest

from domain.money import Money
from domain.payment import RefundState
from gateways.errors import GatewayRejected, NotFound, OutcomeUnknown
from gateways.payments.paypal import PayPalGateway
from tests.gateways.paypal_wire import (
    GET,
    GET_REFUND,
    NOT_FOUND,
    REFUND,
    amount,
    capture,
    gateway,
    link,
    order,
    payment_ref,
    problem,
    refund,
    refund_request,
)
from tests.gateways.peer import Peer

PAID = payment_ref(capture_ref="CAPTURE1")


@pytest.fixture
def paypal(client: httpx.AsyncClient, peer: Peer) -> PayPalGateway:
    return gateway(client, peer)


async def test_a_refund_sends_the_exact_amount_and_our_id_under_our_key(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(REFUND, refund(), status=201)
    view = await paypal.refund(refund_request(reason="不想要了"))
    assert (view.refund_id, view.provider_ref) == ("R01", "REFUND1")
    assert (view.state, view.amount) == (RefundState.SUCCEEDED, Money(minor=345, currency="CNY"))
    request = peer.only(REFUND)
    assert request.json == {
        "amount": {"currency_code": "CNY", "value": "3.45"},
        "custom_id": "R01",
        "invoice_id": "R01",
        "note_to_payer": "不想要了",
    }
    assert request.headers["paypal-request-id"] == "R01:refund:1"
    assert request.headers["prefer"] == "return=representation"
    assert not peer.requests(GET)


async def test_a_refund_finds_its_capture_in_the_order_when_our_books_do_not_know_it(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(GET, order("COMPLETED", [capture()]))
    peer.says(REFUND, refund(), status=201)
    view = await paypal.refund(refund_request(payment=payment_ref()))
    assert view.provider_ref == "REFUND1"


@pytest.mark.parametrize("captures", [[], [capture("DECLINED")]])
async def test_what_was_not_captured_cannot_be_refunded(
    paypal: PayPalGateway, peer: Peer, captures: list[dict[str, object]]
) -> None:
    peer.says(GET, order("COMPLETED" if captures else "APPROVED", captures))
    with pytest.raises(GatewayRejected, match="not_captured"):
        await paypal.refund(refund_request(payment=payment_ref()))


async def test_a_reason_is_cut_and_an_empty_one_left_out(paypal: PayPalGateway, peer: Peer) -> None:
    peer.says(REFUND, refund(), status=201)
    for reason in ("退" * 256, ""):
        await paypal.refund(refund_request(reason=reason))
    long, empty = [seen.json for seen in peer.requests(REFUND)]
    assert long["note_to_payer"] == "退" * 255
    assert "note_to_payer" not in empty


async def test_a_currency_that_is_not_set_up_is_refused_without_asking_paypal(
    paypal: PayPalGateway, peer: Peer
) -> None:
    with pytest.raises(GatewayRejected, match="currency_not_supported"):
        await paypal.refund(refund_request(amount=Money(minor=1, currency="KWD")))
    assert not peer.seen


async def test_a_refund_that_answers_without_our_id_is_still_ours(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(REFUND, refund("PENDING", custom_id=None, invoice_id=None), status=201)
    view = await paypal.refund(refund_request())
    assert (view.refund_id, view.state) == ("R01", RefundState.PENDING)


@pytest.mark.parametrize(
    "issue", ["DUPLICATE_INVOICE_ID", "CAPTURE_FULLY_REFUNDED", "REFUND_AMOUNT_EXCEEDED"]
)
async def test_a_refund_that_was_made_before_is_found_though_paypal_forgot_its_key(
    paypal: PayPalGateway, peer: Peer, issue: str
) -> None:
    peer.says(REFUND, problem(issue), status=422)
    peer.says(GET, order("COMPLETED", [capture("REFUNDED")], [refund()]))
    view = await paypal.refund(refund_request())
    assert (view.refund_id, view.state) == ("R01", RefundState.SUCCEEDED)


@pytest.mark.parametrize(
    "refunds", [[], [refund(custom_id="R02", invoice_id="R02")], [refund("FAILED")]]
)
async def test_a_refusal_stands_when_the_refund_was_not_made_before(
    paypal: PayPalGateway, peer: Peer, refunds: list[dict[str, object]]
) -> None:
    peer.says(REFUND, problem("REFUND_AMOUNT_EXCEEDED"), status=422)
    peer.says(GET, order("COMPLETED", [capture("PARTIALLY_REFUNDED")], refunds))
    with pytest.raises(GatewayRejected) as refused:
        await paypal.refund(refund_request())
    assert refused.value.code == "REFUND_AMOUNT_EXCEEDED"


async def test_a_refund_is_found_by_paypals_reference(paypal: PayPalGateway, peer: Peer) -> None:
    peer.says(GET_REFUND, refund("PENDING"))
    for refund_id in ("", "R01"):
        view = await paypal.query_refund(PAID, refund_id=refund_id, refund_ref="REFUND1")
        assert (view.refund_id, view.state) == ("R01", RefundState.PENDING)
    assert not peer.requests(GET)


async def test_a_refund_made_in_paypals_dashboard_has_no_number_of_ours(
    paypal: PayPalGateway, peer: Peer
) -> None:
    for inherited in ("P01", None):
        peer.says(GET_REFUND, refund(custom_id=inherited, invoice_id=inherited))
    for _ in range(2):
        assert (await paypal.query_refund(PAID, refund_ref="REFUND1")).refund_id == ""


@pytest.mark.parametrize(
    "answer",
    [
        refund(custom_id="R02"),
        refund(links=[link("up", "https://api-m.paypal.com/v2/payments/captures/CAPTURE2")]),
    ],
    ids=["another refund", "another payment"],
)
async def test_a_refund_that_is_not_the_one_asked_for_is_not_believed(
    paypal: PayPalGateway, peer: Peer, answer: object
) -> None:
    peer.says(GET_REFUND, answer)
    with pytest.raises(OutcomeUnknown, match="is not"):
        await paypal.query_refund(PAID, refund_id="R01", refund_ref="REFUND1")


@pytest.mark.parametrize("missing", ["invoice_id", "custom_id"])
async def test_a_refund_is_found_by_our_id_among_its_orders(
    paypal: PayPalGateway, peer: Peer, missing: str
) -> None:
    others = [refund(id="REFUND0", custom_id="R00"), refund(id="REFUND9", custom_id="P01")]
    peer.says(GET, order("COMPLETED", [capture()], [*others, refund() | {missing: None}]))
    view = await paypal.query_refund(PAID, refund_id="R01")
    assert (view.refund_id, view.provider_ref) == ("R01", "REFUND1")


async def test_of_a_failed_and_a_good_refund_with_our_id_the_good_one_counts(
    paypal: PayPalGateway, peer: Peer
) -> None:
    failed = refund("FAILED", id="REFUND0")
    peer.says(GET, order("COMPLETED", [capture()], [failed, refund()]))
    assert (await paypal.query_refund(PAID, refund_id="R01")).provider_ref == "REFUND1"


async def test_a_refund_that_paypal_does_not_know_is_not_found(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(GET, order("COMPLETED", [capture()], [refund(custom_id="P01")]))
    peer.says(GET_REFUND, NOT_FOUND, status=404)
    for names in ({"refund_id": "R02"}, {"refund_ref": "REFUND1"}, {"refund_ref": "../x"}, {}):
        with pytest.raises(NotFound):
            await paypal.query_refund(PAID, **names)


async def test_a_refund_of_another_amount_than_asked_shows_it(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(GET_REFUND, refund(amount=amount("3.46")))
    view = await paypal.query_refund(PAID, refund_ref="REFUND1")
    assert view.amount == Money(minor=346, currency="CNY")
