"""What a customer's page shows of an order: facts in words, personal data masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.overview import Overview
from api.pages.return_view import ReturnView, return_views
from api.pages.situation import TROUBLES, situation_of
from api.pages.steps import Step, StepState, short_moment
from api.pages.words import PageWords, page_words
from db.fulfillment import Shipment, TrackingEventRow
from db.refunds import Refund, RefundRowState
from domain.masking import masked_address, masked_name, masked_phone
from domain.money import Money
from domain.order import Locale
from domain.parts import Part, PartState
from domain.statuses import OrderStatus
from gateways.messaging.wording import Wording, one_line, wording
from gateways.tracking.carriers import canonical_carrier
from gateways.tracking.links import tracking_link

# A step, and the line of the timeline that says when it was reached.
_STEPS = {
    "placed": "order_placed",
    "confirmed": "order_confirmed",
    "packing": "picking_accepted",
    "shipped": "order_shipped",
    "delivered": "order_delivered",
}
_REACHED = {
    OrderStatus.PENDING: 1,
    OrderStatus.PENDING_RESTOCK: 1,
    OrderStatus.CONFIRMED: 2,
    OrderStatus.PROCESSING: 3,
    OrderStatus.SHIPPED: 4,
    OrderStatus.DELIVERED: 5,
    OrderStatus.COMPLETED: 5,
}
_ENDS = {OrderStatus.CANCELLED: "cancelled", OrderStatus.REFUNDED: "refunded"}
_NOT_COMING = TROUBLES | {"cancelled", "returned"}
_END_EVENTS = ("order_cancelled", "order_ended", "refund_succeeded")


@dataclass(frozen=True)
class Checkpoint:
    """One scan of a parcel, in the carrier's words."""

    at: str
    text: str
    place: str


@dataclass(frozen=True)
class ParcelView:
    """One parcel, sent or not; `url` is the carrier's page."""

    title: str
    state: str
    trouble: bool
    carrier: str
    number: str
    url: str
    when: str
    items: Sequence[tuple[str, int]]
    checkpoints: Sequence[Checkpoint]


@dataclass(frozen=True)
class PageView:
    """Everything that the template needs; all texts are plain."""

    order_number: str
    placed_at: str
    headline: str
    trouble: bool
    closed: bool
    when: str
    next: str
    steps: Sequence[Step]
    parcels: Sequence[ParcelView]
    items: Sequence[tuple[str, int, str]]
    adjustments: Sequence[tuple[str, str]]
    total: str
    refunds: Sequence[str]
    returns: Sequence[ReturnView]
    recipient: Sequence[str]


def page_view(known: Overview, warehouses: Mapping[str, str], locale: Locale) -> PageView:
    """The order in the words of one language; `warehouses` are names by id."""
    return _Writer(known, warehouses, locale).page()


