"""What an order's workflow writes down about one of its parcels, and reads in the books."""

from __future__ import annotations

from temporalio import workflow

from workflows import policies
from workflows.messages import ParcelNews

with workflow.unsafe.imports_passed_through():
    from activities.lost_parcels import (
        GiveUpParcel,
        LostParcels,
        MakeGoodParcel,
        NoteTrouble,
        ParcelGivenUp,
        ParcelMadeGood,
    )
    from activities.shipments import RecordTracking, Shipments, TrackingRecorded
    from domain.parcel_exceptions import ParcelTrouble


class ParcelBooks:
    """The books on one parcel; each step may run twice."""

    def __init__(self, order_id: str, tracking_number: str) -> None:
        self._order_id = order_id
        self._tracking_number = tracking_number

    async def record(self, news: ParcelNews) -> TrackingRecorded:
        """A carrier's view of it."""
        return await workflow.execute_local_activity_method(
            Shipments.record_tracking,
            RecordTracking(
                order_id=self._order_id,
                snapshot=news.snapshot,
                callback_ids=(news.callback_id,),
                at=workflow.now(),
            ),
            summary=f"Record the parcel's status: {news.snapshot.status}",
            **policies.BOOKS,
        )

    async def call_for_people(self, trouble: ParcelTrouble, occasion: str = "") -> None:
        """Something is wrong with it that no carrier has told; once for each `occasion`."""
        await workflow.execute_local_activity_method(
            LostParcels.note_trouble,
            NoteTrouble(
                order_id=self._order_id,
                tracking_number=self._tracking_number,
                trouble=trouble,
                occasion=occasion,
                at=workflow.now(),
            ),
            summary="Have an operator look for the parcel",
            **policies.BOOKS,
        )

    async def give_up(self, reason: str, *, unless_resent: bool = False) -> ParcelGivenUp:
        """The order goes on without it, unless it has arrived meanwhile, or may in another one."""
        return await workflow.execute_local_activity_method(
            LostParcels.give_up_parcel,
            GiveUpParcel(
                order_id=self._order_id,
                tracking_number=self._tracking_number,
                reason=reason,
                unless_resent=unless_resent,
                at=workflow.now(),
            ),
            summary=f"Go on without the parcel: {reason}",
            **policies.BOOKS,
        )

    async def make_good(self, *, on_word: bool = False) -> ParcelMadeGood:
        """What was in it has come to the door in another parcel, or an operator says so."""
        return await workflow.execute_local_activity_method(
            LostParcels.make_good_parcel,
            MakeGoodParcel(
                order_id=self._order_id,
                tracking_number=self._tracking_number,
                on_word=on_word,
                at=workflow.now(),
            ),
            summary="The goods have arrived in another parcel",
            **policies.BOOKS,
        )
