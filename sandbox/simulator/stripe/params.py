"""Stripe's parameters: form-encoded, nested with brackets, and checked as strictly as there."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from sandbox.simulator.stripe.errors import StripeError

Form = dict[str, object]

_KEY = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")


def parse_form(raw: str) -> Form:
    """`a[b]=1&c[]=2&d[0]=3` as `{"a": {"b": "1"}, "c": ["2"], "d": ["3"]}`."""
    tree: Form = {}
    for key, value in parse_qsl(raw, keep_blank_values=True):
        *path, last = _KEY.findall(key) or [key]
        node = tree
        for part in path:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise StripeError(400, f"Invalid parameter: {key}", param=key, kept=False)
            node = child
        node[last or str(len(node))] = value
    return {name: _with_lists(value) for name, value in tree.items()}


def _with_lists(value: object) -> object:
    if not isinstance(value, dict):
        return value
    children = {name: _with_lists(child) for name, child in value.items()}
    if children and all(name.isdigit() for name in children):
        return list(children.values())
    return children


def refuse_removed(form: Form, version: str) -> None:
    """Refuse what newer API versions have removed; a request without a version is an old one.

    https://docs.stripe.com/changelog/endive, "Removes the payment method types parameter".

    Raises:
        StripeError: the parameter is gone in `version`.
    """
    if "payment_method_types" in form and version >= "2026-09-30":
        raise StripeError(
            400,
            "The payment_method_types parameter is no longer supported.",
            code="payment_method_types_no_longer_supported",
            param="payment_method_types",
            kept=False,
        )


class Params(BaseModel):
    """One call's parameters; unknown ones are refused as Stripe does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expand: list[str] = []

    @classmethod
    def read(cls, form: Form) -> Self:
        """Check the parameters.

        Raises:
            StripeError: one is missing, unknown or malformed; nothing was executed.
        """
        try:
            return cls.model_validate(form)
        except ValidationError as error:
            raise _refusal(error.errors()[0]) from None


def _refusal(problem: ErrorDetails) -> StripeError:
    name, *rest = (str(part) for part in problem["loc"])
    param = name + "".join(f"[{part}]" for part in rest)
    match problem["type"]:
        case "missing":
            code, message = "parameter_missing", f"Missing required param: {param}."
        case "extra_forbidden":
            code, message = "parameter_unknown", f"Received unknown parameter: {param}"
        case "int_parsing" | "int_from_float" | "greater_than_equal":
            code, message = "parameter_invalid_integer", f"Invalid integer: {problem['msg']}"
        case _:
            code, message = "", f"Invalid {param}: {problem['msg']}"
    return StripeError(400, message, code=code, param=param, kept=False)


class CreateIntent(Params):
    """POST /v1/payment_intents."""

    amount: int = Field(ge=1, le=99_999_999)
    currency: str = Field(pattern="^[a-zA-Z]{3}$")
    payment_method_types: list[str] = ["card"]
    allowed_payment_method_types: list[str] = []
    excluded_payment_method_types: list[str] = []
    automatic_payment_methods: dict[str, str] = {}
    payment_method: str | None = None
    confirm: bool = False
    metadata: dict[str, str] = {}
    description: str | None = None
    receipt_email: str | None = None
    return_url: str | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None


class ConfirmIntent(Params):
    """POST /v1/payment_intents/{id}/confirm."""

    payment_method: str | None = None
    return_url: str | None = None


class CancelIntent(Params):
    """POST /v1/payment_intents/{id}/cancel."""

    cancellation_reason: str | None = Field(
        default=None, pattern="^(abandoned|duplicate|fraudulent|requested_by_customer)$"
    )


class Retrieve(Params):
    """GET of one object."""

    client_secret: str | None = None


class CreateRefund(Params):
    """POST /v1/refunds."""

    payment_intent: str | None = None
    charge: str | None = None
    amount: int | None = Field(default=None, ge=1)
    reason: str | None = Field(
        default=None, pattern="^(duplicate|fraudulent|requested_by_customer)$"
    )
    metadata: dict[str, str] = {}


class ListRefunds(Params):
    """GET /v1/refunds."""

    payment_intent: str | None = None
    charge: str | None = None
    limit: int = Field(default=10, ge=1, le=100)
    starting_after: str | None = None
