"""The one contract that every carrier or tracking aggregator's adapter meets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.tracking import TrackingCallback, TrackingSnapshot


class TrackingGateway(Protocol):
    """Speaks one tracking provider's protocol; errors as in `gateways.errors`, no retries."""

    @property
    def name(self) -> str:
        """The provider's name as in `/callbacks/tracking/{name}`."""

    async def register(
        self, tracking_number: str, carrier: str, order_number: str, phone_tail: str = ""
    ) -> None:
        """Ask for news of a parcel; registering it again is fine.

        `phone_tail` is the end of the recipient's number: some carriers tell nobody else.
        """

    async def fetch(
        self, tracking_number: str, carrier: str, phone_tail: str = ""
    ) -> TrackingSnapshot:
        """Where the parcel is now.

        Raises:
            NotFound: the provider has no such parcel, or no news of it yet.
        """

    def parse_callback(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> TrackingCallback:
        """Verify a webhook on its raw bytes and read it.

        Raises:
            InvalidCallback: it does not prove where it comes from, or cannot be read.
        """

    def acknowledge(self) -> Mapping[str, object] | None:
        """What the provider wants to read once a webhook is stored; nothing if any 2xx will do."""
