"""WeChat Pay API v3, direct merchant: QR codes that the customer's phone scans (Native).

https://pay.weixin.qq.com/doc/v3/merchant/4012791874. There are no idempotency keys: the numbers
that we give (`out_trade_no`, `out_refund_no`) do their work, as long as a repeated request says
the same as the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote

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
from gateways import keys
from gateways.errors import GatewayRejected, NotFound, OutcomeUnknown
from gateways.payments import wechat_pay_callbacks
from gateways.payments.wechat_pay_callbacks import Account
from gateways.payments.wechat_pay_errors import NUMBER_TAKEN
from gateways.payments.wechat_pay_objects import CURRENCY, NativeOrder, Refund, Transaction, read
from gateways.payments.wechat_pay_signing import Merchant, WeChatKey
from gateways.payments.wechat_pay_transport import WeChatPayTransport

_CHINA = timezone(timedelta(hours=8))
_ORDERS = "/v3/pay/transactions/out-trade-no"
_REFUNDS = "/v3/refund/domestic/refunds"
_DESCRIPTION_LIMIT = 127
_REASON_LIMIT_BYTES = 80


def _utc_now() -> datetime:
    return datetime.now(UTC)


class WeChatPayGateway:
    """Meets `PaymentGateway` for one merchant and one of its apps."""

    name: GatewayName = "wechatpay"

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        mchid: str,
        appid: str,
        serial: str,
        private_key: str,
        public_key: str,
        public_key_id: str,
        apiv3_key: str,
        base_url: str,
        notify_url: str,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        if not public_key_id:
            raise keys.InvalidKey("WeChat's public key needs its id (PUB_KEY_ID_...)")
        merchant = Merchant(mchid, serial, keys.private_key(private_key))
        self._key = WeChatKey(public_key_id, keys.public_key(public_key))
        self._wechat = WeChatPayTransport(client, base_url, merchant, self._key, clock)
        self._account = Account.of(mchid, appid, apiv3_key)
        self._notify_url = notify_url

    async def create(self, request: PaymentRequest) -> CreateOutcome:
        """Order a QR code; repeated for the same payment, WeChat gives it a new one.

        If the customer has paid already, there is nothing left to scan: the code is empty.

        Raises:
            GatewayRejected: the number was used for another payment.
        """
        if request.amount.currency != CURRENCY:
            return PaymentRejected(
                code="currency_not_supported",
                message=f"WeChat Pay takes {CURRENCY} only, not {request.amount.currency}",
            )
        try:
            answer = await self._wechat.post("/v3/pay/transactions/native", self._order(request))
        except GatewayRejected as refusal:
            return await self._refused(request, refusal)
        return _created(request, read(NativeOrder, answer.content).code_url)

    async def query(self, payment: PaymentRef) -> PaymentView:
        """Ask for the payment by our number; what went back is told by its refunds alone."""
        number = quote(payment.payment_id, safe="")
        answer = await self._wechat.get(f"{_ORDERS}/{number}?mchid={self._account.mchid}")
        if answer.status_code == httpx.codes.ACCEPTED:
            return _without_money(payment, PaymentState.PROCESSING)
        transaction = read(Transaction, answer.content)
        ours = (self._account.mchid, payment.payment_id)
        if (transaction.mchid, transaction.out_trade_no) != ours:
            raise OutcomeUnknown(f"WeChat's answer is not about payment {payment.payment_id}")
        return transaction.view()

    async def capture(self, payment: PaymentRef, idempotency_key: str) -> PaymentView:  # noqa: ARG002 - the contract's parameter
        """WeChat captures by itself: only ask."""
        return await self.query(payment)

    async def close(self, payment: PaymentRef) -> PaymentView:
        """Close the order, then query: a refused close may mean that it was paid.

        What WeChat does not know is closed, because nobody ever got a code for it.
        """
        number = quote(payment.payment_id, safe="")
        with suppress(GatewayRejected, NotFound):
            await self._wechat.post(f"{_ORDERS}/{number}/close", {"mchid": self._account.mchid})
        try:
            return await self.query(payment)
        except NotFound:
            return _without_money(payment, PaymentState.CLOSED)

    async def refund(self, request: RefundRequest) -> RefundView:
        """Refund a part or all of what was captured; the same `refund_id` makes one refund.

        Raises:
            GatewayRejected: WeChat refuses, e.g. more than is left, or nothing was ever paid.
        """
        try:
            answer = await self._wechat.post(_REFUNDS, self._refund(request))
        except NotFound as error:
            # The one code says that the order is missing, or that it is not paid.
            raise GatewayRejected("RESOURCE_NOT_EXISTS", str(error)) from error
        return _read_refund(answer, request.payment, request.refund_id)

    async def query_refund(
        self, payment: PaymentRef, *, refund_id: str = "", refund_ref: str = ""
    ) -> RefundView:
        """Ask for one refund; both references are its `out_refund_no`.

        Raises:
            NotFound: WeChat does not know it.
        """
        number = refund_id or refund_ref
        if not number:
            raise NotFound("the refund has no number to ask WeChat for")
        answer = await self._wechat.get(f"{_REFUNDS}/{quote(number, safe='')}")
        return _read_refund(answer, payment, number)

    async def parse_callback(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> CallbackEvent:
        """Verify a callback on its raw bytes, decrypt it and read what it is about."""
        return wechat_pay_callbacks.parse(headers, body, self._account, self._key, now)

    def acknowledge(self, *, accepted: bool) -> tuple[int, str, bytes]:
        """WeChat looks at the status; the body of a refusal is for its logs."""
        if accepted:
            return 204, "application/json", b""
        return 400, "application/json", b'{"code":"FAIL","message":"the callback was not accepted"}'

    def _order(self, request: PaymentRequest) -> dict[str, object]:
        expires = request.expires_at.astimezone(_CHINA)
        return {
            "appid": self._account.appid,
            "mchid": self._account.mchid,
            "description": request.description[:_DESCRIPTION_LIMIT],
            "out_trade_no": request.payment_id,
            "time_expire": expires.isoformat(timespec="seconds"),
            "attach": request.order_id,
            "notify_url": self._notify_url,
            "amount": {"total": request.amount.minor, "currency": CURRENCY},
        }

    def _refund(self, request: RefundRequest) -> dict[str, object]:
        # By our number even when WeChat's is known: a repeated request must say the same.
        message: dict[str, object] = {
            "out_trade_no": request.payment.payment_id,
            "out_refund_no": request.refund_id,
            "notify_url": self._notify_url,
            "amount": {
                "refund": request.amount.minor,
                "total": request.payment.asked.minor,
                "currency": request.amount.currency,
            },
        }
        reason = request.reason.encode()[:_REASON_LIMIT_BYTES].decode(errors="ignore")
        return message | {"reason": reason} if reason else message

    async def _refused(self, request: PaymentRequest, refusal: GatewayRejected) -> CreateOutcome:
        """Rejected, unless a payment of this number lives: its money must not be lost."""
        rejected = PaymentRejected(code=refusal.code, message=refusal.reason)
        if refusal.code not in NUMBER_TAKEN:
            return rejected
        number = request.payment_id
        payment = PaymentRef(payment_id=number, provider_ref=number, asked=request.amount)
        try:
            state = (await self.query(payment)).state
        except NotFound:
            return rejected
        match state:
            case PaymentState.PAID:
                return _created(request, code_url="")
            case PaymentState.CLOSED:
                return rejected
            case _:
                raise refusal


def _created(request: PaymentRequest, code_url: str) -> PaymentCreated:
    action = PaymentAction(type="qr_code", value=code_url)
    return PaymentCreated(provider_ref=request.payment_id, action=action)


def _without_money(payment: PaymentRef, state: PaymentState) -> PaymentView:
    nothing = Money.zero(CURRENCY)
    return PaymentView(
        payment_id=payment.payment_id,
        provider_ref=payment.payment_id,
        state=state,
        captured=nothing,
        refunded=nothing,
    )


def _read_refund(answer: httpx.Response, payment: PaymentRef, number: str) -> RefundView:
    refund = read(Refund, answer.content)
    if (refund.out_trade_no, refund.out_refund_no) != (payment.payment_id, number):
        raise OutcomeUnknown(f"WeChat's answer is not about refund {number}")
    return refund.view()
