"""Where to look further once the stories have been told: one order, from every side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.ids import order_workflow_id
from sandbox.demo.shop import Body, Shop
from sandbox.layout import Endpoints


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses by what is there, empty if it is not.

    `picking` is the command that writes what no browser gets without the API's key.
    """

    order_number: str
    pages: dict[str, str]
    picking: str


async def find_links(shop: Shop, at: Endpoints, order: Body, data_dir: Path) -> Links:
    """What there is to see of `order`, once all mails have arrived."""
    number = order["orderNumber"]
    mails = await shop.mails(f"order_confirmed {number}")
    confirmation = f"{at.mail}/messages/{mails[0]['id']}" if mails else ""
    workflow = order_workflow_id(order["orderId"])
    pages = {
        "All mails": at.mail,
        "Its confirmation": confirmation,
        "… with it as PDF": confirmation and f"{confirmation}/attachments/0",
        "Its customer's page": order["pageUrl"],
        "Its workflow": f"{at.ui}/namespaces/default/workflows/{workflow}",
        "Temporal Web UI": at.ui,
        "The simulator": f"{at.simulator}/_sim/",
    }
    command = ".venv/bin/python starter.py picking"
    return Links(
        order_number=number,
        pages=pages,
        picking=f"{command} {number} --pdf picking.pdf --data-dir {data_dir}",
    )
