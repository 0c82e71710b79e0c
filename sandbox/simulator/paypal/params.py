"""PayPal's request bodies, checked as its OpenAPI files have them (Orders 2.13, Payments 2.5)."""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from sandbox.simulator.paypal.errors import PayPalError, Shape, detail, refusal
from sandbox.simulator.paypal.money import minor_units

Body = dict[str, object]

_ISSUES = {
    "missing": "MISSING_REQUIRED_PARAMETER",
    "literal_error": "INVALID_PARAMETER_VALUE",
    "string_too_long": "INVALID_STRING_MAX_LENGTH",
    "string_too_short": "INVALID_STRING_LENGTH",
    "too_long": "INVALID_ARRAY_MAX_ITEMS",
    "too_short": "INVALID_ARRAY_MIN_ITEMS",
}
_URL = "^https?://"


def parse_body(raw: bytes) -> Body:
    """The JSON object of a request; an empty body is an empty one.

    Raises:
        PayPalError: it is no JSON object.
    """
    if not raw.strip():
        return {}
    try:
        parsed = json.loads(raw.decode())
    except ValueError:
        raise refusal("MALFORMED_REQUEST_JSON", field="/") from None
    if not isinstance(parsed, dict):
        raise refusal("MALFORMED_REQUEST_JSON", field="/")
    return parsed


class Params(BaseModel):
    """One call's parameters; what PayPal knows and the simulator does not play is let through."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    @classmethod
    def read(cls, body: Body) -> Self:
        """Check the parameters.

        Raises:
            PayPalError: 400 with all that is missing or malformed.
        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise PayPalError(400, [_detail(problem) for problem in error.errors()]) from None


def _detail(problem: ErrorDetails) -> Shape:
    issue = _ISSUES.get(problem["type"], "INVALID_PARAMETER_SYNTAX")
    field = "".join(f"/{part}" for part in problem["loc"])
    given = problem["input"]
    return detail(issue, field=field, value=None if isinstance(given, dict | list) else given)


class AmountParams(Params):
    """An amount; a JSON number is not one."""

    currency_code: str = Field(pattern="^[A-Z]{3}$")
    value: str = Field(max_length=32, pattern=r"^(-?[0-9]+|-?[0-9]*[.][0-9]+)$")

    def minor(self, field: str) -> int:
        """In minor units.

        Raises:
            PayPalError: it is not an amount of its currency.
        """
        return minor_units(self.value, self.currency_code, field)


class PurchaseUnitParams(Params):
    """What is bought."""

    amount: AmountParams
    reference_id: str = Field(default="default", min_length=1, max_length=256)
    custom_id: str = Field(default="", max_length=127)
    invoice_id: str = Field(default="", max_length=127)
    description: str = Field(default="", max_length=127)


class ExperienceParams(Params):
    """Where the payer comes back to, and what the checkout looks like."""

    return_url: str = Field(default="", pattern=_URL)
    cancel_url: str = Field(default="", pattern=_URL)
    user_action: Literal["CONTINUE", "PAY_NOW"] = "CONTINUE"
    shipping_preference: Literal["GET_FROM_FILE", "NO_SHIPPING", "SET_PROVIDED_ADDRESS"] = (
        "GET_FROM_FILE"
    )


class WalletParams(Params):
    """`payment_source.paypal`."""

    experience_context: ExperienceParams = ExperienceParams()


class PaymentSourceParams(Params):
    """What it is paid with; the simulator's payers have nothing but PayPal."""

    paypal: WalletParams


class CreateOrder(Params):
    """POST /v2/checkout/orders."""

    intent: Literal["CAPTURE"]
    purchase_units: Annotated[list[PurchaseUnitParams], Field(min_length=1, max_length=1)]
    payment_source: PaymentSourceParams | None = None
    application_context: ExperienceParams = ExperienceParams()

    @property
    def experience(self) -> ExperienceParams:
        """The experience that applies; `application_context` is its deprecated place."""
        if self.payment_source is None:
            return self.application_context
        return self.payment_source.paypal.experience_context


class CreateRefund(Params):
    """POST /v2/payments/captures/{id}/refund; without an amount all that is left goes back."""

    amount: AmountParams | None = None
    custom_id: str = Field(default="", max_length=127)
    invoice_id: str = Field(default="", max_length=127)
    note_to_payer: str = Field(default="", max_length=255)


class VerifySignature(Params):
    """POST /v1/notifications/verify-webhook-signature."""

    auth_algo: str
    cert_url: str
    transmission_id: str
    transmission_sig: str
    transmission_time: str
    webhook_id: str
    webhook_event: dict[str, object]
