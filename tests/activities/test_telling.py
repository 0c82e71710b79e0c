"""What customers are told, on which channel, and never twice."""

from __future__ import annotations

import asyncio
import io
import threading
from datetime import timedelta
from email.message import EmailMessage

import pypdf
import pytest
from temporalio.exceptions import ApplicationError

from domain.notification import Channel, NotificationKind
from domain.tracking import TrackingStatus
from domain.unsubscribing import address_key
from tests.activities.telling import AT, Counter
from tests.customer_page import add_parcel
from tests.serving import eventually

K = NotificationKind
SENT = ("sent", "")


async def make(counter: Counter, status: str, shipping: str) -> None:
    await counter.execute(
        "UPDATE orders SET status = :status, shipping_status = :shipping,"
        " payment_status = 'paid' WHERE id = :id",
        status=status,
        shipping=shipping,
        id=counter.order_id,
    )
    if shipping == "delivered":
        await add_parcel(counter.house, counter.order_id, TrackingStatus.DELIVERED)
        await counter.execute(
            "UPDATE shipments SET shipping_status = 'delivered', delivered_at = now()"
            " WHERE order_id = :id",
            id=counter.order_id,
        )


async def device(counter: Counter, **body: str) -> None:
    answer = await counter.house.call(
        "PUT", f"/customers/{counter.order['customerId']}/devices", json=body
    )
    assert answer.status_code == 200, answer.text


async def suffer(counter: Counter, party: str, behavior: str, **more: object) -> None:
    scenario = {"party": party, "operation": "send", "behavior": behavior, **more}
    await counter.house.simulate("scenario", json=scenario)


async def test_a_confirmation_is_a_mail_with_a_paper_and_a_text(counter: Counter) -> None:
    told = await counter.tell(K.ORDER_CONFIRMED)

    assert told == {"email": SENT, "sms": SENT, "push": ("suppressed", "no_address")}
    (mail,) = counter.inbox.messages
    assert mail.get_content_type() == "multipart/mixed"
    parts = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
    assert parts == ["text/plain", "text/html", "application/pdf"]
    (paper,) = mail.iter_attachments()
    assert isinstance(paper, EmailMessage)
    number = counter.order["orderNumber"]
    assert paper.get_filename() == f"订单详情-{number}.pdf"
    reader = pypdf.PdfReader(io.BytesIO(paper.get_content()))
    text = "".join(page.extract_text() for page in reader.pages)
    for word in ("订单详情", number, "李薇", "浙江省杭州市西湖区文三路", "合计", "¥100.00"):
        assert word in text
    assert reader.metadata is not None
    assert reader.metadata.title == f"订单详情 {number}"
    (sms,) = await counter.texts()
    assert number in sms["body"]


async def test_telling_twice_tells_once(counter: Counter) -> None:
    first = await counter.tell(K.ORDER_SHIPPED)
    assert await counter.tell(K.ORDER_SHIPPED) == first
    assert len(counter.inbox.messages) == 1
    assert len(await counter.texts()) == 1


async def test_two_runs_that_tell_at_once_send_one_mail_and_one_push(counter: Counter) -> None:
    """Two callbacks about one refund: each has a run of its own, and each wants to tell of it."""
    await device(counter, kind="fcm", target=counter.order_id)
    counter.inbox.gate = threading.Event()
    try:
        first = asyncio.create_task(counter.tell(K.RETURN_APPROVED, run="one"))
        await eventually(lambda: counter.inbox.at_once == 1)
        with pytest.raises(ApplicationError) as waits:
            await counter.tell(K.RETURN_APPROVED, run="other")
    finally:
        counter.inbox.gate.set()

    assert waits.value.next_retry_delay == timedelta(seconds=1)
    told = await first
    assert told == {"email": SENT, "push": SENT}
    assert await counter.tell(K.RETURN_APPROVED, attempt=2, run="other") == told
    assert len(counter.inbox.messages) == 1
    assert await pushes(counter, [counter.order_id]) == [counter.order_id]


