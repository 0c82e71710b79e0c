"""`picking`: what warehouses were asked to pick of an order, on the screen and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli import output
from cli.books import find_order_id
from cli.failure import REFUSED, CommandFailed
from cli.http import Body, Remote, api
from cli.options import DEFAULT_DATA_DIR, ApiKey, ApiUrl, AsJson, Database, DataDir, OrderRef
from cli.whereabouts import Whereabouts

_BAR = 40
_ALGORITHMS = {
    "ratliff_rosenthal": "the shortest round there is",
    "exact": "the shortest round with heavy goods first",
    "two_opt": "improved by 2-opt",
}


def picking(
    order: OrderRef,
    *,
    pdf: Annotated[
        Path | None,
        typer.Option(
            "--pdf",
            metavar="FILE",
            help="Also write the list as PDF; of several, each with its warehouse in the name.",
            dir_okay=False,
        ),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Show an order's picking lists: bins in the order of walking, and the meters that saves."""
    where = Whereabouts(data_dir, api=api_url, api_key=api_key, database=database)
    path = f"/orders/{find_order_id(where, order)}/picking-lists"
    with api(where) as shop:
        found: list[Body] = shop.get(path)["pickingLists"]
        if as_json:
            output.print_json(found)
        elif not found:
            output.say(f"{order} has no picking list yet: one is written when it is paid.")
        for one in found:
            if not as_json:
                output.console.print(view(one))
            if pdf is not None:
                _write(shop, path, one, pdf if len(found) == 1 else _named(pdf, one))


def view(picking_list: Body) -> RenderableType:
    """One list: what it is, its route, its lines."""
    parts: list[RenderableType] = [_facts(picking_list)]
    route = picking_list.get("route")
    if route and route["baselineDistanceM"]:
        parts += [Text(""), _route(route)]
    parts += [Text(""), _lines(picking_list)]
    if picking_list["specialInstructions"]:
        parts += [Text(""), Text(f"Note: {picking_list['specialInstructions']}")]
    parts += [Text(f"! {warning}", style="yellow") for warning in (route or {}).get("warnings", ())]
    title = f"{picking_list['warehouseId']}  {picking_list['pickingListId']}"
    return output.panel(title, Group(*parts))


def _facts(picking_list: Body) -> Text:
    high = picking_list["priority"] == "high"
    promised = picking_list.get("promisedAt")
    return Text.assemble(
        output.status(picking_list["state"]),
        ("  late" if picking_list["late"] else "", "bold red"),
        (f"  {picking_list['reason']}" if picking_list["reason"] else "", "red"),
        ("  priority ", "dim"),
        (picking_list["priority"], "bold" if high else ""),
        f" ({picking_list['priorityScore']})",
        ("  service ", "dim"),
        picking_list["serviceLevel"],
        ("  leaves by ", "dim"),
        f"{output.moment(promised)} UTC" if promised else "—",
    )


def _route(route: Body) -> Text:
    """A bar as long as the S-shape, filled as far as the route goes."""
    share = route["distanceM"] / route["baselineDistanceM"]
    filled = round(_BAR * share)
    cost = route["heavyFirstCostsM"]
    return Text.assemble(
        ("━" * filled, "cyan"),
        ("━" * (_BAR - filled), "dim"),
        f" {route['distanceM']:.1f} m of {route['baselineDistanceM']:.1f} m along the S-shape: ",
        (f"saves {route['savedM']:.1f} m ({1 - share:.0%})", "bold green"),
        (f"\n{_ALGORITHMS.get(route['algorithm'], route['algorithm'])}", "dim"),
        (f"; heavy goods first costs {cost:.1f} m" if cost else "", "dim"),
    )


def _lines(picking_list: Body) -> Table:
    return output.table(
        "",
        ("#", "bin", "item", "SKU", "qty", "g each", "mm", "batch", ""),
        [
            (
                line["step"] or "",
                Text(line["bin"], style="bold"),
                line["name"],
                line["sku"],
                line["quantity"],
                line["weightG"],
                f"{line['lengthMm']}×{line['widthMm']}×{line['heightMm']}",
                line["batch"],
                Text("fragile" if line["fragile"] else "", style="yellow"),
            )
            for line in picking_list["lines"]
        ],
        right="# qty g each",
    )


def _named(pdf: Path, picking_list: Body) -> Path:
    return pdf.with_stem(f"{pdf.stem}-{picking_list['warehouseId']}")


def _write(shop: Remote, path: str, picking_list: Body, file: Path) -> None:
    content = shop.download(f"{path}/{picking_list['pickingListId']}.pdf")
    try:
        file.write_bytes(content)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}", code=REFUSED) from error
    output.errors.print(Text(f"written to {file}", style="dim"), soft_wrap=True)
