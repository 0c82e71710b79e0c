"""What the benchmark sells: its own catalog with stock for any number of orders."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db.seed import seed

_PRODUCTS = 20
_UNITS = 1_000_000
_WAREHOUSE = "WH-HZ"

_CUSTOMER = {
    "name": "李薇",
    "email": "li.wei@example.com",
    "phone": "+8613800138000",
    "address": {
        "street": "文三路 90 号",
        "city": "杭州市",
        "district": "西湖区",
        "province": "浙江省",
        "postalCode": "310012",
        "country": "CN",
    },
}


async def stock_up(database_url: str, directory: Path) -> None:
    """Put the benchmark's products beside the sample catalog."""
    catalog = directory / "bench_catalog.json"
    catalog.write_text(json.dumps(_catalog()), encoding="utf-8")
    await seed(database_url, catalog)


def drafts() -> Iterator[dict[str, Any]]:
    """Bodies of `POST /orders`, by turns for one product and for two, without end."""
    for number in itertools.count():
        chosen = {number % _PRODUCTS, number * 7 % _PRODUCTS}
        yield {
            "customerId": f"B-{number:06d}",
            "customerInfo": _CUSTOMER,
            "items": [{"productId": _product_id(index), "quantity": 1} for index in sorted(chosen)],
            "paymentMethod": "stripe",
        }


def _product_id(index: int) -> str:
    return f"BENCH{index:02d}"


def _catalog() -> dict[str, list[dict[str, Any]]]:
    ids = [_product_id(index) for index in range(_PRODUCTS)]
    products = [
        {
            "product_id": product_id,
            "sku": product_id,
            "name_zh": "测试商品",
            "name_en": "Test product",
            "price": "100.00",
            "currency": "CNY",
            "active": True,
            "status": "available",
            "max_per_order": 10,
            "weight_g": 100,
            "length_mm": 10,
            "width_mm": 10,
            "height_mm": 10,
            "fragile": False,
        }
        for product_id in ids
    ]
    shelves = [
        {
            "warehouse_id": _WAREHOUSE,
            "sku": product_id,
            "total": _UNITS,
            "reorder_point": 0,
            "bin": "A-01-01-1",
        }
        for product_id in ids
    ]
    return {
        "products": products,
        "warehouses": [],
        "coupons": [],
        "blacklist": [],
        "stock": shelves,
    }
