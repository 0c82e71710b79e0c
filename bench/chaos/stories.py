"""What customers, shops and banks do with an order; whatever goes wrong, it has few ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from bench.chaos.misfortunes import paid_meanwhile
from bench.chaos.tale import HOLD, Tale
from domain.order import GatewayName

Teller = Callable[[Tale], Awaitable[None]]

_PAID = "processing/paid"
_UNPAID = "cancelled/failed"
_BACK = "cancelled/refunded"
_PARTLY_BACK = "processing/partially_refunded"
GATEWAYS: frozenset[GatewayName] = frozenset(get_args(GatewayName))
_SEE_DECLINES: frozenset[GatewayName] = frozenset({"stripe", "paypal"})
_SEE_LATE_FAILURES: frozenset[GatewayName] = frozenset({"stripe"})

_HALF = 0.5
_LONG_AFTER = HOLD + timedelta(minutes=1)


async def _paid(tale: Tale) -> None:
    await tale.pay(await tale.payable())


async def _declined_then_paid(tale: Tale) -> None:
    first = await tale.payable()
    await tale.decline(first)
    await tale.until_money("failed")
    if tale.plan.coin and await tale.pay_again(tale.plan.other):
        first = await tale.payable(after=1)
    await tale.pay(first)


async def _cancelled_unpaid(tale: Tale) -> None:
    if tale.plan.coin:
        await tale.payable()
    await tale.cancel()


async def _expired_unpaid(tale: Tale) -> None:
    await tale.payable()
    await tale.pass_time(_LONG_AFTER)


async def _paid_then_cancelled(tale: Tale) -> None:
    attempt = await tale.payable()
    await tale.pay(attempt)
    # What is approved at PayPal is not taken yet, and is not taken from who cancels.
    if tale.plan.coin or attempt.gateway == "paypal":
        await tale.until("processing")
    await tale.cancel()


async def _paid_and_cancelled_at_once(tale: Tale) -> None:
    attempt = await tale.payable()
    await asyncio.gather(tale.pay(attempt), tale.cancel())


async def _paid_twice(tale: Tale) -> None:
    first = await tale.payable()
    if not await tale.pay_again(tale.plan.other):
        return
    second = await tale.payable(after=1)
    # What we have given up at PayPal can be approved, but is never captured. And nobody asks about
    # what is closed: without a callback reconciliation finds its money, once the order has expired.
    first_counts = (
        tale.plan.coin
        and first.gateway != "paypal"
        and not tale.plan.loses_callbacks(first.gateway)
    )
    early, late = (first, second) if first_counts else (second, first)
    await tale.pay(early, force=True)
    if tale.plan.fraction < _HALF:
        await tale.until("processing")
    await tale.pay(late, force=True)


async def _other_amount(tale: Tale) -> None:
    attempt = await tale.payable()
    more = int(tale.total * tale.plan.fraction) + 1
    await tale.pay(attempt, amount=tale.total + (more if tale.plan.coin else -more))
    await tale.until_money("review")
    if tale.plan.fraction < _HALF:
        await tale.cancel()


async def _paid_late(tale: Tale) -> None:
    attempt = await tale.payable()
    if tale.plan.coin:
        await tale.cancel()
    else:
        await tale.pass_time(_LONG_AFTER)
    await tale.until("cancelled")
    await tale.pay(attempt, force=True)


async def _refunded_partly(tale: Tale) -> None:
    await tale.pay(await tale.payable())
    await tale.until("processing")
    part = max(1, int(tale.total * tale.plan.fraction / 2))
    refunds = [tale.refund(part, 1)]
    if tale.plan.coin:
        refunds.append(tale.refund(max(1, part // 3), 2))
    await asyncio.gather(*refunds)


async def _delivered_then_refunded(tale: Tale) -> None:
    await tale.pay(await tale.payable())
    await tale.ship_and_deliver()
    if tale.plan.coin:
        await tale.refund(max(1, int(tale.total * tale.plan.fraction)), 1)
    await tale.refund(None, 2)


async def _refunded_in_dashboard(tale: Tale) -> None:
    attempt = await tale.payable()
    await tale.pay(attempt)
    await tale.until("processing")
    part = max(1, int(tale.total * tale.plan.fraction))
    await tale.refund_outside(attempt, None if tale.plan.coin else part)


async def _paid_meanwhile(tale: Tale) -> None:
    attempt = await tale.payable()
    trick = paid_meanwhile(attempt.gateway)
    await tale.ground.order_misfortune(trick.scenario(f"{tale.key}:m", tale.order_id))
    if tale.plan.coin:
        await tale.cancel()
    else:
        await tale.pass_time(_LONG_AFTER)


async def _slow_money(tale: Tale) -> None:
    attempt = await tale.payable()
    await tale.process(attempt)
    if tale.plan.coin:
        await tale.pass_time(_LONG_AFTER)
    await tale.pay(attempt)


async def _refund_bounced(tale: Tale) -> None:
    attempt = await tale.payable()
    await tale.pay(attempt)
    await tale.until("processing")
    await tale.cancel()
    await tale.until_given_back(attempt)
    await tale.bounce(attempt)


@dataclass(frozen=True, slots=True)
class Story:
    """A story, the providers at which it can be told, and its possible ends.

    An end is the order's status and its money's status once the order is at rest. `outside` says
    that the provider moves money which nobody in the house has asked for.
    """

    name: str
    tell: Teller
    ends: frozenset[str]
    gateways: frozenset[GatewayName] = GATEWAYS
    outside: bool = False


# How any order may end whose customer was late to pay.
LATE_ENDS = frozenset({_UNPAID, _BACK})

_TELL_OF_OUTSIDE_REFUNDS: frozenset[GatewayName] = frozenset({"stripe", "paypal", "alipay"})

# A refund that was asked for may be refused, and then the money stays.
STORIES: tuple[Story, ...] = (
    Story("paid once", _paid, frozenset({_PAID})),
    Story("declined, then paid", _declined_then_paid, frozenset({_PAID}), _SEE_DECLINES),
    Story("slow money", _slow_money, frozenset({_PAID}), _SEE_DECLINES),
    Story("cancelled unpaid", _cancelled_unpaid, frozenset({_UNPAID})),
    Story("expired unpaid", _expired_unpaid, frozenset({_UNPAID})),
    Story("paid, then cancelled", _paid_then_cancelled, frozenset({_BACK})),
    Story("paid and cancelled", _paid_and_cancelled_at_once, frozenset({_BACK, _UNPAID})),
    Story("paid twice", _paid_twice, frozenset({_PAID})),
    Story("another amount", _other_amount, frozenset({"pending/review", _BACK})),
    Story("paid late", _paid_late, frozenset({_BACK, _UNPAID})),
    Story("paid while closing", _paid_meanwhile, frozenset({_PAID, _BACK, _UNPAID})),
    Story("refunded in part", _refunded_partly, frozenset({_PARTLY_BACK, _PAID})),
    Story(
        "refunded after delivery",
        _delivered_then_refunded,
        frozenset({"refunded/refunded", "completed/partially_refunded", "completed/paid"}),
    ),
    Story(
        "refunded elsewhere",
        _refunded_in_dashboard,
        frozenset({_PARTLY_BACK, _BACK}),
        # WeChat Pay tells nobody, and its answer about the payment has no sum of refunds: all that
        # reconciliation can do is name it.
        _TELL_OF_OUTSIDE_REFUNDS,
        outside=True,
    ),
    Story("refund bounced", _refund_bounced, frozenset({_BACK}), _SEE_LATE_FAILURES),
)
