from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

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
from gateways.tracking.aftership import AfterShipTracking
from gateways.tracking.aftership_statuses import ON_THE_WAY_BACK, SUBTAGS, TAGS, status_of
from gateways.tracking.protocol import TrackingGateway
from tests.gateways.peer import Peer

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
SECRET = "aftership-secret"
NUMBER = "SF123456789012"
REGISTER = "POST /trackings"
FETCH = "GET /trackings"
T = TrackingStatus

CALLS: dict[str, Callable[[AfterShipTracking], Awaitable[object]]] = {
    REGISTER: lambda aftership: aftership.register(NUMBER, "sf-express", "EC-1"),
    FETCH: lambda aftership: aftership.fetch(NUMBER, "sf-express"),
}


def _aftership(client: httpx.AsyncClient, url: str) -> AfterShipTracking:
    return AfterShipTracking(client, url + "/", "as-key", SECRET)


@pytest.fixture
def aftership(client: httpx.AsyncClient, peer: Peer) -> AfterShipTracking:
    return _aftership(client, peer.url)


def _checkpoint(time: str | None, tag: str, message: str, **more: object) -> dict[str, object]:
    return {"checkpoint_time": time, "tag": tag, "message": message, "slug": "sf-express"} | more


COLLECTED = _checkpoint(
    "2026-11-21T18:00:00+08:00", "InTransit", "已揽收", subtag="InTransit_002", city="杭州市"
)
ON_ITS_WAY = _checkpoint("2026-11-22T01:00:00+08:00", "InTransit", "运输中", location="嘉兴")
DELIVERED = _checkpoint("2026-11-22T10:00:00+08:00", "Delivered", "已签收")


def _tracking(
    tag: str = "InTransit", *points: dict[str, object], **more: object
) -> dict[str, object]:
    return {
        "id": "trk_1",
        "tracking_number": NUMBER,
        "slug": "sf-express",
        "tag": tag,
        "subtag": f"{tag}_001",
        "checkpoints": list(points),
        "return_to_sender": False,
    } | more


def _meta(code: int, message: str = "why") -> dict[str, object]:
    return {"meta": {"code": code, "message": message, "type": "BadRequest"}, "data": {}}


def _found(*trackings: dict[str, object]) -> dict[str, object]:
    return {
        "meta": {"code": 200},
        "data": {"pagination": {"total": len(trackings)}, "trackings": list(trackings)},
    }


def _message(tracking: dict[str, object], **more: object) -> bytes:
    envelope = {
        "ts": 1763721000,
        "event": "tracking_update",
        "event_id": "0b5c4b5e-6f4e-4f3b-8f5e-1f1f1f1f1f1f",
        "is_tracking_first_tag": True,
        "msg": tracking,
    }
    return json.dumps(envelope | more, ensure_ascii=False, indent=1).encode()


def _signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {"aftership-hmac-sha256": base64.b64encode(digest).decode()}


def test_it_meets_the_contract(aftership: AfterShipTracking) -> None:
    gateway: TrackingGateway = aftership
    assert gateway.name == "aftership"


async def test_registering_sends_number_slug_and_order_number_and_no_personal_data(
    aftership: AfterShipTracking, peer: Peer
) -> None:
    peer.says(REGISTER, {"meta": {"code": 201}, "data": _tracking("Pending")}, status=201)
    await aftership.register(NUMBER, "SF", "EC-1")
    request = peer.only(REGISTER)
    assert request.headers["as-api-key"] == "as-key"
    assert request.json == {"tracking_number": NUMBER, "slug": "sf-express", "order_number": "EC-1"}


async def test_a_carrier_without_slug_is_left_for_aftership_to_detect(
    aftership: AfterShipTracking, peer: Peer
) -> None:
    peer.says(REGISTER, {"meta": {"code": 201}, "data": _tracking()}, status=201)
    await aftership.register(NUMBER, "corner-shop-bikes", "EC-1")
    assert "slug" not in peer.only(REGISTER).json


async def test_an_account_may_know_a_carrier_by_another_slug(
    client: httpx.AsyncClient, peer: Peer
) -> None:
    aftership = AfterShipTracking(client, peer.url, "k", SECRET, slugs={"sf-express": "sf-cn"})
    peer.says(REGISTER, {"meta": {"code": 201}}, status=201)
    await aftership.register(NUMBER, "sf-express", "EC-1")
    assert peer.only(REGISTER).json["slug"] == "sf-cn"
    body = _message(_tracking(slug="sf-cn"))
    assert aftership.parse_callback(_signed(body), body, NOW).snapshot.carrier == "sf-express"


