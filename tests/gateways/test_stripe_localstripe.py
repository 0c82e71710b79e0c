"""A Stripe that somebody else wrote (localstripe) hears our adapter and is understood by it.

It keeps neither idempotency keys nor refund limits and has an old shape: what it can judge is
whether our requests are what Stripe takes, and whether our reading depends on one version.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.ids import PAYMENT, REFUND, encode_id
from domain.money import Money
from domain.payment import CallbackTopic, PaymentCreated, PaymentRef, PaymentState, RefundState
from gateways.errors import GatewayAuthError, InvalidCallback, NotFound
from gateways.http import build_client
from gateways.payments.stripe import StripeGateway
from tests.gateways.serving import serve
from tests.gateways.stripe_wire import ASKED, payment_request, refund_request

# Its own command listens on every interface and keeps its state in one file for the whole machine.
_LAUNCHER = """
import socket, sys
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda store: None
web.run_app(server.app, sock=socket.socket(fileno=int(sys.argv[1])), print=None)
"""
_KEY = "sk_test_localstripe"
_SECRET = "whsec_localstripe"


class LocalStripe:
    """The running process, what it tells us, and the hands of a customer."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.http = http
        self.told: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    def callbacks(self) -> Starlette:
        async def take(request: Request) -> Response:
            await self.told.put((dict(request.headers), await request.body()))
            return Response(status_code=200)

        return Starlette(routes=[Route("/callbacks/payments/stripe", take, methods=["POST"])])

    async def pays(self, provider_ref: str, method: str) -> httpx.Response:
        """A customer's browser chooses a card and confirms."""
        path = f"{self.url}/v1/payment_intents/{provider_ref}"
        auth = {"Authorization": f"Bearer {_KEY}"}
        chosen = await self.http.post(path, data={"payment_method": method}, headers=auth)
        assert chosen.status_code == 200, chosen.text
        return await self.http.post(f"{path}/confirm", headers=auth)


@pytest.fixture(scope="module")
async def peer() -> AsyncIterator[LocalStripe]:
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _LAUNCHER,
            str(listener.fileno()),
            pass_fds=(listener.fileno(),),
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        http = await stack.enter_async_context(build_client())
        peer = LocalStripe(f"http://127.0.0.1:{listener.getsockname()[1]}", http)
        callback_url = await stack.enter_async_context(serve(peer.callbacks()))
        try:
            # The socket listens already: the request waits until the process accepts it.
            hook = {"url": f"{callback_url}/callbacks/payments/stripe", "secret": _SECRET}
            registered = await http.post(f"{peer.url}/_config/webhooks/ours", json=hook)
            assert registered.status_code == 200, registered.text
            yield peer
        finally:
            process.kill()
            await process.wait()


@pytest.fixture
def gateway(peer: LocalStripe) -> StripeGateway:
    return StripeGateway(peer.http, _KEY, _SECRET, peer.url)


async def _created(gateway: StripeGateway) -> PaymentRef:
    request = payment_request(encode_id(PAYMENT, uuid4()), ASKED)
    outcome = await gateway.create(request)
    assert isinstance(outcome, PaymentCreated)
    assert outcome.action.value.startswith(f"{outcome.provider_ref}_secret_")
    return PaymentRef(payment_id=request.payment_id, provider_ref=outcome.provider_ref, asked=ASKED)


async def _paid(gateway: StripeGateway, peer: LocalStripe) -> PaymentRef:
    payment = await _created(gateway)
    confirmed = await peer.pays(payment.provider_ref, "pm_card_visa")
    assert confirmed.status_code == 200, confirmed.text
    return payment


async def test_a_payment_is_created_open_and_paid_with_its_exact_amount(
    gateway: StripeGateway, peer: LocalStripe
) -> None:
    payment = await _created(gateway)
    before = await gateway.query(payment)
    assert (before.state, before.captured) == (PaymentState.PENDING, Money.zero("CNY"))

    await peer.pays(payment.provider_ref, "pm_card_visa")
    after = await gateway.query(payment)
    assert (after.state, after.captured, after.refunded) == (
        PaymentState.PAID,
        ASKED,
        Money.zero("CNY"),
    )
    assert after.capture_ref.startswith("ch_")
    assert not after.disputed


async def test_a_declined_card_leaves_the_payment_open(
    gateway: StripeGateway, peer: LocalStripe
) -> None:
    payment = await _created(gateway)
    declined = await peer.pays(payment.provider_ref, "pm_card_chargeCustomerFail")
    assert declined.status_code == 402
    view = await gateway.query(payment)
    assert (view.state, view.failure_code) == (PaymentState.FAILED, "card_declined")


async def test_an_unpaid_payment_is_closed_and_a_paid_one_says_paid(
    gateway: StripeGateway, peer: LocalStripe
) -> None:
    unpaid, paid = await _created(gateway), await _paid(gateway, peer)
    assert (await gateway.close(unpaid)).state is PaymentState.CLOSED
    assert (await gateway.close(paid)).state is PaymentState.PAID


async def test_parts_are_refunded_found_and_added_up(
    gateway: StripeGateway, peer: LocalStripe
) -> None:
    payment = await _paid(gateway, peer)
    for minor in (345, 1000):
        request = refund_request(
            payment.provider_ref, encode_id(REFUND, uuid4()), minor, payment.payment_id, "不想要了"
        )
        made = await gateway.refund(request)
        assert (made.state, made.amount) == (RefundState.SUCCEEDED, request.amount)
        assert await gateway.query_refund(payment, refund_id=request.refund_id) == made
        assert await gateway.query_refund(payment, refund_ref=made.provider_ref) == made

    view = await gateway.query(payment)
    assert (view.state, view.refunded) == (PaymentState.PAID, Money(minor=1345, currency="CNY"))
    assert sorted(refund.amount.minor for refund in view.refunds) == [345, 1000]
    with pytest.raises(NotFound):
        await gateway.query_refund(payment, refund_id="R0")


async def test_its_webhook_is_believed_and_a_tampered_one_is_not(
    gateway: StripeGateway, peer: LocalStripe
) -> None:
    payment = await _paid(gateway, peer)
    now = datetime.now(UTC)
    async with asyncio.timeout(10):
        while True:
            headers, body = await peer.told.get()
            news = await gateway.parse_callback(headers, body, now)
            if news.provider_ref == payment.provider_ref:
                break
    assert (news.kind, news.topic) == ("payment_intent.succeeded", CallbackTopic.PAYMENT)
    assert news.payment_id == payment.payment_id
    assert news.dedupe_key.startswith("evt_")
    with pytest.raises(InvalidCallback):
        await gateway.parse_callback(headers, body.replace(b"12345", b"12346"), now)


async def test_what_it_does_not_know_is_not_found_and_a_strange_key_is_refused(
    gateway: StripeGateway, peer: LocalStripe
) -> None:
    unknown = PaymentRef(payment_id="P0", provider_ref="pi_unknown", asked=ASKED)
    with pytest.raises(NotFound):
        await gateway.query(unknown)
    stranger = StripeGateway(peer.http, "stranger", _SECRET, peer.url)
    with pytest.raises(GatewayAuthError):
        await stranger.query(unknown)
