"""PayPal's refunds (Payments v2): made of captures, listed with their order."""

from __future__ import annotations

from domain.payment import PaymentRef, RefundRequest, RefundState, RefundView
from gateways.errors import GatewayRejected, NotFound, OutcomeUnknown
from gateways.payments.paypal_amounts import DECIMALS
from gateways.payments.paypal_errors import REFUND_ISSUES, RefundVerdict
from gateways.payments.paypal_objects import Order, Refund, captured_by, read
from gateways.payments.paypal_requests import order_path, path_part, refund_message
from gateways.payments.paypal_transport import PayPalTransport


class PayPalRefunds:
    """Makes refunds and finds them again."""

    def __init__(self, api: PayPalTransport) -> None:
        self._api = api

    async def make(self, request: RefundRequest) -> RefundView:
        """Give back a part or all of a capture; see `PaymentGateway.refund`."""
        if request.amount.currency not in DECIMALS:
            raise GatewayRejected("currency_not_supported", "the currency is not set up for PayPal")
        payment = request.payment
        capture = payment.capture_ref or await self._capture_of(payment)
        path = f"/v2/payments/captures/{path_part(capture)}/refund"
        try:
            answer = await self._api.post(path, refund_message(request), request.idempotency_key)
        except GatewayRejected as refusal:
            if REFUND_ISSUES.get(refusal.code) is not RefundVerdict.LOOK:
                raise
            return await self._made_before(request, refusal)
        view = read(Refund, answer).view(payment.payment_id)
        return view if view.refund_id else view.model_copy(update={"refund_id": request.refund_id})

    async def by_ref(self, payment: PaymentRef, refund_ref: str, refund_id: str) -> RefundView:
        """The refund that PayPal calls `refund_ref`, also one made in PayPal's dashboard."""
        answer = await self._api.get(f"/v2/payments/refunds/{path_part(refund_ref)}")
        refund = read(Refund, answer)
        view, capture = refund.view(payment.payment_id), captured_by(refund.links)
        if refund_id and view.refund_id not in {"", refund_id}:
            raise OutcomeUnknown(f"PayPal's {refund_ref} is not refund {refund_id}")
        if payment.capture_ref and capture not in {"", payment.capture_ref}:
            raise OutcomeUnknown(f"PayPal's {refund_ref} is not of payment {payment.payment_id}")
        return view

    async def by_id(self, payment: PaymentRef, refund_id: str) -> RefundView:
        """The refund that we call `refund_id`; PayPal finds it among its order's only."""
        order = read(Order, await self._api.get(order_path(payment)))
        listed = order.view(payment).refunds
        ours = [refund for refund in listed if refund_id and refund.refund_id == refund_id]
        if not ours:
            raise NotFound(f"PayPal has no refund {refund_id}")
        # One that failed may have been asked for again under a new key: money that moved counts.
        return min(ours, key=lambda refund: refund.state is RefundState.FAILED)

    async def _capture_of(self, payment: PaymentRef) -> str:
        view = read(Order, await self._api.get(order_path(payment))).view(payment)
        if not view.capture_ref:
            raise GatewayRejected("not_captured", "there is no money to give back")
        return view.capture_ref

    async def _made_before(self, request: RefundRequest, refusal: GatewayRejected) -> RefundView:
        """The same refund, made so long ago that PayPal forgot its key; else raises `refusal`."""
        try:
            made = await self.by_id(request.payment, request.refund_id)
        except NotFound:
            raise refusal from None
        if made.state is RefundState.FAILED:
            raise refusal
        return made
