"""What an order does otherwise that replaces returned goods: nobody pays for it."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import workflow

from workflows import policies

with workflow.unsafe.imports_passed_through():
    from activities.after_sales import AfterSales
    from activities.return_commands import ConfirmReplacement, PlaceReplacement
    from domain.notification import NotificationKind
    from domain.order import Order

# The return itself tells the customer what becomes of the goods, or of their money.
TOLD_INSTEAD: Mapping[NotificationKind, NotificationKind | None] = {
    NotificationKind.ORDER_SHIPPED: NotificationKind.EXCHANGE_SHIPPED,
    NotificationKind.ORDER_CANCELLED: None,
    NotificationKind.REVIEW_INVITATION: None,
}


async def place_replacement(order_id: str, return_id: str) -> Order:
    """Store the order that a return is exchanged for."""
    return await workflow.execute_local_activity_method(
        AfterSales.place_replacement,
        PlaceReplacement(order_id=order_id, return_id=return_id, at=workflow.now()),
        summary="Store the replacement",
        **policies.BOOKS,
    )


async def confirm_replacement(order_id: str) -> None:
    """Its stock is held: commit it, because nothing is to be paid."""
    await workflow.execute_local_activity_method(
        AfterSales.confirm_replacement,
        ConfirmReplacement(order_id=order_id, at=workflow.now()),
        summary="Commit the stock: nothing is to be paid",
        **policies.BOOKS,
    )
