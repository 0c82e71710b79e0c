"""What PayPal's refusals mean in our words (Orders v2, Payments v2, "Errors")."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from gateways.errors import NotFound, OutcomeUnknown
from gateways.http import error_for, header_value


class CaptureVerdict(StrEnum):
    """What a refused capture says about the payment.

    `ASK`: only a query tells. `DECLINED`: this try took no money. `CLOSED`: none can be taken.
    """

    ASK = "ask"
    DECLINED = "declined"
    CLOSED = "closed"


class RefundVerdict(StrEnum):
    """What a refused refund says. `LOOK`: it may be refused because we made it before."""

    LOOK = "look"
    REFUSED = "refused"


CAPTURE_ISSUES: Mapping[str, CaptureVerdict] = {
    "ORDER_NOT_APPROVED": CaptureVerdict.ASK,
    "ORDER_ALREADY_CAPTURED": CaptureVerdict.ASK,
    "ORDER_EXPIRED": CaptureVerdict.CLOSED,
    "INSTRUMENT_DECLINED": CaptureVerdict.DECLINED,
    "PAYER_ACTION_REQUIRED": CaptureVerdict.DECLINED,
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": CaptureVerdict.DECLINED,
    "TRANSACTION_REFUSED": CaptureVerdict.DECLINED,
    "DUPLICATE_INVOICE_ID": CaptureVerdict.DECLINED,
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": CaptureVerdict.DECLINED,
    "COMPLIANCE_VIOLATION": CaptureVerdict.DECLINED,
    "DOMESTIC_TRANSACTION_REQUIRED": CaptureVerdict.DECLINED,
    "PAYEE_BLOCKED_TRANSACTION": CaptureVerdict.DECLINED,
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": CaptureVerdict.DECLINED,
    "PAYER_ACCOUNT_RESTRICTED": CaptureVerdict.DECLINED,
    "PAYER_CANNOT_PAY": CaptureVerdict.DECLINED,
    "TRANSACTION_BLOCKED_BY_PAYEE": CaptureVerdict.DECLINED,
    "TRANSACTION_LIMIT_EXCEEDED": CaptureVerdict.DECLINED,
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": CaptureVerdict.DECLINED,
}

REFUND_ISSUES: Mapping[str, RefundVerdict] = {
    "CAPTURE_FULLY_REFUNDED": RefundVerdict.LOOK,
    "REFUND_AMOUNT_EXCEEDED": RefundVerdict.LOOK,
    "DUPLICATE_INVOICE_ID": RefundVerdict.LOOK,
    "PENDING_CAPTURE": RefundVerdict.REFUSED,
    "REFUND_TIME_LIMIT_EXCEEDED": RefundVerdict.REFUSED,
    "REFUND_FAILED_INSUFFICIENT_FUNDS": RefundVerdict.REFUSED,
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": RefundVerdict.REFUSED,
    "PARTIAL_REFUND_NOT_ALLOWED": RefundVerdict.REFUSED,
}

# Another request with this key but other parameters came first: a mistake of ours, not a refusal.
KEY_REUSED = "DUPLICATE_REQUEST_ID"

# PayPal is still at the first request: the same one again, later, gets its answer.
IN_PROGRESS = frozenset({"PREVIOUS_REQUEST_IN_PROGRESS", "ORDER_COMPLETION_IN_PROGRESS"})

_LONGEST_TEXT = 300


class _Detail(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    # A detail also quotes the value that it is about, which may be the buyer's: never read.
    issue: str = ""
    description: str = ""


class _Problem(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    name: str = ""
    message: str = ""
    debug_id: str = ""
    details: tuple[_Detail, ...] = ()


def gateway_error(response: httpx.Response) -> Exception:
    """Our error for an answer of PayPal's without success.

    Only PayPal's own word makes a thing unknown: a 404 of anything on the way says nothing.
    """
    problem = _problem(response)
    detail = problem.details[0] if problem.details else _Detail()
    status, code = response.status_code, (detail.issue or problem.name)[:_LONGEST_TEXT]
    message = _message(problem, detail, response)
    if status == 409 or code in IN_PROGRESS:
        return OutcomeUnknown(f"HTTP {status}: {code}: {message}")
    if status == 404:
        says = f"HTTP 404: {code}: {message}"
        return NotFound(says) if problem.name == "RESOURCE_NOT_FOUND" else OutcomeUnknown(says)
    return error_for(status, response.headers, code=code, message=message)


def _problem(response: httpx.Response) -> _Problem:
    try:
        return _Problem.model_validate_json(response.content)
    except ValidationError:
        # An answer that is not PayPal's (a proxy's page) is not quoted.
        return _Problem()


def _message(problem: _Problem, detail: _Detail, response: httpx.Response) -> str:
    text = detail.description or problem.message or "PayPal's answer cannot be read"
    debug_id = problem.debug_id or header_value(response.headers, "Paypal-Debug-Id")
    reference = f" (debug id {debug_id[:_LONGEST_TEXT]})" if debug_id else ""
    return text[:_LONGEST_TEXT] + reference
