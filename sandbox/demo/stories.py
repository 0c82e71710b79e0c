"""The stories that the demo tells, one for each path that an order can take."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from sandbox.demo import parcel_stories, payment_stories, return_stories, stock_stories
from sandbox.demo.shop import Shop, StoryFailed
from sandbox.demo.story import Story, Teller, expect, pass_the_night, pass_time, tell_delivery

_INVALID = Path(__file__).parents[2] / "examples" / "order-invalid.json"
_EXPECTED_PROBLEMS = 10


async def happy(shop: Shop, story: Story) -> None:
    """From checkout to the review invitation."""
    placed = await shop.order(P1001=2, P1004=4)
    order_id = placed["orderId"]
    story.say(f"A customer orders for {placed['pricing']['total']} CNY; the stock is held.")
    await shop.pay(placed["payment"])
    story.say("She pays; the provider calls back, and the order is confirmed.")
    await tell_delivery(shop, story, order_id)
    await pass_time(shop, story, order_id, timedelta(hours=24), "24 h")
    await pass_the_night(shop, story, order_id)
    await shop.ended(order_id)
    story.say("She is invited to write a review, and the order is complete.")
    story.order = await expect(shop, order_id, "completed", "paid", "delivered")


async def invalid(shop: Shop, story: Story) -> None:
    """Everything that is wrong is said at once."""
    response = await shop.request_order(json.loads(_INVALID.read_text()))
    story.problems = response.json().get("errors", [])
    story.say(
        f"A broken order arrives: HTTP status {response.status_code} with"
        f" {len(story.problems)} problems, all of them at once."
    )
    if response.status_code != 422 or len(story.problems) < _EXPECTED_PROBLEMS:
        raise StoryFailed(f"wanted 422 with at least {_EXPECTED_PROBLEMS} problems")


async def restocked(shop: Shop, story: Story) -> None:
    """Out of stock, supplied, paid, delivered."""
    placed = await shop.order(P1021=2)
    order_id = placed["orderId"]
    short = placed["shortages"][0]
    story.say(f"{short['name']}: {short['shortfall']} are missing. The order waits for goods.")
    supply = await shop.supply_of(short["sku"])
    story.say(f"The supplier is asked for {supply['quantity']}, and promises them.")
    await shop.play(f"supplies/{supply['supplyId']}/deliver")
    story.say("Its lorry arrives and says so; the order that waits is woken and told how to pay.")
    await shop.pay(await shop.payment_of(order_id))
    story.say("The customer pays.")
    await tell_delivery(shop, story, order_id)
    story.order = await expect(shop, order_id, "delivered", "paid", "delivered")


async def declined(shop: Shop, story: Story) -> None:
    """Declined, then paid with the second try."""
    placed = await shop.order(P1008=1)
    order_id, payment = placed["orderId"], placed["payment"]
    await shop.play(f"{payment['gateway']}/{payment['paymentId']}/decline")
    await shop.until_declined(order_id)
    story.say("The customer's card is declined. The stock stays held for another try.")
    await shop.pay(payment)
    story.say("The second card works.")
    await tell_delivery(shop, story, order_id)
    story.order = await expect(shop, order_id, "delivered", "paid", "delivered")


async def expired(shop: Shop, story: Story) -> None:
    """Never paid: the hold expires."""
    placed = await shop.order(P1011=1)
    order_id = placed["orderId"]
    story.say("A customer orders, and closes the browser.")
    await shop.until(order_id, waits_for="the customer's payment")
    await pass_time(shop, story, order_id, timedelta(minutes=16), "16 min")
    await shop.ended(order_id)
    story.say("The payment is closed at the provider first; only then the stock is released.")
    story.order = await expect(shop, order_id, "cancelled", "failed", "pending")


async def cancelled(shop: Shop, story: Story) -> None:
    """Cancelled after payment: everything comes back."""
    placed = await shop.order(P1010=1)
    order_id = placed["orderId"]
    await shop.pay(placed["payment"])
    await shop.until(order_id, waits_for="the warehouse")
    story.say("Paid, and the warehouse begins to pick.")
    await shop.cancel(order_id, "changed my mind")
    await shop.ended(order_id)
    story.say("The customer cancels: picking is recalled, the stock goes back, then the money.")
    story.order = await expect(shop, order_id, "cancelled", "refunded", "pending")


STORIES: tuple[tuple[str, Teller], ...] = (
    ("From checkout to the door", happy),
    ("An order that is wrong in every way", invalid),
    ("Waits for stock, the supplier delivers, goes on", restocked),
    ("Declined, then paid", declined),
    ("Never paid", expired),
    ("Cancelled after payment", cancelled),
    *stock_stories.STORIES,
    *parcel_stories.STORIES,
    *return_stories.STORIES,
    *payment_stories.STORIES,
)
