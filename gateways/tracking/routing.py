"""Which tracking provider is asked about which carrier's parcels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.errors import PermanentError
from domain.tracking import TrackingSnapshot
from gateways.tracking.carriers import canonical_carrier
from gateways.tracking.protocol import TrackingGateway


class TrackingOff(PermanentError):
    """No tracking provider has credentials: nobody can be asked."""


class RoutedTracking:
    """The providers that are on. `preferred` names one for some carriers; else the first is asked.

    A carrier whose preferred provider is off goes to the first one as well.
    """

    def __init__(
        self, gateways: Sequence[TrackingGateway], preferred: Mapping[str, str] | None = None
    ) -> None:
        self._gateways = {gateway.name: gateway for gateway in gateways}
        self._preferred = {
            canonical_carrier(carrier): name for carrier, name in (preferred or {}).items()
        }

    def provider_of(self, carrier: str) -> str:
        """The name of the provider that knows this carrier's parcels.

        Raises:
            TrackingOff: none has credentials.
        """
        return self._of(carrier).name

    async def register(
        self, tracking_number: str, carrier: str, order_number: str, phone_tail: str = ""
    ) -> None:
        """As `TrackingGateway.register`, at the carrier's provider."""
        await self._of(carrier).register(tracking_number, carrier, order_number, phone_tail)

    async def fetch(
        self, tracking_number: str, carrier: str, phone_tail: str = ""
    ) -> TrackingSnapshot:
        """As `TrackingGateway.fetch`, at the carrier's provider."""
        return await self._of(carrier).fetch(tracking_number, carrier, phone_tail)

    def _of(self, carrier: str) -> TrackingGateway:
        name = self._preferred.get(canonical_carrier(carrier), "")
        found = self._gateways.get(name) or next(iter(self._gateways.values()), None)
        if found is None:
            raise TrackingOff("no tracking provider is configured")
        return found
