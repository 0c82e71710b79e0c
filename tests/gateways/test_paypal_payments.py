from __future__ import annotations

import httpx
import pytest

from domain.money import Money
from domain.payment import PaymentCreated, PaymentRejected, PaymentState
from gateways.errors import GatewayRejected, NotFound, OutcomeUnknown
from gateways.payments.paypal import PayPalGateway
from gateways.payments.protocol import PaymentGateway
from tests.gateways.paypal_wire import (
    APPROVE_LINK,
    ASKED,
    CREATE,
    GET,
    NOT_FOUND,
    amount,
    capture,
    gateway,
    link,
    order,
    payment_ref,
    payment_request,
    problem,
    refund,
)
from tests.gateways.peer import Peer

NOTHING = Money.zero("CNY")


@pytest.fixture
def paypal(client: httpx.AsyncClient, peer: Peer) -> PayPalGateway:
    return gateway(client, peer)


def test_it_meets_the_contract(paypal: PayPalGateway) -> None:
    contract: PaymentGateway = paypal
    assert contract.name == "paypal"


async def test_creating_sends_one_unit_with_our_ids_under_our_key(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(CREATE, order(), status=201)
    outcome = await paypal.create(payment_request())
    assert isinstance(outcome, PaymentCreated)
    assert outcome.provider_ref == "ORDER1"
    assert (outcome.action.type, outcome.action.value) == ("redirect", APPROVE_LINK)
    request = peer.only(CREATE)
    assert request.json == {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "reference_id": "O01",
                "custom_id": "P01",
                "invoice_id": "P01",
                "amount": {"currency_code": "CNY", "value": "123.45"},
                "description": "订单支付 - EC-1",
            }
        ],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "return_url": "https://shop.example.com/orders/O01?payment=approved",
                    "cancel_url": "https://shop.example.com/orders/O01?payment=cancelled",
                    "user_action": "PAY_NOW",
                    "shipping_preference": "NO_SHIPPING",
                }
            }
        },
    }
    assert request.headers["paypal-request-id"] == "P01:create:1"
    assert request.headers["prefer"] == "return=representation"
    assert request.headers["content-type"] == "application/json"


async def test_a_replayed_creation_gives_the_same_order(paypal: PayPalGateway, peer: Peer) -> None:
    peer.says(CREATE, order(), status=200)
    outcome = await paypal.create(payment_request())
    assert isinstance(outcome, PaymentCreated)
    assert outcome.provider_ref == "ORDER1"


async def test_either_kind_of_link_leads_the_buyer_to_paypal(
    paypal: PayPalGateway, peer: Peer
) -> None:
    links = [link("self", "https://api-m.paypal.com/x"), link("payer-action", APPROVE_LINK)]
    peer.says(CREATE, order("PAYER_ACTION_REQUIRED", links=links), status=201)
    outcome = await paypal.create(payment_request())
    assert isinstance(outcome, PaymentCreated)
    assert outcome.action.value == APPROVE_LINK


@pytest.mark.parametrize(
    "links",
    [[], [link("self", "https://a/")], [link("approve", "")], [link("approve", "javascript:x()")]],
)
async def test_a_creation_without_a_link_for_the_buyer_cannot_be_believed(
    paypal: PayPalGateway, peer: Peer, links: object
) -> None:
    peer.says(CREATE, order(links=links), status=201)
    with pytest.raises(OutcomeUnknown, match="no link"):
        await paypal.create(payment_request())


async def test_a_long_description_is_cut_and_an_empty_one_left_out(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(CREATE, order(), status=201)
    for text in ("订" * 128, ""):
        await paypal.create(payment_request(description=text))
    long, empty = [seen.json["purchase_units"] for seen in peer.requests(CREATE)]
    assert isinstance(long, list)
    assert isinstance(empty, list)
    assert long[0]["description"] == "订" * 127
    assert "description" not in empty[0]


async def test_a_currency_that_is_not_set_up_is_rejected_without_asking_paypal(
    paypal: PayPalGateway, peer: Peer
) -> None:
    outcome = await paypal.create(payment_request(Money(minor=1, currency="KWD")))
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == "currency_not_supported"
    assert not peer.seen


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (422, problem("CURRENCY_NOT_SUPPORTED"), "CURRENCY_NOT_SUPPORTED"),
        (400, problem("INVALID_PARAMETER_VALUE", "INVALID_REQUEST"), "INVALID_PARAMETER_VALUE"),
        (400, {"name": "INVALID_REQUEST", "message": "because of INVALID"}, "INVALID_REQUEST"),
    ],
)
async def test_a_refused_creation_is_an_outcome_with_paypals_code(
    paypal: PayPalGateway, peer: Peer, status: int, body: object, code: str
) -> None:
    peer.says(CREATE, body, status=status)
    outcome = await paypal.create(payment_request())
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == code
    assert "because of" in outcome.message
    assert "ming.wang" not in outcome.message


