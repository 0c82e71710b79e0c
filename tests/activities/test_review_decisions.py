"""Decisions about payments in review, in the books: twice, and all laws hold afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import text

from activities.review_decisions import DecideReview, DecisionRefused, decide_review
from activities.settling import Settled, settle
from db import migrate, operator_tasks, orders, payments
from db.audit import audit
from db.engine import Sessions, connect, session_factory
from domain.money import Money
from domain.payment import DisputeNews, PaymentState, PaymentView, RefundState, RefundView
from domain.payment_review import ReviewDecision
from tests.databases import Databases
from tests.db.healthy import PRICE, Names, Shop

LESS = Money(minor=PRICE.minor - 1, currency="CNY")
MORE = Money(minor=PRICE.minor + 700, currency="CNY")
DOLLARS = Money(minor=PRICE.minor, currency="USD")


class Desk:
    """Books of their own, what providers say into them, and who decides."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.shop = Shop(sessions)

    async def hear(
        self,
        names: Names,
        captured: Money,
        *refunds: RefundView,
        disputes: Sequence[DisputeNews] = (),
    ) -> Settled:
        """The payment's provider says that it is paid, and what of it went back."""
        back = sum(one.amount.minor for one in refunds if one.state is RefundState.SUCCEEDED)
        view = PaymentView(
            payment_id=names.payment,
            provider_ref=f"pi_{names.payment}",
            capture_ref=f"ch_{names.payment}",
            state=PaymentState.PAID,
            captured=captured,
            refunded=Money(minor=back, currency=captured.currency),
            refunds=refunds,
        )
        now = datetime.now(UTC)
        async with self._sessions.begin() as session:
            return await settle(session, view, now, now + timedelta(minutes=15), disputes=disputes)

    async def in_review(self, captured: Money) -> Names:
        """An order that waits, of which something else was paid."""
        names = await self.shop.waiting_for_payment()
        assert (await self.hear(names, captured)).settlement == "mismatch"
        return names

    async def disputed(self) -> Names:
        names = await self.shop.completed()
        await self.hear(names, PRICE, disputes=[DisputeNews.OPENED])
        return names

    async def task(self, names: Names) -> operator_tasks.OperatorTask:
        async with self._sessions() as session:
            (task,) = await operator_tasks.tasks_of(session, names.order)
            return task

    async def decide(self, names: Names, decision: ReviewDecision) -> None:
        """Decide twice: the second time leaves no trace but one more delivery."""
        deciding = DecideReview(
            task_id=(await self.task(names)).id,
            decision=decision,
            note="seen at the bank",
            by="Chen",
            at=datetime.now(UTC),
        )
        async with self._sessions.begin() as session:
            news = await decide_review(session, deciding)
        before = await self.snapshot(names)
        later = deciding.model_copy(update={"at": deciding.at + timedelta(minutes=1)})
        async with self._sessions.begin() as session:
            again = await decide_review(session, later)
        assert (again.id, again.deliveries) == (news.id, news.deliveries + 1)
        assert await self.snapshot(names) == before

    async def snapshot(self, names: Names) -> list[str]:
        """All rows of the order, but for the inbox."""
        found: list[str] = []
        tables = ("payments", "refunds", "holds", "order_events", "operator_tasks")
        async with self._sessions() as session:
            for table in tables:
                rows = await session.scalars(
                    text(f"SELECT t::text FROM {table} t WHERE order_id = :id"),  # noqa: S608 - ours
                    {"id": names.order},
                )
                found += sorted(rows)
        return found

    async def order(self, names: Names) -> orders.OrderRow:
        async with self._sessions() as session:
            return await session.get_one(orders.OrderRow, names.order)

    async def payment(self, names: Names) -> payments.Payment:
        async with self._sessions() as session:
            return await session.get_one(payments.Payment, names.payment)

    async def assert_laws_hold(self) -> None:
        async with self._sessions() as session:
            report = await audit(session)
        assert not [violation for law in report.laws for violation in law.violations]


@pytest.fixture(scope="module")
async def desk(databases: Databases) -> AsyncIterator[Desk]:
    engine = connect(await databases.copy(), 2)
    desk = Desk(session_factory(engine))
    yield desk
    await desk.assert_laws_hold()
    await engine.dispose()


async def test_an_accepted_payment_pays_when_its_provider_is_asked_next(desk: Desk) -> None:
    names = await desk.in_review(MORE)

    await desk.decide(names, ReviewDecision.ACCEPT)

    assert (await desk.order(names)).payment_status == "paid"
    await desk.assert_laws_hold()
    for _ in range(2):
        settled = await desk.hear(names, MORE)
        assert (settled.settlement, settled.decision) == ("accepted", "accept")
        assert settled.excess == Money(minor=700, currency="CNY")
        order = await desk.order(names)
        assert (order.status, order.payment_status) == ("confirmed", "paid")
        await desk.assert_laws_hold()
    # What goes back is set aside with the decision: nobody else can have it.
    assert (await desk.payment(names)).claimed_minor == 700


