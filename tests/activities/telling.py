"""One order and our real senders, with a relay and providers that do what a test says."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

import composition
from activities.channels import Channels
from activities.letter_writing import CustomerEvent
from activities.notifications import (
    DELAYS,
    NotificationResults,
    Notifications,
    SendNotifications,
    TellInstead,
)
from domain.notification import NotificationKind
from domain.order import Value
from domain.page_links import LinkKeys
from domain.quiet_hours import QuietHours
from gateways.messaging.protocol import PushSender, SmsSender
from settings import reveal
from tests.gateways.messaging.relay import Inbox, relay
from tests.gateways.messaging.senders import sender
from tests.house import House, order_for

# 20:00 in China.
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Counter:
    """An order that the shop's own worker has nothing to say of yet, and how to speak of it."""

    house: House
    order: dict[str, Any]
    inbox: Inbox
    port: int
    sms: SmsSender | None
    push: PushSender | None
    secret: str
    quiet: QuietHours = field(default_factory=QuietHours)

    @property
    def order_id(self) -> str:
        return str(self.order["orderId"])

    @property
    def phone(self) -> str:
        return str(self.order["phone"])

    async def tell(
        self,
        kind: NotificationKind,
        *,
        occasion: str = "",
        attempt: int = 1,
        at: datetime = AT,
        attempted_at: datetime | None = None,
        hand_over: bool = False,
        run: str = "",
    ) -> dict[str, tuple[str, str]]:
        """Run the activity once, for the workflow `run`; each channel's state and error."""
        command = SendNotifications(
            order_id=self.order_id,
            events=(CustomerEvent(kind=kind, occasion=occasion, at=at),),
            hand_over=hand_over,
        )
        return await self._run("send_notifications", command, attempt, attempted_at or at, run)

    async def tell_instead(
        self,
        channel: str = "email",
        *,
        attempt: int = 1,
        attempted_at: datetime = AT,
        run: str = "",
    ) -> dict[str, tuple[str, str]]:
        """Run the activity that follows when the message on a channel got lost."""
        command = TellInstead(notification_id=(await self.rows())[channel].id)
        return await self._run("tell_instead", command, attempt, attempted_at, run)

    async def _run(
        self, activity: str, command: Value, attempt: int, attempted_at: datetime, run: str
    ) -> dict[str, tuple[str, str]]:
        email = sender(self.port)
        channels = Channels(
            self.house.sessions,
            email,
            self.sms,
            self.push,
            public_url="https://orders.example.com",
            unsubscribe_secret=self.secret,
            page_keys=LinkKeys(),
        )
        activities = Notifications(self.house.sessions, channels, self.quiet)
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(
            environment.info,
            attempt=attempt,
            current_attempt_scheduled_time=attempted_at,
            workflow_run_id=run,
        )
        async with aclosing(email):
            told: NotificationResults = await environment.run(
                getattr(activities, activity), command
            )
        return {str(r.channel): (str(r.state), r.error) for r in told.results}

    async def tell_at_last(self, kind: NotificationKind) -> dict[str, tuple[str, str]]:
        """Run the activity as its last attempt."""
        return await self.tell(kind, attempt=len(DELAYS) + 1)

    async def rows(self) -> dict[str, Any]:
        """The order's messages by channel."""
        found = await self.house.rows(
            "SELECT * FROM notifications WHERE order_id = :id", id=self.order_id
        )
        return {row.channel: row for row in found}

    async def texts(self) -> list[dict[str, Any]]:
        """What went to the customer's phone."""
        state = (await self.house.http.get(f"{self.house.simulator}/_sim/state")).json()
        both = [*state["twilioMessages"], *state["aliyunMessages"]]
        return [one for one in both if one["to"] == self.phone.removeprefix("+86")]

    async def execute(self, statement: str, **values: object) -> None:
        async with self.house.sessions.begin() as session:
            await session.execute(text(statement), values)


@asynccontextmanager
async def counter_with_relay(house: House) -> AsyncIterator[Counter]:
    """An order to speak of, and a relay that does what it is told; both are gone afterwards."""
    inbox = Inbox()
    with relay(inbox) as port:
        counter = await open_counter(house, inbox, port)
        yield counter
    await house.forget(counter.order_id, counter.order["productId"])


async def open_counter(house: House, inbox: Inbox, port: int, **changes: Any) -> Counter:
    """A new order of a customer with an address of their own."""
    product = await house.add_product(stock=5)
    number = uuid4().int
    phone = f"+86138{number % 10**8:08d}"
    info = order_for(product)["customerInfo"]
    body: dict[str, Any] = {
        "customerId": f"C-{number % 10**12}",
        "customerInfo": {**info, "email": f"li.{number % 10**9}@example.com", "phone": phone},
    }
    placed = await house.place(product, **body, **changes)
    return Counter(
        house=house,
        order={
            **placed,
            **body,
            "productId": product,
            "phone": phone,
            "email": body["customerInfo"]["email"],
        },
        inbox=inbox,
        port=port,
        sms=composition.sms_sender(house.settings, house.http),
        push=composition.push_sender(house.settings, house.http),
        secret=reveal(house.settings.unsubscribe_secret),
    )