async def test_a_parcel_that_is_registered_already_is_registered(
    aftership: AfterShipTracking, peer: Peer
) -> None:
    peer.says(REGISTER, _meta(4003), status=400)
    await aftership.register(NUMBER, "sf-express", "EC-1")


async def test_a_snapshot_lists_each_checkpoint_once_oldest_first_in_utc(
    aftership: AfterShipTracking, peer: Peer
) -> None:
    tracking = _tracking(
        "Delivered", DELIVERED, ON_ITS_WAY, COLLECTED, ON_ITS_WAY, signed_by="门卫"
    )
    peer.says(FETCH, _found(tracking))
    snapshot = await aftership.fetch(NUMBER, "sf-express")
    assert peer.only(FETCH).query == {"tracking_numbers": [NUMBER]}
    assert peer.only(FETCH).headers["as-api-key"] == "as-key"
    assert (snapshot.status, snapshot.signed_by) == (T.DELIVERED, "门卫")
    assert [(e.occurred_at.isoformat(), e.status, e.description) for e in snapshot.events] == [
        ("2026-11-21T10:00:00+00:00", T.PICKED_UP, "已揽收"),
        ("2026-11-21T17:00:00+00:00", T.IN_TRANSIT, "运输中"),
        ("2026-11-22T02:00:00+00:00", T.DELIVERED, "已签收"),
    ]
    assert [event.location for event in snapshot.events] == ["杭州市", "嘉兴", ""]
    assert snapshot.delivered_at == datetime(2026, 11, 22, 2, tzinfo=UTC)


async def test_a_checkpoint_has_the_same_key_whoever_reports_it(
    aftership: AfterShipTracking, peer: Peer
) -> None:
    peer.says(FETCH, _found(_tracking("InTransit", COLLECTED)))
    body = _message(_tracking("InTransit", COLLECTED | {"created_at": "2026-11-21T10:00:09Z"}))
    pushed = aftership.parse_callback(_signed(body), body, NOW).snapshot
    keys = {event.dedupe_key for event in pushed.events}
    for name in ("sf-express", "SF", "shunfeng"):
        fetched = await aftership.fetch(NUMBER, name)
        assert {event.dedupe_key for event in fetched.events} == keys
    other = _message(_tracking("InTransit", COLLECTED | {"message": "已装车"}))
    (event,) = aftership.parse_callback(_signed(other), other, NOW).snapshot.events
    assert event.dedupe_key not in keys


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T08:00:00", datetime(2026, 11, 24, 8, tzinfo=UTC)),
        ("2026-11-24T08:00:00Z", datetime(2026, 11, 24, 8, tzinfo=UTC)),
        ("2026-11-24T08:00:00-05:00", datetime(2026, 11, 24, 13, tzinfo=UTC)),
        ("", None),
        ("soon", None),
        (None, None),
    ],
)
def test_an_estimate_is_read_however_the_carrier_writes_it(
    aftership: AfterShipTracking, written: str | None, meant: datetime | None
) -> None:
    body = _message(_tracking(latest_estimated_delivery={"type": "specific", "datetime": written}))
    news = aftership.parse_callback(_signed(body), body, NOW)
    assert news.snapshot.estimated_delivery == meant


def test_the_carriers_own_estimate_counts_while_there_is_no_better_one(
    aftership: AfterShipTracking,
) -> None:
    carriers = {"estimated_delivery_date": "2026-11-25"}
    for latest, day in ((None, 25), ({"datetime": None}, 25), ({"datetime": "2026-11-24"}, 24)):
        tracking = _tracking(
            latest_estimated_delivery=latest, courier_estimated_delivery_date=carriers
        )
        body = _message(tracking)
        estimate = aftership.parse_callback(_signed(body), body, NOW).snapshot.estimated_delivery
        assert estimate == datetime(2026, 11, day, tzinfo=UTC)


def test_a_checkpoint_without_time_uses_when_it_was_seen_or_is_left_out(
    aftership: AfterShipTracking,
) -> None:
    body = _message(
        _tracking(
            "InTransit",
            _checkpoint("", "InTransit", "a", created_at="2026-11-21T10:00:00+00:00"),
            _checkpoint(None, "InTransit", "b"),
        )
    )
    events = aftership.parse_callback(_signed(body), body, NOW).snapshot.events
    assert [event.description for event in events] == ["a"]


def test_delivery_without_a_scan_happened_on_the_delivery_date(
    aftership: AfterShipTracking,
) -> None:
    body = _message(_tracking("Delivered", shipment_delivery_date="2026-11-22T10:00:00+08:00"))
    snapshot = aftership.parse_callback(_signed(body), body, NOW).snapshot
    assert snapshot.delivered_at == datetime(2026, 11, 22, 2, tzinfo=UTC)


