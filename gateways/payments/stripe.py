"""Stripe: PaymentIntents that the customer's browser confirms with a client secret.

The official SDK speaks (API 2026-10-28), over our own HTTP client. Only parameters that
Stripe-compatible test servers know are sent: reasons go to metadata, a cancel carries none. Which
ways to pay are offered is set in Stripe's dashboard: API versions from 2026-09-30 on refuse
`payment_method_types` (https://docs.stripe.com/changelog/endive).
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import stripe

from domain.order import GatewayName
from domain.payment import (
    CallbackEvent,
    CreateOutcome,
    PaymentAction,
    PaymentCreated,
    PaymentRef,
    PaymentRejected,
    PaymentRequest,
    PaymentState,
    PaymentView,
    RefundRequest,
    RefundState,
    RefundView,
)
from gateways.errors import GatewayRejected, NotFound, OutcomeUnknown
from gateways.payments import stripe_callbacks
from gateways.payments.stripe_errors import KEY_REUSED, translated
from gateways.payments.stripe_objects import DECIMALS, Intent, Refund, RefundPage, read
from gateways.payments.stripe_transport import StripeTransport

if TYPE_CHECKING:
    from stripe.params import RefundListParams

_METADATA_LIMIT = 500


class StripeGateway:
    """Meets `PaymentGateway` for one Stripe account."""

    name: GatewayName = "stripe"

    def __init__(
        self,
        client: httpx.AsyncClient,
        api_key: str,
        webhook_secret: str,
        base_url: str = "https://api.stripe.com",
    ) -> None:
        sdk = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url.rstrip("/")},
            http_client=StripeTransport(client),
            max_network_retries=0,
        )
        self._intents = sdk.v1.payment_intents
        self._refunds = sdk.v1.refunds
        self._webhook_secret = webhook_secret
        self._live = stripe_callbacks.is_live(api_key)

    async def create(self, request: PaymentRequest) -> CreateOutcome:
        """Make a PaymentIntent; the same idempotency key makes one.

        Raises:
            GatewayRejected: the key was used for another payment.
        """
        if request.amount.currency not in DECIMALS:
            return PaymentRejected(
                code="currency_not_supported",
                message=f"{request.amount.currency} is not set up for Stripe",
            )
        try:
            answer = await _answer(
                self._intents.create_async(
                    {
                        "amount": request.amount.minor,
                        "currency": request.amount.currency.lower(),
                        "metadata": {
                            "payment_id": request.payment_id,
                            "order_id": request.order_id,
                        },
                    },
                    {"idempotency_key": request.idempotency_key},
                )
            )
        except GatewayRejected as refusal:
            if refusal.code == KEY_REUSED:
                raise
            return PaymentRejected(code=refusal.code, message=refusal.reason)
        intent = read(Intent, answer)
        if not intent.client_secret:
            raise OutcomeUnknown("Stripe's PaymentIntent has no client secret")
        action = PaymentAction(type="client_secret", value=intent.client_secret)
        return PaymentCreated(provider_ref=intent.id, action=action)

    async def query(self, payment: PaymentRef) -> PaymentView:
        """Ask for the PaymentIntent, with what its charge says about refunds.

        Raises:
            NotFound: Stripe does not know it; without `provider_ref` nobody can pay it either,
                because no client secret ever reached us.
        """
        _require_ref(payment.provider_ref)
        answer = await _answer(
            self._intents.retrieve_async(payment.provider_ref, {"expand": ["latest_charge"]})
        )
        intent = read(Intent, answer)
        if intent.metadata.get("payment_id", payment.payment_id) != payment.payment_id:
            raise OutcomeUnknown(f"Stripe's {intent.id} is not payment {payment.payment_id}")
        # A charge that gave nothing back has no refunds to list, only ones that failed.
        listed = intent.state is PaymentState.PAID and intent.refunded != 0
        refunds = await self._refunds_of(intent.id) if listed else []
        return intent.view(payment.payment_id, refunds)

    async def capture(self, payment: PaymentRef, idempotency_key: str) -> PaymentView:  # noqa: ARG002 - the contract's parameter
        """Stripe captures by itself: only ask."""
        return await self.query(payment)

    async def close(self, payment: PaymentRef) -> PaymentView:
        """Cancel the PaymentIntent, then query: a refused cancel may mean that it was paid."""
        _require_ref(payment.provider_ref)
        # Stripe repeats the first answer of a key for a day, refusals and 500s included. A cancel
        # that is only ever repeated could never succeed later, so each one has a key of its own:
        # canceling twice is harmless.
        key = f"{payment.payment_id}:close:{uuid4().hex}"
        with suppress(GatewayRejected):
            await _answer(
                self._intents.cancel_async(payment.provider_ref, {}, {"idempotency_key": key})
            )
        return await self.query(payment)

    async def refund(self, request: RefundRequest) -> RefundView:
        """Refund a part or all of what was captured; the same idempotency key makes one refund.

        Raises:
            GatewayRejected: Stripe refuses, e.g. more than is left.
        """
        _require_ref(request.payment.provider_ref)
        metadata = {
            "refund_id": request.refund_id,
            "payment_id": request.payment.payment_id,
        }
        if request.reason:
            metadata["reason"] = request.reason[:_METADATA_LIMIT]
        answer = await _answer(
            self._refunds.create_async(
                {
                    "payment_intent": request.payment.provider_ref,
                    "amount": request.amount.minor,
                    "metadata": metadata,
                },
                {"idempotency_key": request.idempotency_key},
            )
        )
        return read(Refund, answer).view()

    async def query_refund(
        self, payment: PaymentRef, *, refund_id: str = "", refund_ref: str = ""
    ) -> RefundView:
        """Ask for one refund; without `refund_ref` it is searched among the payment's refunds.

        Raises:
            NotFound: Stripe does not know it.
        """
        if refund_ref:
            refund = read(Refund, await _answer(self._refunds.retrieve_async(refund_ref)))
            if refund_id and refund.metadata.get("refund_id", refund_id) != refund_id:
                raise OutcomeUnknown(f"Stripe's {refund_ref} is not refund {refund_id}")
            return refund.view(refund_id)
        _require_ref(payment.provider_ref)
        ours = [
            refund
            for refund in await self._refunds_of(payment.provider_ref)
            if refund.metadata.get("refund_id") == refund_id
        ]
        if not ours:
            raise NotFound(f"Stripe has no refund {refund_id}")
        # One that failed may have been asked for again under a new key: money that moved counts.
        ours.sort(key=lambda refund: refund.state is RefundState.FAILED)
        return ours[0].view()

    async def parse_callback(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> CallbackEvent:
        """Verify a webhook on its raw bytes and read what it is about."""
        stripe_callbacks.verify(headers, body, self._webhook_secret, now)
        return stripe_callbacks.read_event(body, live=self._live)

    def acknowledge(self, *, accepted: bool) -> tuple[int, str, bytes]:
        """Stripe looks at the status alone; anything but 2xx is delivered again."""
        return (200 if accepted else 400), "application/json", b"{}"

    async def _refunds_of(self, provider_ref: str) -> list[Refund]:
        page = read(RefundPage, await _answer(self._refunds.list_async(_page(provider_ref))))
        refunds = list(page.data)
        while page.has_more and page.data:
            after = page.data[-1].id
            answer = await _answer(self._refunds.list_async(_page(provider_ref, after)))
            page = read(RefundPage, answer)
            refunds += page.data
        return refunds


def _page(provider_ref: str, after: str = "") -> RefundListParams:
    params: RefundListParams = {"payment_intent": provider_ref, "limit": 100}
    if after:
        params["starting_after"] = after
    return params


async def _answer(call: Awaitable[object]) -> object:
    with translated():
        answer = await call
    # JSON that is no object at all (a list, a string) is not turned into one by the SDK.
    return answer.to_dict() if isinstance(answer, stripe.StripeObject) else answer


def _require_ref(provider_ref: str) -> None:
    # An empty id in the path would ask for the list of all payments.
    if not provider_ref:
        raise NotFound("Stripe never gave this payment a reference")
