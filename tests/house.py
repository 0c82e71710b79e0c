"""The whole house in one process: our API and worker, and real servers and parties around them."""

from __future__ import annotations

import asyncio
import base64
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

import composition
import temporal
from api.app import create_app
from db.audit import audit
from db.engine import Sessions, connect, session_factory
from domain.ids import order_workflow_id
from gateways.http import build_client
from gateways.messaging.protocol import EmailSender
from sandbox import simulator
from sandbox.environment import stack_environment
from sandbox.ports import plan_ports
from sandbox.secrets_file import load_secrets
from sandbox.temporal_server import DYNAMIC_CONFIG, SEARCH_ATTRIBUTES
from settings import Settings
from tests.faults import Faults
from tests.running_worker import RunningWorker
from tests.serving import PATIENCE, eventually_async, serve

Json = dict[str, Any]

# Always the same, so that recorded histories can be read: it protects nothing but tests.
PAYLOAD_KEYS = "tests:" + base64.b64encode(b"orderflow".ljust(32, b".")).decode()


class Mailbox:
    """Keeps what arrives over SMTP."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 kept"


# News of what does not exist, or of parcels of orders that nobody has paid.
_FORGET_MADE_UP_NEWS = """
    DELETE FROM callback_inbox WHERE applied_at IS NULL
        AND subject NOT IN (SELECT id FROM orders WHERE status NOT LIKE 'pending%')
        AND subject NOT IN (SELECT id FROM payments)
        AND subject NOT IN (SELECT tracking_number FROM shipments)
        AND subject NOT IN (SELECT id FROM supply_orders)
