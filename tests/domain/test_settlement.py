"""Late money, cell by cell: where an order stands, what its provider says, what is done."""

from __future__ import annotations

from itertools import product

import pytest

from domain.inventory import HoldState
from domain.money import Money
from domain.payment import PaymentState, PaymentView, RefundState, RefundView
from domain.settlement import (
    LATE_MONEY,
    REFUNDABLE,
    Answer,
    Settlement,
    Standing,
    answer_of,
    decide,
    standing_of,
)
from domain.statuses import OrderStatus

# Written out once more, on purpose: a changed table has to be changed twice.
DECISIONS = """
              | open     | approved | processing | declined | closed   | paid     | paid_otherwise | given_back
awaiting      | open     | capture  | processing | declined | closed   | accepted | mismatch       | returned
given_up      | open     | closed   | processing | declined | closed   | accepted | mismatch       | returned
lapsed        | open     | closed   | processing | declined | closed   | rehold   | mismatch       | returned
paid_by_it    | accepted | accepted | accepted   | accepted | accepted | accepted | accepted       | accepted
paid_by_other | open     | closed   | processing | declined | closed   | surplus  | mismatch       | returned
over          | open     | closed   | processing | declined | closed   | late     | mismatch       | returned
"""  # noqa: E501 - a table with eight columns

ASKED = Money(minor=12_345, currency="CNY")
NOTHING = Money.zero("CNY")
HOLDS = (None, *HoldState)
FLAGS = ("paid_by_it", "paid_by_other", "given_up", "for_nothing")


def decisions() -> dict[tuple[str, str], str]:
    """Every cell of the table above."""
    head, *rows = [
        [cell.strip() for cell in line.split("|")] for line in DECISIONS.strip("\n").splitlines()
    ]
    return {
        (standing, answer): decision
        for standing, *cells in rows
        for answer, decision in zip(head[1:], cells, strict=True)
    }


def view(
    state: PaymentState,
    captured: Money = NOTHING,
    refunded: Money | None = NOTHING,
    refunds: tuple[RefundView, ...] = (),
) -> PaymentView:
    return PaymentView(
        payment_id="PAY1",
        provider_ref="pi_1",
        state=state,
        captured=captured,
        refunded=refunded,
        refunds=refunds,
    )


def standing(order: OrderStatus, hold: HoldState | None, flags: tuple[bool, ...]) -> Standing:
    named = dict(zip(FLAGS, flags, strict=True))
    return standing_of(order, hold, **named)


def test_the_table_has_a_cell_for_every_standing_and_every_answer() -> None:
    every = {(str(one), str(other)) for one, other in product(Standing, Answer)}

    assert set(decisions()) == every
    assert {(str(one), str(other)) for one in LATE_MONEY for other in LATE_MONEY[one]} == every


@pytest.mark.parametrize(
    ("where", "said", "decision"), [(*cell, decision) for cell, decision in decisions().items()]
)
def test_every_answer_is_decided_wherever_the_order_stands(
    where: str, said: str, decision: str
) -> None:
    assert decide(Standing(where), Answer(said)) is Settlement(decision)


def test_nothing_is_decided_that_no_cell_asks_for() -> None:
    assert set(decisions().values()) == {str(settlement) for settlement in Settlement}


def test_money_that_pays_for_nothing_is_what_goes_back_by_itself() -> None:
    assert {Settlement.SURPLUS, Settlement.LATE} == REFUNDABLE


@pytest.mark.parametrize("where", sorted(set(Standing) - {Standing.PAID_BY_IT}))
def test_money_in_another_amount_is_never_accepted_and_never_sent_back_unseen(
    where: Standing,
) -> None:
    assert decide(where, Answer.PAID_OTHERWISE) is Settlement.MISMATCH


@pytest.mark.parametrize("where", sorted(set(Standing) - {Standing.AWAITING}))
def test_what_the_customer_approved_is_captured_only_while_the_order_waits_for_it(
    where: Standing,
) -> None:
    assert decide(where, Answer.APPROVED) is not Settlement.CAPTURE


@pytest.mark.parametrize("said", Answer)
def test_money_that_was_seen_once_is_not_unseen(said: Answer) -> None:
    assert decide(Standing.PAID_BY_IT, said) is Settlement.ACCEPTED


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (PaymentState.PENDING, Answer.OPEN),
        (PaymentState.APPROVED, Answer.APPROVED),
        (PaymentState.PROCESSING, Answer.PROCESSING),
        (PaymentState.FAILED, Answer.DECLINED),
        (PaymentState.CLOSED, Answer.CLOSED),
    ],
)
def test_a_payment_without_money_says_how_far_it_is(state: PaymentState, answer: Answer) -> None:
    assert answer_of(view(state), ASKED) is answer


