"""Money as an integer of minor units with its currency; never a float."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from pydantic import BaseModel, ConfigDict, Field

# ISO 4217 exponents of the currencies that Orderflow accepts.
EXPONENTS: dict[str, int] = {
    "CNY": 2,
    "USD": 2,
    "EUR": 2,
    "GBP": 2,
    "HKD": 2,
    "JPY": 0,
}


class Money(BaseModel):
    """An amount in minor units of `currency` (fen for CNY, cents for USD, whole yen for JPY)."""

    model_config = ConfigDict(frozen=True)

    minor: int
    currency: str = Field(pattern=r"^[A-Z]{3}$")

    @classmethod
    def of(cls, amount: Decimal | str | int, currency: str) -> Money:
        """Build from major units, exactly.

        Raises:
            ValueError: the currency is unknown, `amount` is a float, not a number, or has more
                decimals than the currency.
        """
        if isinstance(amount, float):
            # A ValueError, so that Pydantic reports it like any other bad amount.
            raise ValueError("money is never a float: pass a string or a Decimal")  # noqa: TRY004
        exponent = exponent_of(currency)
        try:
            scaled = Decimal(amount).scaleb(exponent)
        except (InvalidOperation, TypeError) as error:
            raise ValueError(f"{amount!r} is not an amount of money") from error
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} has more decimals than {currency} allows ({exponent})")
        return cls(minor=int(scaled), currency=currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in `currency`."""
        return cls(minor=0, currency=currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with exactly the currency's decimals."""
        return Decimal(self.minor).scaleb(-exponent_of(self.currency))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __add__(self, other: Money) -> Money:
        return Money(minor=self.minor + self._same(other).minor, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(minor=self.minor - self._same(other).minor, currency=self.currency)

    def __mul__(self, factor: int) -> Money:
        return Money(minor=self.minor * factor, currency=self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def percent(self, percentage: Decimal) -> Money:
        """`percentage` percent of this, rounded half up once."""
        exact = Decimal(self.minor) * percentage / 100
        rounded = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return Money(minor=int(rounded), currency=self.currency)

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Share this out by `weights`; the parts add up exactly (largest remainder first).

        Raises:
            ValueError: there are no weights, one is negative, or all are zero.
        """
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights must be non-negative and not all zero")
        sign = -1 if self.minor < 0 else 1
        magnitude = abs(self.minor)
        shares = [magnitude * weight // total for weight in weights]
        remainders = [magnitude * weight % total for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
        for index in by_remainder[: magnitude - sum(shares)]:
            shares[index] += 1
        return [Money(minor=sign * share, currency=self.currency) for share in shares]

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return other


def exponent_of(currency: str) -> int:
    """Decimals of `currency`.

    Raises:
        ValueError: the currency is not one that Orderflow accepts.
    """
    try:
        return EXPONENTS[currency]
    except KeyError as error:
        known = ", ".join(sorted(EXPONENTS))
        raise ValueError(f"currency {currency!r} is not accepted (known: {known})") from error


def total(parts: Sequence[Money], currency: str) -> Money:
    """The sum of `parts`; zero of `currency` when there are none."""
    result = Money.zero(currency)
    for part in parts:
        result += part
    return result
