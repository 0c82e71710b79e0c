"""What Alipay's refusals mean in our words (OpenAPI 2.0, "公共错误码" and each method's own)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import httpx
from pydantic import BaseModel, ConfigDict, Field

from gateways.errors import GatewayAuthError, GatewayRejected, NotFound, OutcomeUnknown, RateLimited
from gateways.http import error_for

SUCCESS = "10000"
_UNAVAILABLE = "20000"
_SYSTEM_ERROR = "SYSTEM_ERROR"
_LONGEST_MESSAGE = 200

TRADE_NOT_EXIST = "ACQ.TRADE_NOT_EXIST"
# The number is taken by a payment with other parameters: a mistake of ours, not a refusal.
NUMBER_REUSED = "ACQ.CONTEXT_INCONSISTENT"
# The number is taken by this very payment, which the customer has paid already.
ALREADY_PAID = "ACQ.TRADE_HAS_SUCCESS"


class Verdict(StrEnum):
    """What a refusal means for whoever asked."""

    CREDENTIALS = "credentials"
    LIMITED = "limited"
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


# By `sub_code`, else by `code`. What is in neither is unknown.
VERDICTS: Mapping[str, Verdict] = {
    _UNAVAILABLE: Verdict.UNKNOWN,
    "20001": Verdict.CREDENTIALS,
    "40001": Verdict.REJECTED,
    "40002": Verdict.REJECTED,
    "40003": Verdict.CREDENTIALS,
    "40004": Verdict.REJECTED,
    "40005": Verdict.LIMITED,
    "40006": Verdict.CREDENTIALS,
    "isv.app-call-limited": Verdict.LIMITED,
    "isv.method-call-limited": Verdict.LIMITED,
    "isv.app-not-exist": Verdict.CREDENTIALS,
    "isv.invalid-app-id": Verdict.CREDENTIALS,
    "isv.invalid-signature": Verdict.CREDENTIALS,
    "isv.invalid-signature-type": Verdict.CREDENTIALS,
    "isv.invalid-timestamp": Verdict.CREDENTIALS,
    "isv.ip-forbidden": Verdict.CREDENTIALS,
    "isv.missing-app-id": Verdict.CREDENTIALS,
    "isv.missing-signature": Verdict.CREDENTIALS,
    "isv.missing-signature-config": Verdict.CREDENTIALS,
    "isv.missing-signature-key": Verdict.CREDENTIALS,
    "isv.missing-signature-type": Verdict.CREDENTIALS,
    "ACQ.ACCESS_FORBIDDEN": Verdict.CREDENTIALS,
    "ACQ.PARTNER_ERROR": Verdict.CREDENTIALS,
    # A refund that Alipay says to repeat later, under the same number.
    "ACQ.REFUND_CHARGE_ERROR": Verdict.UNKNOWN,
    TRADE_NOT_EXIST: Verdict.NOT_FOUND,
}


class Outcome(BaseModel):
    """How a call went, as every answer begins."""

    model_config = ConfigDict(hide_input_in_errors=True)

    code: str = Field(max_length=16)
    msg: str = ""
    sub_code: str = Field(default="", max_length=100)
    sub_msg: str = ""


def verdict_of(code: str, sub_code: str) -> Verdict:
    """The table's verdict; where Alipay itself failed, nothing else counts."""
    if code == _UNAVAILABLE or sub_code.endswith(_SYSTEM_ERROR):
        return Verdict.UNKNOWN
    return VERDICTS.get(sub_code) or VERDICTS.get(code, Verdict.UNKNOWN)


def refusal(outcome: Outcome) -> Exception:
    """The error that an outcome without success stands for."""
    message = (outcome.sub_msg or outcome.msg)[:_LONGEST_MESSAGE]
    code = outcome.sub_code or outcome.code
    says = f"Alipay says {outcome.code} {outcome.sub_code}: {message}"
    match verdict_of(outcome.code, outcome.sub_code):
        case Verdict.CREDENTIALS:
            # Not Alipay's words: of a wrong signature they repeat the whole request.
            return GatewayAuthError(f"Alipay does not accept us: {outcome.code} {outcome.sub_code}")
        case Verdict.LIMITED:
            return RateLimited(says)
        case Verdict.NOT_FOUND:
            return NotFound(says)
        case Verdict.REJECTED:
            return GatewayRejected(code, message)
        case Verdict.UNKNOWN:
            return OutcomeUnknown(says)


def http_error(response: httpx.Response) -> Exception:
    """The error for a status that is not 200, with which Alipay answers even what it refuses.

    So a 404 or another refusal comes from something in between, and decides nothing about money.
    """
    error = error_for(response.status_code, response.headers)
    if isinstance(error, GatewayAuthError | RateLimited):
        return error
    return OutcomeUnknown(f"Alipay's answer cannot be believed: HTTP {response.status_code}")
