from __future__ import annotations

import pytest

from domain.payment import CallbackEvent, CallbackTopic, DisputeNews
from gateways.payments.paypal_events import read_event
from tests.gateways.paypal_wire import BUYER, capture, event, link, order, refund

ORDER = {"payment_id": "P01", "provider_ref": "ORDER1"}
CAPTURE = ORDER | {"capture_ref": "CAPTURE1"}
REFUND = {"capture_ref": "CAPTURE1", "refund_ref": "REFUND1"}
DISPUTE = {
    "dispute_id": "PP-D-27803",
    "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    "disputed_transactions": [
        {
            "seller_transaction_id": "CAPTURE1",
            "buyer_transaction_id": "BUYER1",
            "custom": "P01",
            "buyer": BUYER,
        }
    ],
}
AT_PAYPAL = "https://api.sandbox.paypal.com/v2"


def _names(news: CallbackEvent) -> dict[str, str]:
    fields = ("payment_id", "provider_ref", "capture_ref", "refund_ref")
    return {name: getattr(news, name) for name in fields if getattr(news, name)}


@pytest.mark.parametrize(
    ("kind", "resource_type", "resource", "names"),
    [
        ("CHECKOUT.ORDER.APPROVED", "checkout-order", order("APPROVED"), ORDER),
        ("CHECKOUT.ORDER.COMPLETED", "checkout-order", order("COMPLETED", [capture()]), ORDER),
        ("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "payment", {"order_id": "ORDER1"}, "ORDER1"),
        ("PAYMENT.CAPTURE.COMPLETED", "capture", capture(), CAPTURE),
        ("PAYMENT.CAPTURE.PENDING", "capture", capture("PENDING"), CAPTURE),
        ("PAYMENT.CAPTURE.DENIED", "capture", capture("DECLINED"), CAPTURE),
        ("PAYMENT.CAPTURE.REFUNDED", "refund", refund(), REFUND),
        ("PAYMENT.CAPTURE.REVERSED", "refund", refund(), REFUND),
        ("PAYMENT.CAPTURE.REVERSED", "capture", capture("REFUNDED"), CAPTURE),
        ("PAYMENT.REFUND.FAILED", "refund", refund("FAILED"), REFUND),
        (
            "CUSTOMER.DISPUTE.CREATED",
            "dispute",
            DISPUTE,
            {"payment_id": "P01"} | {"capture_ref": "CAPTURE1"},
        ),
        ("BILLING.PLAN.CREATED", "plan", {"id": "P-1", "links": "not a list"}, {}),
    ],
)
def test_each_kind_of_event_leads_to_its_payment(
    kind: str, resource_type: str, resource: object, names: object
) -> None:
    news = read_event(event(kind, resource_type, resource))
    assert news.kind == kind
    assert _names(news) == ({"provider_ref": names} if isinstance(names, str) else names)


def test_a_reversed_capture_is_news_of_a_refund_whatever_it_shows() -> None:
    for resource_type, resource in (("refund", refund()), ("capture", capture())):
        news = read_event(event("PAYMENT.CAPTURE.REVERSED", resource_type, resource))
        assert news.topic is CallbackTopic.REFUND


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("CUSTOMER.DISPUTE.CREATED", DisputeNews.OPENED),
        ("CUSTOMER.DISPUTE.UPDATED", DisputeNews.OPENED),
        ("CUSTOMER.DISPUTE.RESOLVED", DisputeNews.OVER),
        ("PAYMENT.CAPTURE.REVERSED", None),
    ],
)
def test_a_dispute_is_told_of_until_it_is_over(kind: str, told: DisputeNews | None) -> None:
    assert read_event(event(kind, "dispute", DISPUTE)).dispute is told


def test_a_refunds_own_number_is_not_taken_for_the_payments() -> None:
    for number in ("R01", "P01"):
        news = read_event(event("PAYMENT.CAPTURE.REFUNDED", "refund", refund(custom_id=number)))
        assert news.payment_id == ""


@pytest.mark.parametrize(
    ("changes", "capture_ref"),
    [
        ({"links": [link("up", f"{AT_PAYPAL}/payments/captures/CAPTURE9")]}, "CAPTURE9"),
        ({"links": [link("up", f"{AT_PAYPAL}/payments/authorizations/AUTH1")]}, ""),
        ({"links": [link("self", f"{AT_PAYPAL}/payments/captures/CAPTURE9")]}, ""),
        ({"links": [link("up", f"{AT_PAYPAL}/payments/captures/../x")]}, ""),
        ({"links": None}, ""),
        (
            {"links": [], "supplementary_data": {"related_ids": {"capture_id": "CAPTURE8"}}},
            "CAPTURE8",
        ),
    ],
)
def test_a_refunds_capture_is_the_one_that_its_links_lead_up_to(
    changes: dict[str, object], capture_ref: str
) -> None:
    news = read_event(event("PAYMENT.CAPTURE.REFUNDED", "refund", refund() | changes))
    assert (news.capture_ref, news.refund_ref) == (capture_ref, "REFUND1")


@pytest.mark.parametrize(
    "resource",
    [{}, {"purchase_units": None, "disputed_transactions": None}, {"supplementary_data": {}}],
)
@pytest.mark.parametrize(
    "kind",
    [
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
        "CUSTOMER.DISPUTE.CREATED",
    ],
)
def test_an_event_that_names_nothing_is_read_and_leads_nowhere(kind: str, resource: object) -> None:
    assert _names(read_event(event(kind, "any", resource))) == {}


@pytest.mark.parametrize("number", ["订单 7", '{"user": "ming@example.com"}', "a\x00b", "x" * 65])
def test_numbers_of_other_systems_of_our_account_are_not_taken_for_ours(number: str) -> None:
    news = read_event(event("PAYMENT.CAPTURE.COMPLETED", "capture", capture(custom_id=number)))
    assert _names(news) == {"provider_ref": "ORDER1", "capture_ref": "CAPTURE1"}


def test_the_buyers_data_is_not_kept() -> None:
    for kind, resource in (
        ("CHECKOUT.ORDER.APPROVED", order("APPROVED")),
        ("CUSTOMER.DISPUTE.CREATED", DISPUTE),
    ):
        kept = read_event(event(kind, "any", resource)).model_dump_json()
        assert not [secret for secret in ("Ming", "Wang", "@", "Nanjing") if secret in kept]


@pytest.mark.parametrize("at", [None, "", "yesterday"])
def test_an_event_without_a_time_is_still_read(at: str | None) -> None:
    news = read_event(event("PAYMENT.CAPTURE.COMPLETED", "capture", capture(), create_time=at))
    assert news.occurred_at is None
