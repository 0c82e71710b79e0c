"""What all payment adapters make of answers that are late, lost or not to be believed.

Whatever happens on the way: the same call under the same key has its effect exactly once.
"""

from __future__ import annotations

import asyncio

import pytest

from domain.payment import PaymentCreated, PaymentState, PaymentView, RefundView
from gateways.errors import GatewayAuthError, GatewayRejected, OutcomeUnknown, RateLimited
from tests.gateways.provider_traits import effects, providers_that
from tests.gateways.providers import ASKED, Provider, intended, refund_of

every_effect = pytest.mark.parametrize(("provider", "effect"), effects(), indirect=["provider"])
signed_effects = pytest.mark.parametrize(
    ("provider", "effect"), effects(lambda t: t.signs_answers), indirect=["provider"]
)
signing = pytest.mark.parametrize(
    "provider", providers_that(lambda t: t.signs_answers), indirect=True
)

# What each call answers in the end, and what the provider then holds of the payment: the status
# is open or not, the money taken and given back.
ANSWERS = {
    "create": PaymentCreated,
    "cancel": PaymentView,
    "capture": PaymentView,
    "refund": RefundView,
}
HELD = {
    "create": (True, 0, 0),
    "cancel": (False, 0, 0),
    "capture": (False, 12345, 0),
    "refund": (False, 12345, 345),
}


@every_effect
@pytest.mark.parametrize("fault", ["timeout_after_commit", "error_after_commit"])
async def test_a_lost_answer_is_an_unknown_outcome_and_repeating_has_no_second_effect(
    provider: Provider, effect: str, fault: str
) -> None:
    intent = await intended(provider, effect)
    await provider.suffers(effect, fault, intent.payment_id, seconds=0)
    with pytest.raises(OutcomeUnknown):
        await intent.call()
    assert await provider.happened(intent.payment_id, effect) == 1

    assert isinstance(await intent.call(), ANSWERS[effect])
    assert await provider.happened(intent.payment_id, effect) == 1
    assert await provider.in_the_end(intent.payment_id) == HELD[effect]


@every_effect
async def test_an_error_before_the_effect_is_as_unknown_and_repeating_has_the_one_effect(
    provider: Provider, effect: str
) -> None:
    intent = await intended(provider, effect)
    await provider.suffers(effect, "fail_before_commit", intent.payment_id)
    with pytest.raises(OutcomeUnknown):
        await intent.call()
    assert await provider.happened(intent.payment_id, effect) == 0

    assert isinstance(await intent.call(), ANSWERS[effect])
    assert await provider.happened(intent.payment_id, effect) == 1
    assert await provider.in_the_end(intent.payment_id) == HELD[effect]


@every_effect
async def test_throttling_is_a_reason_to_come_back_later(provider: Provider, effect: str) -> None:
    intent = await intended(provider, effect)
    await provider.suffers(effect, "rate_limit", intent.payment_id)
    with pytest.raises(RateLimited):
        await intent.call()
    assert isinstance(await intent.call(), ANSWERS[effect])
    assert await provider.in_the_end(intent.payment_id) == HELD[effect]


@every_effect
async def test_the_same_call_made_twice_at_once_has_one_effect(
    provider: Provider, effect: str
) -> None:
    intent = await intended(provider, effect)
    await provider.suffers(effect, "delay_before_commit", intent.payment_id, seconds=0.1)
    both = await asyncio.gather(intent.call(), intent.call(), return_exceptions=True)
    assert sum(isinstance(answer, ANSWERS[effect]) for answer in both) >= 1
    assert all(
        isinstance(answer, (ANSWERS[effect], OutcomeUnknown, RateLimited)) for answer in both
    )
    assert await provider.happened(intent.payment_id, effect) == 1
    assert await provider.in_the_end(intent.payment_id) == HELD[effect]


@signed_effects
@pytest.mark.parametrize("fault", ["unsigned_answer", "forged_answer"])
async def test_an_answer_that_nobody_signed_is_an_unknown_outcome_though_the_effect_happened(
    provider: Provider, effect: str, fault: str
) -> None:
    intent = await intended(provider, effect)
    await provider.suffers(effect, fault, intent.payment_id)
    with pytest.raises(OutcomeUnknown):
        await intent.call()
    assert isinstance(await intent.call(), ANSWERS[effect])
    assert await provider.happened(intent.payment_id, effect) == 1
    assert await provider.in_the_end(intent.payment_id) == HELD[effect]


@signing
@pytest.mark.parametrize("fault", ["unsigned_answer", "forged_answer"])
async def test_what_nobody_signed_is_not_believed_about_a_payment_or_a_refund(
    provider: Provider, fault: str
) -> None:
    payment = await provider.paid()
    refund = refund_of(payment, 345)
    await provider.gateway.refund(refund)
    await provider.suffers("retrieve", fault, payment.payment_id)
    with pytest.raises(OutcomeUnknown):
        await provider.gateway.query(payment)
    await provider.suffers("retrieve_refund", fault, payment.payment_id)
    with pytest.raises(OutcomeUnknown):
        await provider.gateway.query_refund(payment, refund_id=refund.refund_id)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("fail_before_commit", OutcomeUnknown),
        ("error_after_commit", OutcomeUnknown),
        ("timeout_after_commit", OutcomeUnknown),
        ("rate_limit", RateLimited),
    ],
)
async def test_a_query_that_fails_says_nothing_of_the_payment(
    provider: Provider, fault: str, kind: type[Exception]
) -> None:
    payment = await provider.paid()
    await provider.suffers("retrieve", fault, payment.payment_id, seconds=0)
    with pytest.raises(kind):
        await provider.gateway.query(payment)
    view = await provider.gateway.query(payment)
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)


async def test_a_close_whose_query_fails_is_unknown_and_says_the_truth_the_next_time(
    provider: Provider,
) -> None:
    payment = await provider.noticed()
    await provider.suffers("retrieve", "fail_before_commit", payment.payment_id)
    with pytest.raises(OutcomeUnknown):
        await provider.gateway.close(payment)
    assert (await provider.gateway.close(payment)).state is PaymentState.CLOSED


async def test_a_refund_that_the_provider_refuses_raises_with_its_code(provider: Provider) -> None:
    payment = await provider.paid()
    await provider.suffers("refund", "reject", payment.payment_id, code="SOME_CODE_OF_ITS_OWN")
    with pytest.raises(GatewayRejected) as refused:
        await provider.gateway.refund(refund_of(payment, 345))
    assert refused.value.code == "SOME_CODE_OF_ITS_OWN"
    (held,) = await provider.holds(payment.payment_id)
    assert (held["captured"], held["refunded"]) == (12345, 0)


async def test_a_strangers_credentials_are_refused_and_never_repeated(
    provider: Provider, stranger: Provider
) -> None:
    payment = await provider.created()
    with pytest.raises(GatewayAuthError) as refused:
        await stranger.gateway.query(payment)
    assert "stranger" not in str(refused.value)
