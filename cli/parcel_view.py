"""An order's parcels at a terminal: what each warehouse sends, and where that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from cli import output

_ON_THE_WAY = "shipped"
_WORDS = {
    "offered": "offered to the warehouse",
    "picking": "being picked",
    "dropped": "does not come",
}


def parcels(order: Mapping[str, Any]) -> RenderableType | None:
    """One line for an order with one parcel, a table for several; nothing before there is one."""
    found = order.get("parcels") or []
    if len(found) > 1:
        return output.table(
            f"{len(found)} parcels",
            ("from", "goods", "carrier", "parcel", "where it is"),
            [
                (
                    parcel["warehouseId"],
                    _goods(parcel),
                    parcel["carrier"],
                    _number(parcel),
                    _where(parcel),
                )
                for parcel in found
            ],
        )
    sent = [parcel for parcel in found if parcel["state"] == _ON_THE_WAY]
    shipped = sent[0] if sent else order.get("shipment")
    if not shipped:
        return None
    text = f"Parcel {shipped['trackingNumber']} ({shipped['carrier']}): {shipped['status']}"
    if shipped["resentAs"]:
        text += f", sent again as {shipped['resentAs']}"
    return Text(f"{text}  {shipped['trackingUrl']}", style="dim")


def _where(parcel: Mapping[str, Any]) -> RenderableType:
    if parcel["state"] != _ON_THE_WAY:
        return _WORDS[parcel["state"]]
    if parcel["resentAs"]:
        return f"{parcel['status']}, sent again as {parcel['resentAs']}"
    return output.status(parcel["shippingStatus"])


def _goods(parcel: Mapping[str, Any]) -> str:
    return ", ".join(f"{item['quantity']} × {item['sku']}" for item in parcel["items"])


def _number(parcel: Mapping[str, Any]) -> Text:
    link = f"link {parcel['trackingUrl']}" if parcel["trackingUrl"] else ""
    return Text(parcel["trackingNumber"], style=link)
