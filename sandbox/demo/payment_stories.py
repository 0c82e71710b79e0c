"""What payment providers do to orders: four ways to be paid, late, twice, unheard, and undone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import get_args

from domain.order import GatewayName
from sandbox.demo.shop import Body, Shop
from sandbox.demo.story import Story, Teller, expect, pass_time, to_the_door

_GATEWAYS: tuple[GatewayName, ...] = get_args(GatewayName)


async def four_ways(shop: Shop, story: Story) -> None:
    """The same order, paid at each provider and delivered."""

    async def lead(gateway: GatewayName) -> Body:
        placed = await shop.order(by=gateway, P1012=1)
        await shop.pay(placed["payment"])
        await to_the_door(shop, placed["orderId"])
        order = await expect(shop, placed["orderId"], "delivered", "paid", "delivered")
        return {**order, "payment": placed["payment"]}

    story.paid_orders = await asyncio.gather(*map(lead, _GATEWAYS))
    story.say(
        "Four customers order the same charger, and each pays in another way. Stripe, Alipay and"
        " WeChat Pay take the money themselves; at PayPal the customer approves, and we capture."
    )


async def too_late(shop: Shop, story: Story) -> None:
    """A QR code that is paid though the order has been cancelled."""
    placed = await shop.order(by="alipay", P1003=1)
    order_id = placed["orderId"]
    await shop.until(order_id, waits_for="the customer's payment")
    await shop.cancel(order_id, "found it cheaper")
    await shop.ended(order_id)
    story.say(
        "A customer gets an Alipay QR code, does not scan it, and cancels. Alipay cannot close"
        " what nobody has scanned: the code still works."
    )
    await shop.pay(placed["payment"])
    await shop.until(order_id, paymentStatus="refunded")
    story.say("She scans it after all, and pays. Nobody wants this money any more: it goes back.")
    story.order = await expect(shop, order_id, "cancelled", "refunded", "pending")


async def unheard(shop: Shop, story: Story) -> None:
    """A payment of which no callback ever tells."""
    placed = await shop.order(by="wechatpay", P1019=1)
    order_id = placed["orderId"]
    await shop.misfortune("wechatpay", "TRANSACTION.SUCCESS", "drop_callbacks", order_id)
    await shop.until(order_id, waits_for="the customer's payment")
    await shop.pay(placed["payment"])
    story.say("A customer pays with WeChat Pay; the callback is lost on its way.")
    await pass_time(shop, story, order_id, timedelta(minutes=1), "60 s")
    await shop.until(order_id, waits_for="the warehouse")
    story.say("After half a minute of silence we ask WeChat Pay ourselves: paid, confirmed.")
    story.order = await expect(shop, order_id, "processing", "paid", "picking")


async def twice(shop: Shop, story: Story) -> None:
    """Two attempts at two providers, and both are paid."""
    placed = await shop.order(by="alipay", P1016=1)
    order_id, earlier = placed["orderId"], placed["payment"]
    await shop.until(order_id, waits_for="the customer's payment")
    later = await shop.try_again(order_id, "paypal")
    await shop.pay(later)
    await shop.until(order_id, waits_for="the warehouse")
    story.say("A customer begins with Alipay, changes to PayPal, and approves there.")
    await shop.pay(earlier)
    await shop.until_refunded(order_id, earlier["paymentId"])
    story.say(
        "Then she scans the Alipay code as well. That money goes back by itself; the order goes"
        " on with what PayPal took."
    )
    story.order = await expect(shop, order_id, "processing", "paid", "picking")


async def given_back_outside(shop: Shop, story: Story) -> None:
    """Somebody refunds in the provider's dashboard, and tells nobody."""
    placed = await shop.order(by="paypal", P1014=1)
    order_id, payment = placed["orderId"], placed["payment"]
    await shop.pay(payment)
    await shop.until(order_id, waits_for="the warehouse")
    story.say("Paid with PayPal, and the warehouse begins to pick.")
    await shop.play(f"paypal/{payment['paymentId']}/refund-outside")
    await shop.ended(order_id)
    story.say(
        "A colleague refunds it all in PayPal's dashboard, and tells nobody. PayPal does: the"
        " refund is booked, and nothing is shipped for money that is gone."
    )
    story.order = await expect(shop, order_id, "cancelled", "refunded", "pending")


STORIES: tuple[tuple[str, Teller], ...] = (
    ("Four ways to pay", four_ways),
    ("Paid too late", too_late),
    ("A callback that never comes", unheard),
    ("Paid twice", twice),
    ("Refunded behind our back", given_back_outside),
)