async def test_of_two_carriers_parcels_with_one_number_ours_is_taken(
    aftership: AfterShipTracking, peer: Peer
) -> None:
    peer.says(FETCH, _found(_tracking("Expired", slug="dhl"), _tracking("InTransit")))
    assert (await aftership.fetch(NUMBER, "sf-express")).status is T.IN_TRANSIT
    assert (await aftership.fetch(NUMBER, "dhl")).status is T.EXPIRED
    assert (await aftership.fetch(NUMBER.lower(), "ups")).status is T.EXPIRED


async def test_a_parcel_that_was_never_registered_is_not_found(
    aftership: AfterShipTracking, peer: Peer
) -> None:
    peer.says(FETCH, _found(_tracking(tracking_number="SF999")))
    peer.says(FETCH, _found())
    for _ in range(2):
        with pytest.raises(NotFound):
            await aftership.fetch(NUMBER, "sf-express")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, _meta(4005), GatewayRejected),
        (400, _meta(4010), GatewayRejected),
        (400, _meta(4012), GatewayRejected),
        (400, _meta(4017), GatewayRejected),
        (400, _meta(4004), NotFound),
        (400, b"<html>", GatewayRejected),
        (401, _meta(401), GatewayAuthError),
        (403, _meta(403), GatewayAuthError),
        (404, _meta(404), NotFound),
        (429, _meta(429), RateLimited),
        (500, _meta(500), OutcomeUnknown),
        (502, b"<html>", OutcomeUnknown),
        (503, _meta(503), OutcomeUnknown),
        (504, b"", OutcomeUnknown),
    ],
)
async def test_every_call_reads_every_kind_of_error_alike(
    aftership: AfterShipTracking,
    peer: Peer,
    call: str,
    status: int,
    body: object,
    kind: type[Exception],
) -> None:
    peer.says(call, body, status=status)
    with pytest.raises(kind) as raised:
        await CALLS[call](aftership)
    assert type(raised.value) is kind
    assert len(peer.requests(call)) == 1


async def test_a_rejection_carries_aftership_own_code(
    aftership: AfterShipTracking, peer: Peer
) -> None:
    peer.says(REGISTER, _meta(4005, "invalid number"), status=400)
    with pytest.raises(GatewayRejected) as refused:
        await aftership.register(NUMBER, "sf-express", "EC-1")
    assert (refused.value.code, refused.value.reason) == ("4005", "invalid number")


@pytest.mark.parametrize("body", [b"<html>", {}, [], {"data": {}}, {"data": {"trackings": [{}]}}])
async def test_an_answer_that_cannot_be_read_is_not_believed(
    aftership: AfterShipTracking, peer: Peer, body: object
) -> None:
    peer.says(FETCH, body)
    with pytest.raises(OutcomeUnknown):
        await aftership.fetch(NUMBER, "sf-express")


async def test_rate_limiting_tells_the_wait_by_either_header(
    aftership: AfterShipTracking, peer: Peer
) -> None:
    peer.says(FETCH, _meta(429), status=429, headers={"Retry-After": "3"})
    peer.says(FETCH, _meta(429), status=429, headers={"X-RateLimit-Reset": "1"})
    peer.says(FETCH, _meta(429), status=429)
    for wait in (timedelta(seconds=3), timedelta(0), None):
        with pytest.raises(RateLimited) as raised:
            await aftership.fetch(NUMBER, "sf-express")
        assert raised.value.retry_after == wait


@pytest.mark.parametrize("call", CALLS)
async def test_a_timeout_after_the_request_went_out_is_an_unknown_outcome(
    peer: Peer, hasty_client: httpx.AsyncClient, call: str
) -> None:
    peer.hangs(call)
    with pytest.raises(OutcomeUnknown):
        await CALLS[call](_aftership(hasty_client, peer.url))


@pytest.mark.parametrize("call", CALLS)
async def test_a_refused_connection_is_retryable_because_nothing_was_sent(
    client: httpx.AsyncClient, deaf_url: str, call: str
) -> None:
    with pytest.raises(ConnectionError):
        await CALLS[call](_aftership(client, deaf_url))


def test_a_signed_message_is_read(aftership: AfterShipTracking) -> None:
    body = _message(_tracking("OutForDelivery", COLLECTED))
    headers = {name.upper(): value for name, value in _signed(body).items()}
    news = aftership.parse_callback(headers, body, NOW)
    assert news.dedupe_key == "0b5c4b5e-6f4e-4f3b-8f5e-1f1f1f1f1f1f"
    assert (news.snapshot.tracking_number, news.snapshot.carrier) == (NUMBER, "sf-express")
    assert news.snapshot.status is T.OUT_FOR_DELIVERY


