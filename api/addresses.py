"""Addresses that a provider refused: what is known of one, and how it becomes good again.

An address is in the body, never in a path or a query: those end up in other people's logs.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Literal, NamedTuple

from fastapi import APIRouter, Depends, Response

from activities.contacts import kept_address
from api.answers import answer
from api.auth import authorize
from api.bodies import OptionalJsonBody
from api.command_body import CommandBody, takes
from api.problems import Problems, refusal
from api.resources import Uses
from db import addresses
from db.addresses import KnownAddress
from db.reachability import AddressState
from domain.notification import Channel
from domain.order import Value
from domain.unsubscribing import address_key

log = logging.getLogger("orderflow.api")

_RESPONSES: dict[int | str, dict[str, Any]] = {422: {"model": Problems}, 503: {"model": Problems}}

router = APIRouter(
    prefix="/addresses",
    tags=["operators"],
    dependencies=[Depends(authorize)],
    responses=_RESPONSES,
)

# What orders are refused with, too.
_NO_ADDRESS = {
    Channel.EMAIL: ("email_invalid", "this is no e-mail address: check its spelling"),
    Channel.SMS: (
        "phone_invalid",
        "this is no phone number: begin with + and the country's code, as in +86 138 0013 8000",
    ),
}
_NO_PUSH = (
    "push messages go to devices, not to an address: one that is gone is forgotten, and is good"
    " again once it is registered anew (PUT /customers/{customerId}/devices)"
)


class AddressFacts(Value):
    """Whether messages go to an address; if not, who says so, with which code, and since when."""

    state: Literal["good", "refused", "unsubscribed"]
    provider: str = ""
    code: str = ""
    since: datetime | None = None


class AddressAnswer(AddressFacts):
    """What is known of an address, which is spelled as we use it.

    Its reader may have ended promotions; that is apart from its state.
    """

    channel: Channel
    address: str
    promotions_ended_at: datetime | None = None


class LiftedAnswer(AddressAnswer):
    """The address as it is now, and what it was `before`."""

    before: AddressFacts


class _Asked(NamedTuple):
    """Which address a request is about; whether its reader wants messages again."""

    channel: Channel
    address: str
    by_customer: bool

    @property
    def key(self) -> str:
        return address_key(self.channel, self.address)


@router.post(
    "/state",
    summary="What is known of an address",
    response_model=AddressAnswer,
    openapi_extra=takes({"channel": "email", "address": "li.wei@example.com"}),
)
async def show_address(uses: Uses, body: OptionalJsonBody) -> Response:
    """Whether messages go there: `good`, `refused` by a provider, or `unsubscribed` (STOP).

    `channel` is email or sms; a phone number begins with `+` and the country's code.
    """
    asked = _read(body)
    async with uses.reading() as session:
        known = await addresses.look_up(session, asked.channel, asked.key)
    return answer(
        AddressAnswer(
            **dict(_facts(known)),
            channel=asked.channel,
            address=asked.address,
            promotions_ended_at=known.promotions_ended_at,
        )
    )


@router.post(
    "/lift",
    summary="Make a refused address good again",
    response_model=LiftedAnswer,
    responses={409: {"model": Problems, "description": "It unsubscribed, and nobody asked."}},
    openapi_extra=takes(
        {"channel": "email", "address": "li.wei@example.com"},
        unsubscribed={"channel": "sms", "address": "+8613800138000", "customerAsked": True},
    ),
)
async def lift_address(uses: Uses, body: OptionalJsonBody) -> Response:
    """Messages go there from now on; those that were not sent meanwhile are not made up for.

    One that unsubscribed is lifted only if its reader asked for it: say so with `customerAsked`.
    Promotions that they ended stay ended. Repeating is harmless.
    """
    asked = _read(body)
    async with uses.writing() as session:
        known = await addresses.make_good(
            session, asked.channel, asked.key, though_unsubscribed=asked.by_customer
        )
    if known.state is AddressState.UNSUBSCRIBED and not asked.by_customer:
        raise refusal(
            409,
            "unsubscribed",
            "its reader wanted no more messages (STOP): lift it only when they ask to hear from us"
            " again, and then say so with customerAsked",
            "customerAsked",
        )
    before = _facts(known)
    if known.state:
        log.info(
            "address_lifted",
            extra={
                "channel": asked.channel,
                "state": known.state,
                "provider": known.provider,
                "code": known.code,
            },
        )
    return answer(
        LiftedAnswer(
            state="good",
            channel=asked.channel,
            address=asked.address,
            promotions_ended_at=known.promotions_ended_at,
            before=before,
        )
    )


def _read(body: object) -> _Asked:
    """Which address a body is about.

    Raises:
        Refusal: it is about none.
    """
    request = CommandBody(body)
    fields = request.fields
    name = fields.text("channel", 20, str.lower, required=True)
    written = fields.text("address", 254, required=True)
    by_customer = fields.flag("customerAsked")
    address = ""
    if name == Channel.PUSH:
        fields.note("no_addresses", "channel", _NO_PUSH)
    elif name and name not in _NO_ADDRESS:
        fields.note("unknown_channel", "channel", "send email or sms")
    elif name and written:
        address = kept_address(Channel(name), written)
        if not address:
            code, message = _NO_ADDRESS[Channel(name)]
            fields.note(code, "address", message)
    request.refuse_if_wrong()
    return _Asked(Channel(name), address, by_customer)


def _facts(known: KnownAddress) -> AddressFacts:
    return AddressFacts(
        state=known.state.value if known.state else "good",
        provider=known.provider,
        code=known.code,
        since=known.since,
    )
