"""The stack as users run it: every part a process of its own, and any of them may be killed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.audit import audit
from db.engine import connect, session_factory
from sandbox.stack import EmbeddedStack
from tests.house import order_for
from tests.serving import eventually_async

pytestmark = pytest.mark.timeout(240)

PARTS = ("worker", "api", "simulator", "temporal", "postgres", "mail")


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[EmbeddedStack]:
    directory = Path(tempfile.mkdtemp(prefix="orderflow-stack-"))
    directory.chmod(0o755)
    async with EmbeddedStack(directory, 0) as running:
        yield running
    shutil.rmtree(directory, ignore_errors=True)


class Shop:
    """A shop's backend and its outside parties: both try again while something is down."""

    def __init__(self, stack: EmbeddedStack, http: httpx.AsyncClient) -> None:
        self._stack = stack
        self._http = http

    async def call(self, method: str, url: str, **options: Any) -> Any:
        """Call until there is an answer that is not a failure of the moment."""

        async def attempt() -> httpx.Response | None:
            try:
                answer = await self._http.request(method, url, timeout=30, **options)
            except httpx.TransportError:
                return None
            return None if answer.status_code >= 500 or answer.status_code == 404 else answer

        answer = await eventually_async(attempt, seconds=90)
        assert answer is not None
        assert answer.is_success, answer.text
        return answer.json()

    async def api(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._stack.endpoints.api_key}"}
        headers |= options.pop("headers", {})
        return await self.call(
            method, f"{self._stack.endpoints.api}{path}", headers=headers, **options
        )

    async def simulate(self, path: str) -> Any:
        return await self.call("POST", f"{self._stack.endpoints.simulator}/_sim/{path}")

    async def until(self, order_id: str, status: str) -> Any:
        last: Any = {}

        async def reached() -> bool:
            nonlocal last
            last = await self.api("GET", f"/orders/{order_id}")
            return bool(last["status"] == status)

        try:
            await eventually_async(reached, seconds=90)
        except AssertionError as error:
            raise AssertionError(f"wanted {status}; the order is {last}") from error
        return last


@pytest.mark.parametrize("part", PARTS)
async def test_an_order_survives_the_kill_of_a_part_at_every_stage(
    stack: EmbeddedStack, part: str
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        shop = Shop(stack, http)
        await stack.wait_until_ready()
        stack.kill(part)
        placed = await shop.api(
            "POST",
            "/orders",
            json=order_for("P1001"),
            headers={"Idempotency-Key": f"kill-{part}"},
        )
        order_id = placed["orderId"]

        stack.kill(part) if part != "mail" else None
        await shop.simulate(f"stripe/{placed['payment']['paymentId']}/pay")
        await shop.until(order_id, "processing")

        await stack.wait_until_ready()
        stack.kill(part)
        shipped = await shop.simulate(f"shipments/{order_id}/ship")
        await shop.until(order_id, "shipped")

        await shop.simulate(f"parcels/{shipped['trackingNumber']}/delivered")
        order = await shop.until(order_id, "delivered")

        assert [entry["kind"] for entry in order["timeline"]].count("payment_paid") == 1
        state = await shop.call(
            "GET",
            f"{stack.endpoints.simulator}/_sim/state",
            params={"order_id": order_id, "limit": 10},
        )
        assert [(p["captured"], p["refunded"]) for p in state["payments"]] == [(9800, 0)]
        await assert_laws_hold(stack)


async def test_a_mail_bounces_and_its_order_says_so(stack: EmbeddedStack) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        shop = Shop(stack, http)
        await stack.wait_until_ready()
        order = order_for("P1001")
        order["customerInfo"]["email"] = "moved.away@example.com"
        placed = await shop.api("POST", "/orders", json=order)
        await shop.simulate(f"stripe/{placed['payment']['paymentId']}/pay")
        mails = f"{stack.endpoints.mail}/messages"

        async def arrived() -> list[Any]:
            found: list[Any] = await shop.call("GET", mails, params={"q": placed["orderNumber"]})
            return found

        mail = (await eventually_async(arrived))[0]
        control = f"{stack.endpoints.mail}/_sim/messages/{mail['id']}/failed"
        assert (await shop.call("POST", control))["answer"] == {"status": "taken"}

        told = (await shop.api("GET", f"/orders/{placed['orderId']}"))["notifications"]
        receipts = {(one["receipt"], one["receiptCode"]) for one in told if one["receipt"]}
        assert receipts == {("undelivered", "5.1.1")}


async def assert_laws_hold(stack: EmbeddedStack) -> None:
    engine = connect(stack.endpoints.database, 1)
    async with session_factory(engine)() as session:
        report = await audit(session)
    await engine.dispose()
    assert not [violation for law in report.laws for violation in law.violations]
