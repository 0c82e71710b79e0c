"""Stripe, API version 2026-10-28: payment intents, refunds, idempotency and webhooks."""

from sandbox.simulator.stripe.party import Stripe

__all__ = ["Stripe"]
