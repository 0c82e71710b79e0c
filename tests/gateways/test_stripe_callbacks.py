from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from domain.payment import CallbackTopic, DisputeNews
from gateways.errors import InvalidCallback
from gateways.payments import stripe_callbacks
from gateways.payments.stripe import StripeGateway
from tests.gateways.stripe_wire import (
    API_KEY,
    NOW,
    UNIX,
    WEBHOOK_SECRET,
    charge,
    dispute,
    event,
    intent,
    refund,
    signed,
    v1,
)

PAID = event("payment_intent.succeeded", intent("succeeded"))


@pytest.fixture
def gateway(client: httpx.AsyncClient) -> StripeGateway:
    return StripeGateway(client, API_KEY, WEBHOOK_SECRET)


async def test_a_signed_event_says_what_it_is_about(gateway: StripeGateway) -> None:
    news = await gateway.parse_callback(signed(PAID), PAID, NOW)
    assert news.gateway == "stripe"
    assert news.dedupe_key == "evt_1"
    assert news.kind == "payment_intent.succeeded"
    assert (news.payment_id, news.provider_ref) == ("P01", "pi_1")
    assert news.occurred_at == datetime.fromtimestamp(UNIX - 2, UTC)


async def test_the_header_that_stripes_sdk_generates_is_accepted(gateway: StripeGateway) -> None:
    header = stripe.WebhookSignature.generate_signature_header(PAID.decode(), WEBHOOK_SECRET, UNIX)
    news = await gateway.parse_callback({"stripe-signature": header}, PAID, NOW)
    assert news.dedupe_key == "evt_1"


@pytest.mark.parametrize(
    ("kind", "subject", "payment_id", "provider_ref"),
    [
        ("payment_intent.payment_failed", intent(), "P01", "pi_1"),
        ("payment_intent.canceled", intent("canceled"), "P01", "pi_1"),
        ("payment_intent.succeeded", intent("succeeded", metadata={}), "", "pi_1"),
        ("refund.updated", refund(), "P01", "pi_1"),
        ("refund.failed", refund(metadata={}), "", "pi_1"),
        ("refund.created", refund(metadata=None, payment_intent=None), "", ""),
        ("charge.refunded", charge(345), "", "pi_1"),
        ("charge.dispute.created", dispute(), "", "pi_1"),
        ("charge.dispute.closed", dispute(payment_intent=intent()), "", "pi_1"),
        ("customer.created", {"id": "cus_1", "object": "customer"}, "", ""),
    ],
)
async def test_each_kind_of_event_leads_to_its_payment(
    gateway: StripeGateway,
    kind: str,
    subject: dict[str, object],
    payment_id: str,
    provider_ref: str,
) -> None:
    body = event(kind, subject)
    news = await gateway.parse_callback(signed(body), body, NOW)
    assert (news.kind, news.payment_id, news.provider_ref) == (kind, payment_id, provider_ref)


@pytest.mark.parametrize(
    ("kind", "subject", "topic", "refund_ref"),
    [
        ("payment_intent.succeeded", intent("succeeded"), CallbackTopic.PAYMENT, ""),
        ("payment_intent.processing", intent("processing"), CallbackTopic.PAYMENT, ""),
        ("refund.created", refund(), CallbackTopic.REFUND, "re_1"),
        ("refund.failed", refund(metadata={}), CallbackTopic.REFUND, "re_1"),
        ("charge.refund.updated", refund(), CallbackTopic.REFUND, "re_1"),
        ("charge.refunded", charge(345), CallbackTopic.REFUND, ""),
        ("charge.dispute.created", dispute(), CallbackTopic.DISPUTE, ""),
        ("charge.dispute.closed", dispute(), CallbackTopic.DISPUTE, ""),
        ("charge.succeeded", charge(), CallbackTopic.OTHER, ""),
        ("customer.created", {"id": "cus_1", "object": "customer"}, CallbackTopic.OTHER, ""),
    ],
)
async def test_each_kind_of_event_has_a_topic_and_a_refund_names_itself(
    gateway: StripeGateway,
    kind: str,
    subject: dict[str, object],
    topic: CallbackTopic,
    refund_ref: str,
) -> None:
    body = event(kind, subject)
    news = await gateway.parse_callback(signed(body), body, NOW)
    assert (news.topic, news.refund_ref) == (topic, refund_ref)


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        ("charge.dispute.created", "needs_response", DisputeNews.OPENED),
        ("charge.dispute.funds_withdrawn", "lost", DisputeNews.OPENED),
        ("charge.dispute.closed", "won", DisputeNews.WON),
        ("charge.dispute.closed", "lost", DisputeNews.LOST),
        ("charge.dispute.closed", "warning_closed", DisputeNews.OVER),
        ("charge.dispute.closed", None, DisputeNews.OVER),
        ("payment_intent.succeeded", "won", None),
    ],
)
async def test_the_end_of_a_dispute_is_told(
    gateway: StripeGateway, kind: str, status: str | None, told: DisputeNews | None
) -> None:
    body = event(kind, dispute(status=status))
    assert (await gateway.parse_callback(signed(body), body, NOW)).dispute is told


