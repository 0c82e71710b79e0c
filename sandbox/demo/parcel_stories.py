"""What carriers do to parcels: one is lost, and its goods are sent again."""

from __future__ import annotations

from datetime import timedelta

from sandbox.demo.shop import Shop
from sandbox.demo.story import Story, Teller, expect, pass_time, to_the_door


async def lost(shop: Shop, story: Story) -> None:
    """An operator has the goods of a lost parcel sent again, at no cost."""
    placed = await shop.order(P1003=1)
    order_id = placed["orderId"]
    await shop.pay(placed["payment"])
    await shop.until(order_id, waits_for="the warehouse")
    shipped = await shop.play(f"shipments/{order_id}/ship")
    await shop.until(order_id, status="shipped")
    await shop.play(f"parcels/{shipped['trackingNumber']}/lost")
    task = await shop.decide(order_id, "parcel_lost", "reship")
    story.say(f"The carrier loses the parcel. The operators' task: “{task['task']}”.")
    again = await shop.sent_again(order_id)
    story.say("An operator decides: send it again. A second order, which costs nothing, does that.")
    number = await to_the_door(shop, again)
    story.say(f"It brings the same goods in parcel {number}.")
    await pass_time(shop, story, again, timedelta(hours=24), "24 h")
    await shop.ended(again)
    story.say("With it, the first order has arrived; its money stays where it is.")
    story.order = await expect(shop, order_id, "delivered", "paid", "delivered")


STORIES: tuple[tuple[str, Teller], ...] = (("A lost parcel, sent again", lost),)
