"""PayPal's webhook signatures: https://developer.paypal.com/api/rest/webhooks/rest/."""

from __future__ import annotations

import base64
import binascii
import json
from functools import cache
from uuid import uuid4
from zlib import crc32

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.provider_keys import ProviderKeys
from sandbox.simulator.outbox import Route
from sandbox.simulator.paypal.model import now
from sandbox.simulator.paypal.params import VerifySignature
from sandbox.simulator.paypal.site import Site

PARTY = "paypal"
_ALGORITHM = "SHA256withRSA"


class Signer:
    """Signs deliveries with PayPal's leaf certificate and knows its own signatures again."""

    def __init__(self, keys: ProviderKeys, webhook_id: str, site: Site) -> None:
        self.chain = keys.paypal_chain.read_bytes()
        leaf = x509.load_pem_x509_certificates(self.chain)[0]
        digest = leaf.fingerprint(hashes.SHA256()).hex()
        self.certificate_name = f"CERT-{digest[:8]}-{digest[8:16]}-{digest[16:24]}"
        self._key = _private_key(keys.paypal_provider.read_bytes())
        self._webhook_id = webhook_id
        self._site = site

    @property
    def certificate_url(self) -> str:
        """Where the leaf and its intermediate are."""
        return self._site.url(f"/v1/notifications/certs/{self.certificate_name}")

    def route(self) -> Route:
        """How PayPal calls back: 25 tries over three days, here over four minutes."""
        return Route(
            party=PARTY,
            path="/callbacks/payments/paypal",
            sign=self.headers,
            delays=(0.2, 0.5, 1, 2, 4, 8, 13.5),
            tries=25,
            media_type="application/json",
        )

    def headers(self, raw: bytes, *, truly: bool) -> dict[str, str]:
        """The headers of one delivery of `raw`."""
        transmission, time = str(uuid4()), now()
        message = _message(transmission, time, self._webhook_id, raw)
        key = self._key if truly else _somebody_elses_key()
        signature = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {
            "PAYPAL-TRANSMISSION-ID": transmission,
            "PAYPAL-TRANSMISSION-TIME": time,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
            "PAYPAL-CERT-URL": self.certificate_url,
            "PAYPAL-AUTH-ALGO": _ALGORITHM,
        }

    def knows(self, claim: VerifySignature, event: bytes) -> bool:
        """Whether `event`, as it stands in the request, was signed by us for our webhook."""
        if (claim.auth_algo, claim.cert_url, claim.webhook_id) != (
            _ALGORITHM,
            self.certificate_url,
            self._webhook_id,
        ):
            return False
        message = _message(claim.transmission_id, claim.transmission_time, self._webhook_id, event)
        try:
            signature = base64.b64decode(claim.transmission_sig, validate=True)
            self._key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except (binascii.Error, InvalidSignature):
            return False
        return True


def raw_member(text: str, name: str) -> str:
    """The value of a JSON object's member exactly as it is written, empty if it has none."""
    decode = json.JSONDecoder().raw_decode
    position = _next(text, _next(text, 0) + 1)
    while text[position] != "}":
        key, end = decode(text, position)
        start = _next(text, _next(text, end) + 1)
        _, end = decode(text, start)
        if key == name:
            return text[start:end]
        position = _next(text, end)
        if text[position] == ",":
            position = _next(text, position + 1)
    return ""


def _next(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


def _message(transmission: str, time: str, webhook_id: str, raw: bytes) -> bytes:
    return f"{transmission}|{time}|{webhook_id}|{crc32(raw)}".encode()


def _private_key(pem: bytes) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@cache
def _somebody_elses_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