async def test_a_key_used_for_another_payment_is_our_mistake_and_not_a_refused_payment(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(CREATE, problem("DUPLICATE_REQUEST_ID"), status=422)
    with pytest.raises(GatewayRejected, match="DUPLICATE_REQUEST_ID"):
        await paypal.create(payment_request())


async def test_a_paid_order_shows_its_capture_and_all_its_refunds(
    paypal: PayPalGateway, peer: Peer
) -> None:
    refunds = [
        refund(),
        refund("PENDING", id="REFUND2", custom_id="R02", amount=amount("1.00")),
        refund("FAILED", id="REFUND3", custom_id="R03", status_details={"reason": "ECHECK"}),
        refund(id="REFUND4", custom_id="P01", invoice_id="by hand", amount=amount("10")),
    ]
    peer.says(GET, order("COMPLETED", [capture("PARTIALLY_REFUNDED")], refunds))
    view = await paypal.query(payment_ref())
    assert (view.state, view.captured, view.capture_ref) == (PaymentState.PAID, ASKED, "CAPTURE1")
    assert view.refunded == Money(minor=345 + 1000, currency="CNY")
    shown = [(r.refund_id, r.provider_ref, r.state, r.failure_code) for r in view.refunds]
    assert shown == [
        ("R01", "REFUND1", "succeeded", ""),
        ("R02", "REFUND2", "pending", ""),
        ("R03", "REFUND3", "failed", "ECHECK"),
        ("", "REFUND4", "succeeded", ""),
    ]
    assert (view.failure_code, view.disputed) == ("", False)


@pytest.mark.parametrize(
    ("status", "refunds", "refunded"),
    [
        ("COMPLETED", [], 0),
        ("COMPLETED", [refund("PENDING")], 0),
        ("PARTIALLY_REFUNDED", [refund()], 345),
        ("PARTIALLY_REFUNDED", [], None),
        ("REFUNDED", [refund(amount=amount())], 12345),
        ("REFUNDED", [refund()], 12345),
        ("REFUNDED", [], 12345),
    ],
)
async def test_what_went_back_is_what_paypal_says_even_if_it_lists_no_refund(
    paypal: PayPalGateway,
    peer: Peer,
    status: str,
    refunds: list[dict[str, object]],
    refunded: int | None,
) -> None:
    peer.says(GET, order("COMPLETED", [capture(status)], refunds))
    view = await paypal.query(payment_ref())
    assert (view.refunded and view.refunded.minor) == refunded


async def test_the_captured_amount_is_paypals_and_not_what_was_asked(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(GET, order("COMPLETED", [capture(amount=amount("99.99", "USD"))]))
    view = await paypal.query(payment_ref())
    assert view.captured == Money(minor=9999, currency="USD")


async def test_the_buyers_data_is_not_kept(paypal: PayPalGateway, peer: Peer) -> None:
    peer.says(GET, order("COMPLETED", [capture()], [refund()]))
    view = await paypal.query(payment_ref())
    kept = view.model_dump_json()
    assert not [secret for secret in ("Ming", "Wang", "@", "Nanjing") if secret in kept]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (order("HALF_PAID"), "HALF_PAID"),
        (order("COMPLETED", [capture("HALF_PAID")]), "HALF_PAID"),
        (order("COMPLETED", [capture()], [refund("HALF_BACK")]), "HALF_BACK"),
        (order("COMPLETED"), "no capture"),
        (order(id="ORDER2"), "is not payment P01"),
        (order(purchase_units=[{"custom_id": "P02"}]), "is not payment P01"),
        (order("COMPLETED", [capture(amount=amount("1.234"))]), "decimals"),
        (order("COMPLETED", [capture(amount=amount("1", "AUD"))]), "amount"),
        (order("COMPLETED", [capture(amount=amount("-1"))]), "amount"),
        (order("COMPLETED", [capture(amount=None)]), "cannot be read"),
        (order("COMPLETED", [capture(id="")]), "cannot be read"),
        (order("COMPLETED", [capture()], [refund(amount=amount("1", "USD"))]), "currency"),
        (order() | {"status": None}, "cannot be read"),
        ([], "cannot be read"),
        (b"<html>", "cannot be read"),
    ],
)
async def test_what_paypal_never_documented_is_not_guessed(
    paypal: PayPalGateway, peer: Peer, body: object, says: str
) -> None:
    peer.says(GET, body)
    with pytest.raises(OutcomeUnknown, match=says):
        await paypal.query(payment_ref())


