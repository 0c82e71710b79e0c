from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.order import CustomerInfo, Order, OrderLine, Pricing
from domain.refunding import UnitsRefunded, refund_of_lines
from domain.return_causes import ReturnCause, cause_of, reason_of
from domain.returns import (
    ENDED,
    RETURN_TRANSITIONS,
    LineStanding,
    ReceivedUnits,
    Refusal,
    ReturnCase,
    ReturnKind,
    ReturnLine,
    ReturnNotPossible,
    ReturnRules,
    ReturnState,
    check_receipt,
    check_request,
    needs_a_person,
    returnable,
    window_ends,
)

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLOSES = AT + timedelta(days=7)


def cny(minor: int) -> Money:
    return Money(minor=minor, currency="CNY")


def line(**changes: int) -> LineStanding:
    known = {"line_no": 1, "ordered": 3, "delivered": 3}
    return LineStanding.model_validate({"sku": "TEA", "product_id": "P1", **known, **changes})


def refused(
    wanted: dict[int, int], standing: LineStanding, *, closes: datetime | None = CLOSES
) -> ReturnNotPossible:
    with pytest.raises(ReturnNotPossible) as caught:
        check_request(wanted, [standing], closes=closes, at=AT)
    return caught.value


def test_what_was_delivered_can_be_returned() -> None:
    check_request({1: 3}, [line()], closes=CLOSES, at=AT)


def test_nothing_is_returned_before_it_is_delivered() -> None:
    assert refused({1: 1}, line(), closes=None).code is Refusal.NOT_DELIVERED


def test_customers_may_not_be_late_but_operators_may() -> None:
    over = AT - timedelta(seconds=1)
    assert refused({1: 1}, line(), closes=over).code is Refusal.WINDOW_OVER
    check_request({1: 1}, [line()], closes=over, at=AT, requested_by="operator")


@pytest.mark.parametrize(
    ("standing", "left"),
    [
        (line(delivered=2), 2),
        (line(returning=1), 2),
        (line(refunded=2), 1),
        (line(delivered=2, refunded=1), 2),
        (line(delivered=2, refunded=1, returning=2), 0),
        (line(delivered=0), 0),
    ],
)
def test_a_unit_comes_back_once(standing: LineStanding, left: int) -> None:
    assert standing.left == left
    error = refused({1: left + 1}, standing)
    assert error.code is Refusal.TOO_MANY
    assert f"has {left} of 3 units left" in error.reason


def test_a_line_that_the_order_does_not_have_is_refused() -> None:
    assert "no line 7" in refused({7: 1}, line()).reason


@pytest.mark.parametrize(
    ("closes", "at", "offered"),
    [(CLOSES, AT, [1]), (CLOSES, CLOSES, [1]), (AT - timedelta(seconds=1), AT, []), (None, AT, [])],
)
def test_a_customer_is_offered_what_would_be_taken(
    closes: datetime | None, at: datetime, offered: list[int]
) -> None:
    lines = [line(), line(line_no=2, returning=3), line(line_no=3, delivered=0)]
    assert [each.line_no for each in returnable(lines, closes=closes, at=at)] == offered


@pytest.mark.parametrize(
    ("cause", "note", "reason"),
    [
        (ReturnCause.DAMAGED, "the lid: cracked", "damaged: the lid: cracked"),
        (ReturnCause.CHANGED_MIND, "", "changed_mind"),
        (None, "too heavy", "too heavy"),
        (None, "", ""),
    ],
)
def test_a_reason_begins_with_its_cause(cause: ReturnCause | None, note: str, reason: str) -> None:
    assert reason_of(cause, note) == reason
    assert cause_of(reason) is cause


def test_the_window_runs_from_the_last_delivery() -> None:
    week = timedelta(days=7)
    assert window_ends([], week) is None
    assert window_ends([AT, AT - timedelta(days=2)], week) == AT + week


@pytest.mark.parametrize(
    ("worth", "products", "person"),
    [
        (cny(50_000), ["P1"], False),
        (cny(50_001), ["P1"], True),
        (cny(100), ["P1", "P9"], True),
        (Money(minor=100, currency="USD"), ["P1"], True),
    ],
)
def test_large_amounts_and_excluded_products_need_a_person(
    worth: Money, products: list[str], *, person: bool
) -> None:
    rules = ReturnRules(excluded_products=frozenset({"P9"}))
    assert bool(needs_a_person(rules, worth, products)) is person


