"""The page behind PayPal's approval link, where a person plays the payer."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.simulator.journal import Entry
from sandbox.simulator.paypal.books import Books
from sandbox.simulator.paypal.model import Order, OrderStatus
from sandbox.simulator.paypal.money import money
from sandbox.simulator.paypal.shapes import PAYER_ID
from sandbox.simulator.paypal.site import PREFIX
from sandbox.simulator.paypal.webhooks import PARTY
from sandbox.simulator.world import World

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Checkout:
    """`/checkoutnow?token=`: shows an order, and approves it when the button is pressed."""

    def __init__(self, world: World, books: Books) -> None:
        self._world = world
        self._books = books

    def routes(self) -> list[Route]:
        """The page and its button."""
        path = f"{PREFIX}/checkoutnow"
        return [
            Route(path, self._show, methods=["GET"]),
            Route(path, self._approve, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        order = self._order(request)
        return _page(order, 404 if order is None else 200)

    async def _approve(self, request: Request) -> Response:
        order = self._order(request)
        if order is None:
            return _page(None, 404)
        if order.status is OrderStatus.COMPLETED:
            return _page(order, 409)
        with self._world.store.transaction():
            self._books.approve(order, order.next_capture)
            self._world.journal.write(
                Entry(
                    party=PARTY,
                    kind="control",
                    operation="approve",
                    order_id=order.order_id,
                    payment_id=order.payment_id,
                    ref=order.id,
                    status=200,
                    verdict="committed",
                )
            )
        return RedirectResponse(_way_back(order), 303)

    def _order(self, request: Request) -> Order | None:
        return self._books.orders.get(request.query_params.get("token", ""))


def _way_back(order: Order) -> str:
    if not order.return_url:
        return f"{PREFIX}/checkoutnow?token={order.id}"
    joint = "&" if "?" in order.return_url else "?"
    return order.return_url + joint + urlencode({"token": order.id, "PayerID": PAYER_ID})


def _page(order: Order | None, status: int) -> HTMLResponse:
    shown = money(order.amount, order.currency) if order else {}
    amount = f"{shown.get('value')} {shown.get('currency_code')}"
    template = _environment.get_template("checkout.html")
    return HTMLResponse(template.render(order=order, amount=amount), status)
