"""Money that comes for an order whose workflow has ended: look at it, and give it back."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies
from workflows.giving_back import give_back, give_excess_back, insist, reason_to_give_back
from workflows.messages import PaymentNews

with workflow.unsafe.imports_passed_through():
    from activities.notifications import CustomerEvent, Notifications, SendNotifications
    from activities.payments import Payments, SettlePayment
    from activities.refunds import RefundSettled
    from activities.settling import Settled
    from domain.money import Money
    from domain.notification import NotificationKind
    from domain.payment_review import EXCESS_REASON
    from domain.settlement import REFUNDABLE, Settlement

_PAYABLE = {Settlement.OPEN, Settlement.DECLINED}


@workflow.defn
class LatePaymentWorkflow:
    """Settles one callback about an ended order's payment."""

    @workflow.run
    async def run(self, order_id: str, news: PaymentNews) -> Settled:
        """What was decided; money that pays for nothing has gone back when this ends."""
        settled = await workflow.execute_activity_method(
            Payments.settle_payment,
            SettlePayment(
                payment_id=news.payment_id,
                at=workflow.now(),
                callback_ids=(news.callback_id,) if news.callback_id else (),
                refund_refs=news.refund_refs,
                unattended=True,
            ),
            summary="Ask what is true",
            **policies.MONEY,
        )
        if settled.settlement in _PAYABLE:
            # Nobody waits for this payment: it must not be paid any more.
            settled = await workflow.execute_activity_method(
                Payments.settle_payment,
                SettlePayment(
                    payment_id=news.payment_id, at=workflow.now(), close=True, unattended=True
                ),
                summary="Close the payment, then ask what is true",
                **policies.MONEY,
            )
        if settled.excess is not None:
            refund = await give_excess_back(settled.payment_id, settled.excess)
            await self._tell_of(order_id, refund, EXCESS_REASON)
        if settled.settlement in REFUNDABLE:
            reason = reason_to_give_back(settled)
            refund = await insist(lambda: give_back(settled.payment_id, reason))
            after_the_end = "the payment came after the order had ended"
            await self._tell_of(order_id, refund, reason if settled.decision else after_the_end)
        return settled

    async def _tell_of(self, order_id: str, refund: RefundSettled, reason: str) -> None:
        if refund.amount > Money.zero(refund.amount.currency):
            await workflow.execute_activity_method(
                Notifications.send_notifications,
                SendNotifications(
                    order_id=order_id,
                    events=(
                        CustomerEvent(
                            kind=NotificationKind.ORDER_REFUNDED,
                            occasion=refund.refund_id,
                            refund_amount=refund.amount,
                            reason=reason,
                            at=workflow.now(),
                        ),
                    ),
                ),
                summary="Tell the customer: refunded",
                **policies.NOTIFY,
            )
