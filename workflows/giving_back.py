"""Give a payment back, however often the provider has to be asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.refunds import RefundPayment, Refunds, RefundSettled
    from activities.settling import Settled
    from domain.ids import REFUND, derived_id, idempotency_key
    from domain.money import Money
    from domain.payment import RefundState
    from domain.payment_review import EXCESS, EXCESS_REASON, ReviewDecision


def reason_to_give_back(settled: Settled) -> str:
    """Why money that pays for nothing goes back, for whoever paid it."""
    if settled.decision == ReviewDecision.REFUND:
        return "the payment was not what was asked for"
    return f"{settled.settlement} payment"


async def give_back(
    payment_id: str, reason: str, *, part: str = "all", amount: Money | None = None
) -> RefundSettled:
    """Refund all that is left of a payment, or a `part` of this `amount`; nothing left is fine.

    A refund that fails for good is followed by a new one, with an id and a key of its own, until
    nothing is left; meanwhile the timeline and the Web UI show what failed.

    Raises:
        ActivityError: the provider cannot be asked; see `insist`.
    """
    for number in count(1):
        refund_id = derived_id(REFUND, payment_id, part, str(number))
        settled = await workflow.execute_activity_method(
            Refunds.refund_payment,
            RefundPayment(
                refund_id=refund_id,
                payment_id=payment_id,
                amount=amount,
                left_only=amount is not None,
                reason=reason,
                idempotency_key=idempotency_key(refund_id, "refund"),
                at=workflow.now(),
            ),
            summary=f"Give the money back: {reason}",
            **policies.MONEY,
        )
        if settled.more:
            # This one succeeded before; another of the payment's refunds has failed since.
            continue
        if settled.state is RefundState.SUCCEEDED:
            return settled
        if not settled.known:
            await workflow.sleep(
                policies.refund_pause(number), summary=f"Refund {settled.state}: try again later"
            )
    raise AssertionError("count() does not end")


async def give_excess_back(payment_id: str, amount: Money) -> RefundSettled:
    """Refund what was captured beyond what was asked, of a payment that was accepted."""
    return await insist(lambda: give_back(payment_id, EXCESS_REASON, part=EXCESS, amount=amount))


async def insist(attempt: Callable[[], Awaitable[RefundSettled]]) -> RefundSettled:
    """Repeat what may fail because a provider cannot be asked at all, until it can."""
    for number in count(1):
        try:
            return await attempt()
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.error("refund_not_made", extra={"cause": str(error.cause)})
            await workflow.sleep(
                policies.unasked_refund_pause(number),
                summary="The refund cannot be made: try again later",
            )
    raise AssertionError("count() does not end")