async def test_one_of_two_v1_values_is_enough_in_either_order(gateway: StripeGateway) -> None:
    right, wrong = v1(PAID), v1(PAID, secret="whsec_old")
    for first, second in ((right, wrong), (wrong, right)):
        header = {"Stripe-Signature": f"t={UNIX},v1={first},v1={second}"}
        assert (await gateway.parse_callback(header, PAID, NOW)).dedupe_key == "evt_1"


@pytest.mark.parametrize("seconds", [-300, 300])
async def test_an_event_at_the_edge_of_the_window_is_accepted(
    gateway: StripeGateway, seconds: int
) -> None:
    await gateway.parse_callback(signed(PAID, unix=UNIX + seconds), PAID, NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_a_stale_or_future_event_is_refused(gateway: StripeGateway, seconds: int) -> None:
    with pytest.raises(InvalidCallback, match="stale"):
        await gateway.parse_callback(signed(PAID, unix=UNIX + seconds), PAID, NOW)


@pytest.mark.parametrize(
    "body",
    [
        PAID.replace(b"12345", b"12346"),
        json.dumps(json.loads(PAID)).encode(),
        PAID + b" ",
        PAID[:-1],
        b"",
        b"\xff\xfe",
    ],
    ids=["tampered", "reserialized", "longer", "shorter", "empty", "not text"],
)
async def test_any_other_body_is_refused(gateway: StripeGateway, body: bytes) -> None:
    with pytest.raises(InvalidCallback, match="does not match") as refused:
        await gateway.parse_callback(signed(PAID), body, NOW)
    assert "12345" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_another_secret_is_refused(gateway: StripeGateway) -> None:
    with pytest.raises(InvalidCallback):
        await gateway.parse_callback(signed(PAID, secret="whsec_other"), PAID, NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Stripe-Signature": ""},
        {"Stripe-Signature": "garbage"},
        {"Stripe-Signature": f"t={UNIX}"},
        {"Stripe-Signature": f"v1={v1(PAID)}"},
        {"Stripe-Signature": f"t={UNIX},v0={v1(PAID)}"},
        {"Stripe-Signature": f"t={UNIX - 999},t={UNIX},v1={v1(PAID)}"},
        {"Stripe-Signature": f"t={UNIX},v1={v1(PAID, secret='x')},v1=é"},
        {"X-Orderflow-Signature": f"t={UNIX},v1={v1(PAID)}"},
    ],
)
async def test_a_missing_or_malformed_signature_is_refused(
    gateway: StripeGateway, headers: dict[str, str]
) -> None:
    with pytest.raises(InvalidCallback):
        await gateway.parse_callback(headers, PAID, NOW)


@pytest.mark.parametrize("secret", ["", "  "])
async def test_an_empty_secret_turns_the_endpoint_off_and_says_so(
    client: httpx.AsyncClient, secret: str
) -> None:
    gateway = StripeGateway(client, API_KEY, secret)
    with pytest.raises(InvalidCallback, match="callbacks are off"):
        await gateway.parse_callback(signed(PAID, secret=secret), PAID, NOW)


@pytest.mark.parametrize(
    ("api_key", "livemode", "accepted"),
    [
        ("sk_test_1", False, True),
        ("sk_test_1", True, False),
        ("sk_live_1", True, True),
        ("sk_live_1", False, False),
        ("rk_live_1", True, True),
        ("rk_test_1", True, False),
    ],
)
async def test_an_event_of_the_other_environment_is_refused(
    client: httpx.AsyncClient,
    api_key: str,
    livemode: bool,  # noqa: FBT001
    accepted: bool,  # noqa: FBT001
) -> None:
    gateway = StripeGateway(client, api_key, WEBHOOK_SECRET)
    body = event("payment_intent.succeeded", intent(), livemode=livemode)
    if accepted:
        await gateway.parse_callback(signed(body), body, NOW)
    else:
        with pytest.raises(InvalidCallback, match="environment"):
            await gateway.parse_callback(signed(body), body, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        event("payment_intent.succeeded", intent(), id=""),
        event("payment_intent.succeeded", intent(), id=None),
        event("", intent()),
        event("payment_intent.succeeded", intent(), livemode="false"),
        event("payment_intent.succeeded", intent(), created=10**30),
        event("payment_intent.succeeded", intent(), data=None),
        event("payment_intent.succeeded", intent(metadata={"payment_id": {"a": 1}})),
        b"[" * 100_000,
    ],
)
async def test_a_validly_signed_body_that_cannot_be_read_is_refused(
    gateway: StripeGateway, body: bytes
) -> None:
    with pytest.raises(InvalidCallback, match="cannot be read"):
        await gateway.parse_callback(signed(body), body, NOW)


@given(body=st.binary(max_size=300), header=st.text(max_size=100))
def test_nothing_unsigned_gets_through_or_breaks_anything(body: bytes, header: str) -> None:
    with pytest.raises(InvalidCallback):
        stripe_callbacks.verify({"Stripe-Signature": header}, body, WEBHOOK_SECRET, NOW)