def case(**changes: object) -> ReturnCase:
    return ReturnCase.model_validate(
        {
            "return_id": "B1",
            "order_id": "O1",
            "kind": ReturnKind.REFUND,
            "state": ReturnState.APPROVED,
            "lines": [ReturnLine(line_no=1, sku="TEA", quantity=2)],
            "requested_at": AT,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, "nothing came"),
        ({1: ReceivedUnits()}, "nothing came"),
        ({1: ReceivedUnits(resellable=2, damaged=1)}, "3 units of line 1 came"),
        ({2: ReceivedUnits(damaged=1)}, "but the return has 0"),
    ],
)
def test_only_what_was_announced_is_received(found: dict[int, ReceivedUnits], words: str) -> None:
    with pytest.raises(ReturnNotPossible, match=words):
        check_receipt(case(), found)


def test_a_return_takes_what_was_asked_for_and_then_what_came() -> None:
    came = [ReturnLine(line_no=1, sku="TEA", quantity=2, resellable=1)]
    assert case().units() == {1: 2}
    assert case(lines=came, state=ReturnState.RECEIVED, received_at=AT).units() == {1: 1}
    assert case(state=ReturnState.REJECTED).units() == {}


def test_every_return_comes_to_an_end() -> None:
    ends = {state for state in ReturnState if not RETURN_TRANSITIONS[state]}
    assert ends == ENDED
    assert ReturnState.RECEIVED not in ENDED
    for state, following in RETURN_TRANSITIONS.items():
        assert state not in following


@st.composite
def orders_and_returns(draw: st.DrawFn) -> tuple[Order, list[dict[int, int]]]:
    """An order with shipping, tax and discount, and all its units in some order of returns."""
    prices = draw(st.lists(st.integers(1, 99_999), min_size=1, max_size=4))
    items = tuple(
        OrderLine(
            line_no=number,
            product_id=f"P{number}",
            sku=f"S{number}",
            name="",
            quantity=(quantity := draw(st.integers(1, 5))),
            unit_price=cny(price),
            total_price=cny(price * quantity),
        )
        for number, price in enumerate(prices, start=1)
    )
    subtotal = sum(item.total_price.minor for item in items)
    discount = draw(st.integers(0, subtotal - 1))
    shipping, tax = draw(st.integers(0, 6_000)), draw(st.integers(0, 9_999))
    pricing = Pricing(
        subtotal=cny(subtotal),
        shipping=cny(shipping),
        tax=cny(tax),
        discount=cny(discount),
        total=cny(subtotal + shipping + tax - discount),
    )
    order = Order(
        order_id="O1",
        order_number="ORD1",
        customer_id="C1",
        customer_info=CustomerInfo(),
        items=items,
        pricing=pricing,
        gateway="stripe",
        created_at=AT,
    )
    units = draw(st.permutations([i.line_no for i in items for _ in range(i.quantity)]))
    returns: list[dict[int, int]] = [{}]
    for line_no in units:
        returns[-1][line_no] = returns[-1].get(line_no, 0) + 1
        if draw(st.booleans()):
            returns.append({})
    return order, [one for one in returns if one]


@given(orders_and_returns())
def test_returns_in_any_order_give_back_exactly_what_was_paid(
    made: tuple[Order, list[dict[int, int]]],
) -> None:
    order, returns = made
    lines: dict[int, int] = {}
    given_back = cny(0)
    for wanted in returns:
        try:
            given_back += refund_of_lines(
                order, wanted, UnitsRefunded(lines=dict(lines), given=given_back)
            )
        except ValueError as error:
            # Units that are worth less than a fen: their share goes with a later one.
            assert "nothing was paid" in str(error)  # noqa: PT017
            continue
        for line_no, count in wanted.items():
            lines[line_no] = lines.get(line_no, 0) + count
    everything = {line.line_no: line.quantity for line in order.items}
    assert given_back <= order.total
    if lines == everything:
        assert given_back == order.total
