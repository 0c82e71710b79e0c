"""From what we know to what we answer; nothing here asks anybody."""

from __future__ import annotations

from datetime import datetime

from api.answers import (
    AttemptAnswer,
    ItemAnswer,
    MessageAnswer,
    OrderAnswer,
    ParcelAnswer,
    ParcelEvent,
    ParcelLine,
    PaymentAnswer,
    PlacedAnswer,
    PriceTag,
    RefundAnswer,
    RefundedLine,
    ShipmentAnswer,
    TaskAnswer,
)
from api.overview import Overview
from api.return_views import return_answer
from api.timeline import timeline
from db.fulfillment import Shipment
from db.operator_tasks import OperatorTask
from db.payments import AttemptState, Payment
from db.refunds import Refund, RefundRowState
from domain.money import Money
from domain.order import Order, OrderLine, Pricing, Problem
from domain.parts import Part
from domain.payment import PaymentAction
from gateways.tracking.links import tracking_link
from workflows.messages import (
    PaymentInstruction,
    PlacementAwaitsPayment,
    PlacementWaitsForStock,
    Waiting,
)

_PAYABLE = {AttemptState.PENDING, AttemptState.FAILED}


def decimal(money: Money) -> str:
    """The amount in major units, with exactly the currency's decimals."""
    return str(money.amount)


def price_tag(pricing: Pricing) -> PriceTag:
    """The price in the shop's words."""
    return PriceTag(
        subtotal=decimal(pricing.subtotal),
        shipping=decimal(pricing.shipping),
        tax=decimal(pricing.tax),
        discount=decimal(pricing.discount),
        total=decimal(pricing.total),
        currency=pricing.total.currency,
    )


def payment(instruction: PaymentInstruction) -> PaymentAnswer:
    """How to pay one attempt."""
    return PaymentAnswer(
        payment_id=instruction.payment_id,
        gateway=instruction.gateway,
        amount=decimal(instruction.amount),
        currency=instruction.amount.currency,
        action=instruction.action,
        expires_at=instruction.expires_at,
    )


def placed(
    placement: PlacementAwaitsPayment | PlacementWaitsForStock, warnings: tuple[Problem, ...]
) -> PlacedAnswer:
    """The answer to a new order."""
    base = _placed(placement.order)
    if isinstance(placement, PlacementWaitsForStock):
        return base.model_copy(update={"shortages": placement.shortages, "warnings": warnings})
    how = payment(placement.payment) if placement.payment else None
    return base.model_copy(update={"payment": how, "warnings": warnings})


def placed_before(known: Overview, now: datetime) -> PlacedAnswer:
    """The answer to an order that is known, but whose workflow Temporal has forgotten."""
    payable = [row for row in known.payments if _action(row, now)]
    how = None
    if payable:
        row = payable[-1]
        how = PaymentAnswer.model_validate(_attempt(row, now).model_dump())
    return _placed(known.order).model_copy(update={"payment": how})


def order(known: Overview, waiting: Waiting | None, now: datetime) -> OrderAnswer:
    """The order with all that belongs to it."""
    stored = known.order
    return OrderAnswer(
        order_id=stored.order_id,
        order_number=stored.order_number,
        customer_id=stored.customer_id,
        status=stored.status,
        payment_status=stored.payment_status,
        shipping_status=stored.shipping_status,
        customer_info=stored.customer_info,
        items=tuple(_item(line) for line in stored.items),
        pricing=price_tag(stored.pricing),
        kept=decimal(known.kept),
        gateway=stored.gateway,
        service_level=stored.service_level,
        locale=stored.locale,
        coupon_code=stored.coupon_code,
        special_instructions=stored.special_instructions,
        replacement_of=stored.replacement_of,
        created_at=stored.created_at,
        updated_at=known.updated_at,
        payments=tuple(_attempt(row, now) for row in known.payments),
        refunds=tuple(_refund(row, stored) for row in known.refunds),
        returns=tuple(return_answer(case) for case in known.returns),
        shipment=_shipment(known, known.shipments[0]) if known.shipments else None,
        parcels=tuple(_parcel(known, part) for part in known.parts),
        notifications=tuple(
            MessageAnswer.model_validate(row.model_dump()) for row in known.notifications
        ),
        tasks=tuple(operator_task(row, stored.order_number) for row in known.tasks),
        timeline=timeline(known.events, known.notifications),
        waiting_for=waiting,
    )


