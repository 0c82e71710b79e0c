"""The rules for an order's lines: each is a product that we sell, at the price that we ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.facts import Findings, ProductFact
from domain.order import DraftLine, OrderDraft, OrderLine

PRICE_TOLERANCE = Decimal("0.01")


@dataclass
class _Basket:
    """One product in the order, and the line where it was first seen."""

    product: ProductFact
    first_path: str
    quantity: int


def accept_lines(
    draft: OrderDraft, products: Mapping[str, ProductFact], findings: Findings
) -> tuple[OrderLine, ...]:
    """The draft's lines at our prices, lines of one SKU merged; empty when any line is wrong."""
    if not draft.items:
        findings.error("order_empty", "items", "the order has no lines: send at least one")
    baskets: dict[str, _Basket] = {}
    complete = True
    for index, line in enumerate(draft.items):
        path = f"items[{index}]"
        product = _product(line, path, draft.currency, products, findings)
        if product is None:
            complete = False
        elif product.sku in baskets:
            basket = baskets[product.sku]
            basket.quantity += line.quantity
            findings.warn(
                "lines_merged",
                path,
                f"{basket.first_path} has the same SKU; the quantities were added up",
            )
        else:
            baskets[product.sku] = _Basket(product, path, line.quantity)
    _warn_of_limits(baskets, findings)
    return _numbered(baskets) if complete else ()


def _product(
    line: DraftLine,
    path: str,
    currency: str,
    products: Mapping[str, ProductFact],
    findings: Findings,
) -> ProductFact | None:
    """The product of a line that can be accepted; None when the line is wrong."""
    errors_before = len(findings.errors)
    product = products.get(line.product_id)
    if not line.product_id:
        findings.error("required", f"{path}.productId", "this field is required")
    elif product is None:
        findings.error(
            "product_not_found",
            f"{path}.productId",
            f"there is no product {line.product_id}: check the id",
        )
    elif not product.sellable:
        findings.error(
            "product_not_sellable",
            f"{path}.productId",
            f"{product.name} is not for sale now: take it out of the order",
        )
    else:
        _compare(line, product, path, currency, findings)
    right = len(findings.errors) == errors_before and not findings.broken(path)
    return product if right else None


def _compare(
    line: DraftLine, product: ProductFact, path: str, currency: str, findings: Findings
) -> None:
    if line.sku and line.sku != product.sku:
        findings.error(
            "sku_mismatch",
            f"{path}.sku",
            f"{product.name} has the SKU {product.sku}: send that, or leave it out",
        )
    price = product.price
    shown = line.unit_price if price.currency == currency else None
    if shown is not None and abs(shown - price.amount) > PRICE_TOLERANCE:
        findings.error(
            "price_mismatch",
            f"{path}.unitPrice",
            f"{product.name} costs {price}: show the customer that price and ask again",
        )
    if line.quantity < 1:
        findings.error("out_of_range", f"{path}.quantity", "send a quantity of at least 1")


def _warn_of_limits(baskets: Mapping[str, _Basket], findings: Findings) -> None:
    for basket in baskets.values():
        limit = basket.product.max_per_order
        if basket.quantity > limit:
            findings.warn(
                "quantity_limit_exceeded",
                f"{basket.first_path}.quantity",
                f"{basket.product.name}: {basket.quantity} is over the limit of {limit} per order",
            )


def _numbered(baskets: Mapping[str, _Basket]) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(
            line_no=number,
            product_id=basket.product.product_id,
            sku=basket.product.sku,
            name=basket.product.name,
            quantity=basket.quantity,
            unit_price=basket.product.price,
            total_price=basket.product.price * basket.quantity,
        )
        for number, basket in enumerate(baskets.values(), start=1)
    )