async def test_a_mail_that_a_killed_run_had_taken_up_is_sent_by_another(counter: Counter) -> None:
    await counter.tell(K.ORDER_SHIPPED, run="one")
    await held(counter, "one/test", "now()")
    with pytest.raises(ApplicationError):
        await counter.tell(K.ORDER_SHIPPED, run="other")
    assert len(counter.inbox.messages) == 1

    await held(counter, "one/test", "now() - interval '3 minutes'")
    assert (await counter.tell(K.ORDER_SHIPPED, attempt=2, run="other"))["email"] == SENT
    assert len(counter.inbox.messages) == 2


async def held(counter: Counter, holder: str, when: str) -> None:
    """What a worker leaves behind that was killed while it was sending a mail."""
    await counter.execute(
        "UPDATE notifications SET state = 'pending', sent_at = NULL,"  # noqa: S608
        f" lease_holder = :holder, leased_at = {when} WHERE order_id = :id AND channel = 'email'",
        id=counter.order_id,
        holder=holder,
    )


async def test_a_channel_that_is_off_is_skipped_and_says_so(counter: Counter) -> None:
    counter.sms = counter.push = None
    told = await counter.tell(K.ORDER_CONFIRMED)
    off = ("suppressed", "channel_off")
    assert told == {"email": SENT, "sms": off, "push": off}


async def test_a_refused_mailbox_is_not_tried_again_and_a_text_steps_in(counter: Counter) -> None:
    counter.inbox.rcpt_reply = "550 5.1.1 no such user"

    told = await counter.tell(K.OUT_OF_STOCK)

    assert told == {
        "email": ("failed", "AddressRefused"),
        "push": ("suppressed", "no_address"),
        "sms": SENT,
    }
    counter.inbox.rcpt_reply = ""
    assert await counter.tell(K.OUT_OF_STOCK) == told
    again = await counter.tell(K.ORDER_CONFIRMED)
    assert again["email"] == ("suppressed", "address_refused")
    assert counter.inbox.messages == []
    assert len(await counter.texts()) == 2


async def test_a_relay_that_will_not_relay_says_nothing_of_the_mailbox(counter: Counter) -> None:
    counter.inbox.rcpt_reply = "550 5.7.1 relaying denied"
    assert (await counter.tell(K.ORDER_CONFIRMED))["email"] == ("failed", "GatewayRejected")
    counter.inbox.rcpt_reply = ""
    assert (await counter.tell(K.ORDER_SHIPPED))["email"] == SENT


async def test_a_failing_channel_is_retried_alone_and_given_up_at_last(counter: Counter) -> None:
    counter.inbox.rcpt_reply = "451 later"
    with pytest.raises(ApplicationError) as waits:
        await counter.tell(K.ORDER_CONFIRMED)
    assert waits.value.next_retry_delay == timedelta(seconds=1)
    assert (await counter.rows())["sms"].state == "sent"

    told = await counter.tell_at_last(K.ORDER_CONFIRMED)

    assert told["email"] == ("failed", "RateLimited")
    assert len(await counter.texts()) == 1


async def test_a_text_whose_answer_was_lost_is_found_and_not_sent_again(counter: Counter) -> None:
    number = counter.phone.removeprefix("+86")
    await suffer(counter, "aliyun", "timeout_after_commit", seconds=0, match={"ref": number})
    with pytest.raises(ApplicationError):
        await counter.tell(K.ORDER_SHIPPED)
    assert (await counter.rows())["sms"].state == "sending"

    told = await counter.tell(K.ORDER_SHIPPED, attempt=2)

    assert told["sms"] == SENT
    assert len(await counter.texts()) == 1


async def test_a_text_that_was_not_taken_goes_out_once_its_claim_is_old(counter: Counter) -> None:
    await cut_off(counter)
    await claimed(counter, "now()")
    with pytest.raises(ApplicationError):
        await counter.tell(K.ORDER_SHIPPED, attempt=2)
    assert await counter.texts() == []

    await claimed(counter, "now() - interval '3 minutes'")
    told = await counter.tell(K.ORDER_SHIPPED, attempt=3)

    assert told["sms"] == SENT
    assert len(await counter.texts()) == 1


