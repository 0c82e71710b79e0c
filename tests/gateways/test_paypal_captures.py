from __future__ import annotations

from typing import Any

import httpx
import pytest

from domain.money import Money
from domain.payment import PaymentState
from gateways.errors import GatewayRejected
from gateways.payments.paypal import PayPalGateway
from tests.gateways.paypal_wire import (
    ASKED,
    CAPTURE,
    GET,
    NOT_FOUND,
    capture,
    gateway,
    order,
    payment_ref,
    problem,
)
from tests.gateways.peer import Peer

NOTHING = Money.zero("CNY")


@pytest.fixture
def paypal(client: httpx.AsyncClient, peer: Peer) -> PayPalGateway:
    return gateway(client, peer)


async def test_capturing_takes_the_money_once_under_our_key(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(CAPTURE, order("COMPLETED", [capture()]), status=201)
    view = await paypal.capture(payment_ref(), "P01:capture:1")
    assert (view.state, view.captured, view.capture_ref) == (PaymentState.PAID, ASKED, "CAPTURE1")
    request = peer.only(CAPTURE)
    assert request.json == {}
    assert request.headers["paypal-request-id"] == "P01:capture:1"
    assert request.headers["prefer"] == "return=representation"
    assert not peer.requests(GET)


@pytest.mark.parametrize(
    ("made", "state", "ref", "code"),
    [
        (capture("PENDING", status_details={"reason": "ECHECK"}), "processing", "CAPTURE1", ""),
        (capture("DECLINED"), "failed", "", "DECLINED"),
        (capture("FAILED", status_details={"reason": "RISK"}), "failed", "", "RISK"),
    ],
)
async def test_a_capture_need_not_mean_money(
    paypal: PayPalGateway, peer: Peer, made: dict[str, object], state: str, ref: str, code: str
) -> None:
    peer.says(CAPTURE, order("COMPLETED", [made]), status=201)
    view = await paypal.capture(payment_ref(), "key")
    assert (view.state, view.capture_ref, view.failure_code) == (state, ref, code)
    assert (view.captured, view.refunded) == (NOTHING, NOTHING)


async def test_a_capture_that_answers_without_its_capture_is_asked_about(
    paypal: PayPalGateway, peer: Peer
) -> None:
    minimal = {"id": "ORDER1", "status": "COMPLETED", "links": []}
    peer.says(CAPTURE, minimal, status=201)
    peer.says(GET, order("COMPLETED", [capture()]))
    assert (await paypal.capture(payment_ref(), "key")).state is PaymentState.PAID


async def test_an_order_that_expired_before_its_capture_is_closed(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(CAPTURE, NOT_FOUND, status=404)
    view = await paypal.capture(payment_ref(), "key")
    assert (view.state, view.captured) == (PaymentState.CLOSED, NOTHING)


async def test_a_refused_capture_that_says_nothing_of_the_payment_is_raised(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(CAPTURE, problem("SOMETHING_NEW"), status=422)
    with pytest.raises(GatewayRejected, match="SOMETHING_NEW"):
        await paypal.capture(payment_ref(), "key")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (order("COMPLETED", [capture()]), PaymentState.PAID),
        (order("APPROVED"), PaymentState.APPROVED),
        (order("PAYER_ACTION_REQUIRED"), PaymentState.PENDING),
    ],
)
@pytest.mark.parametrize("issue", ["ORDER_ALREADY_CAPTURED", "ORDER_NOT_APPROVED"])
async def test_some_refused_captures_are_asked_about(
    paypal: PayPalGateway, peer: Peer, issue: str, answer: dict[str, Any], state: PaymentState
) -> None:
    peer.says(CAPTURE, problem(issue), status=422)
    peer.says(GET, answer)
    assert (await paypal.capture(payment_ref(), "key")).state is state
