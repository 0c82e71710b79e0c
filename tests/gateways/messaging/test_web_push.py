"""Web Push: encrypted for one browser, signed by us, and only to push services that we know."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from uuid import uuid4

import http_ece
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from domain.notification import Device, DeviceKind
from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from gateways.keys import InvalidKey
from gateways.messaging.refusals import AddressRefused
from gateways.messaging.web_push import WebPush, encrypt, may_be_called, vapid_key
from sandbox.provider_keys import ensure_keys
from sandbox.simulator.messaging.decryption import Unreadable, decrypt
from tests.gateways.messaging.accounts import web_push
from tests.gateways.peer import Peer
from tests.gateways.simulated import Simulated

SEND = "POST /push/1"


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# RFC 8291, appendix A.
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVER_POINT = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
MESSAGE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAm"
    "S6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def receiver() -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decode(RECEIVER), "big"), ec.SECP256R1())


def browser(endpoint: str, p256dh: str = RECEIVER_POINT, auth: str = AUTH) -> Device:
    return Device(id="D1", kind=DeviceKind.WEB_PUSH, target=endpoint, p256dh=p256dh, auth=auth)


async def send(through: WebPush, device: Device) -> str:
    accepted = await through.send(
        device=device,
        title="已发货",
        body="您的订单已发货",
        extra={"orderId": "O1"},
        notification_id="N" + "0" * 40,
    )
    assert accepted.provider == "webpush"
    return accepted.message_id


def test_the_browsers_side_reads_the_example_of_the_rfc() -> None:
    plain = decrypt(decode(MESSAGE), receiver(), decode(AUTH))
    assert plain == b"When I grow up, I want to be a watermelon"


def test_two_implementations_read_what_we_encrypt() -> None:
    body = encrypt("您好".encode(), browser("https://push.example/1"))
    assert decrypt(body, receiver(), decode(AUTH)).decode() == "您好"
    theirs = http_ece.decrypt(
        body, private_key=receiver(), auth_secret=decode(AUTH), version="aes128gcm"
    )
    assert theirs.decode() == "您好"


def test_another_browser_cannot_read_it() -> None:
    body = encrypt(b"secret", browser("https://push.example/1"))
    with pytest.raises(Unreadable):
        decrypt(body, ec.generate_private_key(ec.SECP256R1()), decode(AUTH))


@pytest.mark.parametrize(
    ("p256dh", "auth"), [("", AUTH), ("AAAA", AUTH), (RECEIVER_POINT[:-4], AUTH), ("ä", AUTH)]
)
def test_keys_that_are_none_refuse_the_subscription(p256dh: str, auth: str) -> None:
    with pytest.raises(AddressRefused):
        encrypt(b"x", browser("https://push.example/1", p256dh, auth))


async def test_a_message_says_who_sends_it_and_how_long_it_is_good(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(SEND, b"", status=201, headers={"Location": "https://push.example/m/77"})
    through = web_push(client)

    assert await send(through, browser(f"{peer.url}/push/1")) == "77"

    request = peer.only(SEND)
    assert request.headers["ttl"] == "86400"
    assert request.headers["content-encoding"] == "aes128gcm"
    assert len(request.headers["topic"]) == 32
    scheme, parts = request.headers["authorization"].split(" ", 1)
    given = dict(part.strip().split("=", 1) for part in parts.split(","))
    assert scheme == "vapid"
    assert given["k"] == through.public_key
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(given["k"]))
    origin = "/".join(peer.url.split("/")[:3])
    claims = jwt.decode(given["t"], point, algorithms=["ES256"], audience=origin)
    assert claims["sub"] == "mailto:push@shop.example.com"
    assert b"O1" not in request.body


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, AddressRefused),
        (410, AddressRefused),
        (413, GatewayRejected),
        (400, GatewayAuthError),
        (401, GatewayAuthError),
        (403, GatewayAuthError),
        (429, RateLimited),
        (500, OutcomeUnknown),
        (503, OutcomeUnknown),
        (301, OutcomeUnknown),
    ],
)
async def test_what_each_status_means(
    client: httpx.AsyncClient, peer: Peer, status: int, error: type[Exception]
) -> None:
    peer.says(SEND, b"", status=status)
    with pytest.raises(error) as raised:
        await send(web_push(client), browser(f"{peer.url}/push/1"))
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        ("https://fcm.googleapis.com/fcm/send/1", True),
        ("https://wns2-par02p.notify.windows.com/w/?token=1", True),
        ("https://FCM.googleapis.com:443/fcm/send/1", True),
        ("http://fcm.googleapis.com/fcm/send/1", False),
        ("https://fcm.googleapis.com.evil.example/1", False),
        ("https://evilfcm.googleapis.com/1", False),
        ("https://fcm.googleapis.com@evil.example/1", False),
        ("https://user@fcm.googleapis.com/1", False),
        ("https://127.0.0.1/1", False),
        ("http://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("https://fcm.googleapis.com:x/1", False),
        ("", False),
    ],
)
def test_only_push_services_that_we_know_are_called(endpoint: str, *, allowed: bool) -> None:
    hosts = ("fcm.googleapis.com", "notify.windows.com")
    assert may_be_called(endpoint, hosts) is allowed


async def test_an_endpoint_elsewhere_is_never_called(client: httpx.AsyncClient, peer: Peer) -> None:
    with pytest.raises(AddressRefused):
        await send(web_push(client, "", "push.example"), browser(f"{peer.url}/push/1"))
    assert peer.seen == []


async def subscribe(simulated: Simulated, key: str) -> Device:
    answer = await simulated.client.post(
        f"{simulated.url}/webpush/subscriptions", json={"applicationServerKey": key}
    )
    found: dict[str, Any] = answer.json()
    return browser(found["endpoint"], **found["keys"])


async def test_the_simulated_browser_reads_what_we_send(simulated: Simulated) -> None:
    through = web_push(simulated.client)
    device = await subscribe(simulated, through.public_key)

    message_id = await send(through, device)

    state = (await simulated.client.get(f"{simulated.url}/_sim/state")).json()
    (message,) = [one for one in state["webPushMessages"] if one["id"] == message_id]
    assert message["content"] == {
        "title": "已发货",
        "body": "您的订单已发货",
        "tag": "N" + "0" * 40,
        "orderId": "O1",
    }


async def test_a_subscription_is_bound_to_our_key_and_ends_with_it(
    simulated: Simulated, tmp_path: Path
) -> None:
    through = web_push(simulated.client)
    device = await subscribe(simulated, through.public_key)
    stranger = web_push(simulated.client, str(ensure_keys(tmp_path).web_push))
    with pytest.raises(GatewayAuthError):
        await send(stranger, device)
    await simulated.client.delete(device.target)
    with pytest.raises(AddressRefused):
        await send(through, device)
    with pytest.raises(AddressRefused):
        await send(through, browser(f"{simulated.url}/webpush/send/{uuid4()}"))


@pytest.mark.parametrize("source", ["", "/nowhere.pem", "-----BEGIN PRIVATE KEY-----\nx"])
def test_a_key_that_is_none_is_refused_when_the_worker_starts(source: str) -> None:
    with pytest.raises(InvalidKey):
        vapid_key(source)


def test_an_rsa_key_is_no_vapid_key(tmp_path: Path) -> None:
    with pytest.raises(InvalidKey):
        vapid_key(str(ensure_keys(tmp_path).fcm_account))
