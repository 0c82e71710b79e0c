"""A mail got lost on its way: what is sent in its place, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from domain.notification import NotificationKind
from tests.activities.telling import AT, Counter, open_counter
from tests.activities.test_telling import SENT, claimed, device, make, suffer
from tests.gateways.messaging.relay import Inbox, relay
from tests.house import House

K = NotificationKind


@pytest.fixture
async def counter(house: House) -> AsyncIterator[Counter]:
    inbox = Inbox()
    with relay(inbox) as port:
        counter = await open_counter(house, inbox, port)
        yield counter
    await house.forget(counter.order_id, counter.order["productId"])


async def lose(counter: Counter, receipt: str = "undelivered") -> None:
    """What a report about the mail leaves behind."""
    await counter.execute(
        "UPDATE notifications SET receipt = :receipt WHERE order_id = :id AND channel = 'email'",
        id=counter.order_id,
        receipt=receipt,
    )


async def mailed_and_lost(counter: Counter, kind: NotificationKind = K.RETURN_APPROVED) -> None:
    await counter.tell(kind)
    await lose(counter)


async def test_a_text_tells_what_the_mail_did_at_the_time_of_its_own(counter: Counter) -> None:
    await mailed_and_lost(counter)
    later = AT + timedelta(days=5)

    assert await counter.tell_instead(attempted_at=later) == {"sms": SENT}
    assert await counter.tell_instead(attempted_at=later) == {"sms": SENT}

    (text,) = await counter.texts()
    assert counter.order["orderNumber"] in text["body"]
    rows = await counter.rows()
    assert (rows["email"].sent_at, rows["sms"].sent_at) == (AT, later)
    assert len(counter.inbox.messages) == 1


async def test_nobody_steps_in_for_a_mail_that_arrived_after_all(counter: Counter) -> None:
    await mailed_and_lost(counter)
    await lose(counter, "delivered")
    assert await counter.tell_instead() == {}
    assert set(await counter.rows()) == {"email", "push"}


async def test_the_other_channels_are_left_alone(counter: Counter) -> None:
    await device(counter, kind="fcm", target=counter.order_id)
    await suffer(counter, "fcm", "rate_limit", match={"ref": counter.order_id})
    with pytest.raises(ApplicationError):
        await counter.tell(K.RETURN_APPROVED)
    await lose(counter)

    assert await counter.tell_instead() == {"sms": SENT}

    assert (await counter.rows())["push"].state == "pending"
    assert await counter.tell(K.RETURN_APPROVED) == {"email": SENT, "push": SENT, "sms": SENT}
    assert len(await counter.texts()) == 1


async def test_two_runs_that_tell_at_once_text_once(counter: Counter) -> None:
    """The order's own run, which tries a channel again, and that for the lost mail."""
    await mailed_and_lost(counter)

    async def patiently(tell: str, run: str) -> None:
        for attempt in range(1, 30):
            try:
                if tell == "instead":
                    await counter.tell_instead(attempt=min(attempt, 7), run=run)
                else:
                    await counter.tell(K.RETURN_APPROVED, attempt=min(attempt, 7), run=run)
            except ApplicationError:
                continue
            return
        raise AssertionError("it never came to an end")

    runs = enumerate(("instead", "again") * 3)
    await asyncio.gather(*(patiently(tell, str(number)) for number, tell in runs))

    assert len(await counter.texts()) == 1
    assert (await counter.rows())["sms"].state == "sent"


async def test_what_the_customer_wants_is_asked_again(counter: Counter) -> None:
    await mailed_and_lost(counter, K.DELIVERY_UPDATE)
    choice = {"purpose": "update", "channel": "sms", "choice": "unwanted"}
    path = f"/customers/{counter.order['customerId']}/preferences"
    assert (await counter.house.call("PUT", path, json=choice)).status_code == 204

    assert await counter.tell_instead() == {"sms": ("suppressed", "not_wanted")}
    assert await counter.texts() == []


async def test_news_of_a_parcel_that_has_arrived_since_is_old(counter: Counter) -> None:
    await mailed_and_lost(counter, K.DELIVERY_UPDATE)
    await make(counter, "delivered", "delivered")

    assert await counter.tell_instead() == {"sms": ("suppressed", "no_longer_true")}
    assert await counter.texts() == []


async def test_a_provider_that_cannot_at_the_moment_is_asked_again(counter: Counter) -> None:
    await mailed_and_lost(counter)
    number = counter.phone.removeprefix("+86")
    await suffer(counter, "aliyun", "rate_limit", match={"ref": number})
    with pytest.raises(ApplicationError) as waits:
        await counter.tell_instead()
    assert waits.value.next_retry_delay == timedelta(seconds=1)

    assert await counter.tell_instead(attempt=2) == {"sms": SENT}
    assert len(await counter.texts()) == 1


async def test_a_text_whose_sender_was_killed_is_not_sent_blindly(counter: Counter) -> None:
    await mailed_and_lost(counter)
    assert await counter.tell_instead() == {"sms": SENT}
    await counter.execute(
        "UPDATE notifications SET state = 'pending', sent_at = NULL"
        " WHERE order_id = :id AND channel = 'sms'",
        id=counter.order_id,
    )
    await claimed(counter, "now()")

    assert await counter.tell_instead(attempt=2) == {"sms": SENT}
    assert len(await counter.texts()) == 1