@pytest.mark.parametrize(
    ("captured", "refunded", "answer"),
    [
        (ASKED, NOTHING, Answer.PAID),
        (ASKED, None, Answer.PAID),
        (ASKED, Money(minor=1, currency="CNY"), Answer.PAID),
        (ASKED, Money(minor=12_344, currency="CNY"), Answer.PAID),
        (ASKED, ASKED, Answer.GIVEN_BACK),
        (Money(minor=12_344, currency="CNY"), NOTHING, Answer.PAID_OTHERWISE),
        (Money(minor=12_346, currency="CNY"), NOTHING, Answer.PAID_OTHERWISE),
        (Money(minor=12_345, currency="USD"), Money.zero("USD"), Answer.PAID_OTHERWISE),
        (NOTHING, NOTHING, Answer.PAID_OTHERWISE),
        (
            Money(minor=1, currency="CNY"),
            Money(minor=1, currency="CNY"),
            Answer.PAID_OTHERWISE,
        ),
    ],
    ids=str,
)
def test_money_says_whether_it_is_what_was_asked_for_and_whether_it_is_still_there(
    captured: Money, refunded: Money | None, answer: Answer
) -> None:
    assert answer_of(view(PaymentState.PAID, captured, refunded), ASKED) is answer


def test_every_state_of_a_payment_is_an_answer() -> None:
    for state in PaymentState:
        captured = ASKED if state is PaymentState.PAID else NOTHING
        assert answer_of(view(state, captured), ASKED) in Answer


def test_refunds_that_are_under_way_leave_a_payment_paid() -> None:
    pending = RefundView(
        refund_id="RF1", provider_ref="re_1", state=RefundState.PENDING, amount=ASKED
    )

    told = view(PaymentState.PAID, ASKED, NOTHING, (pending,))

    assert answer_of(told, ASKED) is Answer.PAID


ENDED = (OrderStatus.CANCELLED, OrderStatus.REFUNDED)
TO_BE_PAID = (OrderStatus.PENDING, OrderStatus.PENDING_RESTOCK)
SETTLED = set(OrderStatus) - set(ENDED) - set(TO_BE_PAID)


def expected(order: OrderStatus, hold: HoldState | None, flags: tuple[bool, ...]) -> Standing:
    """The rules in another form than the code's: the first that fits."""
    paid_by_it, paid_by_other, given_up, for_nothing = flags
    rules = (
        (order in ENDED, Standing.OVER),
        (paid_by_it, Standing.PAID_BY_IT),
        (paid_by_other, Standing.PAID_BY_OTHER),
        (order in SETTLED or for_nothing, Standing.OVER),
        (hold is not HoldState.HELD, Standing.LAPSED),
        (given_up, Standing.GIVEN_UP),
        (True, Standing.AWAITING),
    )
    return next(standing for fits, standing in rules if fits)


@pytest.mark.parametrize("order", OrderStatus)
@pytest.mark.parametrize("hold", HOLDS)
def test_every_order_stands_somewhere(order: OrderStatus, hold: HoldState | None) -> None:
    for flags in product((False, True), repeat=len(FLAGS)):
        named = dict(zip(FLAGS, flags, strict=True))
        assert standing(order, hold, flags) is expected(order, hold, flags), named


@pytest.mark.parametrize("order", ENDED)
def test_money_of_an_order_that_has_ended_is_late_even_if_it_once_paid_for_it(
    order: OrderStatus,
) -> None:
    """A refund that the bank returned makes the money ours again, and it has to go once more."""
    for hold, *flags in product(HOLDS, *[(False, True)] * len(FLAGS)):
        where = standing(order, hold, tuple(flags))
        assert decide(where, Answer.PAID) is Settlement.LATE


@pytest.mark.parametrize("order", TO_BE_PAID)
@pytest.mark.parametrize("hold", [hold for hold in HOLDS if hold is not HoldState.HELD])
def test_money_without_stock_is_taken_only_if_the_stock_can_be_held_again(
    order: OrderStatus, hold: HoldState | None
) -> None:
    for given_up in (False, True):
        where = standing(order, hold, (False, False, given_up, False))
        assert decide(where, Answer.PAID) is Settlement.REHOLD


@pytest.mark.parametrize("order", TO_BE_PAID)
def test_money_for_held_stock_is_taken_though_we_have_closed_the_payment(
    order: OrderStatus,
) -> None:
    for given_up in (False, True):
        where = standing(order, HoldState.HELD, (False, False, given_up, False))
        assert decide(where, Answer.PAID) is Settlement.ACCEPTED


@pytest.mark.parametrize("order", sorted(set(OrderStatus) - set(ENDED)))
def test_a_second_payment_for_a_paid_order_is_surplus(order: OrderStatus) -> None:
    for hold, given_up in product(HOLDS, (False, True)):
        where = standing(order, hold, (False, True, given_up, False))
        assert decide(where, Answer.PAID) is Settlement.SURPLUS


@pytest.mark.parametrize("order", TO_BE_PAID)
def test_money_that_was_found_to_pay_for_nothing_goes_back_though_the_order_waits(
    order: OrderStatus,
) -> None:
    for hold, given_up in product(HOLDS, (False, True)):
        where = standing(order, hold, (False, False, given_up, True))
        assert decide(where, Answer.PAID) is Settlement.LATE
        assert decide(where, Answer.APPROVED) is Settlement.CLOSED
