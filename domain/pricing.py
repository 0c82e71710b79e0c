"""What an order costs: subtotal, shipping, tax and discount, in exact integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pydantic import Field, model_validator

from domain.money import Money, total
from domain.order import OrderLine, Pricing, Value


class ShippingRates(Value):
    """A flat fee at home and another abroad; free from a subtotal (before discount) on."""

    home: str = "CN"
    home_fee: Money = Money(minor=1_000, currency="CNY")
    home_free_from: Money = Money(minor=9_900, currency="CNY")
    abroad_fee: Money = Money(minor=6_000, currency="CNY")
    abroad_free_from: Money = Money(minor=99_900, currency="CNY")

    @property
    def currency(self) -> str:
        """The currency of all fees, and so of all orders that can be shipped."""
        return self.home_fee.currency

    def fee(self, country: str, subtotal: Money) -> Money:
        """The fee for goods of `subtotal` to `country`; nothing for an empty parcel."""
        at_home = country == self.home
        free_from = self.home_free_from if at_home else self.abroad_free_from
        if subtotal.minor == 0 or free_from <= subtotal:
            return Money.zero(self.currency)
        return self.home_fee if at_home else self.abroad_fee

    @model_validator(mode="after")
    def _one_currency(self) -> ShippingRates:
        amounts = (self.home_fee, self.home_free_from, self.abroad_fee, self.abroad_free_from)
        if len({amount.currency for amount in amounts}) != 1:
            raise ValueError("all shipping rates must be in one currency")
        return self


class TaxRates(Value):
    """Percent of tax to add by country; a country without an entry adds none.

    Chinese consumer prices include VAT, so nothing is added for CN.
    """

    percent: Mapping[str, Decimal] = Field(default_factory=dict)

    def tax(self, country: str, taxable: Money) -> Money:
        """The tax on `taxable`, rounded half up once."""
        return taxable.percent(self.percent.get(country, Decimal(0)))


class Coupon(Value):
    """A discount code: a percentage or an amount, never both, from `minimum_subtotal` on."""

    code: str
    percent: int | None = Field(default=None, gt=0, le=100)
    amount: Money | None = None
    minimum_subtotal: Money | None = None
    active: bool = True

    def reached_by(self, subtotal: Money) -> bool:
        """Whether goods of `subtotal` are enough for this coupon."""
        needed = (self.minimum_subtotal, self.amount)
        if any(money and money.currency != subtotal.currency for money in needed):
            return False
        return self.minimum_subtotal is None or self.minimum_subtotal <= subtotal

    def discount(self, subtotal: Money) -> Money:
        """What it takes off goods of `subtotal`, at most all; nothing when it does not apply."""
        if not self.active or not self.reached_by(subtotal):
            return Money.zero(subtotal.currency)
        if self.amount is not None:
            return min(self.amount, subtotal)
        return subtotal.percent(Decimal(self.percent or 0))

    @model_validator(mode="after")
    def _percent_or_amount(self) -> Coupon:
        if (self.percent is None) == (self.amount is None):
            raise ValueError("a coupon has a percentage or an amount, and not both")
        return self


class PricingRules(Value):
    """Everything that a shop decides about prices beside the products' own."""

    shipping: ShippingRates = ShippingRates()
    taxes: TaxRates = TaxRates()


def price_order(
    lines: Sequence[OrderLine],
    *,
    country: str,
    coupon: Coupon | None = None,
    rules: PricingRules | None = None,
) -> Pricing:
    """Price `lines` shipped to `country`; tax is due on the goods after the discount.

    Raises:
        ValueError: a line is not in the currency of the shipping rates.
    """
    rules = rules or PricingRules()
    subtotal = total([line.total_price for line in lines], rules.shipping.currency)
    shipping = rules.shipping.fee(country, subtotal)
    discount = coupon.discount(subtotal) if coupon else Money.zero(subtotal.currency)
    tax = rules.taxes.tax(country, subtotal - discount)
    return Pricing(
        subtotal=subtotal,
        shipping=shipping,
        tax=tax,
        discount=discount,
        total=subtotal + shipping + tax - discount,
    )