"""

# What refers to an order by way of another table.
_DEPENDENTS = (
    ("hold_lines", "holds", "hold_id"),
    ("tracking_events", "shipments", "shipment_id"),
    ("push_deliveries", "notifications", "notification_id"),
    ("return_lines", "returns", "return_id"),
)


@dataclass
class House:
    """Where everything is, and short words for what tests do."""

    settings: Settings
    sessions: Sessions
    environment: WorkflowEnvironment
    http: httpx.AsyncClient
    email: EmailSender
    api: str
    api_key: str
    simulator: str
    mailbox: Mailbox
    temporal_metrics: str
    faults: Faults = field(default_factory=Faults)
    worker: RunningWorker = field(init=False)

    @property
    def client(self) -> Client:
        return self.environment.client

    def handle(self, order_id: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(order_workflow_id(order_id))

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call the API with its key."""
        headers = {"Authorization": f"Bearer {self.api_key}", **options.pop("headers", {})}
        return await self.http.request(
            method, f"{self.api}{path}", headers=headers, timeout=60, **options
        )

    async def simulate(self, path: str, **options: Any) -> Json:
        """Have a party outside do something."""
        answer = await self.http.post(f"{self.simulator}/_sim/{path}", **options)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    async def place(self, product_id: str, quantity: int = 1, **changes: Any) -> Json:
        """Place a valid order for one product; the API's answer."""
        answer = await self.call("POST", "/orders", json=order_for(product_id, quantity, **changes))
        assert answer.status_code in {201, 202}, answer.text
        placed: Json = answer.json()
        return placed

    async def order(self, order_id: str) -> Json:
        """The order as the API shows it."""
        answer = await self.call("GET", f"/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def until(self, order_id: str, seconds: float = PATIENCE, **wanted: str) -> Json:
        """Wait until the order's fields are as wanted."""
        last: Json = {}

        async def look() -> bool:
            nonlocal last
            last = await self.order(order_id)
            return all(last[name] == value for name, value in wanted.items())

        try:
            await eventually_async(look, seconds)
        except AssertionError as error:
            shown = {name: last.get(name) for name in wanted}
            kinds = [entry["kind"] for entry in last.get("timeline", [])]
            raise AssertionError(f"wanted {wanted}, is {shown}; timeline {kinds}") from error
        return last

    async def until_waiting_for(self, order_id: str, what: str) -> Json:
        """Wait until the order says that it waits for something."""
        last: Json = {}

        async def look() -> bool:
            nonlocal last
            last = await self.order(order_id)
            return what in ((last["waitingFor"] or {}).get("what") or "")

        await eventually_async(look)
        return last

    async def until_told(self, order_id: str, kind: str) -> None:
        """Wait until the customer has had the mail of this kind."""

        async def look() -> bool:
            told = await self.rows(
                "SELECT 1 FROM notifications WHERE order_id = :id AND kind = :kind"
                " AND channel = 'email' AND state = 'sent'",
                id=order_id,
                kind=kind,
            )
            return bool(told)

        await eventually_async(look)

    async def pay(self, payment_id: str, **query: Any) -> None:
        await self.simulate(f"stripe/{payment_id}/pay", params=query)

    async def ship(self, order_id: str) -> str:
        """Have the warehouse ship; the tracking number."""
        await self.until_waiting_for(order_id, "the warehouse")
        shipped = await self.simulate(f"shipments/{order_id}/ship")
        return str(shipped["trackingNumber"])

    async def deliver(self, order_id: str, tracking_number: str) -> None:
        await self.until(order_id, status="shipped")
        await self.simulate(f"parcels/{tracking_number}/delivered")
        await self.until(order_id, status="delivered")

    async def restart_worker(self) -> None:
        """The worker goes, and another one comes that remembers nothing."""
        await self.worker.stop()
        await self.worker.start()

    async def pass_time(self, order_id: str, time: timedelta) -> None:
        """Move this order's clock forward; timers and retries on the way happen."""
        await self.environment.fast_forward(self.handle(order_id), time)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """Ask the database."""
        async with self.sessions() as session:
            return list(await session.execute(text(statement), values))

    async def rows_changed(self, statement: str, **values: Any) -> None:
        """Change the database behind everybody's back."""
        async with self.sessions.begin() as session:
            await session.execute(text(statement), values)

    async def until_event(self, order_id: str, kind: str) -> Json:
        """Wait until the order's timeline tells of it; the order."""
        last: Json = {}

        async def look() -> bool:
            nonlocal last
            last = await self.order(order_id)
            return any(entry["kind"] == kind for entry in last["timeline"])

        await eventually_async(look)
        return last

    async def add_product(
        self, stock: int, price_minor: int = 10_000, warehouse: str = "WH-HZ"
    ) -> str:
        """A product of this test's own, with `stock` units in one warehouse; its id."""
        product_id = f"T{uuid4().hex[:12].upper()}"
        async with self.sessions.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO products (id, sku, name_zh, name_en, price_minor, currency,"
                    " active, status, max_per_order, weight_g, length_mm, width_mm, height_mm,"
                    " fragile) VALUES (:id, :id, '测试', 'Test', :price, 'CNY', true, 'available',"
                    " 1000, 100, 10, 10, 10, false)"
                ),
                {"id": product_id, "price": price_minor},
            )
        await self.add_shelf(product_id, stock, warehouse)
        return product_id

    async def add_shelf(self, sku: str, stock: int, warehouse: str) -> None:
        """Keep a product of this test's own in one more warehouse."""
        async with self.sessions.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO inventory"
                    " (warehouse_id, sku, total, available, reorder_point, bin)"
                    " VALUES (:warehouse, :sku, :stock, :stock, 0, 'A-01-01-1')"
                ),
                {"sku": sku, "stock": stock, "warehouse": warehouse},
            )
            if stock:
                await session.execute(
                    text(
                        "INSERT INTO stock_movements (at, warehouse_id, sku, reason,"
                        " delta_available, delta_reserved, reference)"
                        " VALUES (now(), :warehouse, :sku, 'received', :stock, 0, 'test')"
                    ),
                    {"sku": sku, "stock": stock, "warehouse": warehouse},
                )

    async def stock(self, product_id: str) -> tuple[int, int, int]:
        """Total, available and reserved units."""
        (row,) = await self.rows(
            "SELECT total, available, reserved FROM inventory WHERE sku = :sku", sku=product_id
        )
        return row.total, row.available, row.reserved

    async def at_provider(self, order_id: str) -> list[Json]:
        """What the payment provider really holds for an order."""
        answer = await self.http.get(
            f"{self.simulator}/_sim/state", params={"order_id": order_id, "limit": 100}
        )
        payments: list[Json] = answer.json()["payments"]
        return payments

    async def sweep(self) -> None:
        """Deliver unconfirmed callbacks again, as a schedule does every minute."""
        await self.client.execute_workflow(
            "CallbackRedeliveryWorkflow", id=f"sweep-{uuid4().hex}", task_queue="orders"
        )

    async def assert_laws_hold(self) -> None:
        """Audit the whole database, once callbacks that nobody took have been delivered again.

        News that can never be applied is left out: other tests send it on purpose.
        """
        await self.rows_changed(_FORGET_MADE_UP_NEWS)
        if not await self._violations():
            return
        await self.sweep()
        for _ in range(40):
            if not (broken := await self._violations()):
                return
            await asyncio.sleep(0.25)
        raise AssertionError(broken)

    async def _violations(self) -> list[str]:
        async with self.sessions() as session:
            report = await audit(session)
        return [violation for law in report.laws for violation in law.violations]

    async def forget(self, order_id: str, product_id: str) -> None:
        """Wipe an order with which a test made believe: others audit the same database."""
        with suppress(RPCError):
            await self.handle(order_id).terminate("made up")
        async with self.sessions.begin() as session:
            await session.execute(text("SET LOCAL session_replication_role = replica"))
            tables = await session.scalars(
                text(
                    "SELECT table_name FROM information_schema.columns"
                    " WHERE table_schema = 'public' AND column_name = 'order_id'"
                )
            )
            for table in tables.all():
                await session.execute(
                    text(f"DELETE FROM {table} WHERE order_id = :id"),  # noqa: S608 - our tables
                    {"id": order_id},
                )
            await session.execute(text("DELETE FROM orders WHERE id = :id"), {"id": order_id})
            for table in ("stock_movements", "inventory"):
                await session.execute(
                    text(f"DELETE FROM {table} WHERE sku = :sku"),  # noqa: S608 - our tables
                    {"sku": product_id},
                )
            for table, parent, key in _DEPENDENTS:
                await session.execute(
                    text(
                        f"DELETE FROM {table} AS child WHERE NOT EXISTS"  # noqa: S608 - our tables
                        f" (SELECT 1 FROM {parent} WHERE {parent}.id = child.{key})"
                    )
                )


