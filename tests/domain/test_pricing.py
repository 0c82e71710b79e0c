from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.order import OrderLine
from domain.pricing import Coupon, PricingRules, ShippingRates, TaxRates, price_order


def cny(amount: str) -> Money:
    return Money.of(amount, "CNY")


def line(price: str, quantity: int = 1, currency: str = "CNY") -> OrderLine:
    unit = Money.of(price, currency)
    return OrderLine(
        line_no=1,
        product_id="P1",
        sku="S-1",
        name="tea",
        quantity=quantity,
        unit_price=unit,
        total_price=unit * quantity,
    )


TEN_PERCENT = Coupon(code="WELCOME10", percent=10)
MINUS_20 = Coupon(code="MINUS20", amount=cny("20.00"), minimum_subtotal=cny("200.00"))


def test_lines_add_up_to_the_subtotal() -> None:
    pricing = price_order([line("19.90", 3), line("40.00")], country="CN")
    assert pricing.subtotal == cny("99.70")


@pytest.mark.parametrize(
    ("country", "price", "fee"),
    [
        ("CN", "98.99", "10.00"), ("CN", "99.00", "0"), ("US", "99.00", "60.00"),
        ("HK", "998.99", "60.00"), ("US", "999.00", "0"),
    ],
)  # fmt: skip
def test_shipping_is_a_flat_fee_and_free_from_a_subtotal_on(
    country: str, price: str, fee: str
) -> None:
    assert price_order([line(price)], country=country).shipping == cny(fee)


def test_free_shipping_looks_at_the_subtotal_before_the_discount() -> None:
    pricing = price_order([line("100.00")], country="CN", coupon=TEN_PERCENT)
    assert pricing.shipping == cny("0")
    assert pricing.total == cny("90.00")


def test_no_tax_is_added_unless_a_country_has_a_rate() -> None:
    rules = PricingRules(taxes=TaxRates(percent={"US": Decimal("8.875")}))
    at_home = price_order([line("100.00")], country="CN", rules=rules)
    abroad = price_order([line("100.00")], country="US", coupon=TEN_PERCENT, rules=rules)
    assert at_home.tax == cny("0")
    assert abroad.tax == cny("7.99")  # 8.875 % of 90.00 is 7.9875
    assert abroad.total == cny("157.99")


def test_a_percentage_is_taken_off_the_goods() -> None:
    assert price_order([line("45.95")], country="CN", coupon=TEN_PERCENT).discount == cny("4.60")


@pytest.mark.parametrize(("price", "discount"), [("199.99", "0"), ("200.00", "20.00")])
def test_an_amount_is_taken_off_from_the_minimum_on(price: str, discount: str) -> None:
    assert price_order([line(price)], country="CN", coupon=MINUS_20).discount == cny(discount)


def test_an_inactive_coupon_takes_nothing_off() -> None:
    coupon = Coupon(code="OLD", percent=50, active=False)
    assert price_order([line("100.00")], country="CN", coupon=coupon).discount == cny("0")


def test_a_coupon_of_another_currency_takes_nothing_off() -> None:
    coupon = Coupon(code="DOLLARS", amount=Money.of(5, "USD"))
    assert price_order([line("100.00")], country="CN", coupon=coupon).discount == cny("0")


def test_a_coupon_worth_more_than_the_goods_takes_off_the_goods_and_not_the_shipping() -> None:
    coupon = Coupon(code="BIG", amount=cny("50.00"))
    assert price_order([line("30.00")], country="CN", coupon=coupon).total == cny("10.00")


@pytest.mark.parametrize(
    "discount", [{}, {"percent": 5, "amount": cny("1")}, {"percent": 0}, {"percent": 101}]
)
def test_a_coupon_is_a_percentage_or_an_amount(discount: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Coupon"):
        Coupon.model_validate({"code": "X", **discount})


def test_shipping_rates_have_one_currency() -> None:
    with pytest.raises(ValueError, match="one currency"):
        ShippingRates(home_fee=Money.of(1, "USD"))


def test_lines_in_another_currency_cannot_be_priced() -> None:
    with pytest.raises(ValueError, match="cannot mix"):
        price_order([line("1.00", currency="USD")], country="US")


@given(
    prices=st.lists(st.integers(min_value=0, max_value=10**8), max_size=8),
    percent=st.integers(min_value=1, max_value=100),
    off=st.integers(min_value=0, max_value=10**9),
    tax=st.decimals(min_value=0, max_value=50, places=3),
    country=st.sampled_from(["CN", "US"]),
)
def test_a_total_is_the_sum_of_its_parts_and_never_negative(
    prices: list[int], percent: int, off: int, tax: Decimal, country: str
) -> None:
    lines = [line(str(Money(minor=price, currency="CNY").amount)) for price in prices]
    rules = PricingRules(taxes=TaxRates(percent={"US": tax}))
    amount = Money(minor=off, currency="CNY")
    for coupon in (
        None,
        Coupon(code="A", percent=percent),
        Coupon(code="B", amount=amount),
    ):
        pricing = price_order(lines, country=country, coupon=coupon, rules=rules)
        parts = pricing.subtotal + pricing.shipping + pricing.tax - pricing.discount
        assert pricing.total == parts
        assert pricing.total.minor >= 0
        assert Money.zero("CNY") <= pricing.discount <= pricing.subtotal
