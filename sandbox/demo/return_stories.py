"""What happens after delivery: a return, and its money."""

from __future__ import annotations

from sandbox.demo.shop import Shop
from sandbox.demo.story import Story, Teller, tell_delivery


async def returned(shop: Shop, story: Story) -> None:
    """One of two units comes back, and its money goes back."""
    placed = await shop.order(P1001=2)
    order_id = placed["orderId"]
    await shop.pay(placed["payment"])
    await tell_delivery(shop, story, order_id)
    case = await shop.ask_return(order_id, line_no=1, quantity=1, reason="one is enough")
    story.say(
        f"She wants to return one of two: {case['state']} by {case['decidedBy']},"
        " because it is in time and costs little."
    )
    await shop.receive_return(case["returnId"], line_no=1, resellable=1)
    story.say("The warehouse finds it as new: it is in stock again.")
    story.order = await shop.until_settled(order_id, case["returnId"], "refunded")
    refund = story.order["refunds"][-1]
    story.say(f"Her money for it goes back: {refund['amount']} {refund['currency']}.")


STORIES: tuple[tuple[str, Teller], ...] = (("A return: one unit back, its money back", returned),)