def order_for(product_id: str, quantity: int = 1, **changes: Any) -> Json:
    """A valid request body; `changes` replace whole fields."""
    body: Json = {
        "customerId": "C-1",
        "customerInfo": {
            "name": "李薇",
            "email": "li.wei@example.com",
            "phone": "+8613800138000",
            "address": {
                "street": "文三路 90 号",
                "city": "杭州市",
                "district": "西湖区",
                "province": "浙江省",
                "postalCode": "310012",
                "country": "CN",
            },
        },
        "items": [{"productId": product_id, "quantity": quantity}],
        "paymentMethod": "stripe",
    }
    return {**body, **changes}


@asynccontextmanager
async def open_house(database_url: str, directory: Path) -> AsyncIterator[House]:
    """Start everything; stop it again in reverse order."""
    ports = plan_ports(0)
    secrets = load_secrets(directory / "secrets.json")
    variables = stack_environment(
        ports=ports, secrets=secrets, data_dir=directory, database=database_url
    )
    variables["PAYLOAD_KEYS"] = PAYLOAD_KEYS
    # Tests run at any hour, and invite customers to review.
    variables["QUIET_HOURS"] = "none"
    given: Json = {name.lower(): value for name, value in variables.items()}
    settings = Settings(**given)
    simulated = simulator.SimulatorConfig(**{**given, "sim_state": ":memory:"})
    async with AsyncExitStack() as stack:
        mailbox = Mailbox()
        smtp = Controller(mailbox, hostname="127.0.0.1", port=ports.smtp)
        smtp.start()
        stack.callback(smtp.stop)
        sim = await stack.enter_async_context(
            serve(simulator.create_app(simulated), ports.simulator)
        )
        environment = await stack.enter_async_context(
            await start_temporal(settings, ports.temporal_metrics)
        )
        engine = connect(settings.database_url, 20)
        stack.push_async_callback(engine.dispose)
        http = await stack.enter_async_context(build_client())
        email = await stack.enter_async_context(aclosing(composition.email_sender(settings)))
        house = House(
            settings=settings,
            sessions=session_factory(engine),
            environment=environment,
            http=http,
            email=email,
            api=f"http://127.0.0.1:{ports.api}",
            api_key=settings.api_keys[0].get_secret_value(),
            simulator=sim,
            mailbox=mailbox,
            temporal_metrics=f"http://127.0.0.1:{ports.temporal_metrics}",
        )
        await stack.enter_async_context(_working(house))
        app = create_app(settings, engine=engine, client=environment.client)
        await stack.enter_async_context(serve(app, ports.api))
        yield house


async def start_temporal(settings: Settings, metrics_port: int) -> WorkflowEnvironment:
    """The real development server, whose workflows' clocks tests can move forward."""
    flags = [
        part
        for name, value in DYNAMIC_CONFIG.items()
        for part in ("--dynamic-config-value", f"{name}={value}")
    ]
    program = Path(sys.executable).parent / "temporal"
    return await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(program) if program.exists() else shutil.which("temporal"),
        dev_server_log_level="never",
        dev_server_startup_timeout=timedelta(seconds=60),
        dev_server_extra_args=[*flags, "--metrics-port", str(metrics_port)],
        search_attributes=[
            SearchAttributeKey.for_float(name)
            if kind == "Double"
            else SearchAttributeKey.for_keyword(name)
            for name, kind in SEARCH_ATTRIBUTES.items()
        ],
        data_converter=temporal.data_converter(temporal.codec_of(settings)),
        interceptors=temporal.interceptors(),
        ts_config=TimeSkippingConfig(enabled=False),
    )


@asynccontextmanager
async def _working(house: House) -> AsyncIterator[None]:
    house.worker = RunningWorker(
        house.client, house.settings, house.sessions, house.http, house.email, house.faults
    )
    await house.worker.start()
    try:
        yield
    finally:
        await house.worker.stop()
