"""Money is claimed for goods while they are being sent again: one of the two wins, never both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from uuid import uuid4

import pytest
from temporalio.testing import ActivityEnvironment

from activities.refund_claims import ClaimRefund, RefundClaimed, RefundNotPossible
from activities.resending import ResendParcel
from activities.return_commands import PlaceReplacement, ReceiveReturn, RequestReturn
from db import orders
from db.engine import connect, session_factory
from domain.ids import ORDER, REFUND, RETURN, encode_id
from domain.order import Order
from domain.returns import ReceivedUnits, ReturnKind
from domain.tracking import TrackingStatus
from tests.activities.test_lost_parcels_repeated import scan, ship
from tests.activities.test_repeated import AT, Desk
from tests.house import House
from tests.serving import eventually_async
from tests.workflows.journey import mishap

NUMBER = "SF000000000033"


@pytest.fixture
async def desk(house: House, database_url: str) -> AsyncIterator[Desk]:
    """An order of one unit that is on its way."""
    engine = connect(database_url, pool_size=4)
    made = Desk(house, session_factory(engine))
    for party in ("stripe", "warehouse", "aftership"):
        await mishap(house, party, "*", "drop_callbacks", times=99, orderId=made.order_id)
    await made.until_picked()
    await ship(made, made.order_id, NUMBER)
    yield made
    await engine.dispose()


async def claim(desk: Desk, lines: dict[int, int]) -> RefundClaimed | RefundNotPossible:
    """Ask for the money of units, by line number; of all if none are named."""
    command = ClaimRefund(
        refund_id=encode_id(REFUND, uuid4()),
        order_id=desk.order_id,
        lines=lines,
        asked=True,
        reason="asked for",
        at=AT,
    )
    return (await ActivityEnvironment().run(desk.does.refunds.claim_refund, command)).result


async def send_again(desk: Desk) -> Order | None:
    resend = ResendParcel(
        order_id=encode_id(ORDER, uuid4()),
        original_order_id=desk.order_id,
        tracking_number=NUMBER,
        at=AT,
    )
    return (await ActivityEnvironment().run(desk.does.lost_parcels.resend_parcel, resend)).order


async def until_waiting(desk: Desk, count: int) -> None:
    """Wait until so many transactions wait for somebody's lock."""

    async def look() -> bool:
        waiting = await desk.scalar(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(waiting) == count

    await eventually_async(look)


async def test_what_is_sent_again_is_not_paid_back(desk: Desk) -> None:
    await scan(desk, desk.order_id, NUMBER, TrackingStatus.LOST)
    again = await send_again(desk)
    assert again is not None

    refused = await claim(desk, {1: 1})

    assert isinstance(refused, RefundNotPossible)
    assert f"sent again as order {again.order_number}: cancel that one" in refused.reason
    await desk.change("UPDATE orders SET status = 'cancelled' WHERE id = :id", id=again.order_id)
    assert isinstance(await claim(desk, {1: 1}), RefundClaimed)


async def test_what_is_paid_back_is_not_sent_again(desk: Desk) -> None:
    await scan(desk, desk.order_id, NUMBER, TrackingStatus.LOST)
    assert isinstance(await claim(desk, {1: 1}), RefundClaimed)

    assert await send_again(desk) is None


@pytest.mark.parametrize("money_first", [True, False])
async def test_at_the_same_moment_the_first_one_wins(desk: Desk, *, money_first: bool) -> None:
    await scan(desk, desk.order_id, NUMBER, TrackingStatus.LOST)
    asks: dict[str, Callable[[], Coroutine[None, None, object]]] = {
        "money": lambda: claim(desk, {1: 1}),
        "goods": lambda: send_again(desk),
    }
    names = ["money", "goods"] if money_first else ["goods", "money"]
    asked: dict[str, asyncio.Task[object]] = {}
    async with desk.sessions.begin() as session:
        await orders.lock_order(session, desk.order_id)
        for count, name in enumerate(names, start=1):
            asked[name] = asyncio.create_task(asks[name]())
            await until_waiting(desk, count)

    assert isinstance(await asked["money"], RefundClaimed) is money_first
    assert (await asked["goods"] is None) is money_first


async def test_what_is_exchanged_is_not_paid_back(desk: Desk) -> None:
    await scan(desk, desk.order_id, NUMBER, TrackingStatus.DELIVERED)
    does = desk.does.after_sales
    return_id = encode_id(RETURN, uuid4())
    await does.request_return(
        RequestReturn(
            return_id=return_id,
            order_id=desk.order_id,
            kind=ReturnKind.EXCHANGE,
            lines={1: 1},
            at=AT,
        )
    )

    for lines in ({1: 1}, {}):
        refused = await claim(desk, lines)
        assert isinstance(refused, RefundNotPossible)
        assert f"exchanged by return {return_id}: reject that one" in refused.reason

    await does.receive_return(
        ReceiveReturn(return_id=return_id, lines={1: ReceivedUnits(damaged=1)}, at=AT)
    )
    replacement = await does.place_replacement(
        PlaceReplacement(order_id=encode_id(ORDER, uuid4()), return_id=return_id, at=AT)
    )
    refused = await claim(desk, {1: 1})
    assert isinstance(refused, RefundNotPossible)
    assert f"sent again as order {replacement.order_number}" in refused.reason
