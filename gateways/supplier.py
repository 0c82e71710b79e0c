"""The supplier: supply orders go out, news of deliveries comes in. The contract is ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from urllib.parse import quote

import httpx
from pydantic import Field

from domain.inventory import MOST_RECEIVED
from domain.supply import SupplyAccepted, SupplyNews, SupplyOrder, SupplyOutcome, SupplyRefused
from gateways.contract import Answer, Contractor, Refusal, read_news, read_refusal, require
from gateways.http import error_for
from gateways.times import as_utc


class _Accepted(Answer):
    status: Literal["accepted", "delivered"]
    supplier_ref: str = ""
    expected_at: datetime | None = None


class _Delivery(Answer):
    delivery_id: str = Field(min_length=1)
    quantity: int = Field(gt=0, le=MOST_RECEIVED)
    complete: bool = True
    arrived_at: datetime | None = None


class _State(Answer):
    status: Literal["accepted", "delivered", "refused"]
    deliveries: tuple[_Delivery, ...] = ()
    reason: str = ""


class SupplierGateway:
    """Speaks the supplier's HTTP contract; the supply order's id is the idempotency key."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, api_key: str) -> None:
        self._supplier = Contractor("supplier", client, base_url, api_key)

    async def order(self, supply: SupplyOrder) -> SupplyOutcome:
        """Ask for goods; the same supply order again gets the same answer.

        Raises:
            OutcomeUnknown: they may or may not come; send the same supply order again.
        """
        response = await self._supplier.ask(
            "POST",
            "/supply-orders",
            headers={"Idempotency-Key": supply.supply_id},
            json=supply.model_dump(mode="json", by_alias=True),
        )
        if response.is_success:
            taken = self._supplier.believe(_Accepted, response)
            return SupplyAccepted(
                supplier_ref=taken.supplier_ref,
                expected_at=as_utc(taken.expected_at) if taken.expected_at else None,
            )
        refusal = read_refusal(Refusal, response)
        if response.status_code == 422 and refusal.code:
            return SupplyRefused(code=refusal.code, message=refusal.message)
        raise error_for(response.status_code, response.headers, code=refusal.code)

    async def news(self, supply_id: str) -> tuple[SupplyNews, ...]:
        """All that has come of a supply order so far, as the supplier would have told it.

        Raises:
            NotFound: the supplier knows no such order.
        """
        path = f"/supply-orders/{quote(supply_id, safe='')}"
        response = await self._supplier.ask("GET", path)
        if not response.is_success:
            refusal = read_refusal(Refusal, response)
            raise error_for(response.status_code, response.headers, code=refusal.code)
        state = self._supplier.believe(_State, response)
        told = tuple(_arrived(supply_id, delivery) for delivery in state.deliveries)
        if state.status == "refused":
            told += (SupplyNews(supply_id=supply_id, event="refused", reason=state.reason),)
        return told


def parse_supply_callback(
    headers: Mapping[str, str], body: bytes, secret: str, now: datetime
) -> SupplyNews:
    """Verify the supplier's message on its raw bytes and read it; times without offset are UTC.

    Raises:
        InvalidCallback: it does not prove where it comes from, is stale, or lacks a field.
    """
    news = read_news(SupplyNews, "supply news", headers, body, secret, now)
    required = {"eventId": news.event_id, "supplyId": news.supply_id}
    if news.event == "arrived":
        required |= {"deliveryId": news.delivery_id, "quantity": str(news.quantity or "")}
    require("supply news", required)
    return news.model_copy(update={"arrived_at": news.arrived_at and as_utc(news.arrived_at)})


def _arrived(supply_id: str, delivery: _Delivery) -> SupplyNews:
    return SupplyNews(
        supply_id=supply_id,
        event="arrived",
        delivery_id=delivery.delivery_id,
        quantity=delivery.quantity,
        complete=delivery.complete,
        arrived_at=delivery.arrived_at and as_utc(delivery.arrived_at),
    )
