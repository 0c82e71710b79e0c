"""What a load run orders: how many orders, how far they go, and who takes the money."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.order import EXAMPLE
from db.seed import CATALOG
from domain.order import GatewayName


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How many orders, how far each goes (`placed`, `paid`, `delivered`), and who takes the money.

    Several gateways take turns.
    """

    orders: int
    to: str
    gateways: Sequence[GatewayName]


def drafts_of(plan: LoadPlan) -> Iterator[dict[str, Any]]:
    """Orders for one or two products of the sample catalog that are usually there."""
    catalog = _read(CATALOG)
    stocked = Counter[str]()
    for shelf in catalog["stock"]:
        stocked[shelf["sku"]] += shelf["total"]
    products = [
        product
        for product in catalog["products"]
        if product["active"] and product["status"] == "available" and stocked[product["sku"]] > 200
    ]
    pattern = {
        name: value
        for name, value in _read(EXAMPLE).items()
        if name not in {"items", "pricing", "couponCode"}
    }
    choice = random.Random(20)  # noqa: S311 - the same orders in every run
    for number in range(plan.orders):
        chosen = choice.sample(products, k=choice.choice((1, 1, 2)))
        yield {
            **pattern,
            "customerId": f"L-{number:06d}",
            "paymentMethod": plan.gateways[number % len(plan.gateways)],
            "items": [
                {"productId": product["product_id"], "sku": product["sku"], "quantity": 1}
                for product in chosen
            ],
        }


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
