"""AfterShip: one aggregator for Chinese and international carriers (Tracking API 2026-07)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import httpx
from pydantic import ValidationError

from domain.tracking import TrackingCallback, TrackingSnapshot
from gateways.errors import InvalidCallback, NotFound, OutcomeUnknown, RateLimited
from gateways.http import error_for, header_value, retry_after, send, wait_until
from gateways.tracking.aftership_objects import Failed, Found, Message, Meta, Tracking
from gateways.tracking.carriers import canonical_carrier

# Our carriers' names are AfterShip's slugs; an account may know them by others.
SLUGS: Mapping[str, str] = {
    slug: slug
    for slug in (
        "sf-express",
        "yto",
        "zto-express",
        "jd-express",
        "china-ems",
        "dhl",
        "ups",
        "fedex",
    )
}

_ALREADY_EXISTS = 4003
_NO_SUCH_TRACKING = 4004


class AfterShipTracking:
    """Meets `TrackingGateway`. `slugs` maps our carriers' names to AfterShip's."""

    name = "aftership"

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        api_key: str,
        webhook_secret: str,
        slugs: Mapping[str, str] = SLUGS,
    ) -> None:
        self._client = client
        self._url = f"{base_url.rstrip('/')}/trackings"
        self._headers = {"as-api-key": api_key}
        self._webhook_secret = webhook_secret
        self._slugs = slugs
        self._carriers = {slug: carrier for carrier, slug in slugs.items()}

    async def register(
        self,
        tracking_number: str,
        carrier: str,
        order_number: str,
        phone_tail: str = "",  # noqa: ARG002 - AfterShip's carriers do without it
    ) -> None:
        """Ask for news of a parcel; AfterShip finds the carrier when it has no slug from us."""
        body = {"tracking_number": tracking_number, "order_number": order_number}
        slug = self._slugs.get(canonical_carrier(carrier))
        response = await self._send("POST", json=body | ({"slug": slug} if slug else {}))
        if not response.is_success and _meta(response).code != _ALREADY_EXISTS:
            raise _failure(response)

    async def fetch(
        self,
        tracking_number: str,
        carrier: str,
        phone_tail: str = "",  # noqa: ARG002 - as above
    ) -> TrackingSnapshot:
        """Where the parcel is now.

        Raises:
            NotFound: the parcel was not registered.
        """
        response = await self._send("GET", params={"tracking_numbers": tracking_number})
        if not response.is_success:
            raise _failure(response)
        try:
            trackings = Found.model_validate_json(response.content).data.trackings
        except ValidationError as error:
            raise OutcomeUnknown("AfterShip's answer cannot be read") from error
        found = self._pick(trackings, tracking_number, carrier)
        if found is None:
            raise NotFound(f"AfterShip has no parcel {tracking_number}")
        return found.snapshot(carrier)

    def parse_callback(
        self,
        headers: Mapping[str, str],
        body: bytes,
        now: datetime,  # noqa: ARG002 - AfterShip signs no time: late redeliveries are legitimate
    ) -> TrackingCallback:
        """Verify a webhook on its raw bytes and read it."""
        if not self._webhook_secret.strip():
            raise InvalidCallback("AfterShip's callbacks are off: no webhook secret is configured")
        digest = hmac.new(self._webhook_secret.encode(), body, hashlib.sha256).digest()
        given = header_value(headers, "aftership-hmac-sha256")
        if not hmac.compare_digest(base64.b64encode(digest), given.strip().encode()):
            raise InvalidCallback("AfterShip's signature is missing or does not match")
        try:
            message = Message.model_validate_json(body)
        except ValidationError as error:
            raise InvalidCallback("AfterShip's message cannot be read") from error
        slug = message.msg.slug or ""
        carrier = self._carriers.get(slug, slug)
        return TrackingCallback(dedupe_key=message.event_id, snapshot=message.msg.snapshot(carrier))

    def acknowledge(self) -> None:
        """AfterShip reads the status alone."""

    async def _send(
        self,
        method: str,
        *,
        json: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        request = self._client.build_request(
            method, self._url, headers=self._headers, json=json, params=params
        )
        return await send(self._client, request)

    def _pick(
        self, trackings: tuple[Tracking, ...], tracking_number: str, carrier: str
    ) -> Tracking | None:
        # Two carriers may use one number; AfterShip may have corrected the carrier that we named.
        wanted = tracking_number.casefold()
        same = [tracking for tracking in trackings if tracking.tracking_number.casefold() == wanted]
        slug = self._slugs.get(canonical_carrier(carrier))
        return next((tracking for tracking in same if tracking.slug == slug), None) or next(
            iter(same), None
        )


def _meta(response: httpx.Response) -> Meta:
    try:
        return Failed.model_validate_json(response.content).meta
    except ValidationError:
        return Meta()


def _failure(response: httpx.Response) -> Exception:
    meta = _meta(response)
    if meta.code == _NO_SUCH_TRACKING:
        return NotFound(f"AfterShip: {meta.message}")
    if response.status_code == 429:
        reset = wait_until(response.headers.get("x-ratelimit-reset", ""))
        return RateLimited("AfterShip: HTTP 429", retry_after(response.headers) or reset)
    code = str(meta.code) if meta.code else ""
    return error_for(response.status_code, response.headers, code=code, message=meta.message)