async def test_a_refused_payment_stays_in_review_until_it_has_gone_back(desk: Desk) -> None:
    names = await desk.in_review(LESS)

    await desk.decide(names, ReviewDecision.REFUND)

    settled = await desk.hear(names, LESS)
    assert (settled.settlement, settled.decision) == ("late", "refund")
    assert (await desk.order(names)).payment_status == "review"
    await desk.hear(names, LESS, _refund(names, LESS))
    assert (await desk.order(names)).payment_status == "refunded"
    await desk.assert_laws_hold()


async def test_another_currency_cannot_be_accepted_and_a_person_gives_it_back(desk: Desk) -> None:
    names = await desk.in_review(DOLLARS)
    assert "Give it back in stripe's dashboard" in (await desk.task(names)).task
    with pytest.raises(DecisionRefused, match="another currency"):
        await desk.decide(names, ReviewDecision.ACCEPT)
    await desk.assert_laws_hold()

    await desk.decide(names, ReviewDecision.REFUND)

    settled = await desk.hear(names, DOLLARS)
    assert (settled.settlement, settled.decision) == ("mismatch", "refund")
    assert (await desk.order(names)).payment_status == "refunded"
    await desk.assert_laws_hold()


async def test_money_of_which_some_has_gone_back_is_not_accepted(desk: Desk) -> None:
    names = await desk.in_review(LESS)
    await desk.hear(names, LESS, _refund(names, Money(minor=100, currency="CNY")))

    with pytest.raises(DecisionRefused, match="some of it has gone back"):
        await desk.decide(names, ReviewDecision.ACCEPT)

    assert (await desk.task(names)).state == "open"
    assert (await desk.payment(names)).decision == ""


async def test_a_review_is_open_again_when_the_bank_returns_what_had_gone_back(
    desk: Desk,
) -> None:
    names = await desk.in_review(LESS)
    back = _refund(names, LESS)
    await desk.hear(names, LESS, back)
    assert (await desk.task(names)).state == "obsolete"

    await desk.hear(names, LESS, back.model_copy(update={"state": RefundState.FAILED}))

    assert (await desk.task(names)).state == "open"
    assert (await desk.order(names)).payment_status == "review"
    await desk.assert_laws_hold()


@pytest.mark.parametrize("parts", [1, 2], ids=["whole", "in two parts"])
async def test_money_that_a_bank_took_is_not_counted_again_as_a_refund(
    desk: Desk, parts: int
) -> None:
    names = await desk.disputed()
    await desk.decide(names, ReviewDecision.LOST)
    told = [
        _refund(names, share, number) for number, share in enumerate(PRICE.allocate([1] * parts))
    ]

    for heard in ((), told[:1], told, ()):
        await desk.hear(names, PRICE, *heard)
        payment, order = await desk.payment(names), await desk.order(names)
        assert (payment.refunded_minor, payment.claimed_minor) == (PRICE.minor, PRICE.minor)
        assert (order.status, order.payment_status, order.kept_minor) == ("refunded", "refunded", 0)
        await desk.assert_laws_hold()


async def test_news_of_a_dispute_in_the_wrong_order_end_it_all_the_same(desk: Desk) -> None:
    names = await desk.shop.completed()

    await desk.hear(names, PRICE, disputes=[DisputeNews.WON])
    await desk.hear(names, PRICE, disputes=[DisputeNews.OPENED])

    assert (await desk.payment(names)).dispute_outcome == "won"
    assert (await desk.order(names)).payment_status == "paid"
    assert (await desk.task(names)).state == "obsolete"
    await desk.assert_laws_hold()


async def test_a_dispute_that_ended_who_knows_how_is_left_to_people(desk: Desk) -> None:
    names = await desk.disputed()

    await desk.hear(names, PRICE, disputes=[DisputeNews.OVER])

    task = await desk.task(names)
    assert task.state == "open"
    assert "stripe says that it is over: look there how" in task.task
    assert (await desk.order(names)).payment_status == "review"
    await desk.decide(names, ReviewDecision.WON)
    assert (await desk.order(names)).payment_status == "paid"


async def test_what_was_in_review_before_there_were_decisions_can_be_decided(
    databases: Databases,
) -> None:
    url = await databases.copy()
    engine = connect(url, 2)
    desk = Desk(session_factory(engine))
    waiting, disputed = await desk.in_review(LESS), await desk.disputed()
    opened = [(await desk.task(names)).kind for names in (waiting, disputed)]

    await engine.dispose()
    await asyncio.to_thread(command.downgrade, migrate.config(url), "0013")
    await asyncio.to_thread(migrate.upgrade, url)

    found = [(await desk.task(names)).kind for names in (waiting, disputed)]
    assert found == opened == ["payment_mismatch", "payment_disputed"]
    await desk.decide(waiting, ReviewDecision.ACCEPT)
    await desk.decide(disputed, ReviewDecision.WON)
    await desk.assert_laws_hold()
    await engine.dispose()


def _refund(names: Names, amount: Money, number: int = 0) -> RefundView:
    return RefundView(
        refund_id="",
        provider_ref=f"re_{names.payment}_{number}",
        state=RefundState.SUCCEEDED,
        amount=amount,
    )
