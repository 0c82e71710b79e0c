from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest

from domain.fulfillment import (
    PickingAccepted,
    PickingCancelled,
    PickingLine,
    PickingList,
    PickingRefused,
    PickingTooLate,
)
from domain.missing_goods import MissingLine
from domain.order import Address
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    InvalidCallback,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from gateways.warehouse import WarehouseGateway, parse_shipping_callback
from tests.gateways.peer import Peer

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
SECRET = "shipping-secret"
SUBMIT = "POST /warehouse/picking-lists"
CANCEL = "POST /warehouse/picking-lists/K01/cancel"

PICKING_LIST = PickingList(
    picking_list_id="K01",
    order_id="O01",
    order_number="EC-1",
    warehouse_id="SH1",
    priority="normal",
    lines=(
        PickingLine(
            sku="TEA-1",
            product_id="TEA",
            name="龙井茶",
            quantity=2,
            bin="A-07-03-2",
            weight_g=250,
            length_mm=100,
            width_mm=80,
            height_mm=60,
            fragile=False,
        ),
    ),
    recipient="李雷",
    phone="+8613800138000",
    address=Address(street="文三路 1 号", city="杭州市", province="浙江省", country="CN"),
    created_at=NOW,
)

CALLS: dict[str, Callable[[WarehouseGateway], Awaitable[object]]] = {
    SUBMIT: lambda warehouse: warehouse.submit(PICKING_LIST),
    CANCEL: lambda warehouse: warehouse.cancel("K01"),
}


def _warehouse(client: httpx.AsyncClient, url: str) -> WarehouseGateway:
    return WarehouseGateway(client, f"{url}/warehouse/", "wh-key")


@pytest.fixture
def warehouse(client: httpx.AsyncClient, peer: Peer) -> WarehouseGateway:
    return _warehouse(client, peer.url)


async def test_a_picking_list_is_sent_as_camel_case_json_under_its_own_id(
    warehouse: WarehouseGateway, peer: Peer
) -> None:
    answer = {"status": "accepted", "estimatedShipAt": "2026-11-22T09:00:00+08:00"}
    peer.says(SUBMIT, answer, status=202)
    outcome = await warehouse.submit(PICKING_LIST)
    assert outcome == PickingAccepted(estimated_ship_at=datetime(2026, 11, 22, 1, tzinfo=UTC))
    assert outcome.model_dump(mode="json")["estimated_ship_at"] == "2026-11-22T01:00:00Z"
    request = peer.only(SUBMIT)
    assert request.headers["authorization"] == "Bearer wh-key"
    assert request.headers["idempotency-key"] == "K01"
    assert request.json["pickingListId"] == "K01"
    assert request.json["orderNumber"] == "EC-1"
    assert PickingList.model_validate(request.json) == PICKING_LIST


async def test_an_acceptance_may_leave_the_shipping_time_open(
    warehouse: WarehouseGateway, peer: Peer
) -> None:
    peer.says(SUBMIT, {"status": "accepted", "estimatedShipAt": None}, status=202)
    assert await warehouse.submit(PICKING_LIST) == PickingAccepted()


@pytest.mark.parametrize(("status", "code"), [(422, "damaged_goods"), (409, "cancelled")])
async def test_a_refusal_is_an_outcome_with_the_warehouses_code(
    warehouse: WarehouseGateway, peer: Peer, status: int, code: str
) -> None:
    peer.says(SUBMIT, {"code": code, "message": "no"}, status=status)
    assert await warehouse.submit(PICKING_LIST) == PickingRefused(code=code, message="no")


async def test_a_refusal_may_name_what_is_not_there(
    warehouse: WarehouseGateway, peer: Peer
) -> None:
    missing = [{"sku": "TEA-1", "quantity": 1, "code": "damaged", "message": "wet"}]
    peer.says(SUBMIT, {"code": "damaged", "message": "no", "missing": missing}, status=422)
    outcome = await warehouse.submit(PICKING_LIST)
    assert isinstance(outcome, PickingRefused)
    assert outcome.missing == (MissingLine(sku="TEA-1", quantity=1, code="damaged", message="wet"),)


@pytest.mark.parametrize(
    ("status", "body"),
    [(409, {"code": "busy"}), (422, {"detail": "schema"}), (422, b"<html>"), (400, {"code": "x"})],
)
async def test_any_other_refusal_is_not_taken_for_the_warehouses_decision(
    warehouse: WarehouseGateway, peer: Peer, status: int, body: object
) -> None:
    peer.says(SUBMIT, body, status=status)
    with pytest.raises(GatewayRejected):
        await warehouse.submit(PICKING_LIST)


async def test_a_picking_list_is_taken_back(warehouse: WarehouseGateway, peer: Peer) -> None:
    peer.says(CANCEL, {"status": "cancelled"})
    assert await warehouse.cancel("K01") == PickingCancelled()
    assert peer.only(CANCEL).headers["authorization"] == "Bearer wh-key"


async def test_a_parcel_that_has_left_cannot_be_taken_back(
    warehouse: WarehouseGateway, peer: Peer
) -> None:
    peer.says(CANCEL, {"code": "already_shipped", "message": "gone at 10:00"}, status=409)
    outcome = await warehouse.cancel("K01")
    assert outcome == PickingTooLate(code="already_shipped", message="gone at 10:00")


