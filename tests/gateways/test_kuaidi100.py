"""Kuaidi100's protocol, against a peer that answers as its documentation says."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
import pytest

from domain.errors import RateLimited
from domain.tracking import TrackingStatus
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    InvalidCallback,
    NotFound,
    OutcomeUnknown,
)
from gateways.tracking.kuaidi100 import Kuaidi100Tracking
from gateways.tracking.kuaidi100_statuses import STATES, status_of
from gateways.tracking.protocol import TrackingGateway
from tests.gateways.peer import Peer

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
CUSTOMER, KEY, SALT = "CUSTOMER123", "key123", "salt-of-ours"
NUMBER = "YT1234567890123"
SUBSCRIBE = "POST /poll"
QUERY = "POST /poll/query.do"
CALLBACK_URL = "https://orders.example.com/callbacks/tracking/kuaidi100"
T = TrackingStatus


@pytest.fixture
def kuaidi100(client: httpx.AsyncClient, peer: Peer) -> Kuaidi100Tracking:
    return Kuaidi100Tracking(
        client,
        base_url=peer.url + "/",
        customer=CUSTOMER,
        key=KEY,
        salt=SALT,
        callback_url=CALLBACK_URL,
    )


def scan(time: str, code: str, context: str, word: str = "在途") -> dict[str, str]:
    return {"time": time, "ftime": time, "statusCode": code, "status": word, "context": context}


COLLECTED = scan("2026-11-21 18:00:00", "103", "【杭州市】已揽收", "揽收")
ON_ITS_WAY = {**scan("2026-11-22 01:00:00", "1002", "【嘉兴市】已离开"), "areaName": "浙江,嘉兴市"}
SIGNED = scan("2026-11-22 10:00:00", "301", "已签收", "签收")


def parcel(state: str, *scans: dict[str, str], **more: str) -> dict[str, object]:
    return {
        "message": "ok",
        "status": "200",
        "state": state,
        "ischeck": "0",
        "com": "yuantong",
        "nu": NUMBER,
        "data": list(scans),
        **more,
    }


def refusal(code: str | int) -> dict[str, object]:
    return {"result": False, "returnCode": code, "message": "why"}


def push(
    result: dict[str, object], status: str = "polling", salt: str = SALT, **more: str
) -> bytes:
    message = {"status": status, "message": "", "comOld": "", "comNew": "", "lastResult": result}
    param = json.dumps(message | more, ensure_ascii=False)
    sign = hashlib.md5((param + salt).encode()).hexdigest().upper()  # noqa: S324 - theirs
    return urlencode({"sign": sign, "param": param}).encode()


def test_it_meets_the_contract(kuaidi100: Kuaidi100Tracking) -> None:
    gateway: TrackingGateway = kuaidi100
    assert gateway.name == "kuaidi100"
    assert gateway.acknowledge() == {"result": True, "returnCode": "200", "message": "成功"}


async def test_a_query_is_signed_over_the_exact_text_that_is_sent(
    kuaidi100: Kuaidi100Tracking, peer: Peer
) -> None:
    peer.says(QUERY, parcel("0", ON_ITS_WAY, COLLECTED))
    snapshot = await kuaidi100.fetch(NUMBER, "yto", "8000")
    form = peer.only(QUERY).form
    (param,), (sign,) = form["param"], form["sign"]
    assert form["customer"] == [CUSTOMER]
    assert sign == hashlib.md5((param + KEY + CUSTOMER).encode()).hexdigest().upper()  # noqa: S324
    asked = json.loads(param)
    assert (asked["com"], asked["num"], asked["resultv2"]) == ("yuantong", NUMBER, "4")
    # YTO asks for no number, and so gets none.
    assert "phone" not in asked
    assert snapshot.status is T.IN_TRANSIT
    first, second = snapshot.events
    assert (first.status, first.raw_status) == (T.PICKED_UP, "103")
    assert first.occurred_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert (second.description, second.location) == ("【嘉兴市】已离开", "浙江 嘉兴市")


@pytest.mark.parametrize(("carrier", "code"), [("sf-express", "shunfeng"), ("ZTO", "zhongtong")])
async def test_some_carriers_are_told_the_end_of_the_recipients_number(
    kuaidi100: Kuaidi100Tracking, peer: Peer, carrier: str, code: str
) -> None:
    peer.says(QUERY, parcel("0", ON_ITS_WAY))
    peer.says(SUBSCRIBE, {"result": True, "returnCode": "200", "message": "提交成功"})
    await kuaidi100.fetch(NUMBER, carrier, "8000")
    await kuaidi100.register(NUMBER, carrier, "EC-1", "8000")
    asked = json.loads(peer.only(QUERY).form["param"][0])
    assert (asked["com"], asked["phone"]) == (code, "8000")
    wanted = json.loads(peer.only(SUBSCRIBE).form["param"][0])
    assert (wanted["company"], wanted["parameters"]["phone"]) == (code, "8000")


async def test_a_subscription_names_our_address_and_our_salt(
    kuaidi100: Kuaidi100Tracking, peer: Peer
) -> None:
    peer.says(SUBSCRIBE, {"result": True, "returnCode": "200", "message": "提交成功"})
    await kuaidi100.register(NUMBER, "yto", "EC-1")
    form = peer.only(SUBSCRIBE).form
    assert form["schema"] == ["json"]
    assert json.loads(form["param"][0]) == {
        "company": "yuantong",
        "number": NUMBER,
        "key": KEY,
        "parameters": {"callbackurl": CALLBACK_URL, "salt": SALT, "resultv2": "4"},
    }


async def test_a_parcel_that_is_subscribed_already_is_subscribed(
    kuaidi100: Kuaidi100Tracking, peer: Peer
) -> None:
    peer.says(SUBSCRIBE, refusal("501"))
    await kuaidi100.register(NUMBER, "yto", "EC-1")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("700", GatewayRejected),
        ("701", GatewayRejected),
        (702, GatewayRejected),
        ("600", GatewayAuthError),
        ("601", GatewayAuthError),
        ("500", RateLimited),
    ],
)
async def test_each_refusal_of_a_subscription(
    kuaidi100: Kuaidi100Tracking, peer: Peer, code: str | int, error: type[Exception]
) -> None:
    peer.says(SUBSCRIBE, refusal(code))
    with pytest.raises(error):
        await kuaidi100.register(NUMBER, "yto", "EC-1")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("400", GatewayRejected),
        ("408", GatewayRejected),
        (500, NotFound),
        ("501", RateLimited),
        ("502", RateLimited),
        ("503", GatewayAuthError),
        ("601", GatewayAuthError),
        ("999", GatewayRejected),
    ],
)
async def test_each_refusal_of_a_query(
    kuaidi100: Kuaidi100Tracking, peer: Peer, code: str | int, error: type[Exception]
) -> None:
    peer.says(QUERY, refusal(code))
    with pytest.raises(error):
        await kuaidi100.fetch(NUMBER, "yto")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"message": "ok"}', b'{"data": [{"time": {}}], "nu": []}']
)
async def test_an_answer_that_says_nothing_decides_nothing(
    kuaidi100: Kuaidi100Tracking, peer: Peer, body: bytes
) -> None:
    peer.says(QUERY, body)
    with pytest.raises(OutcomeUnknown):
        await kuaidi100.fetch(NUMBER, "yto")


async def test_a_broken_server_decides_nothing(kuaidi100: Kuaidi100Tracking, peer: Peer) -> None:
    peer.says(QUERY, {}, status=502)
    with pytest.raises(OutcomeUnknown):
        await kuaidi100.fetch(NUMBER, "yto")


def test_a_push_is_read_once_its_signature_is_right(kuaidi100: Kuaidi100Tracking) -> None:
    body = push(parcel("3", SIGNED, ON_ITS_WAY, COLLECTED, SIGNED), "shutdown")
    news = kuaidi100.parse_callback({}, body, NOW)
    snapshot = news.snapshot
    assert (snapshot.tracking_number, snapshot.carrier) == (NUMBER, "yto")
    assert snapshot.status is T.DELIVERED
    assert snapshot.delivered_at == datetime(2026, 11, 22, 2, tzinfo=UTC)
    # Oldest first, each once.
    assert [event.raw_status for event in snapshot.events] == ["103", "1002", "301"]
    assert kuaidi100.parse_callback({}, body, NOW).dedupe_key == news.dedupe_key
    lower = body.replace(body[5:37], body[5:37].lower())
    assert kuaidi100.parse_callback({}, lower, NOW) == news


FORGED = {
    "another salt": push(parcel("3", SIGNED), salt="guessed"),
    "no salt": push(parcel("3", SIGNED), salt=""),
    "nothing": b"",
    "no form": b'{"lastResult": {}}',
    "no sign": urlencode({"param": "{}"}).encode(),
    "bytes": b"sign=\xff\xfe&param=\xff",
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_push_that_proves_nothing_is_refused(kuaidi100: Kuaidi100Tracking, forged: str) -> None:
    with pytest.raises(InvalidCallback):
        kuaidi100.parse_callback({}, FORGED[forged], NOW)


def test_a_changed_push_is_refused(kuaidi100: Kuaidi100Tracking) -> None:
    body = push(parcel("0", ON_ITS_WAY))
    changed = body.replace(NUMBER.encode(), b"YT0000000000000")
    assert changed != body
    with pytest.raises(InvalidCallback):
        kuaidi100.parse_callback({}, changed, NOW)


@pytest.mark.parametrize("result", [{}, {"nu": ""}, {"nu": NUMBER, "data": "many"}])
def test_a_signed_push_that_cannot_be_read_is_refused(
    kuaidi100: Kuaidi100Tracking, result: dict[str, object]
) -> None:
    with pytest.raises(InvalidCallback):
        kuaidi100.parse_callback({}, push(result), NOW)


def test_without_a_salt_pushes_are_off(client: httpx.AsyncClient) -> None:
    off = Kuaidi100Tracking(
        client, base_url="http://x", customer="c", key="k", salt=" ", callback_url="http://y"
    )
    with pytest.raises(InvalidCallback):
        off.parse_callback({}, push(parcel("0"), salt=" "), NOW)


def test_what_is_given_up_is_expired_and_a_corrected_carrier_is_told(
    kuaidi100: Kuaidi100Tracking,
) -> None:
    given_up = kuaidi100.parse_callback(
        {}, push(parcel("0"), "abort", message="3天查询无记录"), NOW
    ).snapshot
    assert given_up.status is T.EXPIRED
    body = push(parcel("0", ON_ITS_WAY), comOld="yuantong", comNew="zhongtong")
    corrected = kuaidi100.parse_callback({}, body, NOW).snapshot
    assert (corrected.carrier, corrected.corrected) == ("zto-express", True)
    assert not given_up.corrected


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("0", T.IN_TRANSIT),
        ("1", T.PICKED_UP),
        ("101", T.INFO_RECEIVED),
        ("5", T.OUT_FOR_DELIVERY),
        ("501", T.AVAILABLE_FOR_PICKUP),
        ("3", T.DELIVERED),
        ("304", T.DELIVERED),
        ("203", T.REFUSED),
        ("14", T.REFUSED),
        ("204", T.ATTEMPT_FAILED),
        ("206", T.ATTEMPT_FAILED),
        ("6", T.RETURNING),
        ("4", T.RETURNED),
        ("210", T.CANCELLED),
        ("2", T.EXCEPTION),
        ("209", T.EXCEPTION),
        ("77", T.UNKNOWN),
        ("", T.UNKNOWN),
        (None, T.UNKNOWN),
    ],
)
def test_each_state_has_its_status_and_an_unknown_one_never_raises(
    state: str | None, status: TrackingStatus
) -> None:
    assert status_of(state) is status


async def test_the_last_scan_says_more_than_the_parcels_state(
    kuaidi100: Kuaidi100Tracking, peer: Peer
) -> None:
    peer.says(QUERY, parcel("2", scan("2026-11-22 09:00:00", "203", "拒收", "疑难")))
    peer.says(QUERY, parcel("0", scan("2026-11-22 09:00:00", "9999", "新状态")))
    assert (await kuaidi100.fetch(NUMBER, "yto")).status is T.REFUSED
    unknown = await kuaidi100.fetch(NUMBER, "yto")
    assert unknown.status is T.IN_TRANSIT
    assert unknown.events[0].raw_status == "9999"


def test_the_table_reaches_every_status_that_kuaidi100_can_mean() -> None:
    assert set(STATES.values()) == set(T) - {T.CREATED, T.EXPIRED, T.LOST, T.UNKNOWN}
