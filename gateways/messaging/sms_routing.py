"""Which provider carries a text message: by the country of the number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.notification import Accepted
from gateways.errors import GatewayRejected
from gateways.messaging.protocol import SmsSender


class RoutedSms:
    """An `SmsSender` over several: the first whose prefix the number has; "+" takes all."""

    def __init__(self, routes: Sequence[tuple[str, SmsSender]]) -> None:
        self._routes = tuple(routes)

    async def send(
        self, *, to: str, template: str, params: dict[str, str], text: str, notification_id: str
    ) -> Accepted:
        """Send through the number's provider.

        Raises:
            GatewayRejected: no provider of ours reaches that country.
        """
        return await self._sender(to).send(
            to=to, template=template, params=params, text=text, notification_id=notification_id
        )

    async def find(
        self, *, to: str, text: str, notification_id: str, since: datetime
    ) -> Accepted | None:
        """Ask the number's provider."""
        return await self._sender(to).find(
            to=to, text=text, notification_id=notification_id, since=since
        )

    def _sender(self, to: str) -> SmsSender:
        for prefix, sender in self._routes:
            if to.startswith(prefix):
                return sender
        raise GatewayRejected("no_route", "no provider reaches this country")