async def test_an_outcome_that_stays_open_is_unknown_and_final(counter: Counter) -> None:
    await cut_off(counter)
    await claimed(counter, "now()")

    told = await counter.tell_at_last(K.ORDER_SHIPPED)

    assert told["sms"] == ("unknown", "OutcomeUnknown")
    assert await counter.tell(K.ORDER_SHIPPED) == told
    assert await counter.texts() == []


async def cut_off(counter: Counter) -> None:
    """Fail the first attempt, before anything was taken."""
    number = counter.phone.removeprefix("+86")
    await suffer(counter, "aliyun", "rate_limit", match={"ref": number})
    with pytest.raises(ApplicationError):
        await counter.tell(K.ORDER_SHIPPED)
    assert (await counter.rows())["sms"].state == "pending"


async def claimed(counter: Counter, when: str) -> None:
    """What a worker leaves behind that was killed between its claim and its answer."""
    await counter.execute(
        f"UPDATE notifications SET state = 'sending', claimed_at = {when}"  # noqa: S608
        " WHERE order_id = :id AND channel = 'sms'",
        id=counter.order_id,
    )


async def test_a_number_that_said_stop_gets_no_more_texts(counter: Counter) -> None:
    number = counter.phone.removeprefix("+86")
    code = "isv.BLACK_KEY_CONTROL_LIMIT"
    await suffer(counter, "aliyun", "reject", code=code, match={"ref": number})
    assert (await counter.tell(K.ORDER_CONFIRMED))["sms"] == ("failed", "Unsubscribed")
    assert (await counter.tell(K.ORDER_SHIPPED))["sms"] == ("suppressed", "address_refused")


async def test_a_push_reaches_every_device_once_and_forgets_the_one_that_is_gone(
    counter: Counter,
) -> None:
    tokens = [f"{counter.order_id}-{n}" for n in range(3)]
    for token in tokens:
        await device(counter, kind="fcm", target=token)
    await suffer(counter, "fcm", "reject", code="UNREGISTERED", match={"ref": tokens[0]})
    await suffer(counter, "fcm", "rate_limit", match={"ref": tokens[1]})

    with pytest.raises(ApplicationError):
        await counter.tell(K.ORDER_PROCESSING)
    told = await counter.tell(K.ORDER_PROCESSING, attempt=2)

    assert told == {"email": SENT, "push": SENT}
    assert sorted(await pushes(counter, tokens)) == tokens[1:]
    left = await counter.house.rows(
        "SELECT target FROM push_devices WHERE customer_id = :id AND state = 'active'",
        id=counter.order["customerId"],
    )
    assert sorted(row.target for row in left) == tokens[1:]


async def pushes(counter: Counter, tokens: list[str]) -> list[str]:
    """The devices that got a message, once for each."""
    state = (await counter.house.http.get(f"{counter.house.simulator}/_sim/state")).json()
    return [one["token"] for one in state["fcmMessages"] if one["token"] in tokens]


async def test_a_choice_silences_updates_but_not_the_mail_of_what_is_essential(
    counter: Counter,
) -> None:
    path = f"/customers/{counter.order['customerId']}/preferences"
    for purpose, channel in (("update", "email"), ("update", "sms"), ("essential", "sms")):
        choice = {"purpose": purpose, "channel": channel, "choice": "unwanted"}
        answer = await counter.house.call("PUT", path, json=choice)
        assert answer.status_code == 204, answer.text
    refused = await counter.house.call(
        "PUT", path, json={"purpose": "essential", "channel": "email", "choice": "unwanted"}
    )
    assert refused.status_code == 422

    shipped = await counter.tell(K.ORDER_SHIPPED)
    confirmed = await counter.tell(K.ORDER_CONFIRMED)

    assert shipped["email"] == shipped["sms"] == ("suppressed", "not_wanted")
    assert confirmed["email"] == SENT
    assert confirmed["sms"] == ("suppressed", "not_wanted")
    assert len((await counter.house.call("GET", path)).json()["choices"]) == 3


async def test_an_invitation_waits_for_the_morning(counter: Counter) -> None:
    await make(counter, "delivered", "delivered")
    night = AT + timedelta(hours=2)  # 22:00 in China
    with pytest.raises(ApplicationError) as waits:
        await counter.tell(K.REVIEW_INVITATION, at=night)
    assert waits.value.next_retry_delay == timedelta(hours=10)
    assert counter.inbox.messages == []

    morning = night + timedelta(hours=10)
    told = await counter.tell(K.REVIEW_INVITATION, at=night, attempt=2, attempted_at=morning)

    assert told == {"email": SENT}


