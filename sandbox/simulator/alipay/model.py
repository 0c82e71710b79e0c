"""What Alipay remembers of a trade. Amounts are fen; moments are unix seconds."""

from __future__ import annotations

import time
from enum import StrEnum
from secrets import choice
from string import ascii_lowercase, digits
from urllib.parse import unquote_plus

from pydantic import BaseModel, Field

from sandbox.simulator.alipay.formats import number

_QR_ALPHABET = ascii_lowercase + digits


class TradeStatus(StrEnum):
    """`TRADE_CLOSED` is an unpaid trade that was closed, or a paid one that was fully refunded."""

    WAIT_BUYER_PAY = "WAIT_BUYER_PAY"
    TRADE_SUCCESS = "TRADE_SUCCESS"
    TRADE_FINISHED = "TRADE_FINISHED"
    TRADE_CLOSED = "TRADE_CLOSED"


def _qr_code() -> str:
    return "https://qr.alipay.com/bax" + "".join(choice(_QR_ALPHABET) for _ in range(21))


class Trade(BaseModel):
    """An order that a merchant placed, and the trade that it becomes.

    The trade does not exist (it has no `status` and no `trade_no`) until somebody scans the code
    or logs in at the cashier. `asked` is what the merchant wants, `total` what the trade is about.
    """

    out_trade_no: str
    asked: int
    total: int
    subject: str
    body: str = ""
    passback_params: str = ""
    notify_url: str = ""
    expires_at: float
    qr_code: str = Field(default_factory=_qr_code)

    status: TradeStatus | None = None
    trade_no: str = ""
    refunded: int = 0
    created_at: float | None = None
    paid_at: float | None = None
    closed_at: float | None = None

    @property
    def order_id(self) -> str:
        """Our own id of the order; merchants url-encode what they want passed back."""
        return unquote_plus(self.passback_params)

    @property
    def refundable(self) -> int:
        """What is left of the money."""
        return self.total - self.refunded

    def is_open(self) -> bool:
        """Whether the buyer can pay: a code that nobody scanned works until it expires."""
        if self.status is None:
            return time.time() < self.expires_at
        return self.status is TradeStatus.WAIT_BUYER_PAY


class Refund(BaseModel):
    """Money that went back; Alipay knows no other state. `outside`: made in its web console."""

    out_trade_no: str
    out_request_no: str
    amount: int
    reason: str = ""
    outside: bool = False
    made_at: float = Field(default_factory=time.time)


def new_trade_no(now: float) -> str:
    """Alipay's number of a trade."""
    return number(now, "22001", 28)


def new_console_refund_no(now: float) -> str:
    """The refund number that Alipay's web console makes up."""
    return number(now, "00301", 28)


def new_notify_id(now: float) -> str:
    """The number of a notification."""
    return number(now, "00222", 34)