async def test_an_unknown_order_is_not_found_and_closed_when_we_close_it(
    paypal: PayPalGateway, peer: Peer
) -> None:
    peer.says(GET, NOT_FOUND, status=404)
    with pytest.raises(NotFound):
        await paypal.query(payment_ref())
    view = await paypal.close(payment_ref())
    assert (view.state, view.captured, view.refunded) == (PaymentState.CLOSED, NOTHING, NOTHING)
    assert (view.payment_id, view.provider_ref) == ("P01", "ORDER1")


@pytest.mark.parametrize("body", [b"<html>", {"message": "no such route"}, {"name": "NOT_HERE"}])
async def test_a_404_of_anything_on_the_way_closes_nothing(
    paypal: PayPalGateway, peer: Peer, body: object
) -> None:
    peer.says(GET, body, status=404)
    for call in (paypal.query(payment_ref()), paypal.close(payment_ref())):
        with pytest.raises(OutcomeUnknown):
            await call


@pytest.mark.parametrize("ref", ["", ".", "..", "../x", "a/b", "a?b", "a b", "é", "A" * 65])
async def test_a_payment_without_a_reference_is_not_asked_for(
    paypal: PayPalGateway, peer: Peer, ref: str
) -> None:
    payment = payment_ref(provider_ref=ref)
    for call in (paypal.query(payment), paypal.capture(payment, "key")):
        with pytest.raises(NotFound):
            await call
    assert (await paypal.close(payment)).state is PaymentState.CLOSED
    assert not peer.seen


@pytest.mark.parametrize(
    ("status", "captures", "state", "captured"),
    [
        ("CREATED", [], PaymentState.CLOSED, 0),
        ("SAVED", [], PaymentState.CLOSED, 0),
        ("PAYER_ACTION_REQUIRED", [], PaymentState.CLOSED, 0),
        ("APPROVED", [], PaymentState.CLOSED, 0),
        ("VOIDED", [], PaymentState.CLOSED, 0),
        ("COMPLETED", [capture("DECLINED")], PaymentState.CLOSED, 0),
        ("COMPLETED", [capture("PENDING")], PaymentState.PROCESSING, 0),
        ("COMPLETED", [capture()], PaymentState.PAID, 12345),
        ("COMPLETED", [capture("REFUNDED")], PaymentState.PAID, 12345),
    ],
)
async def test_closing_asks_once_and_what_is_not_captured_is_closed(
    paypal: PayPalGateway,
    peer: Peer,
    status: str,
    captures: list[dict[str, object]],
    state: PaymentState,
    captured: int,
) -> None:
    peer.says(GET, order(status, captures))
    view = await paypal.close(payment_ref())
    assert (view.state, view.captured.minor) == (state, captured)
    assert peer.only(GET)


async def test_a_good_capture_counts_beside_a_declined_one(
    paypal: PayPalGateway, peer: Peer
) -> None:
    declined = capture("DECLINED", id="CAPTURE0", amount=amount("1.00"))
    peer.says(GET, order("COMPLETED", [declined, capture()]))
    view = await paypal.query(payment_ref())
    assert (view.state, view.captured, view.capture_ref) == (PaymentState.PAID, ASKED, "CAPTURE1")


@pytest.mark.parametrize("status", ["APPROVED", "PAYER_ACTION_REQUIRED", "VOIDED"])
async def test_money_that_moved_is_believed_before_the_orders_status(
    paypal: PayPalGateway, peer: Peer, status: str
) -> None:
    peer.says(GET, order(status, [capture()]))
    assert (await paypal.query(payment_ref())).state is PaymentState.PAID