async def test_an_invitation_that_waits_keeps_nothing_else_waiting(counter: Counter) -> None:
    await make(counter, "delivered", "delivered")
    night = AT + timedelta(hours=2)
    told = await counter.tell(K.REVIEW_INVITATION, at=night, hand_over=True)
    assert told == {"email": ("pending", "")}
    assert counter.inbox.messages == []

    morning = night + timedelta(hours=10)
    told = await counter.tell(K.REVIEW_INVITATION, at=night, attempted_at=morning, run="other")
    assert told == {"email": SENT}


async def test_a_text_that_waits_for_long_is_handed_over_and_a_mail_is_not(
    counter: Counter,
) -> None:
    number = counter.phone.removeprefix("+86")
    await suffer(counter, "aliyun", "rate_limit", times=2, match={"ref": number})
    with pytest.raises(ApplicationError):
        await counter.tell(K.ORDER_SHIPPED, hand_over=True)
    told = await counter.tell(K.ORDER_SHIPPED, attempt=3, hand_over=True)
    assert told["sms"] == ("pending", "RateLimited")

    counter.inbox.rcpt_reply = "451 later"
    with pytest.raises(ApplicationError) as waits:
        await counter.tell(K.ORDER_DELIVERED, attempt=3, hand_over=True)
    assert waits.value.next_retry_delay == timedelta(seconds=30)


async def test_what_is_no_promotion_goes_out_at_night(counter: Counter) -> None:
    told = await counter.tell(K.ORDER_SHIPPED, at=AT + timedelta(hours=2))
    assert told["email"] == SENT


@pytest.mark.parametrize(
    ("kind", "status", "shipping"),
    [
        (K.REVIEW_INVITATION, "refunded", "returned"),
        (K.REVIEW_INVITATION, "shipped", "in_transit"),
        (K.PAYMENT_DUE, "cancelled", "pending"),
    ],
)
async def test_what_is_no_longer_true_is_not_said(
    counter: Counter, kind: NotificationKind, status: str, shipping: str
) -> None:
    await make(counter, status, shipping)
    told = await counter.tell(kind)
    assert set(told.values()) == {("suppressed", "no_longer_true")}
    assert counter.inbox.messages == []


async def test_there_is_no_promotion_without_a_way_out(counter: Counter) -> None:
    await make(counter, "delivered", "delivered")
    counter.secret = ""
    assert await counter.tell(K.REVIEW_INVITATION) == {"email": ("suppressed", "no_way_out")}


async def test_one_click_ends_invitations_and_nothing_else(counter: Counter) -> None:
    await make(counter, "delivered", "delivered")
    await counter.tell(K.REVIEW_INVITATION)
    (mail,) = counter.inbox.messages
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = mail["List-Unsubscribe"].strip("<>")
    assert counter.order["email"] not in link
    path = link.removeprefix("https://orders.example.com")

    asked = await counter.house.http.get(counter.house.api + path)
    assert asked.status_code == 200
    assert "确认退订" in asked.text
    assert await opt_outs(counter) == 0
    unsure = await counter.house.http.post(counter.house.api + path)
    assert unsure.status_code == 400
    for _ in range(2):
        out = await counter.house.http.post(
            counter.house.api + path, data={"List-Unsubscribe": "One-Click"}
        )
        assert out.status_code == 200
    assert await opt_outs(counter) == 1

    await counter.execute("DELETE FROM notifications WHERE order_id = :id", id=counter.order_id)
    told = await counter.tell(K.REVIEW_INVITATION)
    assert told == {"email": ("suppressed", "opted_out")}
    assert (await counter.tell(K.ORDER_DELIVERED))["email"] == SENT


async def opt_outs(counter: Counter) -> int:
    key = address_key(Channel.EMAIL, str(counter.order["email"]))
    rows = await counter.house.rows(
        "SELECT 1 FROM notification_opt_outs WHERE address_key = :key", key=key
    )
    return len(rows)
