"""PayPal, Orders v2 and Payments v2: tokens, orders, captures, refunds and signed webhooks."""

from sandbox.simulator.paypal.party import PayPal

__all__ = ["PayPal"]
