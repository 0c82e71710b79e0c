"""Parcels that do not reach anybody, or of which nobody knows where they are."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities import arrivals, resending
from activities.parcel_troubles import open_parcel_task
from activities.resending import ResendParcel
from activities.shipments import lock_parcel, note_reached
from db import orders
from db.engine import Sessions
from db.fulfillment import Shipment
from db.operator_tasks import close_tasks
from db.orders import OrderRow
from db.parts import parts_of, restate_goods
from domain.order import Order, Value
from domain.parcel_exceptions import ParcelTrouble
from domain.statuses import OrderStatus
from domain.tracking import TrackingStatus


class NoteTrouble(Value):
    """Something is wrong with a parcel that no carrier told us."""

    order_id: str
    tracking_number: str
    trouble: ParcelTrouble
    occasion: str = ""
    at: datetime


class GiveUpParcel(Value):
    """A parcel does not reach the customer any more: it is lost, or an operator says so.

    `unless_resent`: only a person may give up goods that may be on their way in another parcel.
    """

    order_id: str
    tracking_number: str
    reason: str
    unless_resent: bool = False
    at: datetime


class ParcelGivenUp(Value):
    """Whether it was given up, or had arrived meanwhile; and where the order stands.

    `may_come`: the order that sends its goods again has neither ended nor been undone.
    """

    given_up: bool
    status: OrderStatus
    may_come: bool = False


class ParcelResent(Value):
    """The order that was placed for it; none if the parcel has arrived, or been paid back."""

    order: Order | None


class MakeGoodParcel(Value):
    """What was in a lost parcel has come to the door in another one.

    `on_word` of an operator: nobody follows that one any more.
    """

    order_id: str
    tracking_number: str
    on_word: bool = False
    at: datetime


class ParcelMadeGood(Value):
    """When the second parcel was handed over, by its carrier's clock (UTC).

    `lacking` are units, by line number, that were in the first one and did not come. It may be
    `refused` to take somebody's word for it; then nothing was booked.
    """

    delivered_at: datetime
    lacking: dict[int, int] = Field(default_factory=dict)
    refused: str = ""


class LostParcels:
    """Writes down what became of them; every method may run twice."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def note_trouble(self, command: NoteTrouble) -> None:
        """Give an operator a task about a parcel."""
        async with self._sessions.begin() as session:
            shipment = await lock_parcel(session, command.order_id, command.tracking_number)
            await open_parcel_task(session, shipment, command.trouble, command.occasion, command.at)

    @activity.defn
    async def give_up_parcel(self, command: GiveUpParcel) -> ParcelGivenUp:
        """Go on without a parcel, unless it has arrived after all; its money is seen to next."""
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            shipment = await lock_parcel(session, command.order_id, command.tracking_number)
            if command.unless_resent and await resending.may_come(session, shipment):
                status = OrderStatus(order.status)
                return ParcelGivenUp(given_up=False, status=status, may_come=True)
            given_up = shipment.status not in {TrackingStatus.DELIVERED, TrackingStatus.RETURNED}
            if given_up and shipment.given_up_at is None:
                await _give_up(session, order, shipment, command)
            elif not given_up:
                # One that came back was not shown as the order's end while its goods might come.
                reached = restate_goods(order, await parts_of(session, order.id), command.at)
                await note_reached(session, order.id, reached, command.at)
            return ParcelGivenUp(given_up=given_up, status=OrderStatus(order.status))

    @activity.defn
    async def resend_parcel(self, command: ResendParcel) -> ParcelResent:
        """Place the order that sends a parcel's goods again; the same id places it once."""
        async with self._sessions.begin() as session:
            return ParcelResent(order=await resending.resend(session, command))

    @activity.defn
    async def make_good_parcel(self, command: MakeGoodParcel) -> ParcelMadeGood:
        """The goods have arrived after all, in the parcel that was sent instead."""
        async with self._sessions.begin() as session:
            order = await orders.lock_order(session, command.order_id)
            shipment = await lock_parcel(session, command.order_id, command.tracking_number)
            if command.on_word:
                refused = await arrivals.take_word(session, order, shipment, command.at)
                if refused:
                    return ParcelMadeGood(delivered_at=command.at, refused=refused)
            delivered_at = await resending.make_good(session, order, shipment, command.at)
            lacking = await resending.lacking(session, order, shipment)
            return ParcelMadeGood(delivered_at=delivered_at, lacking=lacking)


async def _give_up(
    session: AsyncSession, order: OrderRow, shipment: Shipment, command: GiveUpParcel
) -> None:
    shipment.given_up_at = command.at
    await session.flush()
    reached = restate_goods(order, await parts_of(session, order.id), command.at)
    number = shipment.tracking_number
    await orders.add_event(
        session,
        order.id,
        "parcel_given_up",
        command.at,
        dedupe_key=f"parcel_given_up:{number}",
        tracking_number=number,
        reason=command.reason,
    )
    await note_reached(session, order.id, reached, command.at)
    await close_tasks(session, shipment.id, command.at, list(ParcelTrouble))
