"""The simulator's page: what waits for a hand, with buttons and the same as `curl` lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.simulator.holdings import Holdings
from sandbox.simulator.world import PaymentParty, World

_SHOWN = 100
_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page_router(
    world: World, holdings: Holdings, payments: Mapping[str, PaymentParty]
) -> APIRouter:
    """`GET /_sim/`."""
    router = APIRouter()

    @router.get("/_sim/", response_class=HTMLResponse)
    async def page(request: Request, refused: str = "") -> str:
        return _environment.get_template("page.html").render(
            base=str(request.base_url).rstrip("/"),
            refused=refused,
            state=holdings.shown(limit=_SHOWN),
            moves={name: list(party.moves) for name, party in payments.items()},
            entries=world.journal.read(limit=40)[::-1],
            scenarios=world.scenarios.left(),
            defaults=world.schedule.defaults,
            undelivered=world.outbox.undelivered(),
        )

    return router
