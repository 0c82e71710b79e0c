"""What stock does to orders: goods of one order that lie in two warehouses."""

from __future__ import annotations

from datetime import timedelta

from sandbox.demo.shop import Shop
from sandbox.demo.story import Story, Teller, expect, pass_the_night, pass_time

_NEAR, _FAR = "WH-HZ", "WH-SH"


async def split(shop: Shop, story: Story) -> None:
    """A vase that only Hangzhou has, and a tea set that only Shanghai has."""
    placed = await shop.order(P1022=1, P1006=1)
    order_id = placed["orderId"]
    await shop.pay(placed["payment"])
    await shop.until(order_id, waits_for="the warehouse")
    story.say(
        "A vase that only Hangzhou has, and a tea set that only Shanghai has: no warehouse can"
        " serve the order alone, so each gets a picking list of its own."
    )
    far = await _ship(shop, order_id, _FAR)
    await shop.until_parcel(order_id, far, state="shipped")
    story.say(f"Shanghai ships first: parcel {far}, 1 of 2. The order is still processing.")
    near = await _ship(shop, order_id, _NEAR)
    await shop.until(order_id, status="shipped")
    story.say(f"Hangzhou follows: parcel {near}. Only now the order is shipped.")
    await shop.play(f"parcels/{near}/delivered")
    await shop.until_parcel(order_id, near, shippingStatus="delivered")
    await shop.play(f"parcels/{far}/delivered")
    await shop.until(order_id, status="delivered", waits_for="the customer to enjoy")
    story.say("The carrier delivers the one, then the other: delivered, and told once.")
    await pass_time(shop, story, order_id, timedelta(hours=24), "24 h")
    await pass_the_night(shop, story, order_id)
    await shop.ended(order_id)
    story.order = await expect(shop, order_id, "completed", "paid", "delivered")


async def _ship(shop: Shop, order_id: str, warehouse: str) -> str:
    shipped = await shop.play(f"shipments/{order_id}/ship?which={warehouse}")
    number: str = shipped["trackingNumber"]
    return number


STORIES: tuple[tuple[str, Teller], ...] = (("An order split over two warehouses", split),)
