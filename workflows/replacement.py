"""What an order does otherwise that sends goods once more: nobody pays for it."""

from __future__ import annotations

from collections.abc import Mapping

from temporalio import workflow

from workflows import policies
from workflows.messages import OrderInput

with workflow.unsafe.imports_passed_through():
    from activities.after_sales import AfterSales
    from activities.lost_parcels import LostParcels
    from activities.resending import ResendParcel
    from activities.return_commands import ConfirmReplacement, PlaceReplacement
    from domain.notification import NotificationKind
    from domain.order import Order

Told = Mapping[NotificationKind, NotificationKind | None]

# The return, or the first order, tells the customer what becomes of the goods, or of their money.
_TOLD_FOR_EXCHANGE: Told = {
    NotificationKind.ORDER_SHIPPED: NotificationKind.EXCHANGE_SHIPPED,
    NotificationKind.ORDER_CANCELLED: None,
    NotificationKind.REVIEW_INVITATION: None,
}
_TOLD_FOR_RESENT: Told = {
    **_TOLD_FOR_EXCHANGE,
    NotificationKind.ORDER_SHIPPED: NotificationKind.RESENT_SHIPPED,
    NotificationKind.OUT_OF_STOCK: None,
}


def told_instead(start: OrderInput) -> Told:
    """What such an order tells instead of what others do; nothing changes for the others."""
    if start.resends is not None:
        return _TOLD_FOR_RESENT
    return _TOLD_FOR_EXCHANGE if start.replaces else {}


async def place_free_order(start: OrderInput) -> Order | None:
    """Store it; nothing if it is not called for any more."""
    if start.resends is None:
        return await _place_replacement(start.order_id, start.replaces)
    placed = await workflow.execute_local_activity_method(
        LostParcels.resend_parcel,
        ResendParcel(
            order_id=start.order_id,
            original_order_id=start.resends.order_id,
            tracking_number=start.resends.tracking_number,
            at=workflow.now(),
        ),
        summary=f"Store the order that sends parcel {start.resends.tracking_number} again",
        **policies.BOOKS,
    )
    return placed.order


async def _place_replacement(order_id: str, return_id: str) -> Order:
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
