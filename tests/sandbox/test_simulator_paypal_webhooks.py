"""PayPal's webhooks: signed with a certificate, redelivered, and verified by other code."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.verification import PolicyBuilder, Store

from tests.accounts import ACCOUNTS, provider_keys
from tests.sandbox.paypal_kit import Shop, kinds, listed, member, payment_id, shop
from tests.sandbox.simulator_kit import Delivery, Json, eventually

VERIFY = "/paypal/v1/notifications/verify-webhook-signature"


@pytest.fixture(scope="module")
async def paypal() -> AsyncIterator[Shop]:
    async with shop() as running:
        yield running


def resource(delivery: Delivery) -> Json:
    return member(delivery.body, "resource")


async def verify(delivery: Delivery, http: httpx.AsyncClient) -> None:
    """Verify a webhook from PayPal's documentation alone: fetch, chain, name, checksum, signature.

    Raises:
        Exception: one of them is wrong.
    """
    headers = delivery.headers
    assert headers["paypal-auth-algo"] == "SHA256withRSA"
    fetched = await http.get(headers["paypal-cert-url"])
    leaf, *others = x509.load_pem_x509_certificates(fetched.content)
    roots = x509.load_pem_x509_certificates(provider_keys().paypal_root.read_bytes())
    verifier = (
        PolicyBuilder()
        .store(Store(roots))
        .time(datetime.now(UTC))
        .build_server_verifier(x509.DNSName("messageverificationcerts.paypal.com"))
    )
    verifier.verify(leaf, others)
    signed = "|".join(
        (
            headers["paypal-transmission-id"],
            headers["paypal-transmission-time"],
            ACCOUNTS["paypal_webhook_id"],
            str(zlib.crc32(delivery.raw) & 0xFFFFFFFF),
        )
    )
    key = leaf.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(headers["paypal-transmission-sig"])
    key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())


async def test_an_approval_is_told_with_the_order_and_a_signature_that_holds(
    paypal: Shop,
) -> None:
    order = await paypal.create()
    await paypal.does(order, "approve")
    told = await paypal.told(order, "CHECKOUT.ORDER.APPROVED")
    await verify(told, paypal.http)

    assert told.path == "/callbacks/payments/paypal"
    assert str(told.body["id"]).startswith("WH-")
    assert (told.body["resource_type"], told.body["resource_version"]) == ("checkout-order", "2.0")
    assert told.headers["paypal-cert-url"].startswith(
        f"{paypal.url}/paypal/v1/notifications/certs/CERT-"
    )
    assert (resource(told)["id"], resource(told)["status"]) == (order.id, "APPROVED")


async def test_a_capture_is_told_with_our_ids_and_its_order(paypal: Shop) -> None:
    paid = await paypal.paid("12.34")
    told = await paypal.told(paid, "PAYMENT.CAPTURE.COMPLETED")
    await verify(told, paypal.http)

    capture = resource(told)
    assert (told.body["resource_type"], capture["status"]) == ("capture", "COMPLETED")
    assert capture["custom_id"] == capture["invoice_id"] == payment_id(paid)
    assert capture["amount"] == {"currency_code": "USD", "value": "12.34"}
    assert capture["supplementary_data"] == {"related_ids": {"order_id": paid.id}}


async def test_a_pending_capture_is_told_and_so_is_its_end(paypal: Shop) -> None:
    ends = {"pay": "PAYMENT.CAPTURE.COMPLETED", "decline": "PAYMENT.CAPTURE.DENIED"}
    for end, kind in ends.items():
        order = await paypal.create()
        await paypal.does(order, "process")
        await paypal.capture(order)
        await paypal.told(order, "PAYMENT.CAPTURE.PENDING")
        await paypal.does(order, end)
        await verify(await paypal.told(order, kind), paypal.http)


async def test_a_refund_is_told_with_its_own_ids_and_a_link_up_to_the_capture(
    paypal: Shop,
) -> None:
    paid = await paypal.paid()
    refund = await paypal.refund(paid, "5.00")
    told = await paypal.told(paid, "PAYMENT.CAPTURE.REFUNDED")
    await verify(told, paypal.http)

    assert told.body["resource_type"] == "refund"
    assert resource(told) == refund.body


async def test_a_dispute_names_the_capture_as_the_sellers_transaction(paypal: Shop) -> None:
    paid = await paypal.paid()
    await paypal.does(paid, "dispute")
    told = await paypal.told(paid, "CUSTOMER.DISPUTE.CREATED")
    await verify(told, paypal.http)

    (transaction,) = listed(resource(told), "disputed_transactions")
    assert told.body["resource_type"] == "dispute"
    assert transaction["seller_transaction_id"] == paid.payments()[0]["id"]
    assert (transaction["custom"], transaction["invoice_number"]) == (payment_id(paid),) * 2


async def test_a_changed_body_or_another_key_does_not_verify(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.suffers(
        "bad_signature", "CHECKOUT.ORDER.APPROVED", match={"paymentId": payment_id(order)}
    )
    paypal.receiver.statuses[:] = [400]
    await paypal.does(order, "approve")
    await eventually(lambda: len(paypal.about(order)) == 2)
    forged, true = paypal.about(order)
    reserialized = replace(true, raw=json.dumps(true.body).encode())

    await verify(true, paypal.http)
    assert forged.body == true.body
    for bad in (forged, reserialized):
        with pytest.raises(InvalidSignature):
            await verify(bad, paypal.http)


async def test_a_refused_webhook_comes_again_under_the_same_id_and_a_new_signature(
    paypal: Shop,
) -> None:
    order = await paypal.create()
    paypal.receiver.statuses[:] = [503]
    await paypal.does(order, "approve")
    await eventually(lambda: len(paypal.about(order)) == 2)
    first, second = paypal.about(order)

    assert first.body["id"] == second.body["id"]
    name = "paypal-transmission-id"
    assert first.headers[name] != second.headers[name]
    tries = [
        (e["status"], e["verdict"], e["operation"]) for e in await paypal.journal(order, "callback")
    ]
    assert tries == [
        (503, "retrying", "CHECKOUT.ORDER.APPROVED"),
        (200, "delivered", "CHECKOUT.ORDER.APPROVED"),
    ]


async def test_duplicates_are_the_same_event_and_a_dropped_one_never_comes(paypal: Shop) -> None:
    await paypal.suffers("drop_callbacks", "CHECKOUT.ORDER.APPROVED")
    await paypal.suffers("duplicate_callbacks", "PAYMENT.CAPTURE.COMPLETED", count=3)
    paid = await paypal.paid()
    await eventually(lambda: len(paypal.about(paid)) == 3)

    assert kinds(paypal.about(paid)) == ["PAYMENT.CAPTURE.COMPLETED"] * 3
    assert len({d.body["id"] for d in paypal.about(paid)}) == 1


async def test_a_delayed_webhook_is_overtaken_by_a_later_one(paypal: Shop) -> None:
    order = await paypal.create()
    await paypal.suffers("delay_callbacks", "PAYMENT.CAPTURE.COMPLETED", seconds=0.3)
    await paypal.does(order, "approve")
    paid = await paypal.capture(order)
    await paypal.refund(paid)
    await eventually(lambda: len(paypal.about(paid)) == 3)

    assert kinds(paypal.about(paid)) == [
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.CAPTURE.REFUNDED",
        "PAYMENT.CAPTURE.COMPLETED",
    ]


async def test_paypal_knows_its_own_signatures_on_the_text_of_the_event(paypal: Shop) -> None:
    paid = await paypal.paid()
    told = await paypal.told(paid, "PAYMENT.CAPTURE.COMPLETED")
    authorization = await paypal.token()

    async def verdict(event: str, **other: str) -> object:
        claim = {
            "auth_algo": told.headers["paypal-auth-algo"],
            "cert_url": told.headers["paypal-cert-url"],
            "transmission_id": told.headers["paypal-transmission-id"],
            "transmission_sig": told.headers["paypal-transmission-sig"],
            "transmission_time": told.headers["paypal-transmission-time"],
            "webhook_id": ACCOUNTS["paypal_webhook_id"],
        }
        text = json.dumps(claim | other)[:-1] + f', "webhook_event": {event}}}'
        headers = {"Content-Type": "application/json"} | authorization
        answer = await paypal.http.post(VERIFY, headers=headers, content=text.encode())
        assert answer.status_code == 200, answer.text
        return answer.json()["verification_status"]

    raw = told.raw.decode()
    assert await verdict(raw) == "SUCCESS"
    assert await verdict(raw.replace("88.88", "88.89")) == "FAILURE"
    assert await verdict(json.dumps(told.body)) == "FAILURE"
    assert await verdict(raw, webhook_id="8PT597110X687430LKGECATA") == "FAILURE"
    assert await verdict(raw, transmission_sig="AAAA") == "FAILURE"
    assert await verdict(raw, cert_url="https://evil.example/cert") == "FAILURE"
    assert await verdict(raw, auth_algo="SHA1withRSA") == "FAILURE"


async def test_only_the_own_certificate_is_published(paypal: Shop) -> None:
    paid = await paypal.paid()
    told = await paypal.told(paid, "PAYMENT.CAPTURE.COMPLETED")
    chain = await paypal.http.get(told.headers["paypal-cert-url"])
    other = await paypal.http.get("/paypal/v1/notifications/certs/CERT-00000000-0000-0000")

    assert chain.text.count("-----BEGIN CERTIFICATE-----") == 2
    assert "PRIVATE" not in chain.text
    assert other.status_code == 404
