"""What WeChat Pay remembers of a trade. Amounts are fen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from secrets import randbelow

from pydantic import BaseModel, Field

BEIJING = timezone(timedelta(hours=8))


def beijing_now() -> str:
    """Now, as WeChat Pay writes times: RFC 3339 without fractions, always in Beijing's zone."""
    return datetime.now(BEIJING).isoformat(timespec="seconds")


def serial_number(prefix: str) -> str:
    """A number of 28 digits as WeChat Pay gives them to payments and refunds."""
    start = prefix + datetime.now(BEIJING).strftime("%Y%m%d")
    length = 28 - len(start)
    return start + str(randbelow(10**length)).zfill(length)


class TradeType(StrEnum):
    """How the customer was asked to pay."""

    NATIVE = "NATIVE"
    JSAPI = "JSAPI"


class TradeState(StrEnum):
    """The states of a trade; those of barcode payments are not played."""

    NOTPAY = "NOTPAY"
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    CLOSED = "CLOSED"


class Trade(BaseModel):
    """A trade. `asked` is the request that made it; `paid_total` what the customer has paid."""

    out_trade_no: str
    trade_type: TradeType
    asked: dict[str, object]
    appid: str
    mchid: str
    attach: str
    notify_url: str
    total: int
    time_expire: datetime | None
    stored_state: TradeState = TradeState.NOTPAY
    openid: str
    transaction_id: str = ""
    paid_total: int = 0
    success_time: str = ""

    @property
    def state(self) -> TradeState:
        """The state now: an unpaid trade closes by itself when its time is up."""
        expired = self.time_expire is not None and datetime.now(UTC) >= self.time_expire
        if self.stored_state is TradeState.NOTPAY and expired:
            return TradeState.CLOSED
        return self.stored_state

    @property
    def paid(self) -> bool:
        """Whether the customer has paid, even if all of it was given back."""
        return self.stored_state in {TradeState.SUCCESS, TradeState.REFUND}


class RefundStatus(StrEnum):
    """The states of a refund; one that is `ABNORMAL` waits for a person at the merchant's."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    ABNORMAL = "ABNORMAL"
    CLOSED = "CLOSED"


class Refund(BaseModel):
    """Money on its way back. `fails_as` is what it becomes if the bank returns it."""

    refund_id: str = Field(default_factory=lambda: serial_number("5030"))
    out_refund_no: str
    out_trade_no: str
    amount: int
    total: int
    notify_url: str = ""
    status: RefundStatus = RefundStatus.PROCESSING
    fails_as: RefundStatus = RefundStatus.ABNORMAL
    create_time: str = Field(default_factory=beijing_now)
    success_time: str = ""
