"""The paths whose histories are kept; each gives the id of a workflow that comes to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from domain.ids import after_sales_workflow_id, order_workflow_id
from tests.house import House, Json
from tests.workflows import deciding, returning, splitting
from tests.workflows.journey import pay_and_reach_the_warehouse, ship, until_replaced
from tests.workflows.supplying import deliver, until_asked
from tests.workflows.troubles import close, until_task


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
    await _let_enjoy(house, order_id)
    return order_workflow_id(order_id)


async def cancelled_after_payment(house: House) -> str:
    """Paid, then cancelled: recalled, refunded, restocked."""
    placed = await house.place(await house.add_product(stock=1))
    order_id = str(placed["orderId"])
    await house.pay(placed["payment"]["paymentId"])
    await house.until_waiting_for(order_id, "the warehouse")
    await house.call("POST", f"/orders/{order_id}/cancel", json={"reason": "ordered twice"})
    return order_workflow_id(order_id)


async def declined_then_expired(house: House) -> str:
    """Declined, never paid: the hold expires."""
    placed = await house.place(await house.add_product(stock=1))
    order_id = str(placed["orderId"])
    await house.simulate(f"stripe/{placed['payment']['paymentId']}/decline")
    await house.until(order_id, paymentStatus="failed")
    await house.pass_time(order_id, timedelta(minutes=16))
    return order_workflow_id(order_id)


async def restock_patience_over(house: House) -> str:
    """Out of stock, and nothing came in seven days."""
    placed = await house.place(await house.add_product(stock=0))
    order_id = str(placed["orderId"])
    await house.pass_time(order_id, timedelta(days=8))
    return order_workflow_id(order_id)


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
    await _let_enjoy(house, order.id)
    return order_workflow_id(order.id)


async def split_and_cancelled_halfway(house: House) -> str:
    """Cancelled with one parcel on its way: the other is called off, and the first comes back."""
    order = await splitting.picked(house)
    near = await splitting.ship_from(house, order, splitting.NEAR)
    await house.call("POST", f"/orders/{order.id}/cancel", json={"reason": "ordered twice"})
    await house.until(order.id, status="shipped", paymentStatus="partially_refunded")
    await splitting.move(house, near, "returned")
    return order_workflow_id(order.id)


async def supplied(house: House) -> str:
    """Out of stock, the supplier asked, its delivery held for the order, then cancelled."""
    product = await house.add_product(stock=0)
    order_id = str((await house.place(product, quantity=2))["orderId"])
    await deliver(house, await until_asked(house, product))
    await house.until_waiting_for(order_id, "payment")
    await house.call("POST", f"/orders/{order_id}/cancel", json={"reason": "waited too long"})
    return order_workflow_id(order_id)


async def returned_and_refunded(house: House) -> str:
    """After-sales: one unit comes back and is refunded, then the window ends."""
    order = await returning.delivered(house, await house.add_product(stock=2))
    case = await returning.returned(house, order, {1: 1}, reason="too heavy")
    await returning.arrive(house, case, {1: (1, 0)})
    await returning.until_return(house, case, "refunded")
    await returning.pass_time(house, order, timedelta(days=8))
    return after_sales_workflow_id(order["orderId"])


async def exchanged(house: House) -> str:
    """After-sales: a damaged unit is exchanged, once its replacement has arrived."""
    order, _ = await _exchanged(house)
    await returning.pass_time(house, order, timedelta(days=8))
    return after_sales_workflow_id(order["orderId"])


async def replacement(house: House) -> str:
    """The order that an exchange sends: nothing is paid, and it is handed over at the door."""
    _, replacement_id = await _exchanged(house)
    return order_workflow_id(replacement_id)


async def _exchanged(house: House) -> tuple[Json, str]:
    order = await returning.delivered(house, await house.add_product(stock=3))
    case = await returning.returned(house, order, {1: 1}, kind="exchange")
    await returning.arrive(house, case, {1: (0, 1)})
    replacement_id = (await until_replaced(house, order["orderId"]))["orderId"]
    await _through_the_door(house, replacement_id)
    await returning.until_return(house, case, "exchanged")
    return order, replacement_id


async def lost_and_refunded(house: House) -> str:
    """The carrier loses the parcel, nobody finds it in two days: the money goes back."""
    order_id, number = await ship(house, await house.add_product(stock=1))
    await splitting.move(house, number, "lost")
    await until_task(house, order_id, "parcel_lost")
    await house.pass_time(order_id, timedelta(hours=49))
    return order_workflow_id(order_id)


async def lost_and_sent_again(house: House) -> str:
    """The carrier loses the parcel, an operator has its goods sent again, and they arrive."""
    order_id, number = await ship(house, await house.add_product(stock=2))
    await splitting.move(house, number, "lost")
    await close(house, await until_task(house, order_id, "parcel_lost"), "reship")
    await _through_the_door(house, (await until_replaced(house, order_id))["orderId"])
    await _let_enjoy(house, order_id)
    return order_workflow_id(order_id)


async def found_after_all(house: House) -> str:
    """A lost parcel is found, and what was to be sent again is called off."""
    order_id, number = await ship(house, await house.add_product(stock=2))
    await splitting.move(house, number, "lost")
    await close(house, await until_task(house, order_id, "parcel_lost"), "reship")
    again = (await until_replaced(house, order_id))["orderId"]
    await house.until_waiting_for(again, "the warehouse")
    await splitting.move(house, number, "delivered")
    await house.until(again, status="cancelled")
    await _let_enjoy(house, order_id)
    return order_workflow_id(order_id)


async def sent_again_in_part(house: House) -> str:
    """A lost parcel comes back while its goods are sent again, of which one is missing."""
    product = await house.add_product(stock=4)
    order_id, number = await ship(house, product, quantity=2)
    await splitting.move(house, number, "lost")
    await close(house, await until_task(house, order_id, "parcel_lost"), "reship")
    again = (await until_replaced(house, order_id))["orderId"]
    await house.until_waiting_for(again, "the warehouse")
    await splitting.move(house, number, "returned")
    await until_task(house, order_id, "parcel_returned")
    await house.simulate(f"shipments/{again}/ship", params={"missing": [f"{product}:1:damaged"]})
    shipped = await house.until(again, status="shipped")
    await house.deliver(again, shipped["shipment"]["trackingNumber"])
    await _let_enjoy(house, again)
    await house.until(order_id, paymentStatus="partially_refunded")
    await _let_enjoy(house, order_id)
    return order_workflow_id(order_id)


async def short_of_goods(house: House) -> str:
    """The parcel leaves without a damaged unit, which is refunded while the rest goes on."""
    product = await house.add_product(stock=3)
    placed = await house.place(product, 2)
    order_id = str(placed["orderId"])
    await pay_and_reach_the_warehouse(house, placed)
    await house.simulate(f"shipments/{order_id}/ship", params={"missing": [f"{product}:1:damaged"]})
    order = await house.until(order_id, status="shipped", paymentStatus="partially_refunded")
    await house.deliver(order_id, order["shipment"]["trackingNumber"])
    await _let_enjoy(house, order_id)
    return order_workflow_id(order_id)


async def cancelled_in_review(house: House) -> str:
    """Something else was paid than was asked, some of it went back, then it was cancelled."""
    placed = await house.place(await house.add_product(stock=1))
    order_id, payment_id = str(placed["orderId"]), placed["payment"]["paymentId"]
    await house.pay(payment_id, amount=9_000)
    await house.until_waiting_for(order_id, "a person")
    await house.simulate(f"stripe/{payment_id}/refund-outside", params={"amount": 1_000})
    await house.until_event(order_id, "refund_succeeded")
    await house.call("POST", f"/orders/{order_id}/cancel", json={"reason": "not what it cost"})
    return order_workflow_id(order_id)


async def accepted_in_review(house: House) -> str:
    """More was paid than was asked; an operator accepts it, and the rest goes back."""
    product = await house.add_product(stock=1)
    placed, task = await deciding.in_review(house, product, "stripe", 12_500)
    await deciding.decided(house, task, "accept")
    await house.until_told(placed["orderId"], "order_refunded")
    await _through_the_door(house, placed["orderId"])
    return order_workflow_id(placed["orderId"])


async def _through_the_door(house: House, order_id: str) -> None:
    await house.until(order_id, status="processing")
    await house.deliver(order_id, await house.ship(order_id))
    await _let_enjoy(house, order_id)


async def _let_enjoy(house: House, order_id: str) -> None:
    await house.until_waiting_for(order_id, "enjoy")
    await house.pass_time(order_id, timedelta(hours=25))


PATHS: tuple[Callable[[House], Awaitable[str]], ...] = (
    completed,
    cancelled_after_payment,
    declined_then_expired,
    restock_patience_over,
    split_and_completed,
    split_and_cancelled_halfway,
    supplied,
    returned_and_refunded,
    exchanged,
    replacement,
    lost_and_refunded,
    lost_and_sent_again,
    found_after_all,
    sent_again_in_part,
    short_of_goods,
    cancelled_in_review,
    accepted_in_review,
)
