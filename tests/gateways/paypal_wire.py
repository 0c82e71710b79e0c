"""PayPal's documented objects, and webhooks signed as PayPal's documentation says.

The signer shares nothing with the adapter: even its checksum is worked out bit by bit.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domain.money import Money
from domain.payment import PaymentRef, PaymentRequest, RefundRequest
from gateways.payments.paypal import PayPalGateway
from tests.gateways.peer import Peer

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
CLIENT_ID, CLIENT_SECRET = "client-1", "secret-1"
WEBHOOK_ID = "WH-1AB23456CD789012E"
SUBJECT = "messageverificationcerts.paypal.com"
ASKED = Money(minor=12345, currency="CNY")

TOKEN = "POST /v1/oauth2/token"
CREATE = "POST /v2/checkout/orders"
GET = "GET /v2/checkout/orders/ORDER1"
CAPTURE = "POST /v2/checkout/orders/ORDER1/capture"
REFUND = "POST /v2/payments/captures/CAPTURE1/refund"
GET_REFUND = "GET /v2/payments/refunds/REFUND1"
CERTIFICATE = "GET /v1/notifications/certs/CERT-1"
VERIFY = "POST /v1/notifications/verify-webhook-signature"

APPROVE_LINK = "https://www.paypal.com/checkoutnow?token=ORDER1"
BUYER = {
    "name": {"given_name": "Ming", "surname": "Wang"},
    "email_address": "ming.wang@example.com",
    "address": {"address_line_1": "1 Nanjing Road"},
}


def gateway(client: httpx.AsyncClient, peer: Peer, **changes: Any) -> PayPalGateway:
    """An adapter whose PayPal is `peer`, which gives it a token, after other answers if any."""
    peer.says(TOKEN, grant())
    arguments: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "webhook_id": WEBHOOK_ID,
        "base_url": peer.url + "/",
        "cert_hosts": (origin(peer),),
        "trust_roots": authority().root_pem,
        "verification": "offline",
        "shop_url": "https://shop.example.com/",
    }
    return PayPalGateway(client, **arguments | changes)


def origin(peer: Peer) -> str:
    parts = urlsplit(peer.url)
    return f"{parts.scheme}://{parts.netloc}"


def grant(value: str = "token-1", expires_in: int = 32400) -> dict[str, object]:
    return {
        "scope": "https://uri.paypal.com/services/applications/webhooks",
        "access_token": value,
        "token_type": "Bearer",
        "app_id": "APP-80W284485P519543T",
        "expires_in": expires_in,
        "nonce": "2026-11-21T10:00:00Z",
    }


def payment_request(amount: Money = ASKED, **changes: Any) -> PaymentRequest:
    arguments: dict[str, Any] = {
        "payment_id": "P01",
        "order_id": "O01",
        "order_number": "EC-1",
        "amount": amount,
        "description": "订单支付 - EC-1",
        "idempotency_key": "P01:create:1",
        "expires_at": NOW,
    }
    return PaymentRequest(**arguments | changes)


def payment_ref(**changes: Any) -> PaymentRef:
    arguments: dict[str, Any] = {
        "payment_id": "P01",
        "provider_ref": "ORDER1",
        "capture_ref": "",
        "asked": ASKED,
    }
    return PaymentRef(**arguments | changes)


def refund_request(minor: int = 345, **changes: Any) -> RefundRequest:
    arguments: dict[str, Any] = {
        "refund_id": "R01",
        "payment": payment_ref(capture_ref="CAPTURE1"),
        "amount": Money(minor=minor, currency="CNY"),
        "reason": "",
        "idempotency_key": "R01:refund:1",
    }
    return RefundRequest(**arguments | changes)


def amount(value: str = "123.45", currency: str = "CNY") -> dict[str, str]:
    return {"currency_code": currency, "value": value}


def link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "method": "GET"}


def order(
    status: str = "CREATED",
    captures: Sequence[dict[str, object]] = (),
    refunds: Sequence[dict[str, object]] = (),
    **changes: object,
) -> dict[str, object]:
    unit: dict[str, object] = {
        "reference_id": "O01",
        "custom_id": "P01",
        "invoice_id": "P01",
        "amount": amount(),
        "shipping": BUYER,
    }
    payments = {"captures": list(captures), "refunds": list(refunds)}
    return {
        "id": "ORDER1",
        "intent": "CAPTURE",
        "status": status,
        "purchase_units": [unit | ({"payments": payments} if captures else {})],
        "payer": BUYER,
        "payment_source": {"paypal": BUYER},
        "links": [
            link("self", "https://api-m.paypal.com/v2/checkout/orders/ORDER1"),
            link("approve", APPROVE_LINK),
        ],
    } | changes


def capture(status: str = "COMPLETED", **changes: object) -> dict[str, object]:
    return {
        "id": "CAPTURE1",
        "status": status,
        "amount": amount(),
        "final_capture": True,
        "custom_id": "P01",
        "invoice_id": "P01",
        "supplementary_data": {"related_ids": {"order_id": "ORDER1"}},
        "links": [
            link("self", "https://api-m.paypal.com/v2/payments/captures/CAPTURE1"),
            link("up", "https://api-m.paypal.com/v2/checkout/orders/ORDER1"),
        ],
    } | changes


def refund(status: str = "COMPLETED", **changes: object) -> dict[str, object]:
    return {
        "id": "REFUND1",
        "status": status,
        "amount": amount("3.45"),
        "custom_id": "R01",
        "invoice_id": "R01",
        "payer": {"email_address": "merchant@example.com"},
        "links": [
            link("self", "https://api-m.paypal.com/v2/payments/refunds/REFUND1"),
            link("up", "https://api-m.paypal.com/v2/payments/captures/CAPTURE1"),
        ],
    } | changes


def problem(issue: str, name: str = "UNPROCESSABLE_ENTITY") -> dict[str, object]:
    detail = {"issue": issue, "description": f"because of {issue}", "value": "ming.wang"}
    return {"name": name, "message": "No.", "debug_id": "90957fca61718", "details": [detail]}


NOT_FOUND = problem("INVALID_RESOURCE_ID", "RESOURCE_NOT_FOUND")


def event(kind: str, resource_type: str, resource: object, **changes: object) -> bytes:
    envelope = {
        "id": "WH-58D329510W468432D-8HN650336L201105X",
        "event_version": "1.0",
        "create_time": "2026-11-21T10:29:58.940Z",
        "resource_type": resource_type,
        "resource_version": "2.0",
        "event_type": kind,
        "summary": "付款",
        "resource": resource,
    }
    return json.dumps(envelope | changes, indent=1, ensure_ascii=False).encode()


def crc32(data: bytes) -> int:
    """The checksum by its definition (reflected polynomial 0xEDB88320), unsigned."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@dataclass(frozen=True)
