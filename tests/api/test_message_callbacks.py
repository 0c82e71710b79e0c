"""Delivery reports arrive: genuine or forged, once or twice, early or late."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

import composition
from gateways.messaging.twilio_receipts import sign
from settings import reveal
from tests.api.conftest import codes
from tests.house import House, Json
from tests.serving import eventually_async


async def message(house: House, placed: Json, state: str = "sent") -> str:
    """A text message about an order; its id."""
    notification_id = f"N{uuid4().hex}"

    async with house.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO notifications (id, order_id, kind, occasion, channel, state, provider,"
                " message_id, created_at, sent_at) VALUES (:id, :order, 'order_shipped', :id,"
                " 'sms', :state, 'twilio', :id, now(), CASE WHEN :state = 'sent' THEN now() END)"
            ),
            {"id": notification_id, "order": placed["orderId"], "state": state},
        )
    return notification_id


async def row(house: House, notification_id: str) -> Any:
    (found,) = await house.rows("SELECT * FROM notifications WHERE id = :id", id=notification_id)
    return found


async def twilio(
    house: House, notification_id: str, status: str = "delivered", *, secret: str = "", **more: str
) -> httpx.Response:
    settings = house.settings
    form = {
        "AccountSid": settings.twilio_account_sid,
        "MessageSid": f"SM-{notification_id}",
        "MessageStatus": status,
        **more,
    }
    path = f"/callbacks/messages/twilio?n={notification_id}"
    url = settings.public_url + path
    signature = sign(url, list(form.items()), secret or reveal(settings.twilio_auth_token))
    return await house.http.post(
        house.api + path, data=form, headers={"X-Twilio-Signature": signature}
    )


async def aliyun(house: House, *reports: Json, secret: str = "") -> httpx.Response:
    secret = secret or reveal(house.settings.aliyun_sms_report_token)
    return await house.http.post(
        f"{house.api}/callbacks/messages/aliyun", params={"token": secret}, json=list(reports)
    )


def report(notification_id: str, **changes: object) -> Json:
    return {
        "phone_number": "13800138000",
        "success": True,
        "err_code": "DELIVERED",
        "report_time": "2026-11-21 20:00:05",
        "biz_id": f"B-{notification_id}",
        "out_id": notification_id,
        **changes,
    }


async def receipts(house: House, notification_id: str) -> list[Any]:
    return await house.rows(
        "SELECT status FROM delivery_receipts WHERE notification_id = :id ORDER BY id",
        id=notification_id,
    )


async def test_a_report_is_written_to_its_message_once(house: House, placed: Json) -> None:
    notification_id = await message(house, placed)
    for _ in range(2):
        assert (await twilio(house, notification_id)).status_code == 200
    found = await row(house, notification_id)
    assert (found.state, found.receipt) == ("sent", "delivered")
    assert len(await receipts(house, notification_id)) == 1


async def test_news_that_come_late_do_not_undo_what_is_final(house: House, placed: Json) -> None:
    notification_id = await message(house, placed)
    await twilio(house, notification_id, "delivered")
    await twilio(house, notification_id, "sent")
    assert (await row(house, notification_id)).receipt == "delivered"
    assert len(await receipts(house, notification_id)) == 2


async def test_a_report_proves_that_a_message_was_taken(house: House, placed: Json) -> None:
    for state in ("sending", "unknown"):
        notification_id = await message(house, placed, state)
        assert (await aliyun(house, report(notification_id))).json()["code"] == 0
        found = await row(house, notification_id)
        assert (found.state, found.provider, found.receipt) == ("sent", "aliyun", "delivered")
        assert found.sent_at is not None


async def test_a_forged_report_changes_nothing(house: House, placed: Json) -> None:
    notification_id = await message(house, placed)
    forged = await twilio(house, notification_id, secret="wrong")
    assert (forged.status_code, codes(forged)) == (401, ["callback_invalid"])
    forged = await aliyun(house, report(notification_id), secret="wrong")
    assert (forged.status_code, codes(forged)) == (401, ["callback_invalid"])
    assert (await row(house, notification_id)).receipt == ""
    assert await receipts(house, notification_id) == []


async def test_a_number_that_does_not_exist_is_not_texted_again(house: House) -> None:
    product = await house.add_product(stock=1)
    phone = f"+86139{uuid4().int % 10**8:08d}"
    info = {
        "name": "李薇",
        "email": "li.wei@example.com",
        "phone": phone,
        "address": {
            "street": "文三路 90 号",
            "city": "杭州市",
            "district": "西湖区",
            "province": "浙江省",
            "postalCode": "310012",
            "country": "CN",
        },
    }
    placed = await house.place(product, customerInfo=info)
    notification_id = await message(house, placed)
    await twilio(house, notification_id, "undelivered", ErrorCode="30005")
    found = await house.rows("SELECT * FROM channel_states WHERE code = '30005'")
    assert len(found) == 1
    assert phone not in json.dumps([str(value) for value in found[0]])


async def test_a_report_of_a_message_that_nobody_knows_is_kept(house: House) -> None:
    notification_id = f"N{uuid4().hex}"
    assert (await twilio(house, notification_id)).status_code == 200
    assert len(await receipts(house, notification_id)) == 1


async def test_a_stranger_is_nobody(house: House) -> None:
    answer = await house.http.post(f"{house.api}/callbacks/messages/pigeon", content=b"coo")
    assert (answer.status_code, codes(answer)) == (404, ["callbacks_off"])


async def test_the_operators_report_comes_from_the_simulator_signed(
    house: House, placed: Json
) -> None:
    """From our adapter to the operator and back, over the providers' own protocols."""

    through = composition.sms_sender(house.settings, house.http)
    assert through is not None
    for to, provider in (("+8613800138000", "aliyun"), ("+16502530001", "twilio")):
        notification_id = await message(house, placed, "sending")
        accepted = await through.send(
            to=to,
            template="order_shipped",
            params={"order_number": "ORD1"},
            text="Order ORD1 has shipped.",
            notification_id=notification_id,
        )
        assert accepted.provider == provider
        await house.simulate(f"messages/{provider}/{accepted.message_id}/delivered")

        async def delivered(which: str = notification_id) -> bool:
            return bool((await row(house, which)).receipt == "delivered")

        await eventually_async(delivered)


