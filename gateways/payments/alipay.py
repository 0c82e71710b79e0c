"""Alipay: QR codes that the customer scans (`alipay.trade.precreate`, OpenAPI 2.0).

Alipay learns of a payment when its QR code is scanned: until then it does not exist there, which
on a query means that nobody has paid yet. `alipay.trade.cancel` is never called, because it
refunds what was paid. Payments and refunds have our own numbers, which make them unique.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

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
    RefundState,
    RefundView,
)
from gateways import keys
from gateways.errors import GatewayRejected, InvalidCallback, NotFound, OutcomeUnknown
from gateways.payments import alipay_notifications as notifications
from gateways.payments.alipay_errors import (
    ALREADY_PAID,
    NUMBER_REUSED,
    TRADE_NOT_EXIST,
    Outcome,
)
from gateways.payments.alipay_objects import (
    CURRENCY,
    Precreated,
    Refund,
    Refunded,
    Trade,
    check_number,
    refund_view,
    to_china_time,
    to_yuan,
    unpaid,
)
from gateways.payments.alipay_transport import AlipayTransport

_LONGEST_TEXT = 256
# Characters that Alipay does not take in a subject.
_SUBJECT = str.maketrans("/=&", "   ")
_NO_CURRENCY = "currency_not_supported"


def _now() -> datetime:
    return datetime.now(UTC)


def _no_currency(amount: Money) -> str:
    return f"{amount.currency} is not set up for Alipay"


class AlipayGateway:
    """Meets `PaymentGateway` for one application of one merchant; `base_url` is Alipay's gateway.

    Raises:
        InvalidKey: one of the keys cannot be read.
    """

    name: GatewayName = "alipay"

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        app_id: str,
        seller_id: str,
        private_key: str,
        public_key: str,
        base_url: str,
        notify_url: str,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._app_id = app_id
        self._seller_id = seller_id
        self._public_key = keys.public_key(public_key)
        self._notify_url = notify_url
        self._ask = AlipayTransport(
            client,
            app_id=app_id,
            private_key=keys.private_key(private_key),
            public_key=self._public_key,
            url=base_url,
            clock=clock,
        ).ask

    async def create(self, request: PaymentRequest) -> CreateOutcome:
        """Ask for a QR code; our number makes one payment, however often it is asked for.

        One that is paid already has none left to scan: its QR code is empty.

        Raises:
            GatewayRejected: the number was used for another payment.
        """
        if request.amount.currency != CURRENCY:
            return PaymentRejected(code=_NO_CURRENCY, message=_no_currency(request.amount))
        try:
            qr_code = await self._precreate(request)
        except GatewayRejected as refusal:
            if refusal.code == NUMBER_REUSED:
                raise
            if refusal.code != ALREADY_PAID:
                return PaymentRejected(code=refusal.code, message=refusal.reason)
            qr_code = ""
        action = PaymentAction(type="qr_code", value=qr_code)
        return PaymentCreated(provider_ref=request.payment_id, action=action)

    async def query(self, payment: PaymentRef) -> PaymentView:
        """Ask for the trade; one that does not exist waits for its QR code to be scanned."""
        return await self._view(payment, PaymentState.PENDING)

    async def capture(self, payment: PaymentRef, idempotency_key: str) -> PaymentView:  # noqa: ARG002 - the contract's parameter
        """Alipay captures by itself: only ask."""
        return await self.query(payment)

    async def close(self, payment: PaymentRef) -> PaymentView:
        """Close the trade, then query: a refused close may mean that it was paid.

        One that does not exist counts as closed, though its QR code works until the payment's
        time is over.
        """
        with suppress(GatewayRejected, NotFound):
            await self._ask("alipay.trade.close", {"out_trade_no": payment.payment_id}, Outcome)
        return await self._view(payment, PaymentState.CLOSED)

    async def refund(self, request: RefundRequest) -> RefundView:
        """Refund a part or all of what was captured; our number makes one refund.

        Raises:
            GatewayRejected: Alipay refuses, e.g. more than is left.
        """
        if request.amount.currency != CURRENCY:
            raise GatewayRejected(_NO_CURRENCY, _no_currency(request.amount))
        payment, number = request.payment, request.refund_id
        content = {
            "out_trade_no": payment.payment_id,
            "refund_amount": to_yuan(request.amount),
            "out_request_no": number,
            "refund_reason": request.reason[:_LONGEST_TEXT],
        }
        try:
            answer = await self._ask("alipay.trade.refund", content, Refunded)
        except NotFound as error:
            raise GatewayRejected(TRADE_NOT_EXIST, str(error)) from error
        check_number(answer.out_trade_no, payment.payment_id)
        if answer.fund_change == "Y":
            return refund_view(number, RefundState.SUCCEEDED, request.amount)
        return await self._made_before(request)

    async def query_refund(
        self, payment: PaymentRef, *, refund_id: str = "", refund_ref: str = ""
    ) -> RefundView:
        """Ask for one refund by its number, which is the same on both sides.

        Raises:
            NotFound: Alipay does not know it.
        """
        number = refund_ref or refund_id
        if not number:
            raise NotFound("a refund without a number was never made")
        content = {"out_trade_no": payment.payment_id, "out_request_no": number}
        refund = await self._ask("alipay.trade.fastpay.refund.query", content, Refund)
        return refund.view(payment.payment_id, number)

    async def parse_callback(
        self,
        headers: Mapping[str, str],  # noqa: ARG002 - Alipay signs the body alone
        body: bytes,
        now: datetime,  # noqa: ARG002 - and it stays valid
    ) -> CallbackEvent:
        """Verify a notification on its raw bytes and read what it is about."""
        if not (self._app_id and self._seller_id):
            raise InvalidCallback("Alipay's callbacks are off: no app id or no seller id is set")
        fields = notifications.verified(body, self._public_key)
        return notifications.read_event(fields, app_id=self._app_id, seller_id=self._seller_id)

    def acknowledge(self, *, accepted: bool) -> tuple[int, str, bytes]:
        """Alipay looks at the body alone; anything but `success` is delivered again."""
        return (200, "text/plain", b"success") if accepted else (400, "text/plain", b"fail")

    async def _precreate(self, request: PaymentRequest) -> str:
        content = {
            "out_trade_no": request.payment_id,
            "total_amount": to_yuan(request.amount),
            "subject": request.description.translate(_SUBJECT)[:_LONGEST_TEXT],
            "time_expire": to_china_time(request.expires_at),
            "passback_params": request.order_id,
        }
        answer = await self._ask(
            "alipay.trade.precreate", content, Precreated, notify_url=self._notify_url
        )
        check_number(answer.out_trade_no, request.payment_id)
        return answer.qr_code

    async def _view(self, payment: PaymentRef, if_unknown: PaymentState) -> PaymentView:
        content = {"out_trade_no": payment.payment_id}
        try:
            trade = await self._ask("alipay.trade.query", content, Trade)
        except NotFound:
            return unpaid(payment, if_unknown)
        return trade.view(payment)

    async def _made_before(self, request: RefundRequest) -> RefundView:
        """The refund that an earlier request with this number made, if one did."""
        try:
            made = await self.query_refund(request.payment, refund_id=request.refund_id)
        except NotFound as error:
            raise OutcomeUnknown(f"no money moved yet for refund {request.refund_id}") from error
        if made.amount != request.amount:
            raise OutcomeUnknown(f"refund {request.refund_id} was made with another amount")
        return made
