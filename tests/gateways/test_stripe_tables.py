from __future__ import annotations

from typing import get_args

import pytest
import stripe

from domain.money import EXPONENTS, Money
from domain.payment import PaymentState, RefundState
from gateways.payments.stripe_objects import DECIMALS, PAYMENT_STATES, REFUND_STATES

# Stripe's documented list of currencies without decimals in its API.
ZERO_DECIMAL = set(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF".split()  # noqa: SIM905
)


def test_every_currency_that_orderflow_accepts_has_the_same_decimals_at_stripe() -> None:
    assert DECIMALS == EXPONENTS
    for currency, decimals in DECIMALS.items():
        assert (decimals == 0) == (currency in ZERO_DECIMAL)


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_one_major_unit_is_what_stripe_calls_it(currency: str) -> None:
    assert Money.of(1, currency).minor == 10 ** DECIMALS[currency]


def test_every_payment_status_in_the_sdks_own_types_is_mapped() -> None:
    annotation = stripe.PaymentIntent.__annotations__["status"]
    documented = {value for part in get_args(annotation) for value in get_args(part)}
    assert documented == set(PAYMENT_STATES)


def test_every_refund_status_that_stripe_documents_is_mapped() -> None:
    documented = {"pending", "requires_action", "succeeded", "failed", "canceled"}
    assert documented == set(REFUND_STATES)


def test_only_success_means_money() -> None:
    assert [s for s, state in PAYMENT_STATES.items() if state is PaymentState.PAID] == ["succeeded"]
    succeeded = [s for s, state in REFUND_STATES.items() if state is RefundState.SUCCEEDED]
    assert succeeded == ["succeeded"]
