"""What a story of the demo is, and the steps that several of them take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from sandbox.demo.shop import Body, Shop, StoryFailed


@dataclass(slots=True)
class Story:
    """What happened, line by line, and what is to be shown in the end: one order, or several."""

    title: str
    lines: list[str] = field(default_factory=list)
    order: Body | None = None
    paid_orders: list[Body] = field(default_factory=list)
    problems: list[Body] = field(default_factory=list)
    wrong: str = ""

    def say(self, line: str) -> None:
        """One more line."""
        self.lines.append(line)


Teller = Callable[[Shop, Story], Awaitable[None]]


async def tell(shop: Shop, title: str, teller: Teller) -> Story:
    """One story; what goes wrong in it becomes part of it."""
    story = Story(title)
    try:
        await teller(shop, story)
    except StoryFailed as error:
        story.wrong = str(error)
    except httpx.HTTPError as error:
        # One story must not take the others with it.
        story.wrong = f"no answer: {type(error).__name__}"
    return story


async def to_the_door(shop: Shop, order_id: str) -> str:
    """The warehouse ships and the carrier delivers; the parcel's number."""
    await shop.until(order_id, waits_for="the warehouse")
    shipped = await shop.play(f"shipments/{order_id}/ship")
    await shop.until(order_id, status="shipped")
    number: str = shipped["trackingNumber"]
    await shop.play(f"parcels/{number}/out_for_delivery")
    await shop.until(order_id, shippingStatus="out_for_delivery")
    await shop.play(f"parcels/{number}/delivered")
    await shop.until(order_id, status="delivered", waits_for="the customer to enjoy")
    return number


async def tell_delivery(shop: Shop, story: Story, order_id: str) -> None:
    """The same, told."""
    number = await to_the_door(shop, order_id)
    story.say(f"The warehouse picks, packs and ships: parcel {number}.")
    story.say("The carrier delivers.")


# As the quiet hours are by default.
_LONGEST_NIGHT = timedelta(hours=11)


async def pass_time(
    shop: Shop, story: Story, order_id: str, duration: timedelta, words: str
) -> None:
    """Move the order's clock forward, and say so."""
    story.say(f"⏩ {words} pass")
    await shop.pass_time(order_id, duration)


async def pass_the_night(shop: Shop, story: Story, order_id: str) -> None:
    """If an invitation has come due at night: it waits until it is day where she lives."""
    if await shop.sleeps(order_id):
        story.say("It is night where she lives: the invitation waits for the morning.")
        await pass_time(shop, story, order_id, _LONGEST_NIGHT, "the hours of the night")


async def expect(shop: Shop, order_id: str, status: str, payment: str, goods: str) -> Body:
    """The order, once its three statuses are these."""
    return await shop.until(order_id, status=status, paymentStatus=payment, shippingStatus=goods)
