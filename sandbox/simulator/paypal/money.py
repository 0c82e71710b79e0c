"""PayPal's amounts: decimal strings, https://developer.paypal.com/api/rest/reference/currency-codes/."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sandbox.simulator.paypal.errors import Shape, refusal

# Without decimals, and with two.
_CURRENCIES: Mapping[int, str] = {
    0: "HUF JPY TWD",
    2: "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD ILS MXN MYR NOK NZD PHP PLN SEK SGD THB USD",
}
DECIMALS: Mapping[str, int] = {
    currency: decimals for decimals, names in _CURRENCIES.items() for currency in names.split()
}

_TOO_MUCH = 10**15


def money(minor: int, currency: str) -> Shape:
    """The amount with exactly its currency's decimals."""
    value = Decimal(minor).scaleb(-DECIMALS[currency])
    return {"currency_code": currency, "value": f"{value:f}"}


def minor_units(value: str, currency: str, field: str) -> int:
    """The amount in minor units; `value` is a decimal number, `field` where it stands.

    Raises:
        PayPalError: 422 for a currency that PayPal has not, too many decimals, or no money.
    """
    if currency not in DECIMALS:
        raise refusal("INVALID_CURRENCY_CODE", field=f"{field}/currency_code", value=currency)
    if abs(Decimal(value)) >= _TOO_MUCH:
        raise refusal("MAX_VALUE_EXCEEDED", field=f"{field}/value", value=value)
    scaled = Decimal(value).scaleb(DECIMALS[currency])
    if scaled != scaled.to_integral_value() or len(value.partition(".")[2]) > DECIMALS[currency]:
        issue = "DECIMAL_PRECISION" if DECIMALS[currency] else "DECIMALS_NOT_SUPPORTED"
        raise refusal(issue, field=f"{field}/value", value=value)
    if scaled <= 0:
        raise refusal("CANNOT_BE_ZERO_OR_NEGATIVE", field=f"{field}/value", value=value)
    return int(scaled)
