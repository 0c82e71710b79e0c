"""WeChat Pay's objects as far as we read them, and what their statuses mean (API v3).

Amounts are whole fen. WeChat calls payments and refunds by the numbers that we gave them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from domain.money import Money
from domain.payment import PaymentState, PaymentView, RefundState, RefundView
from gateways.errors import OutcomeUnknown

CURRENCY = "CNY"

PAYMENT_STATES: Mapping[str, PaymentState] = {
    "SUCCESS": PaymentState.PAID,
    # Paid, and at least partly refunded.
    "REFUND": PaymentState.PAID,
    "NOTPAY": PaymentState.PENDING,
    "CLOSED": PaymentState.CLOSED,
    # The last three are documented for payments with a barcode only.
    "REVOKED": PaymentState.CLOSED,
    "USERPAYING": PaymentState.PROCESSING,
    "PAYERROR": PaymentState.FAILED,
}

REFUND_STATES: Mapping[str, RefundState] = {
    "PROCESSING": RefundState.PENDING,
    "SUCCESS": RefundState.SUCCEEDED,
    "CLOSED": RefundState.FAILED,
    # The money is stuck between the accounts until an operator says where it goes.
    "ABNORMAL": RefundState.MANUAL,
}


class _Object(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class NativeOrder(_Object):
    """What the customer's phone scans."""

    code_url: str = Field(min_length=1)


class PaidAmount(_Object):
    """`total` is what the order costs; the customer may have paid less with WeChat's coupons."""

    total: StrictInt | None = Field(default=None, ge=0)
    currency: str = Field(default=CURRENCY, pattern="^[A-Z]{3}$")


class Transaction(_Object):
    """A payment, by its `out_trade_no`."""

    mchid: str
    out_trade_no: str
    trade_state: str
    trade_state_desc: str | None = None
    transaction_id: str | None = None
    amount: PaidAmount | None = None

    def view(self) -> PaymentView:
        """The payment in our words; what went back of it is for its refunds to tell."""
        state = _look_up(PAYMENT_STATES, self.trade_state)
        paid = state is PaymentState.PAID
        failed = state is PaymentState.FAILED
        return PaymentView(
            payment_id=self.out_trade_no,
            provider_ref=self.out_trade_no,
            capture_ref=self.transaction_id or "",
            state=state,
            captured=self._paid() if paid else Money.zero(CURRENCY),
            refunded=None if paid else Money.zero(CURRENCY),
            touched=self.trade_state == "REFUND",
            failure_code=self.trade_state if failed else "",
            failure_message=(self.trade_state_desc or "") if failed else "",
        )

    def _paid(self) -> Money:
        if self.amount is None or self.amount.total is None:
            raise OutcomeUnknown("WeChat's paid Transaction has no amount")
        return Money(minor=self.amount.total, currency=self.amount.currency)


class RefundedAmount(_Object):
    """`refund` is the part of the order's price that goes back."""

    refund: StrictInt = Field(ge=0)
    currency: str = Field(default=CURRENCY, pattern="^[A-Z]{3}$")


class Refund(_Object):
    """A refund, by its `out_refund_no`; one made on WeChat's website has such a number too."""

    out_refund_no: str = Field(min_length=1)
    out_trade_no: str
    status: str
    amount: RefundedAmount

    def view(self) -> RefundView:
        """The refund in our words; WeChat's own id of it finds nothing, so it is left out."""
        state = _look_up(REFUND_STATES, self.status)
        stuck = state in {RefundState.FAILED, RefundState.MANUAL}
        return RefundView(
            refund_id=self.out_refund_no,
            provider_ref=self.out_refund_no,
            state=state,
            amount=Money(minor=self.amount.refund, currency=self.amount.currency),
            failure_code=self.status if stuck else "",
        )


M = TypeVar("M", bound=_Object)
S = TypeVar("S", PaymentState, RefundState)


def read(model: type[M], content: bytes) -> M:
    """Read WeChat's answer as a `model`.

    Raises:
        OutcomeUnknown: it is none.
    """
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise OutcomeUnknown(f"WeChat's {model.__name__} cannot be read") from error


def _look_up(table: Mapping[str, S], status: str) -> S:
    try:
        return table[status]
    except KeyError as error:
        raise OutcomeUnknown(f"WeChat's status {status!r} is not known") from error
