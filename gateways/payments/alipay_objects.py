"""Alipay's objects as far as we read them, and what their statuses mean (OpenAPI 2.0).

Who the buyer is (`buyer_logon_id`, `buyer_user_id`) is left where it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.money import Money
from domain.payment import PaymentRef, PaymentState, PaymentView, RefundState, RefundView
from gateways.errors import NotFound, OutcomeUnknown

CURRENCY = "CNY"
# All of Alipay's times are China's.
CHINA = timezone(timedelta(hours=8))

PAYMENT_STATES: Mapping[str, PaymentState] = {
    "WAIT_BUYER_PAY": PaymentState.PENDING,
    "TRADE_SUCCESS": PaymentState.PAID,
    # Paid, and too late for a refund.
    "TRADE_FINISHED": PaymentState.PAID,
    # Never paid, or paid and fully refunded: `Trade` tells them apart.
    "TRADE_CLOSED": PaymentState.CLOSED,
}

REFUND_STATES: Mapping[str, RefundState] = {
    # Older answers tell an amount and no status.
    "": RefundState.SUCCEEDED,
    "REFUND_SUCCESS": RefundState.SUCCEEDED,
}

_YUAN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?", re.ASCII)


def to_yuan(money: Money) -> str:
    """`money` as Alipay writes it, with two decimals."""
    return f"{money.amount:.2f}"


def from_yuan(text: object) -> Money:
    """The money that Alipay's `text` says.

    Raises:
        ValueError: it says none; a JSON number would have been a float.
    """
    if not isinstance(text, str) or not _YUAN.fullmatch(text):
        raise ValueError("this is no amount in yuan")
    return Money.of(text, CURRENCY)


def to_china_time(moment: datetime) -> str:
    """`moment` as Alipay writes it."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


Yuan = Annotated[Money, BeforeValidator(from_yuan)]


class _Object(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Precreated(_Object):
    """A QR code for a payment that begins to exist when somebody scans it."""

    out_trade_no: str
    qr_code: str = Field(min_length=1)


class Trade(_Object):
    """A payment."""

    out_trade_no: str
    trade_no: str = Field(min_length=1)
    trade_status: str
    total_amount: Yuan
    send_pay_date: str = ""

    def view(self, payment: PaymentRef) -> PaymentView:
        """The payment in our words; what is closed was paid if anybody remembers that it was.

        Raises:
            OutcomeUnknown: it is another payment, or in a state that nobody knows.
        """
        check_number(self.out_trade_no, payment.payment_id)
        if self.trade_status not in PAYMENT_STATES:
            raise OutcomeUnknown(f"Alipay's status {self.trade_status!r} is not known")
        state = PAYMENT_STATES[self.trade_status]
        refunded: Money | None = None
        if state is PaymentState.CLOSED and (payment.captured_before or self.send_pay_date):
            state, refunded = PaymentState.PAID, self.total_amount
        if state is not PaymentState.PAID:
            return unpaid(payment, state)
        return PaymentView(
            payment_id=payment.payment_id,
            provider_ref=payment.payment_id,
            capture_ref=self.trade_no,
            state=state,
            captured=self.total_amount,
            refunded=refunded,
        )


class Refunded(_Object):
    """The answer to a refund; `fund_change` is Y if this very request moved the money."""

    out_trade_no: str
    fund_change: str = ""


class Refund(_Object):
    """A refund that was asked for; without an amount there is none."""

    out_trade_no: str = ""
    out_request_no: str = ""
    refund_amount: Yuan | None = None
    refund_status: str = ""

    def view(self, payment_id: str, number: str) -> RefundView:
        """The refund in our words; its number is ours, and Alipay has no other.

        Raises:
            NotFound: it was never made.
            OutcomeUnknown: it is another refund, or in a state that nobody knows.
        """
        if self.refund_amount is None:
            raise NotFound(f"Alipay has no refund {number}")
        check_number(self.out_trade_no or payment_id, payment_id)
        check_number(self.out_request_no or number, number)
        if self.refund_status not in REFUND_STATES:
            raise OutcomeUnknown(f"Alipay's refund status {self.refund_status!r} is not known")
        state = REFUND_STATES[self.refund_status]
        return refund_view(number, state, self.refund_amount)


def unpaid(payment: PaymentRef, state: PaymentState) -> PaymentView:
    """A payment that holds no money."""
    return PaymentView(
        payment_id=payment.payment_id,
        provider_ref=payment.payment_id,
        state=state,
        captured=Money.zero(CURRENCY),
        refunded=Money.zero(CURRENCY),
    )


def refund_view(number: str, state: RefundState, amount: Money) -> RefundView:
    """A refund by the number that both sides call it."""
    return RefundView(refund_id=number, provider_ref=number, state=state, amount=amount)


def check_number(told: str, asked: str) -> None:
    """Refuse an answer about something else: its signature does not say what was asked.

    Raises:
        OutcomeUnknown: it is one.
    """
    if told != asked:
        raise OutcomeUnknown(f"Alipay's answer is not about {asked}")


M = TypeVar("M", bound=BaseModel)


def read(model: type[M], text: str) -> M:
    """Read the JSON `text` as a `model`.

    Raises:
        OutcomeUnknown: it is none.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise OutcomeUnknown(f"Alipay's {model.__name__} cannot be read") from error
