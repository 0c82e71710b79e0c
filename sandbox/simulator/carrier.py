"""The carrier: parcels and where they are; AfterShip reads the same parcels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pydantic import BaseModel

from domain.tracking import TERMINAL, TrackingStatus
from sandbox.simulator.errors import Conflict, NotKnown
from sandbox.simulator.store import Collection
from sandbox.simulator.world import World

_MOVE = "carrier.move"
_SF_EXPRESS = "sf-express"
_PREFIXES = {"yto": "YT", "jd-express": "JD", "zto-express": "78"}


class Checkpoint(BaseModel):
    """One scan; `at` is ISO 8601 with its offset."""

    at: str
    status: TrackingStatus
    hash: str


class Parcel(BaseModel):
    """A parcel; `tracking_id` is AfterShip's id once somebody registered it there."""

    tracking_number: str
    slug: str = _SF_EXPRESS
    order_id: str = ""
    order_number: str = ""
    status: TrackingStatus = TrackingStatus.CREATED
    checkpoints: list[Checkpoint] = []
    estimated_delivery: str = ""
    tracking_id: str = ""
    registered_at: str = ""
    told: list[str] = []


class Carrier:
    """The parcels on the road."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.parcels = Collection(world.store, "carrier.parcel", Parcel)
        self._listeners: list[Callable[[Parcel], None]] = []
        world.schedule.add_action(_MOVE, self._move_by_itself)

    def listen(self, listener: Callable[[Parcel], None]) -> None:
        """Tell `listener` whenever a parcel moves."""
        self._listeners.append(listener)

    def collect(self, picking_list_id: str, order_id: str, now: datetime, slug: str = "") -> Parcel:
        """Take a parcel over (SF Express, unless said otherwise); its list gives its number."""
        number = int.from_bytes(hashlib.sha256(picking_list_id.encode()).digest()[:8], "big")
        parcel = Parcel(
            tracking_number=f"{_PREFIXES.get(slug, 'SF')}{number % 10**12:012d}",
            slug=slug or _SF_EXPRESS,
            order_id=order_id,
            estimated_delivery=(now + timedelta(days=2)).isoformat(),
        )
        self.save(parcel)
        moved = self.move(parcel.tracking_number, TrackingStatus.INFO_RECEIVED)
        subject = f"{parcel.tracking_number}/{TrackingStatus.DELIVERED}"
        schedule = self._world.schedule
        schedule.after(schedule.defaults.auto_deliver, _MOVE, subject)
        return moved

    def move(self, tracking_number: str, status: TrackingStatus) -> Parcel:
        """The parcel is scanned.

        Raises:
            NotKnown: there is no such parcel.
            Conflict: it has reached its end.
        """
        parcel = self.parcels.get(tracking_number)
        if parcel is None:
            raise NotKnown(f"there is no parcel {tracking_number}")
        if parcel.status == status:
            return parcel
        # A delivered parcel may still come back; nothing else leaves an end.
        comes_back = status in {TrackingStatus.RETURNING, TrackingStatus.RETURNED}
        if parcel.status in TERMINAL and not comes_back:
            raise Conflict(f"parcel {tracking_number} is {parcel.status}")
        parcel.status = status
        at = datetime.now(UTC).isoformat(timespec="seconds")
        parcel.checkpoints.append(Checkpoint(at=at, status=status, hash=uuid4().hex))
        self.save(parcel)
        for listener in self._listeners:
            listener(parcel)
        return parcel

    def save(self, parcel: Parcel) -> None:
        """Write the parcel."""
        self.parcels.put(parcel.tracking_number, parcel, owner=parcel.order_id)

    def _move_by_itself(self, subject: str) -> None:
        tracking_number, _, status = subject.partition("/")
        self.move(tracking_number, TrackingStatus(status))