def operator_task(row: OperatorTask, order_number: str = "") -> TaskAnswer:
    """A task in our callers' words."""
    return TaskAnswer(
        task_id=row.id,
        kind=row.kind,
        order_id=row.order_id,
        order_number=order_number,
        tracking_number=row.tracking_number,
        payment_id=row.payment_id or "",
        state=row.state,
        urgent=row.urgent,
        task=row.task,
        decision=row.decision,
        note=row.note,
        decided_by=row.decided_by,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def _placed(stored: Order) -> PlacedAnswer:
    return PlacedAnswer(
        order_id=stored.order_id,
        order_number=stored.order_number,
        status=stored.status,
        payment_status=stored.payment_status,
        shipping_status=stored.shipping_status,
        pricing=price_tag(stored.pricing),
    )


def _item(line: OrderLine) -> ItemAnswer:
    return ItemAnswer(
        line_no=line.line_no,
        product_id=line.product_id,
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        unit_price=decimal(line.unit_price),
        total_price=decimal(line.total_price),
    )


def _attempt(row: Payment, now: datetime) -> AttemptAnswer:
    return AttemptAnswer(
        payment_id=row.id,
        gateway=row.gateway,
        state=row.state,
        amount=decimal(row.asked),
        currency=row.currency,
        captured=decimal(Money(minor=row.captured_minor, currency=row.currency)),
        refunded=decimal(Money(minor=row.refunded_minor, currency=row.currency)),
        action=_action(row, now),
        expires_at=row.expires_at,
        failure_code=row.failure_code,
        failure_message=row.failure_message,
        created_at=row.created_at,
    )


def _action(row: Payment, now: datetime) -> PaymentAction | None:
    if row.state not in _PAYABLE or not row.action_value or row.expires_at <= now:
        return None
    return PaymentAction.model_validate({"type": row.action_type, "value": row.action_value})


def _refund(row: Refund, of: Order) -> RefundAnswer:
    # Intended is our word for what a customer has asked for and no provider has answered.
    state = "requested" if row.state == RefundRowState.INTENDED else row.state
    return RefundAnswer(
        refund_id=row.id,
        payment_id=row.payment_id,
        state=state,
        amount=decimal(row.amount),
        currency=row.currency,
        reason=row.reason,
        failure_code=row.failure_code,
        made_by=row.made_by,
        lines=tuple(
            RefundedLine(line_no=line.line_no, sku=line.sku, quantity=row.lines[str(line.line_no)])
            for line in of.items
            if str(line.line_no) in row.lines
        ),
        retry_of=row.retry_of,
        created_at=row.created_at,
        settled_at=row.settled_at,
    )


def _shipment(known: Overview, parcel: Shipment) -> ShipmentAnswer:
    return ShipmentAnswer(
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        tracking_url=tracking_link(parcel.carrier, parcel.tracking_number),
        status=parcel.status,
        shipped_at=parcel.shipped_at,
        estimated_delivery=parcel.estimated_delivery,
        delivered_at=parcel.delivered_at,
        signed_by=parcel.signed_by,
        resent_as=parcel.resent_as or "",
        tracking_events=tuple(
            ParcelEvent.model_validate(row.model_dump()) for row in known.parcel_events[parcel.id]
        ),
    )


def _parcel(known: Overview, part: Part) -> ParcelAnswer:
    sent = {parcel.picking_list_id: parcel for parcel in known.shipments}
    shipped = sent.get(part.picking_list_id or None)
    journey = dict(_shipment(known, shipped)) if shipped else {}
    return ParcelAnswer(
        warehouse_id=part.warehouse_id,
        picking_list_id=part.picking_list_id,
        state=part.state,
        shipping_status=part.parcel,
        items=tuple(
            ParcelLine(
                line_no=content.line_no,
                sku=content.sku,
                name=content.name,
                quantity=content.quantity,
            )
            for content in known.contents
            if content.warehouse_id == part.warehouse_id
        ),
        **journey,
    )
