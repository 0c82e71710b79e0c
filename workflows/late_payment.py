"""Money that comes for an order whose workflow has ended: look at it, and give it back."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies
from workflows.giving_back import give_back, insist
from workflows.messages import PaymentNews

with workflow.unsafe.imports_passed_through():
    from activities.notifications import CustomerEvent, Notifications, SendNotifications
    from activities.payments import Payments, SettlePayment
    from activities.settling import Settled
    from domain.money import Money
    from domain.notification import NotificationKind
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
        if settled.settlement in REFUNDABLE:
            await self._give_back(order_id, settled)
        return settled

    async def _give_back(self, order_id: str, settled: Settled) -> None:
        refund = await insist(
            lambda: give_back(settled.payment_id, f"{settled.settlement} payment")
        )
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
                            reason="the payment came after the order had ended",
                            at=workflow.now(),
                        ),
                    ),
                ),
                summary="Tell the customer: refunded",
                **policies.NOTIFY,
            )
