"""The warehouse: picking lists go out, shipping news comes in. The contract is ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

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
from gateways import signatures
from gateways.errors import InvalidCallback, OutcomeUnknown
from gateways.http import error_for, send
from gateways.times import as_utc


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)


class _Accepted(_Answer):
    status: Literal["accepted"]
    estimated_ship_at: datetime | None = None


class _Cancelled(_Answer):
    status: Literal["cancelled"]


class _Refusal(_Answer):
    code: str = ""
    message: str = ""
    missing: tuple[MissingLine, ...] = ()


A = TypeVar("A", bound=_Answer)


class WarehouseGateway:
    """Speaks the warehouse's HTTP contract; the picking list's id is the idempotency key."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, api_key: str) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._authorization = {"Authorization": f"Bearer {api_key}"}

    async def submit(self, picking_list: PickingList) -> PickingOutcome:
        """Ask the warehouse to pick; the same list again gets the same answer.

        Raises:
            OutcomeUnknown: it may or may not pick; submit the same list again.
        """
        response = await self._post(
            "/picking-lists",
            headers={"Idempotency-Key": picking_list.picking_list_id},
            json=picking_list.model_dump(mode="json", by_alias=True),
        )
        if response.is_success:
            ship_at = _believe(_Accepted, response).estimated_ship_at
            return PickingAccepted(estimated_ship_at=as_utc(ship_at) if ship_at else None)
        refusal = _refusal(response)
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
        response = await self._post(f"/picking-lists/{quote(picking_list_id, safe='')}/cancel")
        if response.is_success:
            _believe(_Cancelled, response)
            return PickingCancelled()
        refusal = _refusal(response)
        if response.status_code == 409 and refusal.code == "already_shipped":
            return PickingTooLate(code=refusal.code, message=refusal.message)
        raise error_for(response.status_code, response.headers, code=refusal.code)

    async def _post(
        self, path: str, *, headers: Mapping[str, str] | None = None, json: object = None
    ) -> httpx.Response:
        request = self._client.build_request(
            "POST",
            self._base_url + path,
            headers={**self._authorization, **(headers or {})},
            json=json,
        )
        return await send(self._client, request)


def parse_shipping_callback(
    headers: Mapping[str, str], body: bytes, secret: str, now: datetime
) -> ShippingNews:
    """Verify the warehouse's message on its raw bytes and read it; times without offset are UTC.

    Raises:
        InvalidCallback: it does not prove where it comes from, is stale, or lacks a field.
    """
    signatures.verify(headers, body, secret, now)
    try:
        news = ShippingNews.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(_problem(problem["loc"], problem["msg"]) for problem in error.errors())
        # Not chained: the validation error quotes the message, and with it personal data.
        raise InvalidCallback(f"the shipping news cannot be read: {problems}") from None
    required = {"eventId": news.event_id, "orderId": news.order_id}
    if news.event == "shipped":
        required |= {"trackingNumber": news.tracking_number, "carrier": news.carrier}
    missing = [name for name, value in required.items() if not value.strip()]
    if missing:
        raise InvalidCallback(f"the shipping news lacks {', '.join(missing)}")
    return news.model_copy(
        update={
            "shipped_at": news.shipped_at and as_utc(news.shipped_at),
            "estimated_delivery": news.estimated_delivery and as_utc(news.estimated_delivery),
        }
    )


def _problem(path: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, path)) or 'body'}: {message}"


def _believe(model: type[A], response: httpx.Response) -> A:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise OutcomeUnknown("the warehouse's answer cannot be read") from error


def _refusal(response: httpx.Response) -> _Refusal:
    try:
        return _Refusal.model_validate_json(response.content)
    except ValidationError:
        return _Refusal()