async def test_an_id_cannot_lead_to_another_path(client: httpx.AsyncClient, peer: Peer) -> None:
    with pytest.raises(OutcomeUnknown):
        await _warehouse(client, peer.url).cancel("../../K02?x=1")
    assert peer.seen[0].path.startswith("/warehouse/picking-lists/")
    assert peer.seen[0].query == {}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {}, GatewayAuthError),
        (403, {}, GatewayAuthError),
        (404, {}, NotFound),
        (429, {}, RateLimited),
        (500, {"code": "cancelled"}, OutcomeUnknown),
        (503, b"", OutcomeUnknown),
        (200, b"<html>a proxy's page</html>", OutcomeUnknown),
        (202, {}, OutcomeUnknown),
        (200, {"status": "maybe"}, OutcomeUnknown),
    ],
)
async def test_every_call_reads_every_kind_of_error_alike(
    warehouse: WarehouseGateway,
    peer: Peer,
    call: str,
    status: int,
    body: object,
    kind: type[Exception],
) -> None:
    peer.says(call, body, status=status)
    with pytest.raises(kind):
        await CALLS[call](warehouse)
    assert len(peer.requests(call)) == 1


@pytest.mark.parametrize("call", CALLS)
async def test_a_timeout_after_the_request_went_out_is_an_unknown_outcome(
    peer: Peer, hasty_client: httpx.AsyncClient, call: str
) -> None:
    peer.hangs(call)
    with pytest.raises(OutcomeUnknown):
        await CALLS[call](_warehouse(hasty_client, peer.url))


@pytest.mark.parametrize("call", CALLS)
async def test_a_refused_connection_is_retryable_because_nothing_was_sent(
    client: httpx.AsyncClient, deaf_url: str, call: str
) -> None:
    with pytest.raises(ConnectionError):
        await CALLS[call](_warehouse(client, deaf_url))


def _news(**changes: object) -> bytes:
    shipped: dict[str, object] = {
        "eventId": "E01",
        "orderId": "O01",
        "event": "shipped",
        "trackingNumber": "SF123456789012",
        "carrier": "sf-express",
        "shippedAt": "2026-11-21T18:00:00+08:00",
        "estimatedDelivery": "2026-11-24",
    }
    return json.dumps(shipped | changes, ensure_ascii=False).encode()


def _signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    unix = str(int(NOW.timestamp()))
    digest = hmac.new(secret.encode(), f"{unix}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Orderflow-Signature": f"t={unix},v1={digest}"}


def test_shipping_news_are_read_with_times_in_utc() -> None:
    body = _news()
    news = parse_shipping_callback(_signed(body), body, SECRET, NOW)
    assert (news.event_id, news.order_id, news.event) == ("E01", "O01", "shipped")
    assert (news.tracking_number, news.carrier) == ("SF123456789012", "sf-express")
    assert news.shipped_at is not None
    assert news.shipped_at.isoformat() == "2026-11-21T10:00:00+00:00"
    assert news.estimated_delivery == datetime(2026, 11, 24, tzinfo=UTC)


def test_news_written_in_snake_case_are_read_as_well() -> None:
    body = json.dumps(
        {
            "event_id": "E01",
            "order_id": "O01",
            "event": "shipped",
            "tracking_number": "SF1",
            "carrier": "sf-express",
            "added_next_year": True,
        }
    ).encode()
    assert parse_shipping_callback(_signed(body), body, SECRET, NOW).tracking_number == "SF1"


def test_a_refusal_needs_no_parcel() -> None:
    body = json.dumps(
        {"eventId": "E02", "orderId": "O01", "event": "refused", "reason": "破损"}
    ).encode()
    news = parse_shipping_callback(_signed(body), body, SECRET, NOW)
    assert (news.event, news.reason, news.tracking_number) == ("refused", "破损", "")


def test_a_shipped_parcel_may_lack_a_part_of_its_list() -> None:
    body = _news(missing=[{"sku": "TEA-1", "quantity": 2, "code": "not_found"}])
    news = parse_shipping_callback(_signed(body), body, SECRET, NOW)
    assert news.missing == (MissingLine(sku="TEA-1", quantity=2, code="not_found"),)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trackingNumber", ""),
        ("trackingNumber", "  "),
        ("trackingNumber", None),
        ("carrier", ""),
        ("eventId", ""),
        ("eventId", 7),
        ("orderId", " "),
        ("event", "delivered"),
        ("missing", [{"sku": "TEA-1", "quantity": 0}]),
        ("missing", "TEA-1"),
        ("event", None),
        ("shippedAt", "yesterday"),
    ],
)
def test_news_with_a_field_missing_or_wrong_are_refused_by_name_and_not_quoted(
    field: str, value: object
) -> None:
    body = _news(**{field: value})
    with pytest.raises(InvalidCallback, match=field) as refused:
        parse_shipping_callback(_signed(body), body, SECRET, NOW)
    assert "yesterday" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff"])
def test_signed_news_that_are_no_json_object_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidCallback, match="cannot be read"):
        parse_shipping_callback(_signed(body), body, SECRET, NOW)


def test_forged_or_unsigned_news_are_refused_before_they_are_read() -> None:
    for headers, secret in (
        ({}, SECRET),
        (_signed(_news(), "another"), SECRET),
        (_signed(_news(orderId="O02")), SECRET),
        (_signed(_news(), ""), ""),
    ):
        with pytest.raises(InvalidCallback):
            parse_shipping_callback(headers, _news(), secret, NOW)
