"""Alibaba Cloud: the signature, what we send, and what each of its answers means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from domain.notification import Accepted
from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from gateways.messaging.aliyun_signing import canonical_query, signed_headers
from gateways.messaging.aliyun_sms import AliyunSms
from gateways.messaging.refusals import AddressRefused, Unsubscribed
from gateways.messaging.sms_routing import RoutedSms
from sandbox.messaging_accounts import SMS_TEMPLATES
from tests.gateways.messaging.accounts import aliyun, twilio
from tests.gateways.peer import Peer
from tests.gateways.simulated import Simulated

CALL = "POST /"
OK = {"Code": "OK", "Message": "OK", "RequestId": "R", "BizId": "123^0"}


async def send(
    through: AliyunSms | RoutedSms,
    to: str = "+8613800138000",
    notification_id: str = "N1",
    template: str = "order_shipped",
) -> Accepted:
    return await through.send(
        to=to,
        template=template,
        params={"order_number": "ORD1", "carrier": "顺丰 速运*~"},
        text="…",
        notification_id=notification_id,
    )


def test_the_signature_is_that_of_the_published_example() -> None:
    """The worked example of Alibaba Cloud's page on signature version 3."""
    query = canonical_query(
        {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
        | {"RegionId": "cn-shanghai"}
    )
    headers = signed_headers(
        host="ecs.cn-shanghai.aliyuncs.com",
        path="/",
        action="RunInstances",
        version="2014-05-26",
        query=query,
        key_id="YourAccessKeyId",
        key_secret="YourAccessKeySecret",
        nonce="3156853299f313e23d1673dc12e1703d",
        at=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
    )
    assert headers["authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_a_query_is_encoded_as_rfc_3986_says() -> None:
    assert canonical_query({"b": "a b*~/", "a": "杭"}) == "a=%E6%9D%AD&b=a%20b%2A~%2F"


async def test_a_message_is_a_template_with_its_parameters(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(CALL, OK)

    accepted = await send(aliyun(client, f"{peer.url}/"))

    assert accepted == Accepted(provider="aliyun", message_id="123^0")
    request = peer.only(CALL)
    assert request.body == b""
    assert request.headers["x-acs-action"] == "SendSms"
    assert {name: values[0] for name, values in request.query.items()} | {"TemplateParam": ""} == {
        "PhoneNumbers": "13800138000",
        "SignName": "示例商城",
        "TemplateCode": SMS_TEMPLATES["order_shipped"],
        "TemplateParam": "",
        "OutId": "N1",
    }
    filled = json.loads(request.query["TemplateParam"][0])
    assert filled == {"order_number": "ORD1", "carrier": "顺丰 速运*~"}


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", "", AddressRefused),
        ("isv.BLACK_KEY_CONTROL_LIMIT", "", Unsubscribed),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1", RateLimited),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:40", GatewayRejected),
        ("isp.SYSTEM_ERROR", "", RateLimited),
        ("Throttling.User", "", RateLimited),
        ("ServiceUnavailable", "", RateLimited),
        ("isv.AMOUNT_NOT_ENOUGH", "", GatewayAuthError),
        ("isv.OUT_OF_SERVICE", "", GatewayAuthError),
        ("isv.DAY_LIMIT_CONTROL", "", GatewayAuthError),
        ("isv.SMS_TEMPLATE_ILLEGAL", "", GatewayAuthError),
        ("isv.SMS_SIGNATURE_ILLEGAL", "", GatewayAuthError),
        ("isv.TEMPLATE_MISSING_PARAMETERS", "", GatewayAuthError),
        ("isp.RAM_PERMISSION_DENY", "", GatewayAuthError),
        ("SignatureDoesNotMatch", "", GatewayAuthError),
        ("isv.PARAM_NOT_SUPPORT_URL", "", GatewayRejected),
        ("isv.SOMETHING_NEW", "", GatewayRejected),
    ],
)
async def test_what_each_code_means(
    client: httpx.AsyncClient, peer: Peer, code: str, message: str, error: type[Exception]
) -> None:
    peer.says(CALL, {"Code": code, "Message": message, "RequestId": "R"})
    with pytest.raises(error) as raised:
        await send(aliyun(client, f"{peer.url}/"))
    assert type(raised.value) is error


async def test_a_limit_of_a_number_asks_for_a_minute(client: httpx.AsyncClient, peer: Peer) -> None:
    peer.says(CALL, {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发分钟级流控"})
    with pytest.raises(RateLimited) as raised:
        await send(aliyun(client, f"{peer.url}/"))
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == 60


@pytest.mark.parametrize(("status", "body"), [(502, b"<html>"), (200, b"<html>"), (500, b"")])
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(
    client: httpx.AsyncClient, peer: Peer, status: int, body: bytes
) -> None:
    peer.says(CALL, body, status=status)
    with pytest.raises(OutcomeUnknown):
        await send(aliyun(client, f"{peer.url}/"))


async def test_a_kind_without_an_approved_template_is_not_sent(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    with pytest.raises(GatewayRejected) as raised:
        await send(aliyun(client, f"{peer.url}/"), template="unheard_of")
    assert raised.value.code == "no_template"
    assert peer.seen == []


async def test_the_simulator_takes_what_we_send_and_finds_it_again(simulated: Simulated) -> None:
    through = aliyun(simulated.client, f"{simulated.url}/aliyun/")
    notification_id, now = f"N{uuid4().hex}", datetime.now(UTC)

    async def found() -> Accepted | None:
        return await through.find(
            to="+8613800138000", text="", notification_id=notification_id, since=now
        )

    assert await found() is None
    await simulated.suffers(
        "aliyun",
        "send",
        "timeout_after_commit",
        seconds=0,
        match={"idempotencyKey": notification_id},
    )
    with pytest.raises(OutcomeUnknown):
        await send(through, notification_id=notification_id)
    assert await found() is not None


@pytest.mark.parametrize(
    ("changes", "to", "error"),
    [
        ({"key_secret": "wrong"}, "+8613800138000", GatewayAuthError),
        ({"key_id": "nobody"}, "+8613800138000", GatewayAuthError),
        ({"sign_name": "别家"}, "+8613800138000", GatewayAuthError),
        ({}, "+86123", AddressRefused),
    ],
)
async def test_the_simulator_checks_what_alibaba_cloud_checks(
    simulated: Simulated, changes: dict[str, str], to: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await send(aliyun(simulated.client, f"{simulated.url}/aliyun/", **changes), to)


async def test_a_number_is_sent_through_its_countrys_provider(simulated: Simulated) -> None:
    china = aliyun(simulated.client, f"{simulated.url}/aliyun/")
    world = twilio(simulated.client, f"{simulated.url}/twilio")
    routed = RoutedSms([("+86", china), ("+", world)])
    assert (await send(routed, "+8613800138000")).provider == "aliyun"
    assert (await send(routed, "+16502530001")).provider == "twilio"
    with pytest.raises(GatewayRejected) as raised:
        await send(RoutedSms([("+86", china)]), "+16502530001")
    assert raised.value.code == "no_route"
