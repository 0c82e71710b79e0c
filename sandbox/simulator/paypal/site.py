"""Where PayPal is found, as its own callers see it: links and certificate URLs begin there."""

from __future__ import annotations

from pydantic import BaseModel
from starlette.requests import Request

from sandbox.simulator.paypal.errors import Shape
from sandbox.simulator.store import Collection
from sandbox.simulator.world import World

PREFIX = "/paypal"


class _Address(BaseModel):
    origin: str


class Site:
    """The simulator's own address: the one of the latest token request, else the configured one."""

    def __init__(self, world: World) -> None:
        self._addresses = Collection(world.store, "paypal.site", _Address)
        self._configured = f"http://{world.config.sim_host}:{world.config.sim_port}"

    def remember(self, request: Request) -> None:
        """Take the address that a caller who proved itself has found us under."""
        origin = f"{request.url.scheme}://{request.url.netloc}"
        if self._origin() != origin:
            self._addresses.put("origin", _Address(origin=origin))

    def url(self, path: str) -> str:
        """The absolute URL of one of our paths."""
        return self._origin() + PREFIX + path

    def link(self, path: str, rel: str, method: str = "GET") -> Shape:
        """A HATEOAS link."""
        return {"href": self.url(path), "rel": rel, "method": method}

    def _origin(self) -> str:
        known = self._addresses.get("origin")
        return known.origin if known else self._configured
