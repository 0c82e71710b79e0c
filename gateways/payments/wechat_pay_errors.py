"""What WeChat Pay's error codes mean in our words.

The documentation spells some codes in two ways. A code weighs more than the status: 403 is a
refusal as often as a lack of rights.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateways.errors import GatewayAuthError, GatewayRejected, NotFound, OutcomeUnknown, RateLimited
from gateways.http import error_for, retry_after

CODES: Mapping[str, type[Exception]] = {
    # Ours to mend, by a person: keys, certificates, rights, which app belongs to which merchant.
    "SIGN_ERROR": GatewayAuthError,
    "NO_AUTH": GatewayAuthError,
    "NOAUTH": GatewayAuthError,
    "MCH_NOT_EXISTS": GatewayAuthError,
    "APPID_MCHID_NOT_MATCH": GatewayAuthError,
    "FREQUENCY_LIMITED": RateLimited,
    "FREQUENCY_LIMIT_EXCEED": RateLimited,
    "RATELIMIT_EXCEEDED": RateLimited,
    # To be repeated with the same numbers.
    "SYSTEM_ERROR": OutcomeUnknown,
    "SYSTEMERROR": OutcomeUnknown,
    "BANK_ERROR": OutcomeUnknown,
    "BANKERROR": OutcomeUnknown,
    "USERPAYING": OutcomeUnknown,
    "ORDER_NOT_EXIST": NotFound,
    "ORDERNOTEXIST": NotFound,
    "RESOURCE_NOT_EXISTS": NotFound,
    "PARAM_ERROR": GatewayRejected,
    "INVALID_REQUEST": GatewayRejected,
    "ORDER_CLOSED": GatewayRejected,
    "ORDERPAID": GatewayRejected,
    "OUT_TRADE_NO_USED": GatewayRejected,
    "TRADE_ERROR": GatewayRejected,
    "RULE_LIMIT": GatewayRejected,
    "RULELIMIT": GatewayRejected,
    "ACCOUNT_ERROR": GatewayRejected,
    "ACCOUNTERROR": GatewayRejected,
    "USER_ACCOUNT_ABNORMAL": GatewayRejected,
    "NOT_ENOUGH": GatewayRejected,
    "NOTENOUGH": GatewayRejected,
}

# Refusals of a new payment that may mean: a payment of this number is there already.
NUMBER_TAKEN = frozenset({"ORDERPAID", "OUT_TRADE_NO_USED", "INVALID_REQUEST"})

_LONGEST_MESSAGE = 256


class _Problem(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    code: str = Field(min_length=1, max_length=64)
    message: str = ""


def gateway_error(status: int, headers: Mapping[str, str], body: bytes) -> Exception:
    """The error that an answer without success stands for."""
    try:
        problem = _Problem.model_validate_json(body)
    except ValidationError:
        return _not_wechats_words(status, headers)
    message = problem.message[:_LONGEST_MESSAGE]
    says = f"HTTP {status} {problem.code}: {message}"
    if not 400 <= status < 500:
        return OutcomeUnknown(says)
    kind = CODES.get(problem.code)
    if kind is RateLimited:
        return RateLimited(says, retry_after(headers))
    # A 404 that does not say what is missing proves nothing about our order.
    if kind is GatewayRejected or (kind is None and status == 404):
        return GatewayRejected(problem.code, message)
    if kind is None:
        return error_for(status, headers, code=problem.code, message=f"{problem.code}: {message}")
    return kind(says)


def _not_wechats_words(status: int, headers: Mapping[str, str]) -> Exception:
    # A proxy may tell us to wait or to log in, but never that an order does not exist.
    if status in {401, 403, 408, 425, 429}:
        return error_for(status, headers)
    return OutcomeUnknown(f"HTTP {status}, and no error of WeChat's that can be read")
