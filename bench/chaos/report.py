"""What a chaos run has shown, as tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from bench.chaos.misfortunes import Misfortune
from bench.chaos.plan import Plan
from bench.chaos.stories import GATEWAYS
from bench.tables import table
from db.audit import AuditReport


@dataclass(frozen=True)
class Told:
    """One order of a run, at its end; `played` says how often each misfortune befell it.

    `timeline` is what has happened to it, if anything is wrong.
    """

    plan: Plan
    order_id: str
    end: str
    played: tuple[tuple[Misfortune, int], ...]
    differences: tuple[str, ...]
    timeline: str = ""


@dataclass(frozen=True)
class ChaosReport:
    """The whole run.

    `restless` says what never came to rest. `repaired` are the findings of the reconciliation by
    kind: what callbacks had not told.
    """

    seed: int
    told: Sequence[Told]
    audit: AuditReport
    restless: str
    repaired: Counter[str]
    killed: Sequence[str]
    seconds: float

    @property
    def differences(self) -> list[str]:
        """All that is wrong, each with its order and its story."""
        restless = [f"no rest: {self.restless}"] if self.restless else []
        return restless + [
            f"{told.order_id} (#{told.plan.number} {told.plan.story.name}, {told.plan.gateway}):"
            f" {difference}"
            for told in self.told
            for difference in told.differences
        ]

    @property
    def timelines(self) -> list[str]:
        """What has happened to the orders that are wrong."""
        return [f"{told.order_id}: {told.timeline}" for told in self.told if told.differences]

    @property
    def violations(self) -> list[str]:
        """What the audit has found."""
        return [f"law {law.number}: {text}" for law in self.audit.laws for text in law.violations]

    @property
    def ok(self) -> bool:
        """Whether every law holds, and both sides agree to the unit."""
        return not self.differences and not self.violations


def show(report: ChaosReport, console: Console) -> None:
    """Print everything; what is wrong comes last."""
    console.print(Group(_ends(report), _misfortunes(report), _summary(report)))
    for wrong in (*report.violations, *report.differences):
        console.print(Text(f"✗ {wrong}", style="red"))
    if report.ok:
        console.print(
            Text("Every law holds, and books and providers agree to the unit.", style="bold green")
        )
    else:
        for line in report.timelines:
            console.print(Text(line, style="dim"))
        console.print(Text(f"Replay with --seed {report.seed}", style="bold red"))


def _ends(report: ChaosReport) -> Table:
    ends: dict[str, Counter[str]] = {}
    wrong: Counter[str] = Counter()
    for told in report.told:
        ends.setdefault(told.plan.story.name, Counter())[told.end] += 1
        wrong[told.plan.story.name] += bool(told.differences)
    return table(
        "Stories",
        ("", "orders", "wrong", "ends"),
        [
            (
                name,
                counted.total(),
                wrong[name] or "",
                ", ".join(f"{count} {end}" for end, count in counted.most_common()),
            )
            for name, counted in sorted(ends.items())
        ],
    )


def _misfortunes(report: ChaosReport) -> Table:
    played: Counter[tuple[str, str]] = Counter()
    for told in report.told:
        for misfortune, times in told.played:
            if times:
                played[misfortune.behavior, misfortune.party] += times
    behaviors = sorted({behavior for behavior, _ in played})
    gateways = sorted(GATEWAYS)
    return table(
        "Misfortunes that happened",
        ("", *gateways),
        [
            (behavior, *(played[behavior, gateway] or "" for gateway in gateways))
            for behavior in behaviors
        ],
    )


def _summary(report: ChaosReport) -> Text:
    repaired = ", ".join(f"{count} {kind}" for kind, count in report.repaired.most_common())
    killed = ", ".join(f"the {name} {n} times" for name, n in Counter(report.killed).items())
    warnings = sum(len(law.warnings) for law in report.audit.laws)
    return Text(
        f"seed {report.seed}, {len(report.told)} orders in {report.seconds:.0f} s"
        f"{f'; killed: {killed}' if killed else ''}\n"
        f"reconciliation found what no callback had told: {repaired or 'nothing'}\n"
        f"audit: {len(report.violations)} violations, {warnings} warnings;"
        f" {len(report.differences)} differences between our books and the providers'",
        style="dim",
    )
