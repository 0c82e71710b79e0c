"""The warehouse's and AfterShip's adapters meet the simulator, which was written apart."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.fulfillment import (
    PickingAccepted,
    PickingCancelled,
    PickingList,
    PickingRefused,
    PickingTooLate,
    ShippingNews,
)
from domain.ids import ORDER, PICKING_LIST, encode_id
from domain.tracking import TrackingCallback, TrackingStatus
from gateways.errors import GatewayAuthError, NotFound, OutcomeUnknown
from gateways.tracking.aftership import AfterShipTracking
from gateways.warehouse import WarehouseGateway, parse_shipping_callback
from tests.accounts import ACCOUNTS
from tests.gateways.simulated import Delivery, Simulated
from tests.gateways.test_warehouse_gateway import PICKING_LIST as SAMPLE

T = TrackingStatus


@pytest.fixture
def warehouse(simulated: Simulated) -> WarehouseGateway:
    return WarehouseGateway(
        simulated.client, f"{simulated.url}/warehouse", ACCOUNTS["warehouse_api_key"]
    )


@pytest.fixture
def aftership(simulated: Simulated) -> AfterShipTracking:
    base_url = f"{simulated.url}/aftership/tracking/2026-07"
    return AfterShipTracking(
        simulated.client,
        base_url,
        ACCOUNTS["aftership_api_key"],
        ACCOUNTS["aftership_webhook_secret"],
    )


@pytest.fixture
def picking_list() -> PickingList:
    ids = {
        "picking_list_id": encode_id(PICKING_LIST, uuid4()),
        "order_id": encode_id(ORDER, uuid4()),
    }
    return SAMPLE.model_copy(update=ids)


async def _shipping_news(simulated: Simulated, order_id: str) -> ShippingNews:
    async def read(delivery: Delivery) -> ShippingNews | None:
        if delivery.path != "/callbacks/shipping":
            return None
        now = datetime.now(UTC)
        news = parse_shipping_callback(
            delivery.headers, delivery.body, ACCOUNTS["shipping_callback_secret"], now
        )
        return news if news.order_id == order_id else None

    return await simulated.told(read)


async def _parcel_news(
    simulated: Simulated, aftership: AfterShipTracking, number: str, status: TrackingStatus
) -> TrackingCallback:
    async def read(delivery: Delivery) -> TrackingCallback | None:
        if delivery.path != "/callbacks/tracking/aftership":
            return None
        news = aftership.parse_callback(delivery.headers, delivery.body, datetime.now(UTC))
        snapshot = news.snapshot
        return news if (snapshot.tracking_number, snapshot.status) == (number, status) else None

    return await simulated.told(read)


async def _shipped(
    simulated: Simulated, warehouse: WarehouseGateway, picking_list: PickingList
) -> ShippingNews:
    assert isinstance(await warehouse.submit(picking_list), PickingAccepted)
    await simulated.moves(f"shipments/{picking_list.order_id}/ship")
    return await _shipping_news(simulated, picking_list.order_id)


async def test_a_list_is_accepted_once_shipped_and_told_of(
    simulated: Simulated, warehouse: WarehouseGateway, picking_list: PickingList
) -> None:
    first = await warehouse.submit(picking_list)
    assert isinstance(first, PickingAccepted)
    assert first.estimated_ship_at is not None
    assert await warehouse.submit(picking_list) == first
    await simulated.moves(f"shipments/{picking_list.order_id}/ship")
    news = await _shipping_news(simulated, picking_list.order_id)
    assert (news.event, news.carrier) == ("shipped", "sf-express")
    assert re.fullmatch(r"SF\d{12}", news.tracking_number)
    assert news.shipped_at is not None
    assert isinstance(await warehouse.cancel(picking_list.picking_list_id), PickingTooLate)


async def test_a_list_taken_back_before_it_arrived_is_refused_when_it_arrives(
    warehouse: WarehouseGateway, picking_list: PickingList
) -> None:
    for _ in range(2):
        assert await warehouse.cancel(picking_list.picking_list_id) == PickingCancelled()
    late = await warehouse.submit(picking_list)
    assert isinstance(late, PickingRefused)
    assert late.code == "cancelled"


async def test_the_warehouse_may_refuse_at_once_or_later(
    simulated: Simulated, warehouse: WarehouseGateway, picking_list: PickingList
) -> None:
    later = picking_list.model_copy(
        update={"picking_list_id": encode_id(PICKING_LIST, uuid4()), "order_id": "O" + uuid4().hex}
    )
    match = {"orderId": picking_list.order_id}
    await simulated.suffers(
        "warehouse", "picking_list", "refuse", match=match, code="damaged", message="破损"
    )
    refused = PickingRefused(code="damaged", message="破损")
    assert await warehouse.submit(picking_list) == refused
    assert await warehouse.submit(picking_list) == refused

    assert isinstance(await warehouse.submit(later), PickingAccepted)
    await simulated.moves(f"shipments/{later.order_id}/refuse", reason="缺货")
    news = await _shipping_news(simulated, later.order_id)
    assert (news.event, news.reason) == ("refused", "缺货")


@pytest.mark.parametrize("fault", ["error_after_commit", "timeout_after_commit"])
async def test_a_lost_answer_of_the_warehouse_is_unknown_and_repeating_is_safe(
    simulated: Simulated, warehouse: WarehouseGateway, picking_list: PickingList, fault: str
) -> None:
    match = {"orderId": picking_list.order_id}
    await simulated.suffers("warehouse", "picking_list", fault, match=match, seconds=0)
    with pytest.raises(OutcomeUnknown):
        await warehouse.submit(picking_list)
    assert isinstance(await warehouse.submit(picking_list), PickingAccepted)


async def test_wrong_keys_are_refused(simulated: Simulated, picking_list: PickingList) -> None:
    with pytest.raises(GatewayAuthError):
        await WarehouseGateway(simulated.client, f"{simulated.url}/warehouse", "x").submit(
            picking_list
        )
    base_url = f"{simulated.url}/aftership/tracking/2026-07"
    with pytest.raises(GatewayAuthError):
        await AfterShipTracking(simulated.client, base_url, "x", "y").fetch("SF1", "sf-express")


async def test_a_parcel_is_registered_followed_and_delivered(
    simulated: Simulated,
    warehouse: WarehouseGateway,
    aftership: AfterShipTracking,
    picking_list: PickingList,
) -> None:
    shipped = await _shipped(simulated, warehouse, picking_list)
    number = shipped.tracking_number
    with pytest.raises(NotFound):
        await aftership.fetch(number, shipped.carrier)
    for _ in range(2):
        await aftership.register(number, shipped.carrier, picking_list.order_number)

    for status in (T.PICKED_UP, T.IN_TRANSIT, T.OUT_FOR_DELIVERY, T.ATTEMPT_FAILED, T.DELIVERED):
        await simulated.moves(f"parcels/{number}/{status}")
        pushed = await _parcel_news(simulated, aftership, number, status)
        fetched = await aftership.fetch(number, shipped.carrier)
        assert fetched.status is status
        assert pushed.snapshot.events == fetched.events

    times = [event.occurred_at for event in fetched.events]
    assert times == sorted(times)
    assert fetched.delivered_at == times[-1]
    assert fetched.signed_by


@pytest.mark.parametrize(
    "status",
    [T.AVAILABLE_FOR_PICKUP, T.RETURNING, T.RETURNED, T.EXCEPTION, T.EXPIRED, T.INFO_RECEIVED],
)
async def test_each_other_fate_of_a_parcel_is_understood(
    simulated: Simulated,
    warehouse: WarehouseGateway,
    aftership: AfterShipTracking,
    picking_list: PickingList,
    status: TrackingStatus,
) -> None:
    number = (await _shipped(simulated, warehouse, picking_list)).tracking_number
    await aftership.register(number, "sf-express", picking_list.order_number)
    await simulated.moves(f"parcels/{number}/{status}")
    snapshot = await aftership.fetch(number, "sf-express")
    assert (snapshot.status, snapshot.delivered_at) == (status, None)
