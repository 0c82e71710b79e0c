"""Callbacks from outside: stored before they are acknowledged, and applied once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from gateways import signatures
from settings import reveal
from tests.api.conftest import calling, codes
from tests.databases import Databases
from tests.house import House, Json
from tests.serving import eventually_async, free_port


def stripe_event(payment_id: str = "", intent: str = "", **changes: Any) -> bytes:
    event = {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": int(datetime.now(UTC).timestamp()),
        "livemode": False,
        "data": {
            "object": {
                "id": intent or f"pi_{uuid4().hex}",
                "object": "payment_intent",
                "metadata": {"payment_id": payment_id} if payment_id else {},
            }
        },
        **changes,
    }
    return json.dumps(event).encode()


async def from_stripe(
    house: House, body: bytes, *, at: datetime | None = None, secret: str = ""
) -> httpx.Response:
    secret = secret or reveal(house.settings.stripe_webhook_secret)
    header = signatures.sign(body, secret, at or datetime.now(UTC))
    return await house.http.post(
        f"{house.api}/callbacks/payments/stripe",
        content=body,
        headers={"Stripe-Signature": header, "Content-Type": "application/json"},
    )


def shipping_news(order_id: str, **changes: Any) -> Json:
    return {
        "eventId": f"wh-{uuid4().hex}",
        "orderId": order_id,
        "event": "shipped",
        "trackingNumber": "SF123456789012",
        "carrier": "sf-express",
        "shippedAt": "2026-11-21T10:00:00Z",
        **changes,
    }


async def from_warehouse(
    house: House, news: Json | bytes, *, at: datetime | None = None
) -> httpx.Response:
    body = news if isinstance(news, bytes) else json.dumps(news).encode()
    secret = reveal(house.settings.shipping_callback_secret)
    header = signatures.sign(body, secret, at or datetime.now(UTC))
    return await house.http.post(
        f"{house.api}/callbacks/shipping",
        content=body,
        headers={signatures.SIGNATURE_HEADER: header},
    )


async def stored(house: House, event_id: str) -> list[Any]:
    return await house.rows("SELECT * FROM callback_inbox WHERE event_id = :id", id=event_id)


def id_of(event: bytes) -> str:
    return str(json.loads(event)["id"])


async def test_a_payment_callback_is_stored_and_reaches_its_order(
    house: House, placed: Json
) -> None:
    await house.until_waiting_for(placed["orderId"], "payment")
    event = stripe_event(placed["payment"]["paymentId"])

    answer = await from_stripe(house, event)

    assert (answer.status_code, answer.content) == (200, b"{}")
    (row,) = await stored(house, id_of(event))
    assert (row.source, row.order_id) == ("payment:stripe", placed["orderId"])
    assert row.body == event

    async def applied() -> bool:
        return (await stored(house, id_of(event)))[0].applied_at is not None

    await eventually_async(applied)
    # A callback is never believed: the provider says that nothing was paid.
    assert (await house.order(placed["orderId"]))["paymentStatus"] == "pending"


async def test_what_proves_a_callback_is_kept_and_what_opens_a_door_is_not(house: House) -> None:
    event, news = stripe_event("PUNKNOWN"), shipping_news("O-of-another-shop")
    house.http.cookies.set("session", "secret")
    house.http.headers["Authorization"] = "Bearer secret"
    try:
        await from_stripe(house, event)
        await from_warehouse(house, news)
    finally:
        house.http.cookies.clear()
        del house.http.headers["Authorization"]

    (row,) = await stored(house, id_of(event))
    assert row.headers.keys() == {"content-type", "user-agent", "stripe-signature"}
    # Enough to check it again, years later.
    signatures.verify(
        {signatures.SIGNATURE_HEADER: row.headers["stripe-signature"]},
        row.body,
        reveal(house.settings.stripe_webhook_secret),
        row.received_at,
    )
    (row,) = await stored(house, news["eventId"])
    assert row.headers.keys() == {"user-agent", "x-orderflow-signature"}


async def test_what_a_callback_names_is_stored_beside_it(house: House, placed: Json) -> None:
    refund = {
        "id": f"re_{uuid4().hex}",
        "object": "refund",
        "payment_intent": f"pi_{uuid4().hex}",
        "metadata": {"payment_id": placed["payment"]["paymentId"]},
    }
    event = stripe_event(type="refund.updated", data={"object": refund})

    await from_stripe(house, event)

    (row,) = await stored(house, id_of(event))
    assert row.content == {
        "topic": "refund",
        "payment_id": placed["payment"]["paymentId"],
        "provider_ref": refund["payment_intent"],
        "capture_ref": "",
        "refund_ref": refund["id"],
    }


async def test_an_event_that_changes_nothing_is_kept_and_put_away(house: House) -> None:
    event = stripe_event(
        type="customer.created", data={"object": {"id": "cus_1", "object": "customer"}}
    )

    assert (await from_stripe(house, event)).status_code == 200

    (row,) = await stored(house, id_of(event))
    assert row.content["topic"] == "other"
    assert row.applied_at >= row.received_at


async def test_a_callback_that_cannot_be_verified_now_is_asked_for_again(house: House) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    settings = house.settings.model_copy(update={"paypal_cert_hosts": (nobody,)})
    headers = {
        "PayPal-Auth-Algo": "SHA256withRSA",
        "PayPal-Transmission-Id": str(uuid4()),
        "PayPal-Transmission-Time": "2026-11-21T10:00:00Z",
        "PayPal-Transmission-Sig": base64.b64encode(b"x" * 256).decode(),
        "PayPal-Cert-Url": f"{nobody}/certificate.pem",
    }
    async with calling(create_app(settings, client=house.client)) as api:
        answer = await api.post("/callbacks/payments/paypal", content=b"{}", headers=headers)
        forged = {**headers, "PayPal-Cert-Url": "http://127.0.0.1/certificate.pem"}
        refused = await api.post("/callbacks/payments/paypal", content=b"{}", headers=forged)
        lines = (await api.get("/metrics")).text.splitlines()

    assert answer.status_code == 503
    assert codes(answer) == ["temporarily_unavailable"]
    assert int(answer.headers["Retry-After"]) > 0
    assert refused.status_code == 400
    rejected = "orderflow_callbacks_rejected_total"
    assert f'{rejected}{{reason="unverified",source="payment:paypal"}} 1.0' in lines
    assert f'{rejected}{{reason="invalid",source="payment:paypal"}} 1.0' in lines


async def test_a_repeated_callback_is_acknowledged_and_stored_once(
    house: House, placed: Json
) -> None:
    event = stripe_event(placed["payment"]["paymentId"])

    answers = await asyncio.gather(*(from_stripe(house, event) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {200}
    (row,) = await stored(house, id_of(event))
    assert row.deliveries == 5


async def test_a_callback_that_carries_only_the_providers_id_finds_its_order(
    house: House, placed: Json
) -> None:
    (payment,) = await house.rows(
        "SELECT provider_ref FROM payments WHERE id = :id", id=placed["payment"]["paymentId"]
    )
    event = stripe_event(intent=payment.provider_ref)

    await from_stripe(house, event)

    assert (await stored(house, id_of(event)))[0].order_id == placed["orderId"]


async def test_a_callback_about_an_unknown_payment_is_kept_and_acknowledged(house: House) -> None:
    event = stripe_event("PUNKNOWN")

    answer = await from_stripe(house, event)

    assert answer.status_code == 200
    (row,) = await stored(house, id_of(event))
    assert (row.order_id, row.subject, row.applied_at) == ("", "PUNKNOWN", None)


async def test_a_forged_callback_is_refused_and_leaves_no_trace(house: House, placed: Json) -> None:
    event = stripe_event(placed["payment"]["paymentId"])

    forged = await from_stripe(house, event, secret="whsec_guessed")
    unsigned = await house.http.post(f"{house.api}/callbacks/payments/stripe", content=event)

    assert (forged.status_code, unsigned.status_code) == (400, 400)
    assert await stored(house, id_of(event)) == []


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
async def test_a_stale_callback_and_one_from_the_future_are_refused(
    house: House, age: timedelta
) -> None:
    event, at = stripe_event("P1"), datetime.now(UTC) - age

    assert (await from_stripe(house, event, at=at)).status_code == 400
    news = shipping_news("O1")
    assert (await from_warehouse(house, news, at=at)).status_code == 401
    assert await stored(house, id_of(event)) + await stored(house, news["eventId"]) == []


@pytest.mark.parametrize(
    "path", ["payments/stripe", "shipping", "tracking/aftership"], ids=lambda path: path
)
@pytest.mark.parametrize("length", ["announced", "hidden"])
async def test_a_huge_callback_is_refused_without_being_read(
    house: House, path: str, length: str
) -> None:
    async def chunks() -> Any:
        for _ in range(5):
            yield b"x" * 64 * 1024

    content = b"x" * 300 * 1024 if length == "announced" else chunks()

    answer = await house.http.post(f"{house.api}/callbacks/{path}", content=content)

    assert answer.status_code == 413
    assert codes(answer) == ["body_too_large"]


@pytest.mark.parametrize("path", ["payments/cowries", "tracking/pigeons"])
async def test_a_sender_that_is_not_configured_is_not_found(house: House, path: str) -> None:
    answer = await house.http.post(f"{house.api}/callbacks/{path}", content=b"{}")

    assert answer.status_code == 404


async def test_without_a_secret_the_warehouse_is_not_heard(house: House) -> None:
    settings = house.settings.model_copy(
        update={"shipping_callback_secret": None, "aftership_webhook_secret": None}
    )

    async with calling(create_app(settings, client=house.client)) as api:
        shipping = await api.post("/callbacks/shipping", content=b"{}")
        tracking = await api.post("/callbacks/tracking/aftership", content=b"{}")

    assert (shipping.status_code, tracking.status_code) == (404, 404)


async def test_the_warehouses_news_is_stored_once_and_says_so(house: House, placed: Json) -> None:
    news = shipping_news(placed["orderId"])

    answers = [await from_warehouse(house, news) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["status"] for answer in answers] == ["stored", "duplicate"]
    (row,) = await stored(house, news["eventId"])
    assert (row.kind, row.order_id) == ("shipped", placed["orderId"])


async def test_news_of_an_order_that_nobody_knows_is_kept(house: House) -> None:
    news = shipping_news("O-of-another-shop")

    answer = await from_warehouse(house, news)

    assert answer.json() == {"status": "stored"}
    (row,) = await stored(house, news["eventId"])
    assert (row.order_id, row.applied_at) == ("", None)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b'{"eventId": "1", "orderId": "O", "event": "eaten"}']
)
async def test_signed_news_that_cannot_be_read_is_refused(house: House, body: bytes) -> None:
    answer = await from_warehouse(house, body)

    assert answer.status_code == 401
    assert codes(answer) == ["callback_invalid"]


async def test_characters_that_a_database_cannot_keep_do_not_lose_a_callback(
    house: House,
) -> None:
    news = shipping_news("O\x00X", reason="a\x00b")

    answer = await from_warehouse(house, news)

    assert answer.json() == {"status": "stored"}
    (row,) = await stored(house, news["eventId"])
    assert row.subject == "OX"


async def test_a_carriers_news_is_verified_and_stored(house: House) -> None:
    event_id, number = f"as-{uuid4().hex}", f"SF{uuid4().int % 10**12:012d}"
    body = json.dumps(
        {
            "event": "tracking_update",
            "event_id": event_id,
            "msg": {
                "id": "1",
                "tracking_number": number,
                "slug": "sf-express",
                "tag": "InTransit",
                "checkpoints": [],
            },
        }
    ).encode()
    secret = reveal(house.settings.aftership_webhook_secret)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    url = f"{house.api}/callbacks/tracking/aftership"
    headers = {"aftership-hmac-sha256": base64.b64encode(digest).decode()}

    good = await house.http.post(url, content=body, headers=headers)
    forged = await house.http.post(url, content=body + b" ", headers=headers)

    assert good.status_code == 200, good.text
    (row,) = await stored(house, event_id)
    assert (row.source, row.subject) == ("tracking:aftership", number)
    assert forged.status_code == 400


async def test_callbacks_are_counted(house: House) -> None:
    async with calling(create_app(house.settings, client=house.client)) as api:
        await api.post("/callbacks/payments/stripe", content=b"{}")
        await api.post("/callbacks/shipping", content=b"x" * 300_000)
        news = json.dumps(shipping_news("O-nobodys")).encode()
        secret = reveal(house.settings.shipping_callback_secret)
        header = {signatures.SIGNATURE_HEADER: signatures.sign(news, secret, datetime.now(UTC))}
        for _ in range(2):
            await api.post("/callbacks/shipping", content=news, headers=header)

        lines = (await api.get("/metrics")).text.splitlines()

    rejected, received = "orderflow_callbacks_rejected_total", "orderflow_callbacks_received_total"
    assert f'{rejected}{{reason="invalid",source="payment:stripe"}} 1.0' in lines
    assert f'{rejected}{{reason="too_large",source="warehouse"}} 1.0' in lines
    assert f'{received}{{outcome="stored",source="warehouse"}} 1.0' in lines
    assert f'{received}{{outcome="duplicate",source="warehouse"}} 1.0' in lines
    unapplied = [line for line in lines if line.startswith("orderflow_callbacks_unapplied{")]
    assert any('source="warehouse"' in line for line in unapplied)
    oldest = [line for line in lines if line.startswith("orderflow_callbacks_oldest")]
    assert float(oldest[0].split()[-1]) > 0


async def test_metrics_do_not_say_that_nothing_waits_when_nobody_can_look(
    house: House, databases: Databases
) -> None:
    nowhere = f"postgresql+asyncpg://postgres@127.0.0.1:{free_port()}/orderflow"
    for url in (nowhere, await databases.empty()):
        settings = house.settings.model_copy(update={"database_url": url})
        async with calling(create_app(settings, client=house.client)) as api:
            answer = await api.get("/metrics")

        assert answer.status_code == 200
        lines = answer.text.splitlines()
        assert "orderflow_callbacks_oldest_unapplied_seconds NaN" in lines
        assert "orderflow_database_up 0.0" in lines
