from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from domain.payment import CallbackTopic
from gateways.errors import InvalidCallback
from gateways.http import build_client
from gateways.payments.alipay import AlipayGateway
from tests.gateways import alipay_wire as wire
from tests.gateways.alipay_wire import (
    BUYER,
    NOW,
    TRADE_NO,
    notification,
    notified_refund,
    signed_form,
)

PAID = signed_form(notification())


@pytest.fixture(scope="module")
async def gateway() -> AsyncIterator[AlipayGateway]:
    async with build_client() as client:
        yield wire.gateway(client, "http://127.0.0.1:9")


async def test_a_paid_payment_is_told_of_without_its_buyer(
    gateway: AlipayGateway,
) -> None:
    news = await gateway.parse_callback({}, PAID, NOW)
    assert (news.gateway, news.topic, news.kind) == (
        "alipay",
        CallbackTopic.PAYMENT,
        "TRADE_SUCCESS",
    )
    assert news.dedupe_key == "2026112100222182959034280502112345"
    assert (news.payment_id, news.provider_ref) == ("P00001", "P00001")
    assert (news.capture_ref, news.refund_ref) == (TRADE_NO, "")
    assert news.occurred_at == datetime(2026, 11, 21, 10, 29, 59, tzinfo=UTC)
    assert BUYER not in news.model_dump_json()


async def test_a_refund_is_told_of_by_its_own_number(gateway: AlipayGateway) -> None:
    news = await gateway.parse_callback({}, signed_form(notified_refund()), NOW)
    assert (news.topic, news.kind, news.refund_ref) == (CallbackTopic.REFUND, "refund", "R00001")
    assert (news.payment_id, news.capture_ref) == ("P00001", TRADE_NO)
    assert news.occurred_at == datetime(2026, 11, 21, 10, 40, 0, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "topic", "kind", "refund_ref"),
    [
        ({"trade_status": "WAIT_BUYER_PAY"}, CallbackTopic.PAYMENT, "WAIT_BUYER_PAY", ""),
        ({"trade_status": "TRADE_FINISHED"}, CallbackTopic.PAYMENT, "TRADE_FINISHED", ""),
        ({"trade_status": "TRADE_CLOSED"}, CallbackTopic.PAYMENT, "TRADE_CLOSED", ""),
        ({"trade_status": "TRADE_NEW"}, CallbackTopic.PAYMENT, "TRADE_NEW", ""),
        ({"out_biz_no": "R2"}, CallbackTopic.REFUND, "refund", "R2"),
        ({"refund_fee": "1.00"}, CallbackTopic.REFUND, "refund", ""),
        ({"gmt_refund": "2026-11-21 18:40:00"}, CallbackTopic.REFUND, "refund", ""),
        (
            {"out_biz_no": "", "refund_fee": "", "gmt_refund": ""},
            CallbackTopic.PAYMENT,
            "TRADE_SUCCESS",
            "",
        ),
        (
            {"trade_status": "TRADE_CLOSED", "refund_fee": "123.45", "out_biz_no": TRADE_NO},
            CallbackTopic.REFUND,
            "refund",
            TRADE_NO,
        ),
        ({"notify_type": "dut_user_sign"}, CallbackTopic.OTHER, "TRADE_SUCCESS", ""),
        (
            {"notify_type": "", "out_biz_no": "R2"},
            CallbackTopic.OTHER,
            "TRADE_SUCCESS",
            "",
        ),
    ],
)
async def test_each_kind_of_notification_has_its_topic(
    gateway: AlipayGateway,
    changes: dict[str, str],
    topic: CallbackTopic,
    kind: str,
    refund_ref: str,
) -> None:
    news = await gateway.parse_callback({}, signed_form(notification(**changes)), NOW)
    assert (news.topic, news.kind, news.refund_ref) == (topic, kind, refund_ref)
    assert news.payment_id == "P00001"