class _Writer:
    def __init__(self, known: Overview, warehouses: Mapping[str, str], locale: Locale) -> None:
        self._known = known
        self._warehouses = warehouses
        self._locale = locale
        self._order = known.order
        self._page: PageWords = page_words(locale)
        self._mail: Wording = wording(locale)
        self._said_at = {event.kind: event.at for event in reversed(known.events)}

    def page(self) -> PageView:
        order = self._order
        situation = situation_of(order, self._known.shipments)
        return PageView(
            order_number=order.order_number,
            placed_at=self._mail.moment(order.created_at),
            headline=self._page.situations[situation].title,
            trouble=situation in TROUBLES or situation == "payment_review",
            closed=order.status in _ENDS,
            when=self._when(),
            next=self._next(situation),
            steps=self._steps(),
            parcels=self._parcels(),
            items=[
                (line.name, line.quantity, self._mail.money(line.total_price))
                for line in order.items
            ],
            adjustments=self._adjustments(),
            total=self._mail.money(order.pricing.total),
            refunds=[self._refund(row) for row in self._refunds()],
            returns=return_views(self._known, self._warehouses, self._locale),
            recipient=self._recipient(),
        )

    def _adjustments(self) -> list[tuple[str, str]]:
        """What lies between the prices of the goods and the total."""
        pricing = self._order.pricing
        rows = [
            ("discount", pricing.discount),
            ("shipping", pricing.shipping),
            ("tax", pricing.tax),
        ]
        return [
            (self._label(name), ("-" if name == "discount" else "") + self._mail.money(amount))
            for name, amount in rows
            if amount.minor
        ]

    def _label(self, name: str, **facts: object) -> str:
        return self._page.labels[name].format(**facts)

    def _next(self, situation: str) -> str:
        text = self._page.situations[situation].next
        if situation != "awaiting_payment" or not self._known.payments:
            return text
        until = max(payment.expires_at for payment in self._known.payments)
        return self._label("pay_until", moment=self._mail.moment(until)) + text

    def _when(self) -> str:
        """The day that matters: when the last parcel came, or when the next one should."""
        if self._order.status not in {
            OrderStatus.SHIPPED,
            OrderStatus.DELIVERED,
            OrderStatus.COMPLETED,
        }:
            return ""
        coming = [parcel for parcel in self._known.shipments if parcel.given_up_at is None]
        arrived = [parcel.delivered_at for parcel in coming if parcel.delivered_at]
        if arrived and len(arrived) == len(coming):
            return self._label("delivered_at", moment=self._moment(max(arrived)))
        if any(parcel.status in _NOT_COMING for parcel in coming):
            return ""
        days = [parcel.estimated_delivery for parcel in coming if not parcel.delivered_at]
        expected = [day for day in days if day is not None]
        return self._label("expected", day=self._mail.day(max(expected))) if expected else ""

    def _steps(self) -> list[Step]:
        status = self._order.status
        end = _ENDS.get(status)
        if end is None:
            reached = _REACHED[status]
            names = list(_STEPS)
            return [self._step(name, number, reached) for number, name in enumerate(names, 1)]
        past = [name for name, event in _STEPS.items() if event in self._said_at]
        ended = next((self._said_at[kind] for kind in _END_EVENTS if kind in self._said_at), None)
        done = [self._step(name, 0, 1) for name in past]
        return [*done, Step(end, "current", self._page.steps[end], self._moment(ended))]

    def _step(self, name: str, number: int, reached: int) -> Step:
        at = self._said_at.get(_STEPS[name]) if number <= reached else None
        state: StepState = (
            "done" if number < reached else "current" if number == reached else "to_come"
        )
        return Step(name, state, self._page.steps[name], self._moment(at))

    def _parcels(self) -> list[ParcelView]:
        parts = self._known.parts
        sent = {parcel.picking_list_id: parcel for parcel in self._known.shipments}
        count = len(parts)
        views = []
        for number, part in enumerate(parts, 1):
            title = "parcel" if count > 1 else "parcel_alone"
            shown = self._label(title, number=number, count=count)
            parcel = sent.get(part.picking_list_id or None)
            if parcel is None and count == 1:
                continue
            views.append(self._parcel(shown, part, parcel))
        return views

    def _parcel(self, title: str, part: Part, parcel: Shipment | None) -> ParcelView:
        items = [
            (content.name, content.quantity)
            for content in self._known.contents
            if content.warehouse_id == part.warehouse_id
        ]
        if parcel is None:
            dropped = part.state is PartState.DROPPED
            state = self._label("not_coming" if dropped else "not_sent")
            return ParcelView(title, state, False, "", "", "", "", items, ())
        again = self._known.resent.get(parcel.resent_as or "")
        return ParcelView(
            title=title,
            state=self._label("resent", number=again) if again else self._parcel_state(parcel),
            trouble=parcel.status in TROUBLES and not again,
            carrier=self._mail.carrier(canonical_carrier(parcel.carrier)),
            number=one_line(parcel.tracking_number, 60),
            url=tracking_link(parcel.carrier, parcel.tracking_number),
            when=self._parcel_when(parcel),
            items=items,
            checkpoints=[
                self._checkpoint(row) for row in reversed(self._known.parcel_events[parcel.id])
            ],
        )

    def _parcel_state(self, parcel: Shipment) -> str:
        statuses = self._mail.statuses
        return statuses.get(parcel.status) or statuses.get(parcel.shipping_status, "")

    def _parcel_when(self, parcel: Shipment) -> str:
        if parcel.delivered_at is not None:
            return self._label("delivered_at", moment=self._moment(parcel.delivered_at))
        if parcel.estimated_delivery is None or parcel.status in _NOT_COMING:
            return ""
        return self._label("expected", day=self._mail.day(parcel.estimated_delivery))

    def _checkpoint(self, row: TrackingEventRow) -> Checkpoint:
        text = one_line(row.description, 160) or self._mail.statuses.get(row.status, "")
        return Checkpoint(self._moment(row.occurred_at), text, one_line(row.location, 80))

    def _refunds(self) -> list[Refund]:
        """Those that count: a failed one that was made anew says nothing any more."""
        rows = self._known.refunds
        anew = {row.retry_of for row in rows}
        settled = [row for row in rows if row.state != RefundRowState.FAILED]
        return [
            row
            for row in rows
            if row.state != RefundRowState.FAILED or (row.id not in anew and not settled)
        ]

    def _refund(self, row: Refund) -> str:
        state = "requested" if row.state == RefundRowState.INTENDED else row.state
        amount = self._mail.money(Money(minor=row.amount_minor, currency=row.currency))
        moment: datetime | None = row.settled_at
        return self._page.refunds[state].format(amount=amount, moment=self._mail.moment(moment))

    def _recipient(self) -> list[str]:
        customer = self._order.customer_info
        who = " · ".join(filter(None, (masked_name(customer.name), masked_phone(customer.phone))))
        return [one_line(line, 120) for line in (who, masked_address(customer.address))]

    def _moment(self, at: datetime | None) -> str:
        return short_moment(at, self._locale)