async def test_a_device_is_registered_moved_and_forgotten(house: House) -> None:
    target = f"token-{uuid4()}"
    for customer in ("C-first", "C-second"):
        answer = await house.call(
            "PUT", f"/customers/{customer}/devices", json={"kind": "fcm", "target": target}
        )
        assert answer.status_code == 200
    device_id = answer.json()["deviceId"]
    rows = await house.rows("SELECT * FROM push_devices WHERE target = :target", target=target)
    assert [one.customer_id for one in rows] == ["C-second"]

    for customer in ("C-first", "C-second"):
        gone = await house.call("DELETE", f"/customers/{customer}/devices/{device_id}")
        assert gone.status_code == 204
    (one,) = await house.rows("SELECT state FROM push_devices WHERE target = :t", t=target)
    assert one.state == "gone"


async def test_a_browser_at_an_unknown_push_service_is_refused(house: House) -> None:
    body = {
        "kind": "webpush",
        "target": "https://evil.example/push/1",
        "p256dh": "x" * 20,
        "auth": "y" * 20,
    }
    answer = await house.call("PUT", "/customers/C-1/devices", json=body)
    assert (answer.status_code, codes(answer)) == (422, ["endpoint_unknown"])


async def test_a_damaged_link_to_unsubscribe_explains_itself(house: House) -> None:
    for method in ("GET", "POST"):
        answer = await house.http.request(method, f"{house.api}/unsubscribe?k=email.00.00&l=en")
        assert answer.status_code == 404
        assert "This link does not work" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
