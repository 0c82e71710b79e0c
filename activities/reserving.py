"""Holds stock for many orders in one transaction: each gets all that it needs, or joins a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from db import hold_batch, restock_batch
from db.hold_batch import Claimant, NewEvent, NewHold
from db.orders import OrderUnknown
from db.restock_batch import NewShortage
from domain import statuses
from domain.notification import ShortLine
from domain.order import Value
from domain.sharing import Share, Sharing
from domain.statuses import IllegalTransition, OrderStatus


class ReserveStock(Value):
    """Hold all lines of an order until `expires_at`, or none."""

    order_id: str
    hold_id: str
    at: datetime
    expires_at: datetime


class StockReserved(Value):
    """All lines are held."""

    outcome: Literal["reserved"] = "reserved"
    hold_id: str
    expires_at: datetime


class StockShort(Value):
    """Nothing is held: this is missing."""

    outcome: Literal["short"] = "short"
    shortages: tuple[ShortLine, ...]


ReserveOutcome = Annotated[StockReserved | StockShort, Field(discriminator="outcome")]


class ReserveResult(Value):
    """What came of a reservation."""

    result: ReserveOutcome


# An exception is the answer to one request; its neighbors have theirs.
Answer = StockReserved | StockShort | Exception

Requests = Mapping[str, ReserveStock]


async def hold_all(session: AsyncSession, requests: Sequence[ReserveStock]) -> list[Answer]:
    """Hold stock for each order or note what it waits for; first come, first served.

    An order that asks twice gets the same answer twice, and one that has a live hold that hold.
    """
    asked = {request.order_id: request for request in reversed(requests)}
    claimants = await hold_batch.lock_orders(session, asked)
    live = await hold_batch.live_holds(session, claimants)
    answers: dict[str, Answer] = {}
    asking = []
    for order_id in dict.fromkeys(request.order_id for request in requests):
        if order_id not in claimants:
            answers[order_id] = OrderUnknown(order_id)
        elif order_id in live:
            hold = live[order_id]
            answers[order_id] = StockReserved(hold_id=hold.hold_id, expires_at=hold.expires_at)
        elif (refusal := _refusal(claimants[order_id])) is not None:
            answers[order_id] = refusal
        else:
            asking.append(claimants[order_id])
    if asking:
        answers |= await _serve(session, asking, asked)
    return [answers[request.order_id] for request in requests]


def _refusal(claimant: Claimant) -> IllegalTransition | None:
    """Why the order can get no stock; what may become `pending` may wait for goods as well."""
    try:
        statuses.check_order(claimant.status, OrderStatus.PENDING)
    except IllegalTransition as error:
        return error
    return None


async def _serve(
    session: AsyncSession, asking: Sequence[Claimant], asked: Requests
) -> dict[str, Answer]:
    skus = {need.sku for claimant in asking for need in claimant.needs}
    shelves = await hold_batch.lock_stock(session, skus)
    claims = await restock_batch.claims_on(session, skus, [each.order_id for each in asking])
    sharing = Sharing(shelves.levels, shelves.provinces, claims)
    by_id = {claimant.order_id: claimant for claimant in asking}
    shares = {
        order_id: sharing.serve(order_id, by_id[order_id].needs, by_id[order_id].province)
        for order_id in sharing.by_precedence(by_id)
    }
    short = [by_id[order_id] for order_id, share in shares.items() if share.shortages]
    full = [by_id[order_id] for order_id, share in shares.items() if not share.shortages]
    if full:
        await _write_holds(session, full, shares, asked)
    if short:
        await _write_shortages(session, short, shares, asked)
    return {
        order_id: _answer(by_id[order_id], share, asked[order_id])
        for order_id, share in shares.items()
    }


async def _write_holds(
    session: AsyncSession,
    claimants: Sequence[Claimant],
    shares: Mapping[str, Share],
    asked: Requests,
) -> None:
    requests = [asked[claimant.order_id] for claimant in claimants]
    holds = [
        NewHold(
            hold_id=request.hold_id,
            order_id=request.order_id,
            at=request.at,
            expires_at=request.expires_at,
            lines=shares[request.order_id].lines,
        )
        for request in requests
    ]
    events = [
        NewEvent(
            order_id=request.order_id,
            at=request.at,
            kind="stock_reserved",
            dedupe_key=f"stock_reserved:{request.hold_id}",
            detail=json.dumps({"until": request.expires_at.isoformat()}),
        )
        for request in requests
    ]
    await hold_batch.insert_holds(session, holds)
    await _move(session, claimants, OrderStatus.PENDING, asked)
    await restock_batch.fill_requests(
        session, [(request.order_id, request.at) for request in requests]
    )
    await hold_batch.add_events(session, events)


async def _write_shortages(
    session: AsyncSession,
    claimants: Sequence[Claimant],
    shares: Mapping[str, Share],
    asked: Requests,
) -> None:
    shortages = [
        NewShortage(order_id=order_id, at=asked[order_id].at, shortages=shares[order_id].shortages)
        for order_id in (claimant.order_id for claimant in claimants)
    ]
    events = [
        NewEvent(
            order_id=claimant.order_id,
            at=asked[claimant.order_id].at,
            kind="out_of_stock",
            dedupe_key="out_of_stock",
            detail=_shortage_detail(claimant, shares[claimant.order_id]),
        )
        for claimant in claimants
    ]
    await _move(session, claimants, OrderStatus.PENDING_RESTOCK, asked)
    await restock_batch.open_requests(session, shortages)
    await hold_batch.add_events(session, events)


async def _move(
    session: AsyncSession, claimants: Sequence[Claimant], status: OrderStatus, asked: Requests
) -> None:
    moves = [
        (claimant.order_id, status, asked[claimant.order_id].at)
        for claimant in claimants
        if claimant.status != status
    ]
    if moves:
        await hold_batch.move_orders(session, moves)


def _answer(claimant: Claimant, share: Share, request: ReserveStock) -> Answer:
    if share.shortages:
        return StockShort(shortages=_short_lines(claimant, share))
    return StockReserved(hold_id=request.hold_id, expires_at=request.expires_at)


def _shortage_detail(claimant: Claimant, share: Share) -> str:
    lines = _short_lines(claimant, share)
    return json.dumps(
        {"shortages": [line.model_dump(mode="json", by_alias=True) for line in lines]}
    )


def _short_lines(claimant: Claimant, share: Share) -> tuple[ShortLine, ...]:
    return tuple(
        ShortLine(
            sku=short.sku,
            name=claimant.names[short.sku],
            requested=short.requested,
            available=short.available,
            shortfall=short.shortfall,
        )
        for short in share.shortages
    )
