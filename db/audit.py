"""Asks the whole database whether the laws hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.laws import messages, money, orders, parcels, resent, returns, statuses, stock
from db.laws.check import Check

TITLES = {
    1: "Stock adds up: counters, live holds and the ledger",
    2: "A hold moves once, and its goods with it",
    3: "Money adds up: captured less refunded is kept",
    4: "Paid orders have stock or a refund, ended ones keep neither stock nor money",
    5: "One effect per intent; an unknown outcome is a state",
    6: "Every callback is stored once and applied",
    7: "Compensation ends: a cancelled order leaves nothing open",
    8: "No hold outlives its order",
    9: "A customer is told once, and not what no longer holds",
    0: "Statuses agree with each other and with the records",
}

CHECKS: tuple[Check, ...] = (
    *stock.CHECKS,
    *money.CHECKS,
    *orders.CHECKS,
    *parcels.CHECKS,
    *returns.CHECKS,
    *resent.CHECKS,
    *messages.CHECKS,
    *statuses.CHECKS,
)


@dataclass(frozen=True, slots=True)
class LawResult:
    """What was found about one law; number 0 stands for the consistency of the records.

    `checked` counts the rows that were looked at, over all questions.
    """

    number: int
    title: str
    checked: int
    violations: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was found about all of them."""

    laws: tuple[LawResult, ...]

    @property
    def ok(self) -> bool:
        """Whether every law holds; a warning breaks none."""
        return not any(law.violations for law in self.laws)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"ok": self.ok, "laws": [asdict(law) for law in self.laws]}


async def audit(session: AsyncSession, checks: Sequence[Check] = CHECKS) -> AuditReport:
    """Ask every question of one snapshot, so that orders may go on meanwhile.

    `session` must be a new one: its transaction begins here.
    """
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    return AuditReport(
        laws=tuple(
            [await _ask_about(session, number, title, checks) for number, title in TITLES.items()]
        )
    )


async def _ask_about(
    session: AsyncSession, number: int, title: str, checks: Sequence[Check]
) -> LawResult:
    checked = 0
    violations: list[str] = []
    warnings: list[str] = []
    for check in checks:
        if check.law != number:
            continue
        checked += await session.scalar(text(check.subjects)) or 0
        found = await session.scalars(text(check.violations))
        (warnings if check.warning else violations).extend(sorted(found))
    return LawResult(number, title, checked, tuple(violations), tuple(warnings))