class Signer:
    """Whoever holds a key signs webhooks with it, and shows a chain for it."""

    key: rsa.RSAPrivateKey
    chain_pem: bytes

    def headers(
        self, peer: Peer, body: bytes, *, webhook_id: str = WEBHOOK_ID, cert_url: str = ""
    ) -> dict[str, str]:
        identity, time = "103e3700-8b0c-11e6-8695-6b62a8a99ac4", "2026-11-21T10:29:59Z"
        message = f"{identity}|{time}|{webhook_id}|{crc32(body)}".encode()
        signature = self.key.sign(message, padding.PKCS1v15(), SHA256())
        return {
            "PAYPAL-TRANSMISSION-ID": identity,
            "PAYPAL-TRANSMISSION-TIME": time,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
            "PAYPAL-CERT-URL": cert_url or f"{peer.url}/v1/notifications/certs/CERT-1",
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        }


@dataclass(frozen=True)
class Authority:
    """A root and an intermediate that issue signing certificates."""

    root: x509.Certificate
    middle: x509.Certificate
    middle_key: rsa.RSAPrivateKey

    @property
    def root_pem(self) -> str:
        return _pem(self.root).decode()

    def signer(
        self,
        name: str = SUBJECT,
        *,
        expires: datetime = NOW + timedelta(days=30),
        intermediates: bool = True,
    ) -> Signer:
        key = _new_key()
        leaf = _certificate(name, key, self.middle, self.middle_key, expires=expires, depth=None)
        return Signer(key, _pem(leaf) + (_pem(self.middle) if intermediates else b""))


@cache
def authority(name: str = "Trusted") -> Authority:
    """One authority for each name: the root that tests trust, and others with the same look."""
    root_key, middle_key = _new_key(), _new_key()
    root = _certificate(f"{name} root", root_key, None, root_key, depth=1)
    middle = _certificate(f"{name} issuer", middle_key, root, root_key, depth=0)
    return Authority(root, middle, middle_key)


@cache
def paypal() -> Signer:
    """PayPal itself."""
    return authority().signer()


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _certificate(
    name: str,
    key: rsa.RSAPrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: rsa.RSAPrivateKey,
    *,
    depth: int | None,
    expires: datetime = NOW + timedelta(days=3650),
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    constraints = x509.BasicConstraints(ca=depth is not None, path_length=depth)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=365))
        .not_valid_after(expires)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(above, critical=False)
        .add_extension(constraints, critical=True)
    )
    if depth is None:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False).add_extension(
            purpose, critical=False
        )
    else:
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer_key, SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
