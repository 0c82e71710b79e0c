"""PayPal's amounts: decimal texts with exactly the decimals of their currency."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from domain.money import Money
from gateways.errors import OutcomeUnknown

# Decimals of PayPal's amounts, which may differ from ISO 4217: HUF and TWD have none.
DECIMALS: Mapping[str, int] = {"CNY": 2, "EUR": 2, "GBP": 2, "HKD": 2, "JPY": 0, "USD": 2}

_VALUE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,9}))?", re.ASCII)


class Amount(BaseModel):
    """An amount of money as PayPal writes it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    currency_code: str
    value: str

    @property
    def money(self) -> Money:
        """The amount in our words, exactly.

        Raises:
            OutcomeUnknown: it is not an amount of a currency that we take.
        """
        decimals, match = DECIMALS.get(self.currency_code), _VALUE.fullmatch(self.value)
        if decimals is None or match is None:
            raise OutcomeUnknown("PayPal's amount cannot be read")
        whole, part = match[1], match[2] or ""
        if part[decimals:].strip("0"):
            raise OutcomeUnknown("PayPal's amount has more decimals than its currency")
        minor = int(whole + part[:decimals].ljust(decimals, "0"))
        return Money(minor=minor, currency=self.currency_code)


def wire_amount(money: Money) -> dict[str, str]:
    """`money` as PayPal takes it."""
    decimals = DECIMALS[money.currency]
    whole, part = divmod(money.minor, 10**decimals)
    value = f"{whole}.{part:0{decimals}}" if decimals else str(whole)
    return {"currency_code": money.currency, "value": value}
