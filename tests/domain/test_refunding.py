from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.money import Money
from domain.order import CustomerInfo, Order, OrderLine, Pricing
from domain.refunding import (
    LinesNotRefundable,
    SentAgain,
    UnitsRefunded,
    check_not_sent_again,
    money_status,
    refund_of_lines,
)
from domain.statuses import PaymentStatus


def cny(minor: int) -> Money:
    return Money(minor=minor, currency="CNY")


def an_order(*lines: tuple[int, int], shipping: int = 0, tax: int = 0, discount: int = 0) -> Order:
    """An order of lines of (unit price, quantity), in fen."""
    subtotal = sum(price * quantity for price, quantity in lines)
    return Order(
        order_id="O1",
        order_number="ORD1",
        customer_id="C1",
        customer_info=CustomerInfo(),
        items=tuple(
            OrderLine(
                line_no=number,
                product_id=f"P{number}",
                sku=f"S{number}",
                name="tea",
                quantity=quantity,
                unit_price=cny(price),
                total_price=cny(price * quantity),
            )
            for number, (price, quantity) in enumerate(lines, start=1)
        ),
        pricing=Pricing(
            subtotal=cny(subtotal),
            shipping=cny(shipping),
            tax=cny(tax),
            discount=cny(discount),
            total=cny(subtotal + shipping + tax - discount),
        ),
        gateway="stripe",
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


@dataclass
class Ledger:
    """The refunds of one order that have not failed."""

    order: Order
    live: list[tuple[dict[int, int], Money]] = field(default_factory=list)

    @property
    def before(self) -> UnitsRefunded:
        units: Counter[int] = Counter()
        money = cny(0)
        for lines, amount in self.live:
            units.update(lines)
            money += amount
        return UnitsRefunded(lines=units, given=money)

    def refund(self, lines: dict[int, int]) -> Money:
        amount = refund_of_lines(self.order, lines, self.before)
        self.live.append((lines, amount))
        return amount


NOTHING = UnitsRefunded(lines={}, given=cny(0))


@st.composite
def orders(draw: st.DrawFn, *, gifts: bool = True) -> Order:
    """Orders with fees and a discount; without `gifts`, every unit brings at least a fen."""
    price = st.integers(0 if gifts else 2, 50_000)
    lines = draw(st.lists(st.tuples(price, st.integers(1, 7)), min_size=1, max_size=5))
    subtotal = sum(price * quantity for price, quantity in lines)
    assume(subtotal > 0)
    discount = draw(st.integers(0, subtotal if gifts else subtotal // 2))
    shipping, tax = draw(st.integers(0, 6_000)), draw(st.integers(0, 9_000))
    return an_order(*lines, shipping=shipping, tax=tax, discount=discount)


def all_units(order: Order) -> list[int]:
    """The line number of every unit."""
    return [line.line_no for line in order.items for _ in range(line.quantity)]


@given(data=st.data(), order=orders(gifts=False))
def test_refunds_of_all_units_in_any_portions_and_order_come_to_exactly_the_total(
    data: st.DataObject, order: Order
) -> None:
    units = data.draw(st.permutations(all_units(order)))
    ledger = Ledger(order)
    while units:
        size = data.draw(st.integers(1, len(units)))
        portion, units = units[:size], units[size:]
        assert ledger.refund(dict(Counter(portion))) > cny(0)
    assert ledger.before.given == order.total


@given(data=st.data(), order=orders())
def test_refunds_that_failed_on_the_way_leave_no_fen_behind_and_take_none_too_many(
    data: st.DataObject, order: Order
) -> None:
    ledger, left = Ledger(order), Counter(all_units(order))
    for _ in range(data.draw(st.integers(0, 12))):
        open_lines = sorted(line_no for line_no, count in left.items() if count)
        if ledger.live and (not open_lines or data.draw(st.booleans())):
            lines, _ = ledger.live.pop(data.draw(st.integers(0, len(ledger.live) - 1)))
            left.update(lines)
        elif open_lines:
            line_no = data.draw(st.sampled_from(open_lines))
            attempt(ledger, left, {line_no: data.draw(st.integers(1, left[line_no]))})
        assert ledger.before.given <= order.total
    attempt(ledger, left, {line_no: count for line_no, count in left.items() if count})
    assert ledger.before.given == order.total


def attempt(ledger: Ledger, left: Counter[int], portion: dict[int, int]) -> None:
    """Refund a portion; one that costs nothing is refused."""
    with suppress(LinesNotRefundable):
        assert ledger.refund(portion) > cny(0)
        left.subtract(portion)


@given(data=st.data(), order=orders())
def test_a_units_share_is_fair_to_two_fen(data: st.DataObject, order: Order) -> None:
    line = data.draw(st.sampled_from(order.items))
    quantity = data.draw(st.integers(1, line.quantity))
    # Units that cost nothing after the discount are refused: another test's matter.
    exact_share = order.total.minor * line.unit_price.minor * quantity
    assume(exact_share >= 2 * order.pricing.subtotal.minor)
    amount = refund_of_lines(order, {line.line_no: quantity}, NOTHING)
    paid, subtotal = order.total.minor, order.pricing.subtotal.minor
    exact = paid * line.unit_price.minor * quantity / subtotal
    assert abs(amount.minor - exact) < 2


def test_shipping_and_discount_go_back_with_the_goods_in_proportion() -> None:
    order = an_order((10_000, 1), (5_000, 2), shipping=1_000, discount=3_000)

    assert refund_of_lines(order, {1: 1}, NOTHING) == cny(9_000)
    assert refund_of_lines(order, {2: 1}, NOTHING) == cny(4_500)
    assert refund_of_lines(order, {1: 1, 2: 2}, NOTHING) == order.total


def test_a_fen_that_cannot_be_shared_goes_back_with_the_first_units() -> None:
    ledger = Ledger(an_order((3, 1), (100, 3), discount=2))

    assert [ledger.refund({2: 1}).minor for _ in range(3)] == [100, 99, 99]
    assert ledger.refund({1: 1}) == cny(3)


def test_the_fen_of_a_refund_that_failed_goes_back_with_the_next() -> None:
    ledger = Ledger(an_order((100, 3), discount=200))
    assert [ledger.refund({1: 1}).minor for _ in range(2)] == [34, 33]

    ledger.live.pop(0)

    assert [ledger.refund({1: 1}).minor for _ in range(2)] == [34, 33]
    assert ledger.before.given == cny(100)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({3: 1}, "the order has no line 3"),
        ({0: 1}, "the order has no line 0"),
        ({1: 3}, "line 1 has 2 of 3 units left to refund, not 3"),
        ({2: 1, 1: 3}, "line 1 has 2 of 3 units left to refund, not 3"),
        ({1: 0}, "line 1 has 2 of 3 units left to refund, not 0"),
        ({1: -1}, "not -1"),
    ],
)
def test_what_is_not_there_is_not_refunded(wanted: dict[int, int], reason: str) -> None:
    order = an_order((100, 3), (200, 1))
    before = UnitsRefunded(lines={1: 1}, given=cny(100))

    with pytest.raises(LinesNotRefundable, match=reason):
        refund_of_lines(order, wanted, before)


def test_a_gift_brings_no_money_back() -> None:
    order = an_order((100, 1), (0, 1))

    with pytest.raises(LinesNotRefundable, match="nothing was paid"):
        refund_of_lines(order, {2: 1}, NOTHING)
    assert refund_of_lines(order, {1: 1, 2: 1}, NOTHING) == cny(100)


@pytest.mark.parametrize(
    ("captured", "refunded", "kept", "in_review", "status"),
    [
        (100, 0, 100, False, PaymentStatus.PAID),
        (100, 1, 99, False, PaymentStatus.PARTIALLY_REFUNDED),
        (100, 99, 1, False, PaymentStatus.PARTIALLY_REFUNDED),
        (100, 100, 0, False, PaymentStatus.REFUNDED),
        # The order's own money is all there; a second payment is about to go back.
        (100, 0, 200, False, PaymentStatus.PAID),
        (100, 30, 170, False, PaymentStatus.PARTIALLY_REFUNDED),
        # Its own money has gone back; what is kept came late, and goes back as well.
        (100, 100, 100, False, PaymentStatus.PAID),
        (0, 0, 100, False, PaymentStatus.PAID),
        (100, 100, 0, True, PaymentStatus.REVIEW),
    ],
)
def test_the_money_status_follows_from_the_money(
    *, captured: int, refunded: int, kept: int, in_review: bool, status: PaymentStatus
) -> None:
    found = money_status(captured=captured, refunded=refunded, kept=kept, in_review=in_review)
    assert found is status


LOST = SentAgain(line_no=1, units=2, order_number="ORD2")
EXCHANGED = SentAgain(line_no=2, units=1, return_id="B7")


@pytest.mark.parametrize(
    ("wanted", "before", "told"),
    [
        ({1: 2}, {}, "2 of line 1's 3 units are sent again as order ORD2: cancel that one"),
        ({1: 1}, {1: 1}, "and their money goes back; 0 other units can be refunded"),
        ({2: 1}, {}, "1 of line 2's 1 units are to be exchanged by return B7: reject that one"),
        ({1: 1, 2: 1}, {}, "return B7"),
    ],
)
def test_what_is_sent_again_is_not_refunded(
    wanted: dict[int, int], before: dict[int, int], told: str
) -> None:
    refunded = UnitsRefunded(lines=before, given=cny(0))
    with pytest.raises(LinesNotRefundable) as refused:
        check_not_sent_again(an_order((100, 3), (100, 1)), wanted, refunded, [LOST, EXCHANGED])
    assert told in str(refused.value)


def test_other_units_of_the_line_are_refunded() -> None:
    nothing = UnitsRefunded(lines={}, given=cny(0))
    check_not_sent_again(an_order((100, 3), (100, 1)), {1: 1}, nothing, [LOST, EXCHANGED])


def test_two_reasons_to_send_a_line_again_add_up() -> None:
    again = [LOST, SentAgain(line_no=1, units=1, return_id="B7")]
    nothing = UnitsRefunded(lines={}, given=cny(0))
    with pytest.raises(LinesNotRefundable, match="0 other units"):
        check_not_sent_again(an_order((100, 3)), {1: 1}, nothing, again)
