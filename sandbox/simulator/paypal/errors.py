"""PayPal's errors: https://developer.paypal.com/api/rest/responses/ and its lists of issues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Shape = dict[str, object]

# Name and message by status, as `error_400` and its kin in the OpenAPI files have them.
_NAMES: Mapping[int, tuple[str, str]] = {
    400: (
        "INVALID_REQUEST",
        "Request is not well-formed, syntactically incorrect, or violates schema.",
    ),
    401: (
        "AUTHENTICATION_FAILURE",
        (
            "Authentication failed due to invalid authentication credentials or a missing"
            " Authorization header."
        ),
    ),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: (
        "RESOURCE_CONFLICT",
        "The server has detected a conflict while processing this request.",
    ),
    415: (
        "UNSUPPORTED_MEDIA_TYPE",
        "The server does not support the request payload's media type.",
    ),
    422: (
        "UNPROCESSABLE_ENTITY",
        (
            "The requested action could not be performed, semantically incorrect, or failed"
            " business validation."
        ),
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error has occurred."),
}

# Issues that are not a 422; the others all are.
_STATUSES: Mapping[str, int] = {
    "INVALID_ARRAY_MAX_ITEMS": 400,
    "INVALID_ARRAY_MIN_ITEMS": 400,
    "INVALID_PARAMETER_SYNTAX": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "INVALID_STRING_LENGTH": 400,
    "INVALID_STRING_MAX_LENGTH": 400,
    "MALFORMED_REQUEST_JSON": 400,
    "MISSING_REQUIRED_PARAMETER": 400,
    "PAYPAL_REQUEST_ID_REQUIRED": 400,
    "PERMISSION_DENIED": 403,
    "INVALID_RESOURCE_ID": 404,
    "PREVIOUS_REQUEST_IN_PROGRESS": 409,
}

_DESCRIPTIONS: Mapping[str, str] = {
    "CANNOT_BE_ZERO_OR_NEGATIVE": "Must be greater than zero. If the currency supports decimals,"
    " only two decimal place precision is supported.",
    "CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED": "Refund for an amount less than the remaining"
    " transaction amount cannot be processed at this time because of an open dispute on the"
    " capture. Please visit the PayPal Resolution Center to view the details.",
    "CAPTURE_FULLY_REFUNDED": "The capture has already been fully refunded",
    "DECIMALS_NOT_SUPPORTED": "Currency does not support decimals.",
    "DECIMAL_PRECISION": "If the currency supports decimals, only two decimal place precision is"
    " supported.",
    "DUPLICATE_INVOICE_ID": "Duplicate Invoice ID detected. To avoid a potential duplicate"
    " transaction your account setting requires that Invoice Id be unique for each transaction.",
    "INSTRUMENT_DECLINED": "The instrument presented was either declined by the processor or bank,"
    " or it can't be used for this payment.",
    "INVALID_ARRAY_MAX_ITEMS": "The number of items in an array parameter is too large.",
    "INVALID_ARRAY_MIN_ITEMS": "The number of items in an array parameter is too small.",
    "INVALID_CURRENCY_CODE": "Currency code is invalid or is not currently supported.",
    "INVALID_PARAMETER_SYNTAX": "The value of a field does not conform to the expected format.",
    "INVALID_PARAMETER_VALUE": "The value of a field is invalid.",
    "INVALID_RESOURCE_ID": "Specified resource ID does not exist. Please check the resource ID and"
    " try again.",
    "INVALID_STRING_LENGTH": "The value of a field is either too short or too long.",
    "INVALID_STRING_MAX_LENGTH": "The value of a field is too long.",
    "MALFORMED_REQUEST_JSON": "The request JSON is not well formed.",
    "MAX_VALUE_EXCEEDED": "Should be less than or equal to 999999999999999.99.",
    "MISSING_REQUIRED_PARAMETER": "A required field / parameter is missing.",
    "ORDER_ALREADY_CAPTURED": "Order already captured.If 'intent=CAPTURE' only one capture per"
    " order is allowed.",
    "ORDER_COMPLETION_IN_PROGRESS": "Order completion is already in progress.",
    "ORDER_NOT_APPROVED": "Payer has not yet approved the Order for payment. Please redirect the"
    " payer to the 'rel':'approve' url returned as part of the HATEOAS links within the Create"
    " Order call or provide a valid payment_source in the request.",
    "PAYPAL_REQUEST_ID_REQUIRED": "A PayPal-Request-Id is required if you are trying to process"
    " payment for an Order. Please specify a PayPal-Request-Id or Create the Order without a"
    " 'payment_source' specified.",
    "PENDING_CAPTURE": "Cannot initiate a refund as the capture is pending. Capture is typically"
    " pending when the payer has funded the transaction by using an e-check or bank account.",
    "PERMISSION_DENIED": "You do not have permission to access or perform operations on this"
    " resource.",
    "PREVIOUS_REQUEST_IN_PROGRESS": "A previous request on this resource is currently in progress."
    " Please wait for sometime and try again.",
    "REFUND_AMOUNT_EXCEEDED": "The refund amount must be less than or equal to the capture amount"
    " that has not yet been refunded",
    "REFUND_CAPTURE_CURRENCY_MISMATCH": "Refund must be in the same currency as the capture",
    "REFUND_NOT_ALLOWED": "Capture cannot be refunded.",
    "TRANSACTION_REFUSED": "The request was refused.",
}


class PayPalError(Exception):
    """An error answer. `effect`: it changed something nevertheless, as a declined card does."""

    def __init__(
        self,
        status: int,
        details: Sequence[Shape] = (),
        *,
        links: Sequence[Shape] = (),
        effect: bool = False,
    ) -> None:
        self.status = status
        self.name, self.message = _NAMES[status]
        self.details = list(details)
        self.issue = str(self.details[0]["issue"]) if self.details else self.name
        self.links = list(links)
        self.effect = effect
        super().__init__(self.issue)

    def body(self, debug_id: str) -> Shape:
        """The JSON answer."""
        page = f"https://developer.paypal.com/docs/api/orders/v2/#error-{self.issue}"
        body: Shape = {"name": self.name}
        if self.details:
            body["details"] = self.details
        return body | {
            "message": self.message,
            "debug_id": debug_id,
            "links": [{"href": page, "rel": "information_link", "method": "GET"}, *self.links],
        }


class TokenError(PayPalError):
    """An error of OAuth 2.0, which has a shape of its own."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status)
        self.issue = error
        self.description = description

    def body(self, _: str) -> Shape:
        """The JSON answer."""
        return {"error": self.issue, "error_description": self.description}


def detail(issue: str, *, description: str = "", field: str = "", value: object = None) -> Shape:
    """One entry of `details`; `field` is a JSON pointer into the request's body."""
    shape: Shape = {"issue": issue, "description": description or _describe(issue)}
    if field:
        where: Shape = {"field": field, "location": "body"}
        shape = where | ({} if value is None else {"value": str(value)}) | shape
    return shape


def refusal(
    issue: str,
    *,
    description: str = "",
    field: str = "",
    value: object = None,
    links: Sequence[Shape] = (),
    effect: bool = False,
) -> PayPalError:
    """The error that names this one issue, with the status that belongs to it."""
    if issue == "invalid_token":
        return invalid_token()
    named = detail(issue, description=description, field=field, value=value)
    return PayPalError(_STATUSES.get(issue, 422), [named], links=links, effect=effect)


def invalid_token() -> TokenError:
    """The bearer token is none, or is one no longer."""
    return TokenError(401, "invalid_token", "Token signature verification failed")


def _describe(issue: str) -> str:
    return _DESCRIPTIONS.get(issue, _NAMES[422][1])
