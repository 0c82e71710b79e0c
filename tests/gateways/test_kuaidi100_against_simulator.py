"""Kuaidi100's adapter meets the simulator, which was written apart."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.fulfillment import PickingAccepted, PickingList
from domain.ids import ORDER, PICKING_LIST, encode_id
from domain.tracking import TrackingCallback, TrackingStatus
from gateways.errors import GatewayAuthError, GatewayRejected, InvalidCallback, NotFound
from gateways.tracking.kuaidi100 import Kuaidi100Tracking
from gateways.warehouse import WarehouseGateway
from tests.accounts import ACCOUNTS
from tests.gateways.simulated import Delivery, Simulated
from tests.gateways.test_warehouse_gateway import PICKING_LIST as SAMPLE

T = TrackingStatus
PATH = "/callbacks/tracking/kuaidi100"


def adapter(simulated: Simulated, key: str = ACCOUNTS["kuaidi100_key"]) -> Kuaidi100Tracking:
    return Kuaidi100Tracking(
        simulated.client,
        base_url=f"{simulated.url}/kuaidi100",
        customer=ACCOUNTS["kuaidi100_customer"],
        key=key,
        salt=ACCOUNTS["kuaidi100_salt"],
        callback_url=simulated.callback_url + PATH,
    )


@pytest.fixture
def kuaidi100(simulated: Simulated) -> Kuaidi100Tracking:
    return adapter(simulated)


async def shipped(simulated: Simulated, carrier: str = "yto") -> str:
    """A parcel on its way; its number."""
    picking_list: PickingList = SAMPLE.model_copy(
        update={
            "picking_list_id": encode_id(PICKING_LIST, uuid4()),
            "order_id": encode_id(ORDER, uuid4()),
        }
    )
    warehouse = WarehouseGateway(
        simulated.client, f"{simulated.url}/warehouse", ACCOUNTS["warehouse_api_key"]
    )
    assert isinstance(await warehouse.submit(picking_list), PickingAccepted)
    await simulated.moves(f"shipments/{picking_list.order_id}/ship", carrier=carrier)
    answer = await simulated.client.get(
        f"{simulated.url}/_sim/state", params={"order_id": picking_list.order_id, "limit": 1}
    )
    (parcel,) = answer.json()["parcels"]
    return str(parcel["trackingNumber"])


async def pushed(
    simulated: Simulated, kuaidi100: Kuaidi100Tracking, number: str, status: TrackingStatus
) -> TrackingCallback:
    async def read(delivery: Delivery) -> TrackingCallback | None:
        if delivery.path != PATH:
            return None
        try:
            news = kuaidi100.parse_callback(delivery.headers, delivery.body, datetime.now(UTC))
        except InvalidCallback:
            return None
        snapshot = news.snapshot
        return news if (snapshot.tracking_number, snapshot.status) == (number, status) else None

    return await simulated.told(read)


async def test_a_parcel_is_subscribed_moved_pushed_and_queried(
    simulated: Simulated, kuaidi100: Kuaidi100Tracking
) -> None:
    number = await shipped(simulated)
    assert number.startswith("YT")
    with pytest.raises(NotFound):
        await kuaidi100.fetch(number, "yto")
    for _ in range(2):
        await kuaidi100.register(number, "yto", "ORD1")

    await simulated.moves(f"parcels/{number}/picked_up")
    await simulated.moves(f"parcels/{number}/out_for_delivery")
    news = await pushed(simulated, kuaidi100, number, T.OUT_FOR_DELIVERY)

    found = await kuaidi100.fetch(number, "yto")
    assert found == news.snapshot
    assert [event.status for event in found.events] == [
        T.INFO_RECEIVED,
        T.PICKED_UP,
        T.OUT_FOR_DELIVERY,
    ]
    await simulated.moves(f"parcels/{number}/delivered")
    last = await pushed(simulated, kuaidi100, number, T.DELIVERED)
    assert last.snapshot.delivered_at is not None


@pytest.mark.parametrize(
    "status", [T.ATTEMPT_FAILED, T.REFUSED, T.RETURNING, T.RETURNED, T.EXCEPTION, T.CANCELLED]
)
async def test_each_trouble_is_understood(
    simulated: Simulated, kuaidi100: Kuaidi100Tracking, status: TrackingStatus
) -> None:
    number = await shipped(simulated)
    await simulated.moves(f"parcels/{number}/{status}")
    assert (await kuaidi100.fetch(number, "yto")).status is status


async def test_a_status_that_we_do_not_know_is_kept_as_it_came(
    simulated: Simulated, kuaidi100: Kuaidi100Tracking
) -> None:
    number = await shipped(simulated)
    await simulated.moves(f"parcels/{number}/unknown")
    found = await kuaidi100.fetch(number, "yto")
    assert (found.status, found.raw_status) == (T.UNKNOWN, "99")
    assert found.events[-1].raw_status == "99"


async def test_sf_wants_the_end_of_the_number(
    simulated: Simulated, kuaidi100: Kuaidi100Tracking
) -> None:
    number = await shipped(simulated, "sf-express")
    await simulated.moves(f"parcels/{number}/picked_up")
    with pytest.raises(GatewayRejected):
        await kuaidi100.fetch(number, "sf-express")
    assert (await kuaidi100.fetch(number, "sf-express", "8000")).status is T.PICKED_UP


async def test_wrong_keys_are_for_people(simulated: Simulated) -> None:
    number = await shipped(simulated)
    wrong = adapter(simulated, key="wrong")
    with pytest.raises(GatewayAuthError):
        await wrong.fetch(number, "yto")
    with pytest.raises(GatewayAuthError):
        await wrong.register(number, "yto", "ORD1")


async def test_an_unknown_carrier_is_refused(
    simulated: Simulated, kuaidi100: Kuaidi100Tracking
) -> None:
    with pytest.raises(GatewayRejected):
        await kuaidi100.register("AB1234567890", "corner-shop-bikes", "ORD1")
