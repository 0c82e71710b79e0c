"""Which provider brings a push message to a device: the one that the device registered with."""

from __future__ import annotations

from collections.abc import Mapping

from domain.notification import Accepted, Device, DeviceKind
from gateways.errors import GatewayRejected
from gateways.messaging.protocol import PushSender


class RoutedPush:
    """A `PushSender` over several."""

    def __init__(self, senders: Mapping[DeviceKind, PushSender]) -> None:
        self._senders = dict(senders)

    async def send(
        self,
        *,
        device: Device,
        title: str,
        body: str,
        extra: dict[str, str],
        notification_id: str,
    ) -> Accepted:
        """Send through the device's provider.

        Raises:
            GatewayRejected: it is switched off.
        """
        sender = self._senders.get(device.kind)
        if sender is None:
            raise GatewayRejected("provider_off", f"{device.kind} is not configured")
        return await sender.send(
            device=device, title=title, body=body, extra=extra, notification_id=notification_id
        )
