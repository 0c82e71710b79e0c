"""The simulator as one ASGI application; a new payment provider is one more in `_providers`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from sandbox.simulator.aftership import AfterShip
from sandbox.simulator.alipay import Alipay
from sandbox.simulator.carrier import Carrier
from sandbox.simulator.config import SimulatorConfig
from sandbox.simulator.control import Control
from sandbox.simulator.errors import Conflict, NotKnown, Unprocessable
from sandbox.simulator.gate import json_response
from sandbox.simulator.holdings import Holdings
from sandbox.simulator.kuaidi100 import Kuaidi100
from sandbox.simulator.messaging import Messengers
from sandbox.simulator.page import page_router
from sandbox.simulator.paypal import PayPal
from sandbox.simulator.stripe import Stripe
from sandbox.simulator.supplier import Supplier
from sandbox.simulator.warehouse import Warehouse
from sandbox.simulator.wechatpay import WeChatPay
from sandbox.simulator.world import Answer, Party, PaymentParty, World


def create_app(config: SimulatorConfig) -> FastAPI:
    """The whole simulator; it starts to act with the application's lifespan."""
    world = World(config)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        world.start()
        try:
            yield
        finally:
            await world.stop()

    app = FastAPI(title="Orderflow simulator", lifespan=lifespan, docs_url=None, redoc_url=None)
    carrier = Carrier(world)
    warehouse = Warehouse(world, carrier)
    payments: dict[str, PaymentParty] = {party.name: party for party in _providers(world)}
    supplier = Supplier(world)
    trackers: list[Party] = [AfterShip(world, carrier), Kuaidi100(world, carrier)]
    parties: list[Party] = [*payments.values(), warehouse, supplier, *trackers]
    messengers = Messengers(world)
    parties.extend(messengers.parties)
    holdings = Holdings(world.journal, parties)
    for party in parties:
        app.router.routes.extend(party.routes())
    control = Control(
        world,
        payments=payments,
        warehouse=warehouse,
        supplier=supplier,
        carrier=carrier,
        parties=parties,
        messengers=messengers,
        holdings=holdings,
    )
    app.include_router(page_router(world, holdings, payments))
    app.include_router(control.router)
    _explain_errors(app)
    return app


def _providers(world: World) -> list[PaymentParty]:
    return [Stripe(world), PayPal(world), Alipay(world), WeChatPay(world)]


def _explain_errors(app: FastAPI) -> None:
    statuses: dict[type[Exception], tuple[int, str]] = {
        NotKnown: (404, "not_found"),
        Conflict: (409, "conflict"),
        Unprocessable: (422, "invalid"),
    }

    async def explain(_: Request, error: Exception) -> Response:
        status, code = statuses[type(error)]
        return _problem(status, code, "", str(error))

    async def refuse(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        return _problem(422, "invalid", ".".join(map(str, first["loc"])), first["msg"])

    for kind in statuses:
        app.add_exception_handler(kind, explain)
    app.add_exception_handler(RequestValidationError, refuse)


def _problem(status: int, code: str, field: str, message: str) -> Response:
    body = {"errors": [{"code": code, "field": field, "message": message}], "warnings": []}
    return json_response(Answer(status, body))
