"""WeChat Pay's errors.

https://pay.weixin.qq.com/doc/v3/merchant/4012081709, and the table on each API's page.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import ErrorDetails

_STATUSES = {
    "USERPAYING": 202,
    "SIGN_ERROR": 401,
    "NO_AUTH": 403,
    "NOT_ENOUGH": 403,
    "OUT_TRADE_NO_USED": 403,
    "RULE_LIMIT": 403,
    "TRADE_ERROR": 403,
    "USER_ACCOUNT_ABNORMAL": 403,
    "ORDER_NOT_EXIST": 404,
    "RESOURCE_NOT_EXISTS": 404,
    "FREQUENCY_LIMITED": 429,
    "BANK_ERROR": 500,
    "SYSTEM_ERROR": 500,
}


class WeChatError(Exception):
    """An error answer; its status is the one that the code has in WeChat Pay's tables."""

    def __init__(
        self, code: str, message: str, *, detail: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.status = _STATUSES.get(code, 400)
        self.body: dict[str, object] = {"code": code, "message": message}
        if detail:
            self.body["detail"] = dict(detail)


def sign_error(message: str, *, detail: Mapping[str, object] | None = None) -> WeChatError:
    """401: the request does not prove whose it is."""
    return WeChatError("SIGN_ERROR", message, detail=detail)


def param_error(field: str, issue: str, *, location: str = "body") -> WeChatError:
    """400: a parameter is missing or malformed."""
    detail = {"field": field, "issue": issue, "location": location}
    return WeChatError("PARAM_ERROR", "参数错误", detail=detail)


def invalid_field(problem: ErrorDetails) -> WeChatError:
    """400 for what does not fit; the field is a JSON pointer."""
    pointer = "".join(f"/{part}" for part in problem["loc"])
    return param_error(pointer, problem["msg"])


def order_not_exist() -> WeChatError:
    """404: no such trade."""
    return WeChatError("ORDER_NOT_EXIST", "订单不存在")


def resource_not_exists(message: str) -> WeChatError:
    """404 of the refund API."""
    return WeChatError("RESOURCE_NOT_EXISTS", message)


def invalid_request(message: str) -> WeChatError:
    """400: well formed, but against the rules."""
    return WeChatError("INVALID_REQUEST", message)
