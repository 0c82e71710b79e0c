"""The tables of the PayPal adapter, cell by cell, over the wire."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paypalserversdk.models.capture_status import CaptureStatus  # type: ignore[import-untyped]
from paypalserversdk.models.order_status import OrderStatus  # type: ignore[import-untyped]
from paypalserversdk.models.refund_status import RefundStatus  # type: ignore[import-untyped]

from domain.money import EXPONENTS, Money
from domain.payment import CallbackTopic, PaymentState, RefundState
from gateways.errors import GatewayRejected, OutcomeUnknown
from gateways.payments.paypal_amounts import DECIMALS, Amount, wire_amount
from gateways.payments.paypal_errors import CAPTURE_ISSUES, REFUND_ISSUES
from gateways.payments.paypal_events import topic_of
from gateways.payments.paypal_objects import CAPTURE_STATES, ORDER_STATES, REFUND_STATES
from tests.gateways.paypal_wire import (
    CAPTURE,
    GET,
    GET_REFUND,
    REFUND,
    capture,
    gateway,
    order,
    payment_ref,
    problem,
    refund,
    refund_request,
)
from tests.gateways.peer import Peer


def _documented(enumeration: type) -> set[str]:
    return {name for name in vars(enumeration) if name.isupper()}


def test_every_status_in_paypals_own_sdk_is_mapped() -> None:
    assert set(ORDER_STATES) == _documented(OrderStatus)
    assert set(CAPTURE_STATES) == _documented(CaptureStatus)
    assert set(REFUND_STATES) == _documented(RefundStatus)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("CREATED", PaymentState.PENDING),
        ("SAVED", PaymentState.PENDING),
        ("PAYER_ACTION_REQUIRED", PaymentState.PENDING),
        ("APPROVED", PaymentState.APPROVED),
        ("VOIDED", PaymentState.CLOSED),
    ],
)
async def test_each_status_of_an_order_without_captures(
    client: httpx.AsyncClient, peer: Peer, status: str, state: PaymentState
) -> None:
    peer.says(GET, order(status))
    view = await gateway(client, peer).query(payment_ref())
    assert view.state is state
    assert (view.captured.minor, view.refunded and view.refunded.minor) == (0, 0)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("COMPLETED", PaymentState.PAID),
        ("PARTIALLY_REFUNDED", PaymentState.PAID),
        ("REFUNDED", PaymentState.PAID),
        ("PENDING", PaymentState.PROCESSING),
        ("DECLINED", PaymentState.FAILED),
        ("FAILED", PaymentState.FAILED),
    ],
)
async def test_each_status_of_a_capture_and_only_paid_holds_money(
    client: httpx.AsyncClient, peer: Peer, status: str, state: PaymentState
) -> None:
    peer.says(GET, order("COMPLETED", [capture(status)]))
    view = await gateway(client, peer).query(payment_ref())
    assert view.state is state
    assert view.captured.minor == (12345 if state is PaymentState.PAID else 0)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("PENDING", RefundState.PENDING),
        ("COMPLETED", RefundState.SUCCEEDED),
        ("FAILED", RefundState.FAILED),
        ("CANCELLED", RefundState.FAILED),
    ],
)
async def test_each_status_of_a_refund(
    client: httpx.AsyncClient, peer: Peer, status: str, state: RefundState
) -> None:
    peer.says(GET_REFUND, refund(status))
    view = await gateway(client, peer).query_refund(payment_ref(), refund_ref="REFUND1")
    assert (view.state, view.failure_code) == (state, status if state == "failed" else "")


CAPTURES = {
    "ORDER_NOT_APPROVED": "ask",
    "ORDER_ALREADY_CAPTURED": "ask",
    "ORDER_EXPIRED": "closed",
    "INSTRUMENT_DECLINED": "declined",
    "PAYER_ACTION_REQUIRED": "declined",
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": "declined",
    "TRANSACTION_REFUSED": "declined",
    "DUPLICATE_INVOICE_ID": "declined",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": "declined",
    "COMPLIANCE_VIOLATION": "declined",
    "DOMESTIC_TRANSACTION_REQUIRED": "declined",
    "PAYEE_BLOCKED_TRANSACTION": "declined",
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": "declined",
    "PAYER_ACCOUNT_RESTRICTED": "declined",
    "PAYER_CANNOT_PAY": "declined",
    "TRANSACTION_BLOCKED_BY_PAYEE": "declined",
    "TRANSACTION_LIMIT_EXCEEDED": "declined",
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": "declined",
}


def test_these_are_all_the_issues_of_a_capture_that_say_something_of_the_payment() -> None:
    assert set(CAPTURE_ISSUES) == set(CAPTURES)


@pytest.mark.parametrize("issue", sorted(CAPTURES))
async def test_each_issue_of_a_capture(client: httpx.AsyncClient, peer: Peer, issue: str) -> None:
    peer.says(CAPTURE, problem(issue), status=422)
    peer.says(GET, order("APPROVED"))
    view = await gateway(client, peer).capture(payment_ref(), "key")
    match CAPTURES[issue]:
        case "ask":
            assert view.state is PaymentState.APPROVED
        case "closed":
            assert view.state is PaymentState.CLOSED
        case _:
            assert (view.state, view.failure_code) == (PaymentState.FAILED, issue)
            assert view.failure_message.startswith(f"because of {issue}")
    assert (view.captured.minor, view.capture_ref) == (0, "")
    assert bool(peer.requests(GET)) == (CAPTURES[issue] == "ask")


REFUNDS = {
    "CAPTURE_FULLY_REFUNDED": "look",
    "REFUND_AMOUNT_EXCEEDED": "look",
    "DUPLICATE_INVOICE_ID": "look",
    "PENDING_CAPTURE": "refused",
    "REFUND_TIME_LIMIT_EXCEEDED": "refused",
    "REFUND_FAILED_INSUFFICIENT_FUNDS": "refused",
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": "refused",
    "PARTIAL_REFUND_NOT_ALLOWED": "refused",
}


def test_these_are_all_the_issues_of_a_refund() -> None:
    assert set(REFUND_ISSUES) == set(REFUNDS)


@pytest.mark.parametrize("issue", sorted([*REFUNDS, "SOMETHING_NEW"]))
async def test_each_issue_of_a_refund(client: httpx.AsyncClient, peer: Peer, issue: str) -> None:
    peer.says(REFUND, problem(issue), status=422)
    peer.says(GET, order("COMPLETED", [capture("REFUNDED")], [refund(custom_id="P01")]))
    with pytest.raises(GatewayRejected) as refused:
        await gateway(client, peer).refund(refund_request())
    assert refused.value.code == issue
    assert refused.value.reason == f"because of {issue} (debug id 90957fca61718)"
    assert bool(peer.requests(GET)) == (REFUNDS.get(issue) == "look")


@pytest.mark.parametrize(
    ("status", "issue"),
    [
        (409, "PREVIOUS_REQUEST_IN_PROGRESS"),
        (422, "PREVIOUS_REQUEST_IN_PROGRESS"),
        (409, "ORDER_COMPLETION_IN_PROGRESS"),
        (422, "ORDER_COMPLETION_IN_PROGRESS"),
        (409, "ANYTHING_ELSE"),
    ],
)
async def test_a_request_that_paypal_is_still_at_is_an_unknown_outcome(
    client: httpx.AsyncClient, peer: Peer, status: int, issue: str
) -> None:
    peer.says(CAPTURE, problem(issue, "RESOURCE_CONFLICT"), status=status)
    peer.says(REFUND, problem(issue, "RESOURCE_CONFLICT"), status=status)
    paypal = gateway(client, peer)
    for call in (paypal.capture(payment_ref(), "key"), paypal.refund(refund_request())):
        with pytest.raises(OutcomeUnknown, match=issue):
            await call
    assert not peer.requests(GET)


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("CHECKOUT.ORDER.APPROVED", CallbackTopic.PAYMENT),
        ("CHECKOUT.ORDER.COMPLETED", CallbackTopic.PAYMENT),
        ("CHECKOUT.ORDER.VOIDED", CallbackTopic.PAYMENT),
        ("CHECKOUT.PAYMENT-APPROVAL.REVERSED", CallbackTopic.PAYMENT),
        ("PAYMENT.CAPTURE.COMPLETED", CallbackTopic.PAYMENT),
        ("PAYMENT.CAPTURE.PENDING", CallbackTopic.PAYMENT),
        ("PAYMENT.CAPTURE.DENIED", CallbackTopic.PAYMENT),
        ("PAYMENT.CAPTURE.DECLINED", CallbackTopic.PAYMENT),
        ("PAYMENT.CAPTURE.REFUNDED", CallbackTopic.REFUND),
        ("PAYMENT.CAPTURE.REVERSED", CallbackTopic.REFUND),
        ("PAYMENT.REFUND.PENDING", CallbackTopic.REFUND),
        ("PAYMENT.REFUND.FAILED", CallbackTopic.REFUND),
        ("CUSTOMER.DISPUTE.CREATED", CallbackTopic.DISPUTE),
        ("CUSTOMER.DISPUTE.UPDATED", CallbackTopic.DISPUTE),
        ("CUSTOMER.DISPUTE.RESOLVED", CallbackTopic.DISPUTE),
        ("PAYMENT.CAPTURE.SOMETHING-NEW", CallbackTopic.OTHER),
        ("PAYMENT.SALE.COMPLETED", CallbackTopic.OTHER),
        ("CHECKOUT.PAYMENT-APPROVAL.OTHER", CallbackTopic.OTHER),
        ("BILLING.PLAN.CREATED", CallbackTopic.OTHER),
        ("CHECKOUT", CallbackTopic.OTHER),
        ("checkout.order.approved", CallbackTopic.OTHER),
    ],
)
def test_each_kind_of_event_has_its_topic(kind: str, topic: CallbackTopic) -> None:
    assert topic_of(kind) is topic


def test_every_currency_that_orderflow_accepts_has_its_decimals_at_paypal() -> None:
    assert DECIMALS == EXPONENTS
    assert {currency for currency, decimals in DECIMALS.items() if not decimals} == {"JPY"}


@pytest.mark.parametrize(
    ("minor", "currency", "value"),
    [
        (12345, "CNY", "123.45"),
        (5, "USD", "0.05"),
        (10, "EUR", "0.10"),
        (100, "GBP", "1.00"),
        (0, "HKD", "0.00"),
        (500, "JPY", "500"),
        (10**14, "CNY", "1000000000000.00"),
    ],
)
def test_amounts_are_written_with_exactly_their_currencys_decimals(
    minor: int, currency: str, value: str
) -> None:
    money = Money(minor=minor, currency=currency)
    assert wire_amount(money) == {"currency_code": currency, "value": value}


@given(minor=st.integers(min_value=0, max_value=10**14), currency=st.sampled_from(sorted(DECIMALS)))
def test_any_amount_comes_back_as_it_was_sent(minor: int, currency: str) -> None:
    money = Money(minor=minor, currency=currency)
    assert Amount.model_validate(wire_amount(money)).money == money


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [("1", "CNY", 100), ("1.5", "USD", 150), ("1.500", "USD", 150), ("500.00", "JPY", 500)],
)
def test_fewer_decimals_or_more_zeros_are_the_same_amount(
    value: str, currency: str, minor: int
) -> None:
    assert Amount(currency_code=currency, value=value).money.minor == minor


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        ("1.001", "CNY"),
        ("0.5", "JPY"),
        ("-1.00", "CNY"),
        ("+1.00", "CNY"),
        ("1e2", "CNY"),
        ("NaN", "CNY"),
        ("Infinity", "CNY"),
        ("1,00", "CNY"),
        ("1_0", "CNY"),
        (" 1", "CNY"),
        ("1.", "CNY"),
        (".5", "CNY"),
        ("", "CNY"),
        ("١", "CNY"),
        ("9" * 16, "CNY"),
        ("1.00", "cny"),
        ("1.00", "KWD"),
    ],
)
def test_anything_else_is_no_amount(value: str, currency: str) -> None:
    with pytest.raises(OutcomeUnknown):
        _ = Amount(currency_code=currency, value=value).money
