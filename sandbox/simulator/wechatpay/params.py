"""WeChat Pay's request bodies: JSON, checked as strictly as there."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.simulator.wechatpay.errors import invalid_field, param_error

Json = dict[str, object]

# The real one wants https; a simulator on one machine cannot.
_URL = r"^https?://[^\s?#]+$"


def parse_json(raw: bytes) -> Json:
    """The JSON object in `raw`, empty if there is none; what lacks in it is said later."""
    try:
        parsed = json.loads(raw)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


class Params(BaseModel):
    """One call's body; unknown fields are ignored, and a number is not a text."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Check the body.

        Raises:
            WeChatError: a field is missing or malformed.
        """
        try:
            return cls.model_validate_json(raw)
        except ValidationError as error:
            raise invalid_field(error.errors()[0]) from None


class Total(Params):
    """What is to be paid, in fen."""

    total: int = Field(ge=1, le=10_000_000_000)
    currency: Literal["CNY"] = "CNY"


class Payer(Params):
    """Who is to pay."""

    openid: str = Field(min_length=1, max_length=128)


class CreateTrade(Params):
    """POST /v3/pay/transactions/native, .../jsapi."""

    appid: str = Field(min_length=1, max_length=32)
    mchid: str = Field(min_length=1, max_length=32)
    description: str = Field(min_length=1, max_length=127)
    out_trade_no: str = Field(pattern=r"^[0-9A-Za-z_|*-]{6,32}$")
    time_expire: str = Field(default="", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$")
    attach: str = Field(default="", max_length=128)
    notify_url: str = Field(max_length=255, pattern=_URL)
    amount: Total
    payer: Payer | None = None

    def expiry(self) -> datetime | None:
        """When the trade closes by itself.

        Raises:
            WeChatError: there is no such time.
        """
        try:
            return datetime.fromisoformat(self.time_expire) if self.time_expire else None
        except ValueError:
            raise param_error("/time_expire", "no such time") from None


class CloseTrade(Params):
    """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close."""

    mchid: str = Field(min_length=1, max_length=32)


class RefundAmount(Params):
    """What goes back, of which total; the currency is not optional here."""

    refund: int = Field(ge=1)
    total: int = Field(ge=1)
    currency: Literal["CNY"]


class CreateRefund(Params):
    """POST /v3/refund/domestic/refunds."""

    transaction_id: str = Field(default="", max_length=32)
    out_trade_no: str = Field(default="", max_length=32)
    out_refund_no: str = Field(pattern=r"^[0-9A-Za-z_|*@-]{1,64}$")
    reason: str = Field(default="", max_length=80)
    notify_url: str = Field(default="", max_length=256, pattern=_URL)
    amount: RefundAmount
