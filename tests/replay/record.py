"""Records histories for the replay test: `python -m tests.replay.record`.

Run it only when a new path is worth keeping. Histories that are there already were made by older
code, and stay: replaying them is what proves that running orders survive an upgrade.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from sandbox.environment import inherited_environment
from sandbox.ports import plan_ports
from sandbox.postgres import PostgresCluster
from sandbox.processes import Supervisor
from tests.databases import Databases
from tests.house import House, open_house
from tests.workflows import splitting
from tests.workflows.supplying import deliver, until_asked

HISTORIES = Path(__file__).parent / "histories"


async def completed(house: House) -> str:
    """Paid, shipped, delivered, invited to a review."""
    placed = await house.place(await house.add_product(stock=2))
    order_id = str(placed["orderId"])
    await house.pay(placed["payment"]["paymentId"])
    tracking_number = await house.ship(order_id)
    await house.until(order_id, status="shipped")
    await house.simulate(f"parcels/{tracking_number}/out_for_delivery")
    await house.until(order_id, shippingStatus="out_for_delivery")
    await house.deliver(order_id, tracking_number)
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))
    return order_id


async def cancelled_after_payment(house: House) -> str:
    """Paid, then cancelled: recalled, refunded, restocked."""
    placed = await house.place(await house.add_product(stock=1))
    order_id = str(placed["orderId"])
    await house.pay(placed["payment"]["paymentId"])
    await house.until_waiting_for(order_id, "the warehouse")
    await house.call("POST", f"/orders/{order_id}/cancel", json={"reason": "ordered twice"})
    return order_id


async def declined_then_expired(house: House) -> str:
    """Declined, never paid: the hold expires."""
    placed = await house.place(await house.add_product(stock=1))
    order_id = str(placed["orderId"])
    await house.simulate(f"stripe/{placed['payment']['paymentId']}/decline")
    await house.until(order_id, paymentStatus="failed")
    await house.pass_time(order_id, timedelta(minutes=16))
    return order_id


async def restock_patience_over(house: House) -> str:
    """Out of stock, and nothing came in seven days."""
    placed = await house.place(await house.add_product(stock=0))
    order_id = str(placed["orderId"])
    await house.pass_time(order_id, timedelta(days=8))
    return order_id


async def split_and_completed(house: House) -> str:
    """From two warehouses, in two parcels; the far one leaves first, and arrives last."""
    order = await splitting.picked(house)
    far = await splitting.ship_from(house, order, splitting.FAR)
    near = await splitting.ship_from(house, order, splitting.NEAR)
    await house.until(order.id, status="shipped")
    await splitting.move(house, near, "delivered")
    await splitting.until_parcel(house, order, splitting.NEAR, shippingStatus="delivered")
    await splitting.move(house, far, "delivered")
    await house.until(order.id, status="delivered")
    await house.until_waiting_for(order.id, "enjoy")
    await house.pass_time(order.id, timedelta(hours=25))
    return order.id


async def split_and_cancelled_halfway(house: House) -> str:
    """Cancelled with one parcel on its way: the other is called off, and the first comes back."""
    order = await splitting.picked(house)
    near = await splitting.ship_from(house, order, splitting.NEAR)
    await house.call("POST", f"/orders/{order.id}/cancel", json={"reason": "ordered twice"})
    await house.until(order.id, status="shipped", paymentStatus="partially_refunded")
    await splitting.move(house, near, "returned")
    return order.id


async def supplied(house: House) -> str:
    """Out of stock, the supplier asked, its delivery held for the order, then cancelled."""
    product = await house.add_product(stock=0)
    order_id = str((await house.place(product, quantity=2))["orderId"])
    await deliver(house, await until_asked(house, product))
    await house.until_waiting_for(order_id, "payment")
    await house.call("POST", f"/orders/{order_id}/cancel", json={"reason": "waited too long"})
    return order_id


PATHS: tuple[Callable[[House], Awaitable[str]], ...] = (
    completed,
    cancelled_after_payment,
    declined_then_expired,
    restock_patience_over,
    split_and_completed,
    split_and_cancelled_halfway,
    supplied,
)


async def main() -> None:
    """Record every path that has no history yet."""
    with tempfile.TemporaryDirectory(prefix="orderflow-record-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        cluster = PostgresCluster(
            directory / "postgres", plan_ports(0).postgres, inherited_environment(), durable=False
        )
        supervisor = Supervisor([await cluster.child()], directory, lambda _: None)
        await supervisor.start("postgres")
        try:
            await cluster.create_database()
            databases = Databases(cluster.dsn)
            await databases.prepare()
            async with open_house(await databases.copy(), directory) as house:
                for path in PATHS:
                    await _record(house, path)
        finally:
            await supervisor.stop()


async def _record(house: House, path: Callable[[House], Awaitable[str]]) -> None:
    file = HISTORIES / f"{path.__name__}.json"
    if file.exists():
        return
    handle = house.handle(await path(house))
    await handle.result()
    file.write_text((await handle.fetch_history()).to_json())
    print(f"recorded {file.name}")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)
