"""An address that was refused: shown, lifted, and written to again."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from domain.notification import NotificationKind
from tests.activities.telling import AT, Counter, counter_with_relay
from tests.activities.test_telling import SENT, make, suffer
from tests.api.conftest import codes
from tests.house import House, Json

K = NotificationKind


@pytest.fixture
async def counter(house: House) -> AsyncIterator[Counter]:
    async with counter_with_relay(house) as counter:
        yield counter


async def ask(house: House, call: str, channel: str, address: str, **more: Any) -> httpx.Response:
    body = {"channel": channel, "address": address, **more}
    return await house.call("POST", f"/addresses/{call}", json=body)


async def state(house: House, channel: str, address: str) -> Json:
    answer = await ask(house, "state", channel, address)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def refuse_mail(counter: Counter) -> None:
    """The relay says that there is no such mailbox, by mistake."""
    counter.inbox.rcpt_reply = "550 5.1.1 no such user"
    assert (await counter.tell(K.ORDER_CONFIRMED))["email"] == ("failed", "AddressRefused")
    counter.inbox.rcpt_reply = ""


async def say_stop(counter: Counter) -> None:
    number = counter.phone.removeprefix("+86")
    code = "isv.BLACK_KEY_CONTROL_LIMIT"
    await suffer(counter, "aliyun", "reject", code=code, match={"ref": number})
    assert (await counter.tell(K.ORDER_CONFIRMED))["sms"] == ("failed", "Unsubscribed")


async def test_a_mailbox_that_was_refused_by_mistake_gets_the_next_mail_once_it_is_lifted(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    house, email = counter.house, counter.order["email"]
    await refuse_mail(counter)
    refused = {
        "state": "refused",
        "provider": "smtp",
        "code": "550",
        "since": AT.isoformat().replace("+00:00", "Z"),
    }
    place = {"channel": "email", "address": email, "promotionsEndedAt": None}
    assert await state(house, "email", email) == {**refused, **place}
    assert (await counter.tell(K.ORDER_PROCESSING))["email"] == ("suppressed", "address_refused")

    lifted = await ask(house, "lift", "email", f" {email.upper()} ")

    good = {"state": "good", "provider": "", "code": "", "since": None}
    assert (lifted.status_code, lifted.json()) == (200, {**good, **place, "before": refused})
    again = await ask(house, "lift", "email", email)
    assert (again.status_code, again.json()) == (200, {**good, **place, "before": good})
    assert await state(house, "email", email) == {**good, **place}
    assert (await counter.tell(K.ORDER_SHIPPED))["email"] == SENT
    (mail,) = counter.inbox.messages
    assert email in mail["To"]
    assert caplog.messages.count("address_lifted") == 1
    # The relay of this test says who writes to whom.
    logged = [one.__dict__ for one in caplog.records if one.name != "mail.log"]
    assert email not in str(logged).lower()


async def test_a_number_that_said_stop_is_lifted_only_when_its_reader_asks(
    counter: Counter,
) -> None:
    house, phone = counter.house, counter.phone
    await say_stop(counter)
    spaced = f"{phone[:3]} {phone[3:6]}-{phone[6:]}"

    refused = await ask(house, "lift", "sms", spaced)

    assert (refused.status_code, codes(refused)) == (409, ["unsubscribed"])
    assert "customerAsked" in refused.text
    assert (await counter.tell(K.ORDER_SHIPPED))["sms"] == ("suppressed", "address_refused")
    known = await state(house, "sms", spaced)
    assert (known["state"], known["provider"], known["address"]) == (
        "unsubscribed",
        "aliyun",
        phone,
    )

    lifted = await ask(house, "lift", "sms", spaced, customerAsked=True)

    assert (lifted.status_code, lifted.json()["before"]["state"]) == (200, "unsubscribed")
    assert (await counter.tell(K.ORDER_DELIVERED))["sms"] == SENT
    assert len(await counter.texts()) == 1


async def test_promotions_that_were_ended_stay_ended(counter: Counter) -> None:
    house, email = counter.house, counter.order["email"]
    await make(counter, "delivered", "delivered")
    await counter.tell(K.REVIEW_INVITATION)
    link = counter.inbox.messages[0]["List-Unsubscribe"].strip("<>")
    path = link.removeprefix("https://orders.example.com")
    await house.http.post(house.api + path, data={"List-Unsubscribe": "One-Click"})
    ended = await state(house, "email", email)
    assert (ended["state"], bool(ended["promotionsEndedAt"])) == ("good", True)
    await refuse_mail(counter)

    lifted = await ask(house, "lift", "email", email, customerAsked=True)

    assert lifted.json()["promotionsEndedAt"] == ended["promotionsEndedAt"]
    assert (await state(house, "email", email))["promotionsEndedAt"] == ended["promotionsEndedAt"]
    assert (await counter.tell(K.ORDER_DELIVERED))["email"] == SENT
    await counter.execute("DELETE FROM notifications WHERE order_id = :id", id=counter.order_id)
    assert await counter.tell(K.REVIEW_INVITATION) == {"email": ("suppressed", "opted_out")}


async def test_one_channels_address_is_not_the_others(counter: Counter) -> None:
    await refuse_mail(counter)
    await ask(counter.house, "lift", "sms", counter.phone)
    assert (await state(counter.house, "email", counter.order["email"]))["state"] == "refused"


@pytest.mark.parametrize("call", ["state", "lift"])
@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ([], [("not_an_object", "")]),
        ({}, [("required", "channel"), ("required", "address")]),
        (
            {"channel": "pigeon", "address": "a@example.com"},
            [("unknown_channel", "channel")],
        ),
        ({"channel": "push", "address": "C-1"}, [("no_addresses", "channel")]),
        ({"channel": "email", "address": "li wei@example.com"}, [("email_invalid", "address")]),
        ({"channel": "email", "address": "+8613800138000"}, [("email_invalid", "address")]),
        ({"channel": "sms", "address": "138 0013 8000"}, [("phone_invalid", "address")]),
        ({"channel": "sms", "address": "0086 138 0013 8000"}, [("phone_invalid", "address")]),
        ({"channel": "sms", "address": "a@example.com"}, [("phone_invalid", "address")]),
        ({"channel": "email", "address": "a" * 255}, [("too_long", "address")]),
        (
            {"channel": 1, "address": ["x"], "customer_asked": "yes"},
            [
                ("invalid_type", "channel"),
                ("invalid_type", "address"),
                ("invalid_type", "customer_asked"),
            ],
        ),
    ],
)
async def test_what_is_no_address_of_a_channel_is_refused_with_all_that_is_wrong(
    house: House, call: str, body: Any, problems: list[tuple[str, str]]
) -> None:
    answer = await house.call("POST", f"/addresses/{call}", json=body)

    assert (answer.status_code, codes(answer)) == (422, [code for code, _ in problems])
    assert [problem["field"] for problem in answer.json()["errors"]] == [at for _, at in problems]


async def test_no_address_fits_into_a_url(house: House) -> None:
    document = (await house.http.get(f"{house.api}/openapi.json")).json()
    paths = [path for path in document["paths"] if path.startswith("/addresses")]

    assert sorted(paths) == ["/addresses/lift", "/addresses/state"]
    for path in paths:
        assert document["paths"][path].keys() == {"post"}
        assert "parameters" not in document["paths"][path]["post"]
