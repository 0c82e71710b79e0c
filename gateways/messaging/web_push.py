"""Push messages to browsers (RFC 8030), encrypted for the browser alone (RFC 8291).

The push service learns who we are (VAPID, RFC 8292), never what we say. Endpoints come from
browsers and are addresses that we call: only https, and only push services that we know.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import http_ece
import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from domain.notification import Accepted, Device
from gateways.errors import GatewayAuthError, GatewayRejected, RateLimited
from gateways.http import error_for, retry_after, send
from gateways.keys import InvalidKey, pem_text
from gateways.messaging.refusals import AddressRefused

PROVIDER = "webpush"

_TTL = timedelta(days=1)
_TOKEN_LIFE = timedelta(hours=12)
_LONGEST_TOPIC = 32
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class WebPush:
    """Meets `PushSender` for browsers. A repeated message replaces the first one.

    `hosts` are the push services to call, each also for its subdomains; a loopback host may be
    called without TLS. `contact` is where a push service may write to, a `mailto:` address.
    """

    def __init__(
        self, client: httpx.AsyncClient, *, private_key: str, contact: str, hosts: Sequence[str]
    ) -> None:
        self._client = client
        self._key = vapid_key(private_key)
        self._contact = contact
        self._hosts = tuple(host.lower() for host in hosts)

    @property
    def public_key(self) -> str:
        """What a browser needs to subscribe: the uncompressed point, base64url."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return _base64url(point)

    async def send(
        self,
        *,
        device: Device,
        title: str,
        body: str,
        extra: dict[str, str],
        notification_id: str,
    ) -> Accepted:
        """Hand the message to the browser's push service.

        Raises:
            AddressRefused: the subscription is gone, or is none that we would call.
            GatewayRejected: the message is refused.
            GatewayAuthError: our VAPID key is not the one that the browser subscribed with.
            RateLimited: too many at the moment.
            OutcomeUnknown: it may have been taken.
            ConnectionError: nothing was sent.
        """
        self._check(device.target)
        said = {"title": title, "body": body, "tag": notification_id, **extra}
        request = self._client.build_request(
            "POST",
            device.target,
            content=encrypt(json.dumps(said, ensure_ascii=False).encode(), device),
            headers={
                "authorization": self._authorization(device.target),
                "content-encoding": "aes128gcm",
                "content-type": "application/octet-stream",
                "ttl": str(int(_TTL.total_seconds())),
                "topic": notification_id[-_LONGEST_TOPIC:],
                "urgency": "normal",
            },
        )
        response = await send(self._client, request)
        if not response.is_success:
            raise _failure(response)
        place = response.headers.get("location", "")
        return Accepted(provider=PROVIDER, message_id=place.rpartition("/")[2] or notification_id)

    def _check(self, endpoint: str) -> None:
        if not may_be_called(endpoint, self._hosts):
            raise AddressRefused(PROVIDER, "endpoint", "not a push service that we call")

    def _authorization(self, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((datetime.now(UTC) + _TOKEN_LIFE).timestamp()),
            "sub": self._contact,
        }
        token = jwt.encode(claims, self._key, algorithm="ES256")
        return f"vapid t={token}, k={self.public_key}"


def may_be_called(endpoint: str, hosts: Sequence[str]) -> bool:
    """Whether an endpoint is at one of the push services `hosts`, over TLS if not on loopback."""
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    known = any(host == one or host.endswith(f".{one}") for one in hosts)
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return known and safe and not parts.username


def vapid_key(source: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in `source`: PEM text, or the path of its file.

    Raises:
        InvalidKey: it is none.
    """
    try:
        key = load_pem_private_key(pem_text(source).encode(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidKey("no EC private key without a password can be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidKey("the key is not on the curve P-256")
    return key


def encrypt(plain: bytes, device: Device) -> bytes:
    """The body of a push message that only the subscribed browser can read.

    Raises:
        AddressRefused: the subscription's keys are none.
    """
    try:
        body = http_ece.encrypt(
            plain,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=_bytes(device.p256dh),
            auth_secret=_bytes(device.auth),
            version="aes128gcm",
        )
    except (ValueError, http_ece.ECEException) as error:
        raise AddressRefused(PROVIDER, "keys", "the subscription's keys cannot be used") from error
    assert isinstance(body, bytes)
    return body


def _failure(response: httpx.Response) -> Exception:
    says = f"HTTP {response.status_code}"
    match response.status_code:
        case 404 | 410:
            return AddressRefused(PROVIDER, str(response.status_code), "the subscription is gone")
        case 400 | 401 | 403:
            return GatewayAuthError(f"{says}: the push service does not accept our key")
        case 413:
            return GatewayRejected("413", "the message is too large")
        case 429:
            return RateLimited(says, retry_after(response.headers))
        case _:
            return error_for(response.status_code, response.headers)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise AddressRefused(
            PROVIDER, "keys", "the subscription's keys are not base64url"
        ) from error