def test_forged_changed_rewritten_or_unsigned_messages_are_refused(
    aftership: AfterShipTracking,
) -> None:
    body = _message(_tracking())
    rewritten = json.dumps(json.loads(body)).encode()
    for headers, received in (
        (_signed(body, "another"), body),
        (_signed(body), body.replace(b"InTransit", b"Delivered")),
        (_signed(body), rewritten),
        (_signed(body), b""),
        ({}, body),
        ({"aftership-hmac-sha256": ""}, body),
        ({"aftership-hmac-sha256": "é"}, body),
        ({"am-webhook-signature": _signed(body)["aftership-hmac-sha256"]}, body),
    ):
        with pytest.raises(InvalidCallback, match="does not match"):
            aftership.parse_callback(headers, received, NOW)


@pytest.mark.parametrize("secret", ["", " "])
def test_an_empty_secret_turns_the_endpoint_off_and_says_so(
    client: httpx.AsyncClient, secret: str
) -> None:
    aftership = AfterShipTracking(client, "http://127.0.0.1:9", "k", secret)
    body = _message(_tracking())
    with pytest.raises(InvalidCallback, match="callbacks are off"):
        aftership.parse_callback(_signed(body, secret), body, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"event_id": "x"}',
        _message(_tracking(), event_id=""),
        _message(_tracking(tracking_number="")),
        _message({"tracking_number": None}),
    ],
)
def test_a_signed_message_that_cannot_be_read_is_refused(
    aftership: AfterShipTracking, body: bytes
) -> None:
    with pytest.raises(InvalidCallback, match="cannot be read"):
        aftership.parse_callback(_signed(body), body, NOW)


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ("Pending", T.CREATED),
        ("InfoReceived", T.INFO_RECEIVED),
        ("InTransit", T.IN_TRANSIT),
        ("OutForDelivery", T.OUT_FOR_DELIVERY),
        ("AvailableForPickup", T.AVAILABLE_FOR_PICKUP),
        ("AttemptFail", T.ATTEMPT_FAILED),
        ("Delivered", T.DELIVERED),
        ("Exception", T.EXCEPTION),
        ("Expired", T.EXPIRED),
        ("Teleported", T.UNKNOWN),
        ("", T.UNKNOWN),
        (None, T.UNKNOWN),
    ],
)
def test_each_tag_has_its_status_and_an_unknown_one_never_raises(
    aftership: AfterShipTracking, tag: str | None, status: TrackingStatus
) -> None:
    body = _message(_tracking() | {"tag": tag, "subtag": None})
    assert aftership.parse_callback(_signed(body), body, NOW).snapshot.status is status


@pytest.mark.parametrize(
    ("tag", "subtag", "status"),
    [
        ("InTransit", "InTransit_002", T.PICKED_UP),
        ("InTransit", "InTransit_007", T.IN_TRANSIT),
        ("Exception", "Exception_001", T.EXCEPTION),
        ("Exception", "Exception_010", T.RETURNING),
        ("Exception", "Exception_011", T.RETURNED),
        ("Exception", "Exception_003", T.REFUSED),
        ("Exception", "Exception_009", T.CANCELLED),
        ("Exception", "Exception_012", T.EXCEPTION),
        ("Exception", "Exception_013", T.LOST),
    ],
)
def test_a_subtag_that_says_more_than_its_tag_is_heard(
    tag: str, subtag: str, status: TrackingStatus
) -> None:
    assert status_of(tag, subtag) is status


@pytest.mark.parametrize(
    ("tag", "subtag", "status"),
    [
        ("Exception", "Exception_001", T.RETURNING),
        ("Exception", "Exception_010", T.RETURNING),
        ("Exception", "Exception_011", T.RETURNED),
        ("InTransit", "InTransit_007", T.RETURNING),
        ("OutForDelivery", "OutForDelivery_001", T.RETURNING),
        ("Exception", "Exception_003", T.RETURNING),
        ("Delivered", "Delivered_001", T.RETURNED),
        ("Expired", "Expired_001", T.EXPIRED),
    ],
)
def test_a_parcel_on_its_way_back_is_never_delivered(
    aftership: AfterShipTracking, tag: str, subtag: str, status: TrackingStatus
) -> None:
    body = _message(_tracking(tag, DELIVERED, subtag=subtag, return_to_sender=True))
    snapshot = aftership.parse_callback(_signed(body), body, NOW).snapshot
    assert (snapshot.status, snapshot.delivered_at) == (status, None)


def test_the_tables_reach_every_status_that_aftership_can_mean() -> None:
    reachable = {*TAGS.values(), *SUBTAGS.values(), *ON_THE_WAY_BACK.values(), T.UNKNOWN}
    assert reachable == set(T)
