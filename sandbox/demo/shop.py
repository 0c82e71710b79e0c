"""What a story of the demo can do: order, play the outside parties, let time pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from domain.ids import order_workflow_id
from domain.order import GatewayName
from sandbox.layout import Endpoints

# A JSON object of the API or the simulator, as it came.
Body = dict[str, Any]

# On a machine that is busy with other things a step may be lost, and done again after its timeout.
_PATIENCE_SECONDS = 180.0
_LOOK_EVERY_SECONDS = 0.1
# An activity that pauses for longer waits for the morning.
_A_WHILE = timedelta(minutes=1)

CUSTOMER: Body = {
    "name": "李薇",
    "email": "li.wei@example.com",
    "phone": "+8613800138000",
    "address": {
        "street": "文三路 90 号东部软件园 3 幢 502 室",
        "city": "杭州市",
        "district": "西湖区",
        "province": "浙江省",
        "postalCode": "310012",
        "country": "CN",
    },
}


class StoryFailed(Exception):
    """A story did not go as it should; the message says where it got stuck."""


class Shop:
    """A running stack, seen from outside."""

    def __init__(self, at: Endpoints, http: httpx.AsyncClient, client: Client) -> None:
        self._at = at
        self._http = http
        self._client = client
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))

    async def request_order(self, draft: Body) -> httpx.Response:
        """Send an order to the API as a shop's backend does."""
        return await self._http.post(
            f"{self._at.api}/orders",
            json=draft,
            headers={**self._key, "Idempotency-Key": str(uuid4())},
        )

    async def order(self, *, by: GatewayName = "stripe", **quantities: int) -> Body:
        """Order products of the sample catalog, by product id, to be paid `by`; the API's answer.

        Raises:
            StoryFailed: it was refused.
        """
        draft = {
            "customerId": "C-10086",
            "customerInfo": CUSTOMER,
            "items": [
                {"productId": product_id, "quantity": quantity}
                for product_id, quantity in quantities.items()
            ],
            "paymentMethod": by,
        }
        return _content(await self.request_order(draft))

    async def look(self, order_id: str) -> Body:
        """The order as the API shows it."""
        return _content(
            await self._http.get(f"{self._at.api}/orders/{order_id}", headers=self._key)
        )

    async def until(self, order_id: str, *, waits_for: str = "", **wanted: str) -> Body:
        """The order, once its fields are as wanted and it waits for what it should.

        Raises:
            StoryFailed: that takes too long.
        """

        def as_wanted(order: Body) -> bool:
            waiting = (order.get("waitingFor") or {}).get("what", "")
            return waits_for in waiting and all(
                order[name] == value for name, value in wanted.items()
            )

        return await self._until(order_id, as_wanted, f"{wanted or waits_for}")

    async def until_refunded(self, order_id: str, payment_id: str) -> Body:
        """The order, once a refund of this payment has succeeded."""

        def back(order: Body) -> bool:
            return any(
                (refund["paymentId"], refund["state"]) == (payment_id, "succeeded")
                for refund in order["refunds"]
            )

        return await self._until(order_id, back, f"a refund of {payment_id}")

    async def until_parcel(self, order_id: str, number: str, **wanted: str) -> Body:
        """The order, once one of its parcels is as wanted."""

        def as_wanted(order: Body) -> bool:
            return any(
                parcel["trackingNumber"] == number
                and all(parcel[name] == value for name, value in wanted.items())
                for parcel in order["parcels"]
            )

        return await self._until(order_id, as_wanted, f"parcel {number} {wanted}")

    async def until_declined(self, order_id: str) -> Body:
        """The order, once its payment was declined."""
        return await self.until(order_id, paymentStatus="failed")

    async def payment_of(self, order_id: str) -> Body:
        """How the order can be paid, once it can."""

        def payable(order: Body) -> bool:
            return any(attempt["action"] for attempt in order["payments"])

        order = await self._until(order_id, payable, "a payment instruction")
        return next(p for p in reversed(order["payments"]) if p["action"])

    async def try_again(self, order_id: str, gateway: GatewayName) -> Body:
        """Another way to pay the order, instead of the earlier one."""
        return _content(
            await self._http.post(
                f"{self._at.api}/orders/{order_id}/payments",
                json={"gateway": gateway},
                headers=self._key,
            )
        )

    async def play(self, path: str) -> Body:
        """Have a party outside act, through the simulator's control."""
        return _content(await self._http.post(f"{self._at.simulator}/_sim/{path}"))

    async def pay(self, payment: Body) -> None:
        """The customer pays."""
        await self.play(f"{payment['gateway']}/{payment['paymentId']}/pay")

    async def misfortune(self, party: str, operation: str, behavior: str, order_id: str) -> None:
        """Have something go wrong once, at a party outside, for this order."""
        scenario = {
            "party": party,
            "operation": operation,
            "behavior": behavior,
            "match": {"orderId": order_id},
        }
        _content(await self._http.post(f"{self._at.simulator}/_sim/scenario", json=scenario))

    async def cancel(self, order_id: str, reason: str) -> None:
        """The customer cancels."""
        _content(
            await self._http.post(
                f"{self._at.api}/orders/{order_id}/cancel",
                json={"reason": reason},
                headers=self._key,
            )
        )

    async def ask_return(self, order_id: str, *, line_no: int, quantity: int, reason: str) -> Body:
        """The customer wants to send units back; the return."""
        items = [{"lineNo": line_no, "quantity": quantity}]
        return _content(
            await self._http.post(
                f"{self._at.api}/orders/{order_id}/returns",
                json={"items": items, "reason": reason},
                headers={**self._key, "Idempotency-Key": str(uuid4())},
            )
        )

    async def receive_return(self, return_id: str, *, line_no: int, resellable: int) -> Body:
        """The warehouse has looked at what came back; the return."""
        items = [{"lineNo": line_no, "resellable": resellable}]
        return _content(
            await self._http.post(
                f"{self._at.api}/returns/{return_id}/received",
                json={"items": items},
                headers=self._key,
            )
        )

    async def until_settled(self, order_id: str, return_id: str, state: str) -> Body:
        """The order, once one of its returns has come so far."""

        def settled(order: Body) -> bool:
            found = {one["returnId"]: one["state"] for one in order["returns"]}
            return found.get(return_id) == state

        return await self._until(order_id, settled, f"return {return_id} {state}")

    async def decide(self, order_id: str, kind: str, decision: str) -> Body:
        """An operator closes a task of the order, once there is one, with a decision; the task."""

        def opened(order: Body) -> list[Body]:
            tasks: list[Body] = order["tasks"]
            return [task for task in tasks if (task["kind"], task["state"]) == (kind, "open")]

        order = await self._until(order_id, lambda known: bool(opened(known)), f"task {kind}")
        return _content(
            await self._http.post(
                f"{self._at.api}/tasks/{opened(order)[0]['taskId']}/done",
                json={"decision": decision},
                headers=self._key,
            )
        )

    async def sent_again(self, order_id: str) -> str:
        """The order that sends a lost parcel's goods again, once there is one; its id."""
        order = await self._until(
            order_id, lambda known: bool(known["shipment"]["resentAs"]), "sent again"
        )
        resent_as: str = order["shipment"]["resentAs"]
        return resent_as

    async def supply_of(self, sku: str) -> Body:
        """What the supplier was asked for of an SKU, in the nearest warehouse, once it was.

        Raises:
            StoryFailed: that takes too long.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            state = _content(await self._http.get(f"{self._at.simulator}/_sim/state"))
            for supply in state["supplyOrders"]:
                if (supply["sku"], supply["warehouseId"]) == (sku, "WH-HZ") and supply["open"]:
                    found: Body = supply
                    return found
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        raise StoryFailed(f"the supplier was not asked for {sku}")

    async def pass_time(self, order_id: str, duration: timedelta) -> None:
        """Move this order's clock forward; what falls due on the way happens."""
        handle = self._client.get_workflow_handle(order_workflow_id(order_id))
        await self._skipper.fast_forward(handle, duration)

    async def sleeps(self, order_id: str) -> bool:
        """Whether a message waits for the morning; false once the order's workflow has ended."""
        handle = self._client.get_workflow_handle(order_workflow_id(order_id))
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = await handle.describe()
            if found.status is not WorkflowExecutionStatus.RUNNING:
                return False
            waiting = found.raw_description.pending_activities
            if any(one.current_retry_interval.ToTimedelta() > _A_WHILE for one in waiting):
                return True
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        steps = [f"{one.activity_type.name}, try {one.attempt}" for one in waiting]
        raise StoryFailed(f"the order neither ends nor waits for the morning: {steps}")

    async def ended(self, order_id: str) -> None:
        """Wait until the order's workflow has ended, with all its messages sent.

        Raises:
            StoryFailed: that takes too long.
        """
        handle = self._client.get_workflow_handle(order_workflow_id(order_id))
        try:
            await asyncio.wait_for(handle.result(), _PATIENCE_SECONDS)
        except TimeoutError as error:
            raise StoryFailed("the order's workflow does not end") from error

    async def mails(self, query: str = "") -> list[Body]:
        """What has arrived at the mail page, newest first."""
        response = await self._http.get(f"{self._at.mail}/messages", params={"q": query})
        found: list[Body] = response.raise_for_status().json()
        return found

    async def opens(self, url: str) -> bool:
        """Whether a page is there for a browser that knows no key."""
        return bool(url) and (await self._http.get(url, follow_redirects=True)).is_success

    async def _until(self, order_id: str, wanted: Callable[[Body], bool], what: str) -> Body:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            order = await self.look(order_id)
            if wanted(order):
                return order
            if time.monotonic() > deadline:
                statuses = [order[name] for name in ("status", "paymentStatus", "shippingStatus")]
                raise StoryFailed(f"wanted {what}, but the order is {' / '.join(statuses)}")
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    @property
    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._at.api_key}"}


def _content(response: httpx.Response) -> Body:
    if not response.is_success:
        raise StoryFailed(f"HTTP status {response.status_code}: {response.text[:300]}")
    content: Body = response.json()
    return content
