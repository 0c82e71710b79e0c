"""Twilio: what we send, and what each of its answers means."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from gateways.messaging.refusals import AddressRefused, Unsubscribed
from gateways.messaging.twilio import TwilioSms
from tests.accounts import ACCOUNTS
from tests.gateways.messaging.accounts import TWILIO_CALLBACK, twilio
from tests.gateways.peer import Peer
from tests.gateways.simulated import Simulated

SID = ACCOUNTS["twilio_account_sid"]
SEND = f"POST /2010-04-01/Accounts/{SID}/Messages.json"
LIST = f"GET /2010-04-01/Accounts/{SID}/Messages.json"
TAKEN = {"sid": "SM1", "status": "queued", "error_code": None}
NOW = datetime.now(UTC)


async def send(through: TwilioSms, to: str = "+16502530001", text: str = "Order 1") -> str:
    accepted = await through.send(
        to=to, template="order_shipped", params={}, text=text, notification_id="N1"
    )
    assert accepted.provider == "twilio"
    return accepted.message_id


async def test_a_message_is_a_form_with_basic_auth_and_an_address_for_receipts(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(SEND, TAKEN, status=201)

    assert await send(twilio(client, peer.url), text="您的订单已发货。") == "SM1"

    request = peer.only(SEND)
    assert request.form == {
        "From": ["+16502530000"],
        "To": ["+16502530001"],
        "Body": ["您的订单已发货。"],
        "StatusCallback": [f"{TWILIO_CALLBACK}?n=N1"],
    }
    login = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
    assert login == f"{SID}:{ACCOUNTS['twilio_auth_token']}"


async def test_a_messaging_service_is_named_as_such(client: httpx.AsyncClient, peer: Peer) -> None:
    peer.says(SEND, TAKEN, status=201)
    await send(twilio(client, peer.url, sender="MG123", callback_url=""))
    assert set(peer.only(SEND).form) == {"MessagingServiceSid", "To", "Body"}


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, 21211, AddressRefused),
        (400, 21614, AddressRefused),
        (400, 21612, AddressRefused),
        (400, 21408, AddressRefused),
        (400, 21610, Unsubscribed),
        (400, 21606, GatewayRejected),
        (400, 21617, GatewayRejected),
        (401, 20003, GatewayAuthError),
        (429, 20429, RateLimited),
        (400, 21611, RateLimited),
        (400, 30001, RateLimited),
        (500, 20500, OutcomeUnknown),
        (503, 0, OutcomeUnknown),
    ],
)
async def test_what_each_error_means(
    client: httpx.AsyncClient, peer: Peer, status: int, code: int, error: type[Exception]
) -> None:
    peer.says(SEND, {"code": code, "message": "to +16502530001", "status": status}, status=status)
    with pytest.raises(error) as raised:
        await send(twilio(client, peer.url))
    assert type(raised.value) is error
    assert "+1650" not in str(raised.value)


async def test_a_pause_is_as_long_as_twilio_asks(client: httpx.AsyncClient, peer: Peer) -> None:
    peer.says(SEND, {"code": 20429}, status=429, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as raised:
        await send(twilio(client, peer.url))
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == 7


async def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    peer.says(SEND, b"<html>", status=200)
    with pytest.raises(OutcomeUnknown):
        await send(twilio(client, peer.url))


async def test_silence_leaves_the_outcome_open(hasty_client: httpx.AsyncClient, peer: Peer) -> None:
    peer.hangs(SEND)
    with pytest.raises(OutcomeUnknown):
        await send(twilio(hasty_client, peer.url))


async def test_nothing_happened_where_nobody_listens(
    client: httpx.AsyncClient, deaf_url: str
) -> None:
    with pytest.raises(ConnectionError):
        await send(twilio(client, deaf_url))


@pytest.mark.parametrize("status", ["failed", "canceled"])
async def test_a_message_that_twilio_gave_up_was_not_taken(
    client: httpx.AsyncClient, peer: Peer, status: str
) -> None:
    peer.says(LIST, {"messages": [{"sid": "SM1", "status": status, "body": "Order 1"}]})
    through = twilio(client, peer.url)
    found = await through.find(to="+16502530001", text="Order 1", notification_id="N1", since=NOW)
    assert found is None


async def test_the_simulator_takes_what_we_send_and_finds_it_again(simulated: Simulated) -> None:
    through = twilio(simulated.client, f"{simulated.url}/twilio")
    to, text = f"+1650253{uuid4().int % 10**4:04d}", f"Your order {uuid4()} has shipped."
    assert await through.find(to=to, text=text, notification_id="N1", since=NOW) is None

    sid = await send(through, to, text)

    found = await through.find(to=to, text=text, notification_id="N1", since=NOW)
    assert found is not None
    assert found.message_id == sid
    other = await through.find(to=to, text="another", notification_id="N1", since=NOW)
    assert other is None


async def test_a_lost_answer_is_found_at_the_provider(simulated: Simulated) -> None:
    through = twilio(simulated.client, f"{simulated.url}/twilio")
    to = f"+1650254{uuid4().int % 10**4:04d}"
    await simulated.suffers("twilio", "send", "timeout_after_commit", seconds=0, match={"ref": to})

    with pytest.raises(OutcomeUnknown):
        await send(through, to, "Order 9")

    assert await through.find(to=to, text="Order 9", notification_id="N1", since=NOW)


@pytest.mark.parametrize(
    ("changes", "to", "error"),
    [
        ({"auth_token": "wrong"}, "+16502530001", GatewayAuthError),
        ({}, "16502530001", AddressRefused),
        ({"sender": "+19995550000"}, "+16502530001", GatewayRejected),
    ],
)
async def test_the_simulator_checks_what_twilio_checks(
    simulated: Simulated, changes: dict[str, str], to: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await send(twilio(simulated.client, f"{simulated.url}/twilio", **changes), to)
