"""The warehouse: picking lists go out, shipping news comes in. The contract is ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from urllib.parse import quote

import httpx

from domain.fulfillment import (
    CancelOutcome,
    PickingAccepted,
    PickingCancelled,
    PickingList,
    PickingOutcome,
    PickingRefused,
    PickingTooLate,
    ShippingNews,
)
from domain.missing_goods import MissingLine
from gateways.contract import Answer, Contractor, Refusal, read_news, read_refusal, require
from gateways.http import error_for
from gateways.times import as_utc


class _Accepted(Answer):
    status: Literal["accepted"]
    estimated_ship_at: datetime | None = None


class _Cancelled(Answer):
    status: Literal["cancelled"]


class _Refusal(Refusal):
    missing: tuple[MissingLine, ...] = ()


class WarehouseGateway:
    """Speaks the warehouse's HTTP contract; the picking list's id is the idempotency key."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, api_key: str) -> None:
        self._warehouse = Contractor("warehouse", client, base_url, api_key)

    async def submit(self, picking_list: PickingList) -> PickingOutcome:
        """Ask the warehouse to pick; the same list again gets the same answer.

        Raises:
            OutcomeUnknown: it may or may not pick; submit the same list again.
        """
        response = await self._warehouse.ask(
            "POST",
            "/picking-lists",
            headers={"Idempotency-Key": picking_list.picking_list_id},
            json=picking_list.model_dump(mode="json", by_alias=True),
        )
        if response.is_success:
            ship_at = self._warehouse.believe(_Accepted, response).estimated_ship_at
            return PickingAccepted(estimated_ship_at=as_utc(ship_at) if ship_at else None)
        refusal = read_refusal(_Refusal, response)
        if response.status_code == 422 and refusal.code:
            return PickingRefused(
                code=refusal.code, message=refusal.message, missing=refusal.missing
            )
        if response.status_code == 409 and refusal.code == "cancelled":
            return PickingRefused(code=refusal.code, message=refusal.message)
        raise error_for(response.status_code, response.headers, code=refusal.code)

    async def cancel(self, picking_list_id: str) -> CancelOutcome:
        """Take a picking list back; one that never arrived is refused when it comes later.

        Raises:
            OutcomeUnknown: it may or may not be taken back; cancel it again.
        """
        response = await self._warehouse.ask(
            "POST", f"/picking-lists/{quote(picking_list_id, safe='')}/cancel"
        )
        if response.is_success:
            self._warehouse.believe(_Cancelled, response)
            return PickingCancelled()
        refusal = read_refusal(_Refusal, response)
        if response.status_code == 409 and refusal.code == "already_shipped":
            return PickingTooLate(code=refusal.code, message=refusal.message)
        raise error_for(response.status_code, response.headers, code=refusal.code)


def parse_shipping_callback(
    headers: Mapping[str, str], body: bytes, secret: str, now: datetime
) -> ShippingNews:
    """Verify the warehouse's message on its raw bytes and read it; times without offset are UTC.

    Raises:
        InvalidCallback: it does not prove where it comes from, is stale, or lacks a field.
    """
    news = read_news(ShippingNews, "shipping news", headers, body, secret, now)
    required = {"eventId": news.event_id, "orderId": news.order_id}
    if news.event == "shipped":
        required |= {"trackingNumber": news.tracking_number, "carrier": news.carrier}
    require("shipping news", required)
    return news.model_copy(
        update={
            "shipped_at": news.shipped_at and as_utc(news.shipped_at),
            "estimated_delivery": news.estimated_delivery and as_utc(news.estimated_delivery),
        }
    )
