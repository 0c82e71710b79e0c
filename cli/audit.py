"""`audit`: ask the whole database whether the laws hold."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from cli import leaks, output
from cli.books import ask_books
from cli.failure import REFUSED
from cli.options import DEFAULT_DATA_DIR, AsJson, Database, DataDir
from cli.whereabouts import Whereabouts
from db.audit import AuditReport, LawResult
from db.audit import audit as audit_books


def audit(
    *,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="First give back what orders hold whose workflow is gone; see below."
        ),
    ] = False,
    database: Database = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Check that no money and no stock has gone astray, over the whole database.

    The exit code is 0 if every law holds, and 1 with every violation named if not.

    A schedule repairs every two minutes, too: holds past their deadline are released, and unpaid
    orders cancelled, if their workflow is gone. Paid orders without a workflow and counters that
    disagree with the ledger are never changed, only shown.
    """
    where = Whereabouts(data_dir, database=database)
    repaired = leaks.repair(where) if repair else None
    report = ask_books(where, audit_books)
    if as_json:
        told = {"repair": repaired.model_dump(mode="json", by_alias=True)} if repaired else {}
        output.print_json({**report.as_json(), **told})
    else:
        if repaired:
            leaks.show(repaired)
        show(report)
    if not report.ok:
        raise typer.Exit(REFUSED)


def show(report: AuditReport) -> None:
    """One row for each law, then every violation and every warning."""
    rows = [
        (law.number or "·", law.title, f"{law.checked:,}", _verdict(law)) for law in report.laws
    ]
    output.console.print(output.table("Audit", ("law", "", "checked", "result"), rows, "checked"))
    for law in report.laws:
        for violation in law.violations:
            output.say(f"✗ law {law.number or '·'}: {violation}", "red")
        for warning in law.warnings:
            output.say(f"! law {law.number or '·'}: {warning}", "yellow")
    violations = sum(len(law.violations) for law in report.laws)
    if violations:
        output.say(f"{violations} violations", "bold red")
    else:
        output.say("Every law holds.", "bold green")


def _verdict(law: LawResult) -> Text:
    if law.violations:
        return Text(f"{len(law.violations)} violations", style="bold red")
    if law.warnings:
        return Text(f"ok, {len(law.warnings)} warnings", style="yellow")
    return Text("ok", style="green")
