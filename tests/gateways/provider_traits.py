"""How the four payment providers differ by nature; all else is the same for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from domain.payment import PaymentState, RefundState


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a provider does differently, by the nature of its protocol."""

    # What the customer's browser gets to see.
    action: str
    # The callback that tells of money, and the one of a refund that the bank returned.
    paid: str
    refund_returned: str = ""
    # The calls that have an effect at the provider, by the simulator's names.
    effects: tuple[str, ...]
    # Whether a key that was used for one amount is refused for another; PayPal gives the first
    # answer again, whatever the second request says.
    compares_requests: bool = True
    # A currency that the adapter does not offer there.
    foreign_currency: str
    # How a declined try is seen: only some providers tell merchants of it.
    declined: PaymentState
    # Whether there is a way to pay that takes days.
    slow: bool = False
    # What a customer does before the provider knows of the payment at all.
    first_moves: tuple[str, ...] = ()
    # Whether the provider's own close keeps customers from paying, and what is seen if money
    # comes nevertheless.
    close_is_final: bool = True
    late: PaymentState = PaymentState.PAID
    # How a refund that the customer's bank returns is seen; none if refunds are made at once.
    returned: RefundState | None = None
    # Whether a query tells what has gone back: if it is nothing or a part, and if it is all.
    tells_part: bool = True
    tells_all: bool = True
    # Whether merchants are told of refunds in the provider's own web console, and of disputes.
    tells_foreign_refunds: bool = True
    tells_disputes: bool = False
    # Whether the provider signs its answers.
    signs_answers: bool = False


TRAITS: Mapping[str, Traits] = {
    "stripe": Traits(
        action="client_secret",
        paid="payment_intent.succeeded",
        refund_returned="refund.failed",
        effects=("create", "cancel", "refund"),
        foreign_currency="KWD",
        declined=PaymentState.FAILED,
        slow=True,
        returned=RefundState.FAILED,
        tells_disputes=True,
    ),
    # No order can be closed there. None needs to be: nobody pays before we capture.
    "paypal": Traits(
        action="redirect",
        paid="PAYMENT.CAPTURE.COMPLETED",
        refund_returned="PAYMENT.REFUND.FAILED",
        compares_requests=False,
        effects=("create", "capture", "refund"),
        foreign_currency="KWD",
        declined=PaymentState.FAILED,
        slow=True,
        close_is_final=False,
        late=PaymentState.APPROVED,
        returned=RefundState.FAILED,
        tells_disputes=True,
    ),
    # The trade begins when the code is scanned; until then there is nothing to close.
    "alipay": Traits(
        action="qr_code",
        paid="TRADE_SUCCESS",
        effects=("create", "cancel", "refund"),
        foreign_currency="USD",
        declined=PaymentState.PENDING,
        first_moves=("scan",),
        tells_part=False,
        signs_answers=True,
    ),
    "wechatpay": Traits(
        action="qr_code",
        paid="TRANSACTION.SUCCESS",
        refund_returned="REFUND.ABNORMAL",
        effects=("create", "cancel", "refund"),
        foreign_currency="USD",
        declined=PaymentState.PENDING,
        returned=RefundState.MANUAL,
        tells_part=False,
        tells_all=False,
        tells_foreign_refunds=False,
        signs_answers=True,
    ),
}


def providers_that(fit: Callable[[Traits], object]) -> list[str]:
    """The names of those whose traits `fit`."""
    return [name for name, traits in TRAITS.items() if fit(traits)]


def effects(fit: Callable[[Traits], object] = lambda _: True) -> list[tuple[str, str]]:
    """Every call with an effect, with its provider if its traits `fit`."""
    return [(name, effect) for name in providers_that(fit) for effect in TRAITS[name].effects]
