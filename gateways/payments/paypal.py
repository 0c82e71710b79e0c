"""PayPal: orders that the buyer approves on PayPal's pages, and that we then capture.

Orders API v2 and Payments API v2 (https://developer.paypal.com/docs/api/orders/v2/). PayPal has no
call to close an unpaid order. None is needed: without our capture nobody pays, and an order that
is left alone expires by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

import httpx

from domain.money import Money
from domain.order import GatewayName
from domain.payment import (
    CallbackEvent,
    CreateOutcome,
    PaymentAction,
    PaymentCreated,
    PaymentRef,
    PaymentRejected,
    PaymentRequest,
    PaymentState,
    PaymentView,
    RefundRequest,
    RefundView,
)
from gateways.errors import GatewayRejected, InvalidCallback, NotFound, OutcomeUnknown
from gateways.payments.paypal_amounts import DECIMALS
from gateways.payments.paypal_certificates import (
    CertificateUrls,
    SigningCertificates,
    trusted_roots,
)
from gateways.payments.paypal_errors import (
    CAPTURE_ISSUES,
    KEY_REUSED,
    CaptureVerdict,
)
from gateways.payments.paypal_events import read_event
from gateways.payments.paypal_objects import Order, read
from gateways.payments.paypal_refunds import PayPalRefunds
from gateways.payments.paypal_requests import ORDERS, order_message, order_path
from gateways.payments.paypal_token import AccessTokens
from gateways.payments.paypal_transport import PayPalTransport
from gateways.payments.paypal_webhooks import OfflineProof, PostbackProof, Proof, read_transmission


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PayPalGateway:
    """Meets `PaymentGateway` for one PayPal app.

    `cert_hosts` are the hosts (or whole origins) that webhook certificates may come from,
    `trust_roots` what these lead up to: PEM text or a file's path, the public roots if empty.
    Buyers come back to `{shop_url}/orders/{order_id}`, with `payment=approved` or `=cancelled`.
    """

    name: GatewayName = "paypal"

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        client_id: str,
        client_secret: str,
        webhook_id: str,
        base_url: str,
        cert_hosts: tuple[str, ...],
        trust_roots: str,
        verification: Literal["offline", "postback"],
        shop_url: str,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        base_url = base_url.rstrip("/")
        tokens = AccessTokens(
            client,
            client_id=client_id,
            client_secret=client_secret,
            base_url=base_url,
            clock=clock,
        )
        self._api = PayPalTransport(client, base_url, tokens)
        self._refunds = PayPalRefunds(self._api)
        self._shop_url = shop_url.rstrip("/")
        self._webhook_id = webhook_id.strip()
        self._urls = CertificateUrls(cert_hosts)
        self._proof: Proof = (
            PostbackProof(self._webhook_id, self._api)
            if verification == "postback"
            else OfflineProof(
                self._webhook_id, SigningCertificates(client, trusted_roots(trust_roots))
            )
        )

    async def create(self, request: PaymentRequest) -> CreateOutcome:
        """Make an order; the same idempotency key makes one for six hours.

        Raises:
            GatewayRejected: the key was used for another payment.
        """
        if request.amount.currency not in DECIMALS:
            return PaymentRejected(
                code="currency_not_supported",
                message=f"{request.amount.currency} is not set up for PayPal",
            )
        message = order_message(request, self._shop_url)
        try:
            answer = await self._api.post(ORDERS, message, request.idempotency_key)
        except GatewayRejected as refusal:
            if refusal.code == KEY_REUSED:
                raise
            return PaymentRejected(code=refusal.code, message=refusal.reason)
        order = read(Order, answer)
        if not order.buyer_link:
            raise OutcomeUnknown("PayPal's order has no link for the buyer")
        action = PaymentAction(type="redirect", value=order.buyer_link)
        return PaymentCreated(provider_ref=order.id, action=action)

    async def query(self, payment: PaymentRef) -> PaymentView:
        """Ask for the order, with its captures and refunds.

        Raises:
            NotFound: PayPal does not know it, or no longer: unpaid orders expire. Without
                `provider_ref` nobody can pay it either, because no link ever reached us.
        """
        return read(Order, await self._api.get(order_path(payment))).view(payment)

    async def capture(self, payment: PaymentRef, idempotency_key: str) -> PaymentView:
        """Take the money of an approved order; the same idempotency key takes it once.

        A view that says `FAILED` took nothing; PayPal then wants the buyer to come back.

        Raises:
            GatewayRejected: PayPal refuses for a reason that says nothing of the payment.
        """
        path = f"{order_path(payment)}/capture"
        try:
            order = read(Order, await self._api.post(path, {}, idempotency_key))
        except NotFound:
            return _closed(payment)
        except GatewayRejected as refusal:
            return await self._not_captured(payment, refusal)
        return order.view(payment) if order.capture else await self.query(payment)

    async def close(self, payment: PaymentRef) -> PaymentView:
        """Ask once more: what is not captured is closed, because the capture would be ours."""
        try:
            view = await self.query(payment)
        except NotFound:
            return _closed(payment)
        moves = view.state in {PaymentState.PAID, PaymentState.PROCESSING}
        return view if moves else _closed(payment)

    async def refund(self, request: RefundRequest) -> RefundView:
        """Refund a part or all of a capture; the same idempotency key makes one for 45 days.

        Raises:
            GatewayRejected: PayPal refuses, e.g. more than is left; or nothing was captured.
        """
        return await self._refunds.make(request)

    async def query_refund(
        self, payment: PaymentRef, *, refund_id: str = "", refund_ref: str = ""
    ) -> RefundView:
        """Ask for one refund; without `refund_ref` it is searched among the order's refunds.

        Raises:
            NotFound: PayPal does not know it.
        """
        if refund_ref:
            return await self._refunds.by_ref(payment, refund_ref, refund_id)
        return await self._refunds.by_id(payment, refund_id)

    async def parse_callback(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> CallbackEvent:
        """Verify a webhook on its raw bytes and read what it is about; old ones are welcome.

        Raises:
            InvalidCallback: PayPal did not send it, or not to us.
            OutcomeUnknown: who sent it cannot be told now, because PayPal's certificate (or, with
                postback, its verdict) could not be fetched. Answer 5xx: it must be sent again.
            ConnectionError: the same; as every call, a postback may also meet `RateLimited` or
                `GatewayAuthError`.
        """
        if not self._webhook_id:
            raise InvalidCallback("PayPal's callbacks are off: no webhook id is configured")
        transmission = read_transmission(headers, self._urls)
        await self._proof.check(transmission, body, now)
        return read_event(body)

    def acknowledge(self, *, accepted: bool) -> tuple[int, str, bytes]:
        """PayPal looks at the status alone; anything but 2xx is delivered again, for three days."""
        return (200 if accepted else 400), "application/json", b"{}"

    async def _not_captured(self, payment: PaymentRef, refusal: GatewayRejected) -> PaymentView:
        match CAPTURE_ISSUES.get(refusal.code):
            case CaptureVerdict.ASK:
                return await self.query(payment)
            case CaptureVerdict.CLOSED:
                return _closed(payment)
            case CaptureVerdict.DECLINED:
                return _unpaid(payment, PaymentState.FAILED, refusal.code, refusal.reason)
            case None:
                raise refusal


def _closed(payment: PaymentRef) -> PaymentView:
    return _unpaid(payment, PaymentState.CLOSED)


def _unpaid(
    payment: PaymentRef, state: PaymentState, code: str = "", message: str = ""
) -> PaymentView:
    nothing = Money.zero(payment.asked.currency)
    return PaymentView(
        payment_id=payment.payment_id,
        provider_ref=payment.provider_ref,
        state=state,
        captured=nothing,
        refunded=nothing,
        failure_code=code,
        failure_message=message,
    )
