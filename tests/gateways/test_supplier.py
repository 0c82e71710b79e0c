"""The supplier's adapter: what it sends, what it believes, and against the simulator."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from domain.ids import SUPPLY, encode_id
from domain.supply import SupplyAccepted, SupplyNews, SupplyOrder, SupplyRefused
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    InvalidCallback,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from gateways.signatures import SIGNATURE_HEADER, sign
from gateways.supplier import SupplierGateway, parse_supply_callback
from tests.accounts import ACCOUNTS
from tests.gateways.peer import Peer
from tests.gateways.simulated import Delivery, Simulated

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
SECRET = "supply-secret"
ORDER = "POST /supplier/supply-orders"
LOOK = "GET /supplier/supply-orders/U01"
SUPPLY_ORDER = SupplyOrder(supply_id="U01", warehouse_id="WH-HZ", sku="TEA-1", quantity=12)
ARRIVED = {
    "eventId": "e-1",
    "supplyId": "U01",
    "event": "arrived",
    "deliveryId": "DN-1",
    "quantity": 12,
    "arrivedAt": "2026-11-21T09:00:00",
}


@pytest.fixture
def supplier(peer: Peer, client: httpx.AsyncClient) -> SupplierGateway:
    return SupplierGateway(client, f"{peer.url}/supplier/", "key-1")


async def test_a_supply_order_carries_its_key_and_all_that_is_wanted(
    supplier: SupplierGateway, peer: Peer
) -> None:
    peer.says(
        ORDER, {"status": "accepted", "supplierRef": "SO-1", "expectedAt": "2026-11-23T08:00"}
    )

    outcome = await supplier.order(SUPPLY_ORDER)

    (seen,) = peer.seen
    assert seen.headers["authorization"] == "Bearer key-1"
    assert seen.headers["idempotency-key"] == "U01"
    assert seen.json == {
        "supplyId": "U01",
        "warehouseId": "WH-HZ",
        "sku": "TEA-1",
        "quantity": 12,
    }
    expected = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert outcome == SupplyAccepted(supplier_ref="SO-1", expected_at=expected)


async def test_a_refusal_is_an_outcome(supplier: SupplierGateway, peer: Peer) -> None:
    peer.says(ORDER, {"code": "discontinued", "message": "No more."}, status=422)

    outcome = await supplier.order(SUPPLY_ORDER)

    assert outcome == SupplyRefused(code="discontinued", message="No more.")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {}, GatewayAuthError),
        (404, {}, NotFound),
        (409, {"code": "key_reused"}, GatewayRejected),
        (422, {}, GatewayRejected),
        (429, {}, RateLimited),
        (500, {}, OutcomeUnknown),
        (502, b"<html>", OutcomeUnknown),
        (200, {"status": "perhaps"}, OutcomeUnknown),
        (200, b"", OutcomeUnknown),
    ],
)
async def test_what_is_no_clear_answer_is_an_error_of_its_kind(
    supplier: SupplierGateway, peer: Peer, status: int, body: object, error: type[Exception]
) -> None:
    peer.says(ORDER, body, status=status)

    with pytest.raises(error):
        await supplier.order(SUPPLY_ORDER)


async def test_what_has_come_is_told_as_the_callbacks_would(
    supplier: SupplierGateway, peer: Peer
) -> None:
    delivery = {"deliveryId": "DN-1", "quantity": 5, "complete": False}
    peer.says(LOOK, {"status": "refused", "deliveries": [delivery], "reason": "sold out"})

    told = await supplier.news("U01")

    assert told == (
        SupplyNews(
            supply_id="U01", event="arrived", delivery_id="DN-1", quantity=5, complete=False
        ),
        SupplyNews(supply_id="U01", event="refused", reason="sold out"),
    )


def signed(body: object, secret: str = SECRET, at: datetime = NOW) -> tuple[dict[str, str], bytes]:
    raw = json.dumps(body).encode()
    return {SIGNATURE_HEADER: sign(raw, secret, at)}, raw


def test_a_signed_callback_is_read() -> None:
    news = parse_supply_callback(*signed(ARRIVED), SECRET, NOW)

    assert (news.supply_id, news.delivery_id, news.quantity) == ("U01", "DN-1", 12)
    assert news.complete
    assert news.arrived_at == datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("secret", "at"),
    [("guessed", NOW), (SECRET, NOW - timedelta(minutes=6)), (SECRET, NOW + timedelta(minutes=6))],
)
def test_a_forged_or_stale_callback_is_refused(secret: str, at: datetime) -> None:
    with pytest.raises(InvalidCallback):
        parse_supply_callback(*signed(ARRIVED, secret, at), SECRET, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"eventId": " "},
        {"supplyId": ""},
        {"deliveryId": ""},
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": 1_000_001},
        {"event": "perhaps"},
    ],
)
def test_a_callback_that_cannot_be_used_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidCallback):
        parse_supply_callback(*signed({**ARRIVED, **change}), SECRET, NOW)


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(InvalidCallback):
        parse_supply_callback(*signed(ARRIVED, ""), "", NOW)


@pytest.fixture
def simulated_supplier(simulated: Simulated) -> SupplierGateway:
    return SupplierGateway(
        simulated.client, f"{simulated.url}/supplier", ACCOUNTS["supplier_api_key"]
    )


def new_order() -> SupplyOrder:
    return SUPPLY_ORDER.model_copy(update={"supply_id": encode_id(SUPPLY, uuid4())})


async def test_the_simulated_supplier_takes_an_order_once(
    simulated_supplier: SupplierGateway,
) -> None:
    order = new_order()

    first = await simulated_supplier.order(order)
    again = await simulated_supplier.order(order)

    assert isinstance(first, SupplyAccepted)
    assert first == again
    with pytest.raises(GatewayRejected):
        await simulated_supplier.order(order.model_copy(update={"quantity": 13}))


async def test_the_simulated_supplier_refuses_for_good(
    simulated: Simulated, simulated_supplier: SupplierGateway
) -> None:
    order = new_order()
    await simulated.suffers("supplier", "supply_order", "refuse", match={"ref": order.supply_id})

    for _ in range(2):
        assert isinstance(await simulated_supplier.order(order), SupplyRefused)


async def test_the_simulated_supplier_s_callback_is_ours_to_read(
    simulated: Simulated, simulated_supplier: SupplierGateway
) -> None:
    order = new_order()
    await simulated_supplier.order(order)

    await simulated.moves(f"supplies/{order.supply_id}/deliver", quantity=5)

    async def read(delivery: Delivery) -> SupplyNews | None:
        if delivery.path != "/callbacks/supply":
            return None
        secret = ACCOUNTS["supply_callback_secret"]
        news = parse_supply_callback(delivery.headers, delivery.body, secret, datetime.now(UTC))
        return news if news.supply_id == order.supply_id else None

    news = await simulated.told(read)
    assert (news.quantity, news.complete) == (5, False)
    (told,) = await simulated_supplier.news(order.supply_id)
    assert told == news.model_copy(update={"event_id": ""})


async def test_the_simulated_supplier_knows_its_customers(simulated: Simulated) -> None:
    stranger = SupplierGateway(simulated.client, f"{simulated.url}/supplier", "wrong")

    with pytest.raises(GatewayAuthError):
        await stranger.order(new_order())
