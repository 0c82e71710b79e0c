"""The example orders, judged with the catalog that the shop starts with."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from activities.contacts import check_contact
from domain.cleaning import clean_order, worded_like
from domain.money import Money
from domain.pricing import Coupon
from domain.validation import Facts, ProductFact, Verdict, validate

ROOT = Path(__file__).parents[2]
CATALOG: dict[str, list[dict[str, Any]]] = json.loads(
    (ROOT / "db" / "seed_catalog.json").read_text()
)


def money(row: dict[str, Any], name: str) -> Money | None:
    return None if row[name] is None else Money.of(row[name], row["currency"])


def fact(row: dict[str, Any]) -> ProductFact:
    return ProductFact.model_validate({**row, "name": row["name_en"], "price": money(row, "price")})


def coupon(row: dict[str, Any]) -> Coupon:
    amounts = {name: money(row, name) for name in ("amount", "minimum_subtotal")}
    return Coupon.model_validate({**row, **amounts})


def judge(example: str) -> Verdict:
    body = json.loads((ROOT / "examples" / example).read_text())
    cleaned = clean_order(body)
    coupons = {row["code"]: coupon(row) for row in CATALOG["coupons"]}
    facts = Facts(
        products={row["product_id"]: fact(row) for row in CATALOG["products"]},
        contact=check_contact(cleaned.draft.customer_info),
        gateways_available=frozenset({"stripe"}),
        coupon=coupons.get(cleaned.draft.coupon_code),
    )
    verdict = validate(cleaned.draft, cleaned.problems, facts)
    return verdict.model_copy(update={"errors": worded_like(body, verdict.errors)})


@pytest.mark.parametrize(
    ("example", "total"), [("order-cn.json", "392.00"), ("order-en.json", "630.60")]
)
def test_a_valid_example_is_accepted_without_a_warning(example: str, total: str) -> None:
    verdict = judge(example)
    assert verdict.errors == ()
    assert verdict.warnings == ()
    assert verdict.pricing is not None
    assert verdict.pricing.total == Money.of(total, "CNY")


def test_the_invalid_example_is_told_everything_at_once() -> None:
    verdict = judge("order-invalid.json")
    assert Counter(problem.code for problem in verdict.errors) == {
        "required": 3,
        "email_invalid": 1,
        "phone_invalid": 1,
        "product_not_found": 1,
        "product_not_sellable": 2,
        "sku_mismatch": 1,
        "price_mismatch": 1,
        "not_an_integer": 1,
        "not_an_amount": 1,
        "not_an_object": 1,
        "coupon_inactive": 1,
        "payment_method_unknown": 1,
    }


def test_the_catalog_holds_together() -> None:
    skus = [row["sku"] for row in CATALOG["products"]]
    warehouses = {row["warehouse_id"] for row in CATALOG["warehouses"]}
    places = [(row["warehouse_id"], row["sku"]) for row in CATALOG["stock"]]
    bins = [(row["warehouse_id"], row["bin"]) for row in CATALOG["stock"]]
    assert len(set(skus)) == len(skus) == len({row["product_id"] for row in CATALOG["products"]})
    assert len(set(places)) == len(places)
    assert len(set(bins)) == len(bins)
    assert {warehouse for warehouse, _ in places} == warehouses
    assert {sku for _, sku in places} == set(skus)
    assert all(re.fullmatch(r"[A-F]-\d{2}-\d{2}-\d", bin_code) for _, bin_code in bins)


def test_the_catalog_has_a_product_without_stock_and_one_for_races() -> None:
    stock = Counter[str]()
    for row in CATALOG["stock"]:
        stock[row["sku"]] += row["total"]
    assert [sku for sku, units in stock.items() if units == 0] == ["PEN-FT-F"]
    assert [sku for sku, units in stock.items() if units == 1] == ["VAS-CL-01"]
