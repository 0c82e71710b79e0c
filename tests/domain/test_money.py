from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import EXPONENTS, Money, total

currencies = st.sampled_from(sorted(EXPONENTS))
# What a BIGINT column holds.
minors = st.integers(min_value=-(2**63), max_value=2**63 - 1)


@given(minor=minors, currency=currencies)
def test_an_amount_in_major_units_makes_the_same_money_again(minor: int, currency: str) -> None:
    money = Money(minor=minor, currency=currency)
    assert Money.of(money.amount, currency) == money
    assert Money.of(str(money.amount), currency) == money


@given(
    minor=minors,
    weights=st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=20).filter(
        any
    ),
)
def test_shares_add_up_exactly_and_are_fair_to_a_minor_unit(minor: int, weights: list[int]) -> None:
    money = Money(minor=minor, currency="CNY")
    shares = money.allocate(weights)
    assert total(shares, "CNY") == money
    for share, weight in zip(shares, weights, strict=True):
        exact = Decimal(minor) * weight / sum(weights)
        assert abs(share.minor - exact) <= 1
        assert weight or share.minor == 0


def test_a_third_of_a_yuan_goes_to_the_first_of_three() -> None:
    shares = Money.of("1.00", "CNY").allocate([1, 1, 1])
    assert [str(share) for share in shares] == ["0.34 CNY", "0.33 CNY", "0.33 CNY"]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1, 3]])
def test_shares_need_sensible_weights(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money.of(1, "CNY").allocate(weights)


@given(amount=st.floats())
def test_a_float_is_never_money(amount: float) -> None:
    with pytest.raises(ValueError, match="float"):
        Money.of(amount, "CNY")  # type: ignore[arg-type]  # what the test is about


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("1.005", "CNY"), ("1.5", "JPY"), ("NaN", "CNY"), ("Infinity", "CNY"), ("ten", "CNY")],
)
def test_what_the_currency_cannot_hold_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"decimals|not an amount"):
        Money.of(amount, currency)


def test_an_unknown_currency_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'XXX' is not accepted"):
        Money.of("1", "XXX")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix CNY and USD"):
        Money.of(1, "CNY") + Money.of(1, "USD")


@pytest.mark.parametrize(("percentage", "expected"), [("10", 1000), ("0.005", 1), ("0.004", 0)])
def test_a_percentage_is_rounded_half_up(percentage: str, expected: int) -> None:
    assert Money.of("100.00", "CNY").percent(Decimal(percentage)).minor == expected


def test_money_prints_with_the_decimals_of_its_currency() -> None:
    assert str(Money.of("19.9", "CNY")) == "19.90 CNY"
    assert str(Money.of(500, "JPY")) == "500 JPY"
