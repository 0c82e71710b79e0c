"""Proof that PayPal sent a webhook, found on the raw bytes.

PayPal signs `{transmission id}|{transmission time}|{webhook id}|{crc32 of the body}`. The webhook
id is not sent along: it is ours, and binds the message to us.
https://developer.paypal.com/api/rest/webhooks/rest/#verify
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import BaseModel, ConfigDict

from gateways.errors import GatewayRejected, InvalidCallback, NotFound
from gateways.http import header_value
from gateways.payments.paypal_certificates import CertificateUrls, SigningCertificates
from gateways.payments.paypal_objects import read
from gateways.payments.paypal_transport import PayPalTransport

ALGORITHM = "SHA256withRSA"

# The bar separates the parts of the signed message, so it cannot be in one.
_ID = re.compile(r"[!-{}~]{1,64}", re.ASCII)
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}(?:Z|[+-][0-9]{2}:?[0-9]{2})", re.ASCII
)
_SIGNATURE = re.compile(r"[0-9A-Za-z+/]{300,1400}={0,2}", re.ASCII)


class Transmission(NamedTuple):
    """What PayPal says in the headers of a webhook, well-formed but not yet proven."""

    id: str
    time: str
    signature: str
    cert_url: str


class Proof(Protocol):
    """One way to tell PayPal's webhooks from others."""

    async def check(self, transmission: Transmission, body: bytes, now: datetime) -> None:
        """Return if PayPal sent exactly this body to us.

        Raises:
            InvalidCallback: it did not.
            OutcomeUnknown: who sent it cannot be told now.
        """


def read_transmission(headers: Mapping[str, str], urls: CertificateUrls) -> Transmission:
    """Take the headers apart; nobody outside is asked.

    Raises:
        InvalidCallback: one is missing, malformed, or names a place that PayPal has nothing at.
    """
    algorithm, identity, time, signature, url = (
        header_value(headers, f"PayPal-{name}")
        for name in (
            "Auth-Algo",
            "Transmission-Id",
            "Transmission-Time",
            "Transmission-Sig",
            "Cert-Url",
        )
    )
    if algorithm != ALGORITHM:
        raise InvalidCallback("PayPal's signature is missing, or of another algorithm")
    if not _ID.fullmatch(identity) or not _TIME.fullmatch(time):
        raise InvalidCallback("PayPal's transmission id or time is missing or malformed")
    if not _SIGNATURE.fullmatch(signature):
        raise InvalidCallback("PayPal's signature is malformed")
    if not urls.allow(url):
        raise InvalidCallback("PayPal's certificate is said to be where PayPal has none")
    return Transmission(identity, time, signature, url)


def signed_message(transmission: Transmission, webhook_id: str, body: bytes) -> bytes:
    """What PayPal signs; the checksum is decimal and unsigned."""
    parts = (transmission.id, transmission.time, webhook_id, str(zlib.crc32(body)))
    return "|".join(parts).encode()


class OfflineProof:
    """Checks the signature here; PayPal is asked for its certificate once a day."""

    def __init__(self, webhook_id: str, certificates: SigningCertificates) -> None:
        self._webhook_id = webhook_id
        self._certificates = certificates

    async def check(self, transmission: Transmission, body: bytes, now: datetime) -> None:
        """Return if the holder of PayPal's certificate signed exactly this body for us."""
        try:
            signature = base64.b64decode(transmission.signature, validate=True)
        except binascii.Error:
            raise InvalidCallback("PayPal's signature is malformed") from None
        key = await self._certificates.key_of(transmission.cert_url, now)
        message = signed_message(transmission, self._webhook_id, body)
        try:
            key.verify(signature, message, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise InvalidCallback("PayPal's signature does not match") from None


class _Verdict(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    verification_status: Literal["SUCCESS", "FAILURE"]


class PostbackProof:
    """Asks PayPal about every webhook: a round trip each, with our access token."""

    def __init__(self, webhook_id: str, transport: PayPalTransport) -> None:
        self._webhook_id = webhook_id
        self._transport = transport

    async def check(self, transmission: Transmission, body: bytes, now: datetime) -> None:  # noqa: ARG002 - the contract's parameter
        """Return if PayPal says that it sent exactly this body to us."""
        question = self._question(transmission, body)
        try:
            answer = await self._transport.post_text(
                "/v1/notifications/verify-webhook-signature", question
            )
        except (GatewayRejected, NotFound) as error:
            raise InvalidCallback("PayPal does not accept what is said to be its own") from error
        if read(_Verdict, answer).verification_status != "SUCCESS":
            raise InvalidCallback("PayPal did not send this")

    def _question(self, transmission: Transmission, body: bytes) -> bytes:
        """The body goes in as it is written: written anew, its checksum would be another."""
        if not _is_one_object(body):
            # Otherwise a body could close the event and go on with a webhook id of its own.
            raise InvalidCallback("PayPal's event is not a JSON object")
        known = {
            "auth_algo": ALGORITHM,
            "cert_url": transmission.cert_url,
            "transmission_id": transmission.id,
            "transmission_sig": transmission.signature,
            "transmission_time": transmission.time,
            "webhook_id": self._webhook_id,
        }
        return json.dumps(known).encode()[:-1] + b', "webhook_event": ' + body + b"}"


def _is_one_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body.decode()), dict)
    except (ValueError, RecursionError):
        return False
