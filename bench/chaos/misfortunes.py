"""What may go wrong outside, by provider, and how it is asked of the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from bench.chaos.ground import Json
from domain.order import GatewayName

# The customer pays in the very moment in which we close: which request that befalls.
CLOSING: Mapping[GatewayName, str] = {
    "stripe": "cancel",
    "paypal": "retrieve",
    "alipay": "cancel",
    "wechatpay": "cancel",
}

_OPERATIONS: Mapping[GatewayName, tuple[str, ...]] = {
    "stripe": ("create", "retrieve", "cancel", "refund", "list_refunds", "retrieve_refund"),
    "paypal": ("create", "retrieve", "capture", "refund", "retrieve_refund"),
    "alipay": ("create", "retrieve", "cancel", "refund", "retrieve_refund"),
    "wechatpay": ("create", "retrieve", "cancel", "refund", "retrieve_refund"),
}
_OF_REQUESTS = (
    "fail_before_commit",
    "timeout_after_commit",
    "timeout_after_commit",
    "error_after_commit",
    "error_after_commit",
    "rate_limit",
    "delay_before_commit",
)
_OF_ANSWERS: Mapping[GatewayName, tuple[str, ...]] = {
    "alipay": ("unsigned_answer", "forged_answer"),
    "wechatpay": ("unsigned_answer", "forged_answer"),
}
_OF_CALLBACKS = ("drop_callbacks", "duplicate_callbacks", "delay_callbacks", "bad_signature")

# Refunds may be refused, too, and be slow at all but Alipay.
_OF_REFUNDS: Mapping[GatewayName, tuple[str, ...]] = {
    "stripe": ("reject", "refund_pending"),
    "paypal": ("reject", "refund_pending"),
    "alipay": ("reject",),
    "wechatpay": ("reject", "refund_pending"),
}
_LONGEST_SECONDS = 1.2
_MOST_TIMES = 3
_CALLBACKS_PART = 0.5


@dataclass(frozen=True, slots=True)
class Misfortune:
    """One thing that goes wrong `times` times for one order."""

    party: GatewayName
    operation: str
    behavior: str
    times: int
    seconds: float = 0.0
    count: int = 2

    def scenario(self, name: str, order_id: str) -> Json:
        """As the simulator takes it; `name` tells later whether it has happened."""
        return {
            "id": name,
            "party": self.party,
            "operation": self.operation,
            "behavior": self.behavior,
            "times": self.times,
            "seconds": self.seconds,
            "count": self.count,
            "match": {"orderId": order_id},
        }


def draw(chance: Random, party: GatewayName) -> Misfortune:
    """Any misfortune that is possible at this provider."""
    seconds = round(chance.uniform(0, _LONGEST_SECONDS), 2)
    times, count = chance.randint(1, _MOST_TIMES), chance.randint(1, _MOST_TIMES)
    if chance.random() < _CALLBACKS_PART:
        behavior = chance.choice(_OF_CALLBACKS)
        return Misfortune(party, "*", behavior, times, seconds, count)
    operation = chance.choice(_OPERATIONS[party])
    behaviors = (*_OF_REQUESTS, *_OF_ANSWERS.get(party, ()))
    if operation == "refund":
        behaviors += _OF_REFUNDS[party]
    behavior = chance.choice(behaviors)
    if behavior in {"reject", "refund_pending"}:
        times = 1
    return Misfortune(party, operation, behavior, times, seconds)


def paid_meanwhile(party: GatewayName) -> Misfortune:
    """The customer pays just before the payment is closed."""
    return Misfortune(party, CLOSING[party], "paid_meanwhile", times=1)
