"""Delivers stored callbacks again, one after the other, and says what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from cli import output
from cli.temporal_client import connect_temporal
from db.callbacks import Callback
from db.engine import connect, session_factory

if TYPE_CHECKING:
    from activities.inbox import Courier, Delivery


async def replay(database: str, callback_ids: Sequence[int]) -> bool:
    """Whether every one of them found somebody to take it.

    Raises:
        CommandFailed: Temporal does not answer.
    """
    client = await connect_temporal()
    from activities.inbox import Courier
    from workflows.policies import ORDERS_QUEUE

    engine = connect(database, pool_size=1)
    try:
        sessions = session_factory(engine)
        courier = Courier(sessions, client, ORDERS_QUEUE)
        missed = 0
        for callback_id in callback_ids:
            async with sessions() as session:
                callback = await session.get(Callback, callback_id)
            missed += not await _deliver(courier, callback_id, callback)
        return missed == 0
    finally:
        await engine.dispose()


async def _deliver(courier: Courier, callback_id: int, callback: Callback | None) -> bool:
    """Deliver one and say so; what is wrong with it does not stop the others."""
    from temporalio.service import RPCError

    if callback is None:
        output.say(f"✗ {callback_id}: there is no such callback", "red")
        return False
    name = f"{callback_id} {callback.source} {callback.kind}"
    try:
        delivery = await courier.deliver(callback)
    except RPCError as error:
        output.say(f"✗ {name}: not delivered, Temporal says {error.message}", "red")
        return False
    except ValidationError:
        output.say(f"✗ {name}: what is stored of it cannot be read", "red")
        return False
    mark, style = ("✓", "") if delivery.arrived else ("✗", "yellow")
    output.say(f"{mark} {name}: {_outcome(callback, delivery)}", style)
    return delivery.arrived


def _outcome(callback: Callback, delivery: Delivery) -> str:
    from activities.inbox import Reception, late_workflow_id

    order = delivery.order_id
    match delivery.reception:
        case Reception.WOKEN if not order:
            return f"the restocking that {callback.subject} is for was woken"
        case Reception.WOKEN:
            return f"the workflow of {order} was woken"
        case Reception.LATE_MONEY:
            return f"{order} has ended: {late_workflow_id(callback)} looks at the money"
        case Reception.NOTED:
            return f"{order} has ended: noted on its timeline"
        case Reception.FILED:
            return "nothing in it is news"
        case Reception.NOBODY:
            return f"nobody takes it: no order is known for {callback.subject or 'it'}"
