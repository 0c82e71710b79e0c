"""What `biz_content` must hold for each method; Alipay ignores what it does not know."""

from __future__ import annotations

import json
import re
import time
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.simulator.alipay.errors import AlipayError, invalid_parameter, refused
from sandbox.simulator.alipay.formats import fen, moment_of

Content = dict[str, object]

_MOST = 100_000_000_00
_QR_LIFE = 2 * 3600.0
_TIMEOUT = re.compile(r"([0-9]{1,5})([mhd])", re.ASCII)
_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_content(text: str) -> Content:
    """The JSON object in `biz_content`; numbers stay the text that they were sent as.

    Raises:
        AlipayError: it is none.
    """
    try:
        content = json.loads(text, parse_float=str, parse_int=str)
    except json.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise AlipayError("40002", "isv.illegal-json")
    return content


class Params(BaseModel):
    """Business parameters of one method."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def read(cls, content: Content) -> Self:
        """Check the parameters.

        Raises:
            AlipayError: one is missing or malformed; nothing was executed.
        """
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise invalid_parameter(str(error.errors()[0]["loc"][0])) from None


class PlaceOrder(Params):
    """alipay.trade.precreate and alipay.trade.page.pay."""

    out_trade_no: str = Field(pattern="^[0-9A-Za-z_]{1,64}$")
    total_amount: str
    subject: str = Field(min_length=1, max_length=256)
    body: str = Field(default="", max_length=128)
    passback_params: str = Field(default="", max_length=512)
    seller_id: str = ""
    product_code: str = ""
    time_expire: str = ""
    timeout_express: str = ""

    def fen(self) -> int:
        """The amount.

        Raises:
            AlipayError: it is none, or out of bounds.
        """
        amount = _amount("total_amount", self.total_amount)
        if amount > _MOST:
            raise refused("ACQ.TOTAL_FEE_EXCEED")
        return amount

    def expires_at(self) -> float:
        """Until when the order can be paid; an absolute time wins over a relative one.

        Raises:
            AlipayError: it is malformed, or over already.
        """
        now = time.time()
        if self.time_expire:
            moment = moment_of(self.time_expire)
            if moment is None or moment <= now:
                raise invalid_parameter("time_expire")
            return moment
        if self.timeout_express:
            found = _TIMEOUT.fullmatch(self.timeout_express)
            if found is None:
                raise invalid_parameter("timeout_express")
            return now + int(found[1]) * _SECONDS[found[2]]
        return now + _QR_LIFE


class Reference(Params):
    """One trade, by either number; query, close and cancel ask for no more."""

    out_trade_no: str = ""
    trade_no: str = ""


class RefundOrder(Reference):
    """alipay.trade.refund."""

    refund_amount: str
    out_request_no: str = Field(default="", max_length=64)
    refund_reason: str = Field(default="", max_length=256)

    def fen(self) -> int:
        """The amount.

        Raises:
            AlipayError: it is none.
        """
        return _amount("refund_amount", self.refund_amount)


class RefundReference(Reference):
    """alipay.trade.fastpay.refund.query."""

    out_request_no: str = Field(min_length=1, max_length=64)
    query_options: list[str] = []


def _amount(name: str, text: str) -> int:
    amount = fen(text)
    if not amount:
        raise invalid_parameter(name)
    return amount
