"""The supplier: supply orders go out, news of deliveries comes in. The contract is ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from domain.inventory import MOST_RECEIVED
from domain.supply import SupplyAccepted, SupplyNews, SupplyOrder, SupplyOutcome, SupplyRefused
from gateways import signatures
from gateways.errors import InvalidCallback, OutcomeUnknown
from gateways.http import error_for, send
from gateways.times import as_utc


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)


class _Accepted(_Answer):
    status: Literal["accepted", "delivered"]
    supplier_ref: str = ""
    expected_at: datetime | None = None


class _Delivery(_Answer):
    delivery_id: str = Field(min_length=1)
    quantity: int = Field(gt=0, le=MOST_RECEIVED)
    complete: bool = True
    arrived_at: datetime | None = None


class _State(_Answer):
    status: Literal["accepted", "delivered", "refused"]
    deliveries: tuple[_Delivery, ...] = ()
    reason: str = ""


class _Refusal(_Answer):
    code: str = ""
    message: str = ""


A = TypeVar("A", bound=_Answer)


class SupplierGateway:
    """Speaks the supplier's HTTP contract; the supply order's id is the idempotency key."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, api_key: str) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._authorization = {"Authorization": f"Bearer {api_key}"}

    async def order(self, supply: SupplyOrder) -> SupplyOutcome:
        """Ask for goods; the same supply order again gets the same answer.

        Raises:
            OutcomeUnknown: they may or may not come; send the same supply order again.
        """
        response = await self._send(
            "POST",
            "/supply-orders",
            headers={"Idempotency-Key": supply.supply_id},
            json=supply.model_dump(mode="json", by_alias=True),
        )
        if response.is_success:
            taken = _believe(_Accepted, response)
            return SupplyAccepted(
                supplier_ref=taken.supplier_ref,
                expected_at=as_utc(taken.expected_at) if taken.expected_at else None,
            )
        refusal = _refusal(response)
        if response.status_code == 422 and refusal.code:
            return SupplyRefused(code=refusal.code, message=refusal.message)
        raise error_for(response.status_code, response.headers, code=refusal.code)

    async def news(self, supply_id: str) -> tuple[SupplyNews, ...]:
        """All that has come of a supply order so far, as the supplier would have told it.

        Raises:
            NotFound: the supplier knows no such order.
        """
        path = f"/supply-orders/{quote(supply_id, safe='')}"
        response = await self._send("GET", path)
        if not response.is_success:
            refusal = _refusal(response)
            raise error_for(response.status_code, response.headers, code=refusal.code)
        state = _believe(_State, response)
        told = tuple(_arrived(supply_id, delivery) for delivery in state.deliveries)
        if state.status == "refused":
            told += (SupplyNews(supply_id=supply_id, event="refused", reason=state.reason),)
        return told

    async def _send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
    ) -> httpx.Response:
        request = self._client.build_request(
            method,
            self._base_url + path,
            headers={**self._authorization, **(headers or {})},
            json=json,
        )
        return await send(self._client, request)


def parse_supply_callback(
    headers: Mapping[str, str], body: bytes, secret: str, now: datetime
) -> SupplyNews:
    """Verify the supplier's message on its raw bytes and read it; times without offset are UTC.

    Raises:
        InvalidCallback: it does not prove where it comes from, is stale, or lacks a field.
    """
    signatures.verify(headers, body, secret, now)
    try:
        news = SupplyNews.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(_problem(problem["loc"], problem["msg"]) for problem in error.errors())
        raise InvalidCallback(f"the supply news cannot be read: {problems}") from None
    required = {"eventId": news.event_id, "supplyId": news.supply_id}
    if news.event == "arrived":
        required |= {"deliveryId": news.delivery_id, "quantity": str(news.quantity or "")}
    missing = [name for name, value in required.items() if not value.strip()]
    if missing:
        raise InvalidCallback(f"the supply news lacks {', '.join(missing)}")
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


def _problem(path: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, path)) or 'body'}: {message}"


def _believe(model: type[A], response: httpx.Response) -> A:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise OutcomeUnknown("the supplier's answer cannot be read") from error


def _refusal(response: httpx.Response) -> _Refusal:
    try:
        return _Refusal.model_validate_json(response.content)
    except ValidationError:
        return _Refusal()
