"""`status`: where an order stands and how it got there."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from cli import order_view, output, parcel_view, refund_view, task_view
from cli.books import find_order_id
from cli.http import Body, Remote, api
from cli.options import (
    DEFAULT_DATA_DIR,
    ApiKey,
    ApiUrl,
    AsJson,
    Database,
    DataDir,
    OrderRef,
)
from cli.whereabouts import Whereabouts
from domain.ids import order_workflow_id

_ENDED = {"completed", "cancelled", "refunded"}
_SECONDS_BETWEEN_LOOKS = 1.0


def status(
    order: OrderRef,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Look again every second until the order ends.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    api_url: ApiUrl = "",
    api_key: ApiKey = "",
    database: Database = "",
    as_json: AsJson = False,
) -> None:
    """Show an order: its statuses, what it waits for, and everything that happened."""
    where = Whereabouts(data_dir, api=api_url, api_key=api_key, database=database)
    path = f"/orders/{find_order_id(where, order)}"
    with api(where) as shop:
        found = shop.get(path)
        if as_json:
            output.print_json(found)
        elif watch:
            _watch(shop, path, found, where.find("ui"))
        else:
            # A link that is cut off at the terminal's edge leads nowhere.
            output.console.print(view(found, where.find("ui")), crop=False)


def view(order: Body, ui: str = "") -> RenderableType:
    """All that there is to say about an order."""
    parts: list[RenderableType] = [
        order_view.summary(order, order_view.waiting(order)),
        order_view.timeline(order),
    ]
    refunds = refund_view.refunds(order)
    if refunds is not None:
        parts.append(refunds)
    tasks = task_view.open_tasks(order)
    if tasks is not None:
        parts.append(tasks)
    parcels = parcel_view.parcels(order)
    if parcels is not None:
        parts.append(parcels)
    page = order.get("pageUrl")
    if page:
        parts.append(_link("Page    ", page))
    if ui:
        workflow = order_workflow_id(order["orderId"])
        link = f"{ui}/namespaces/default/workflows/{workflow}"
        parts.append(_link("Web UI  ", link))
    return Group(*parts)


def _link(name: str, url: str) -> Text:
    return Text.assemble((name, "dim"), (url, f"link {url}"), no_wrap=True, overflow="ignore")


def _watch(shop: Remote, path: str, found: Body, ui: str) -> None:
    with Live(view(found, ui), console=output.console, auto_refresh=False) as live:
        while found["status"] not in _ENDED:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            found = shop.get(path)
            live.update(view(found, ui), refresh=True)
