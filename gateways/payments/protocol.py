"""The one contract that every payment provider's adapter meets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.order import GatewayName
from domain.payment import (
    CallbackEvent,
    CreateOutcome,
    PaymentRef,
    PaymentRequest,
    PaymentView,
    RefundRequest,
    RefundView,
)


class PaymentGateway(Protocol):
    """Speaks one provider's protocol.

    Every method raises `GatewayAuthError` (credentials), `RateLimited` (come back later) and
    `OutcomeUnknown` (timed out, 5xx, or an answer that cannot be believed); no method retries.
    """

    @property
    def name(self) -> GatewayName:
        """The provider's name in our words."""

    async def create(self, request: PaymentRequest) -> CreateOutcome:
        """Make the payment known to the provider; the same idempotency key makes one payment."""

    async def query(self, payment: PaymentRef) -> PaymentView:
        """Ask what became of a payment.

        Raises:
            NotFound: the provider does not know it.
        """

    async def capture(self, payment: PaymentRef, idempotency_key: str) -> PaymentView:
        """Take the money of an `APPROVED` payment; the same idempotency key takes it once.

        Where the provider takes it by itself, this is a query.
        """

    async def close(self, payment: PaymentRef) -> PaymentView:
        """Close an unpaid payment, then query: the answer tells what is true, e.g. already paid."""

    async def refund(self, request: RefundRequest) -> RefundView:
        """Give money back; the same idempotency key makes one refund.

        Raises:
            GatewayRejected: the provider refuses, e.g. more than was captured.
        """

    async def query_refund(
        self, payment: PaymentRef, *, refund_id: str = "", refund_ref: str = ""
    ) -> RefundView:
        """Ask what became of a refund, by our id (`refund_id`) or by the provider's (`refund_ref`).

        One of the two is enough; `refund_ref` also finds refunds made in the provider's dashboard.

        Raises:
            NotFound: the provider does not know it.
        """

    async def parse_callback(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> CallbackEvent:
        """Verify a callback on its raw bytes and read what it is about.

        Raises:
            InvalidCallback: it does not prove where it comes from, or is stale or malformed.
        """

    def acknowledge(self, *, accepted: bool) -> tuple[int, str, bytes]:
        """Status, media type and body that make the provider stop (or go on) delivering."""
