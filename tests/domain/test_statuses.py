from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from itertools import product

import pytest

from domain.errors import PermanentError
from domain.statuses import (
    IllegalTransition,
    OrderStatus,
    PaymentStatus,
    ShippingStatus,
    check_order,
    check_payment,
    check_shipping,
)

# Written out once more, on purpose: a changed table has to be changed twice.
ORDER = """
pending -> pending_restock confirmed cancelled
pending_restock -> pending cancelled
confirmed -> processing cancelled refunded
processing -> shipped cancelled refunded
shipped -> delivered refunded
delivered -> completed refunded
completed -> refunded
cancelled -> refunded
refunded ->
"""
PAYMENT = """
pending -> paid failed refunded review
paid -> partially_refunded refunded review
failed -> pending paid refunded review
partially_refunded -> paid refunded review
refunded -> paid partially_refunded review
review -> paid partially_refunded refunded
"""
SHIPPING = """
pending -> picking
picking -> in_transit pending
in_transit -> out_for_delivery delivered exception returned
out_for_delivery -> in_transit delivered exception returned
delivered -> returned
exception -> in_transit out_for_delivery delivered returned
returned ->
"""


def cells(statuses: type[StrEnum], table: str) -> list[tuple[str, str, bool]]:
    """Every pair of statuses, and whether the first may become the second."""
    rows = dict(line.split(" ->") for line in table.strip().splitlines())
    assert set(rows) == {str(status) for status in statuses}
    return [
        (one, other, one == other or other in rows[one].split())
        for one, other in product(map(str, statuses), repeat=2)
    ]


def expect(check: Callable[[], None], *, allowed: bool) -> None:
    if allowed:
        check()
    else:
        with pytest.raises(IllegalTransition, match="cannot become"):
            check()


@pytest.mark.parametrize(("current", "new", "allowed"), cells(OrderStatus, ORDER))
def test_an_order_goes_only_where_the_table_lets_it(
    current: str, new: str, *, allowed: bool
) -> None:
    expect(lambda: check_order(OrderStatus(current), OrderStatus(new)), allowed=allowed)


@pytest.mark.parametrize(("current", "new", "allowed"), cells(PaymentStatus, PAYMENT))
def test_money_goes_only_where_the_table_lets_it(current: str, new: str, *, allowed: bool) -> None:
    expect(lambda: check_payment(PaymentStatus(current), PaymentStatus(new)), allowed=allowed)


@pytest.mark.parametrize(("current", "new", "allowed"), cells(ShippingStatus, SHIPPING))
def test_goods_go_only_where_the_table_lets_them(current: str, new: str, *, allowed: bool) -> None:
    expect(lambda: check_shipping(ShippingStatus(current), ShippingStatus(new)), allowed=allowed)


def test_a_refunded_order_and_returned_goods_stay_so() -> None:
    for order in set(OrderStatus) - {OrderStatus.REFUNDED}:
        with pytest.raises(IllegalTransition, match="only: nothing"):
            check_order(OrderStatus.REFUNDED, order)
    for goods in set(ShippingStatus) - {ShippingStatus.RETURNED}:
        with pytest.raises(IllegalTransition, match="only: nothing"):
            check_shipping(ShippingStatus.RETURNED, goods)


def test_an_illegal_transition_is_not_retried() -> None:
    assert issubclass(IllegalTransition, PermanentError)