@pytest.mark.parametrize(
    ("changes", "minute"),
    [
        ({"gmt_refund": "2026-11-21 18:41:00", "gmt_close": "2026-11-21 18:42:00"}, 41),
        ({"gmt_close": "2026-11-21 18:42:00"}, 42),
        ({}, 29),
        ({"gmt_payment": ""}, 30),
    ],
)
async def test_it_happened_when_the_news_happened_not_when_it_was_sent(
    gateway: AlipayGateway, changes: dict[str, str], minute: int
) -> None:
    news = await gateway.parse_callback({}, signed_form(notification(**changes)), NOW)
    assert news.occurred_at is not None
    assert news.occurred_at.utcoffset() == timedelta(hours=8)
    assert (news.occurred_at.hour, news.occurred_at.minute) == (18, minute)


async def test_a_notification_stays_valid_as_it_is_delivered_for_a_day_and_more(
    gateway: AlipayGateway,
) -> None:
    for later in (timedelta(hours=25), timedelta(days=365)):
        first, again = [
            await gateway.parse_callback({}, PAID, NOW + wait) for wait in (later, later)
        ]
        assert first.dedupe_key == again.dedupe_key


@pytest.mark.parametrize(
    "changes",
    [
        {"app_id": "2021000000000002"},
        {"seller_id": "2088000000000002"},
        {"app_id": ""},
        {"seller_id": ""},
        {"seller_id": f"{wire.SELLER_ID} "},
    ],
)
async def test_a_message_to_another_merchant_is_refused(
    gateway: AlipayGateway, changes: dict[str, str]
) -> None:
    body = signed_form(notification(**changes))
    with pytest.raises(InvalidCallback, match="another merchant"):
        await gateway.parse_callback({}, body, NOW)


@pytest.mark.parametrize(
    "name", ["notify_id", "app_id", "seller_id", "out_trade_no", "trade_status"]
)
async def test_a_validly_signed_form_without_what_counts_cannot_be_read(
    gateway: AlipayGateway, name: str
) -> None:
    fields = notification()
    del fields[name]
    with pytest.raises(InvalidCallback, match="cannot be read") as refused:
        await gateway.parse_callback({}, signed_form(fields), NOW)
    assert BUYER not in f"{refused.value} {refused.value.__cause__}"


@pytest.mark.parametrize(
    "changes",
    [
        {"notify_id": ""},
        {"out_trade_no": ""},
        {"trade_status": ""},
        {"gmt_payment": "yesterday"},
        {"gmt_refund": "2026-11-21 18:40:00+00:00"},
        {"notify_time": "2026-13-01 00:00:00"},
    ],
)
async def test_a_validly_signed_form_with_unreadable_values_is_refused(
    gateway: AlipayGateway, changes: dict[str, str]
) -> None:
    with pytest.raises(InvalidCallback, match="cannot be read"):
        await gateway.parse_callback({}, signed_form(notification(**changes)), NOW)


@pytest.mark.parametrize(("app_id", "seller_id"), [("", wire.SELLER_ID), (wire.APP_ID, "")])
async def test_without_an_app_id_or_a_seller_id_the_endpoint_is_off_and_says_so(
    client: httpx.AsyncClient, app_id: str, seller_id: str
) -> None:
    gateway = wire.gateway(client, "http://127.0.0.1:9", app_id=app_id, seller_id=seller_id)
    body = signed_form(notification(app_id=app_id, seller_id=seller_id))
    with pytest.raises(InvalidCallback, match="callbacks are off"):
        await gateway.parse_callback({}, body, NOW)


def test_alipay_is_told_success_or_fail_in_plain_text_to_the_letter(
    gateway: AlipayGateway,
) -> None:
    assert gateway.acknowledge(accepted=True) == (200, "text/plain", b"success")
    status, media_type, body = gateway.acknowledge(accepted=False)
    assert (status, media_type, body) == (400, "text/plain", b"fail")
