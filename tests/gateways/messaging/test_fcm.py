"""Firebase Cloud Messaging: the token, what we send, and what each of its answers means."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx
import jwt
import pytest

from domain.notification import Device, DeviceKind
from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from gateways.keys import InvalidKey
from gateways.messaging.fcm import FcmPush
from gateways.messaging.fcm_token import read_service_account
from gateways.messaging.refusals import AddressRefused
from sandbox.messaging_accounts import FCM_PROJECT
from tests.accounts import provider_keys
from tests.gateways.messaging.accounts import fcm
from tests.gateways.peer import Peer
from tests.gateways.simulated import Simulated

TOKEN = "POST /token"
SEND = f"POST /v1/projects/{FCM_PROJECT}/messages:send"
TAKEN = {"name": f"projects/{FCM_PROJECT}/messages/0:17"}


def granted(bearer: str = "ya29.1", seconds: int = 3600) -> dict[str, object]:
    return {"access_token": bearer, "expires_in": seconds, "token_type": "Bearer"}


async def send(through: FcmPush, target: str = "device-token", title: str = "已发货") -> str:
    accepted = await through.send(
        device=Device(id="D1", kind=DeviceKind.FCM, target=target),
        title=title,
        body="您的订单已发货",
        extra={"orderId": "O1", "type": "order_shipped"},
        notification_id="N1",
    )
    assert accepted.provider == "fcm"
    return accepted.message_id


def problem(status: str, *codes: str) -> dict[str, object]:
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    details = [{"@type": kind, "errorCode": code} for code in codes]
    return {"error": {"code": 400, "status": status, "message": "…", "details": details}}


async def test_a_message_carries_a_token_that_our_account_signed_for(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(TOKEN, granted())
    peer.says(SEND, TAKEN)

    assert await send(fcm(client, peer.url)) == "0:17"

    form = peer.only(TOKEN).form
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    keys = provider_keys()
    claims = jwt.decode(
        form["assertion"][0],
        keys.public_half(keys.fcm_account).read_text(),
        algorithms=["RS256"],
        audience=f"{peer.url}/token",
    )
    assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    assert claims["exp"] - claims["iat"] == 3600
    assert jwt.get_unverified_header(form["assertion"][0])["kid"] == "k1"
    request = peer.only(SEND)
    assert request.headers["authorization"] == "Bearer ya29.1"
    message = request.json["message"]
    assert isinstance(message, dict)
    assert message["token"] == "device-token"
    assert message["notification"] == {"title": "已发货", "body": "您的订单已发货"}
    assert message["android"]["notification"]["tag"] == "N1"
    assert message["apns"]["headers"]["apns-collapse-id"] == "N1"


async def test_many_messages_at_once_ask_for_one_token(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(TOKEN, granted())
    peer.says(SEND, TAKEN)
    through = fcm(client, peer.url)
    await asyncio.gather(*(send(through) for _ in range(5)))
    assert len(peer.requests(TOKEN)) == 1


async def test_a_token_near_its_end_is_renewed(client: httpx.AsyncClient, peer: Peer) -> None:
    peer.says(TOKEN, granted(seconds=299))
    peer.says(SEND, TAKEN)
    through = fcm(client, peer.url)
    await send(through)
    await send(through)
    assert len(peer.requests(TOKEN)) == 2


async def test_a_revoked_token_is_renewed_once(client: httpx.AsyncClient, peer: Peer) -> None:
    peer.says(TOKEN, granted("ya29.1"))
    peer.says(TOKEN, granted("ya29.2"))
    peer.says(SEND, problem("UNAUTHENTICATED"), status=401)
    peer.says(SEND, TAKEN)
    await send(fcm(client, peer.url))
    assert [one.headers["authorization"] for one in peer.requests(SEND)] == [
        "Bearer ya29.1",
        "Bearer ya29.2",
    ]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, problem("NOT_FOUND", "UNREGISTERED"), AddressRefused),
        (403, problem("PERMISSION_DENIED", "SENDER_ID_MISMATCH"), AddressRefused),
        (400, problem("INVALID_ARGUMENT", "INVALID_ARGUMENT"), AddressRefused),
        (400, problem("INVALID_ARGUMENT"), GatewayRejected),
        (401, problem("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), GatewayAuthError),
        (401, problem("UNAUTHENTICATED"), GatewayAuthError),
        (403, problem("PERMISSION_DENIED"), GatewayAuthError),
        (429, problem("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), RateLimited),
        (503, problem("UNAVAILABLE", "UNAVAILABLE"), RateLimited),
        (500, problem("INTERNAL", "INTERNAL"), OutcomeUnknown),
        (200, {}, OutcomeUnknown),
    ],
)
async def test_what_each_error_means(
    client: httpx.AsyncClient,
    peer: Peer,
    status: int,
    body: dict[str, object],
    error: type[Exception],
) -> None:
    peer.says(TOKEN, granted())
    peer.says(SEND, body, status=status)
    with pytest.raises(error) as raised:
        await send(fcm(client, peer.url))
    assert type(raised.value) is error


async def test_a_used_up_quota_asks_for_a_minute(client: httpx.AsyncClient, peer: Peer) -> None:
    peer.says(TOKEN, granted())
    peer.says(SEND, problem("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), status=429)
    with pytest.raises(RateLimited) as raised:
        await send(fcm(client, peer.url))
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == 60


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant"}, GatewayAuthError),
        (401, {"error": "invalid_client"}, GatewayAuthError),
        (503, {}, OutcomeUnknown),
        (200, {}, OutcomeUnknown),
    ],
)
async def test_an_account_that_google_does_not_accept(
    client: httpx.AsyncClient,
    peer: Peer,
    status: int,
    body: dict[str, object],
    error: type[Exception],
) -> None:
    peer.says(TOKEN, body, status=status)
    with pytest.raises(error):
        await send(fcm(client, peer.url))
    assert peer.requests(SEND) == []


async def test_the_simulator_shows_what_we_send(simulated: Simulated) -> None:
    device = f"device-{uuid4()}"
    await send(fcm(simulated.client, f"{simulated.url}/fcm"), device, title="订单已送达")
    state = (await simulated.client.get(f"{simulated.url}/_sim/state")).json()
    (message,) = [one for one in state["fcmMessages"] if one["token"] == device]
    assert message["title"] == "订单已送达"
    assert message["tag"] == "N1"


async def test_the_simulator_checks_whose_account_it_is(simulated: Simulated) -> None:
    other = provider_keys().alipay_merchant.read_text()
    with pytest.raises(GatewayAuthError):
        await send(fcm(simulated.client, f"{simulated.url}/fcm", private_key=other))


@pytest.mark.parametrize("source", ["", "{}", "/nowhere/key.json", "-----BEGIN PRIVATE KEY-----"])
def test_a_key_that_is_none_is_refused_when_the_worker_starts(source: str) -> None:
    with pytest.raises(InvalidKey):
        read_service_account(source)
