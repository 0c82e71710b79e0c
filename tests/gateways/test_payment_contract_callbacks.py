"""How all payment adapters read the providers' callbacks, as these really arrive."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.payment import CallbackEvent, CallbackTopic, RefundState
from gateways.errors import InvalidCallback
from gateways.payments.protocol import PaymentGateway
from tests.gateways.provider_traits import TRAITS, providers_that
from tests.gateways.providers import Provider, refund_of
from tests.gateways.simulated import Delivery

telling_of_foreign_refunds = pytest.mark.parametrize(
    "provider", providers_that(lambda t: t.tells_foreign_refunds), indirect=True
)
telling_of_disputes = pytest.mark.parametrize(
    "provider", providers_that(lambda t: t.tells_disputes), indirect=True
)
taking_their_time = pytest.mark.parametrize(
    "provider", providers_that(lambda t: t.returned), indirect=True
)


async def test_a_paid_payment_is_told_of_by_name_and_topic(provider: Provider) -> None:
    payment = await provider.paid()
    news = await provider.told_paid(payment)
    assert (news.gateway, news.kind) == (provider.name, provider.traits.paid)
    assert news.payment_id == payment.payment_id
    assert news.provider_ref == payment.provider_ref
    assert news.dedupe_key
    assert news.refund_ref == ""
    assert news.occurred_at is not None
    assert abs((datetime.now(UTC) - news.occurred_at).total_seconds()) < 60


async def test_a_refund_is_told_of_and_found_by_what_the_callback_names(
    provider: Provider,
) -> None:
    payment = await provider.paid()
    refund = refund_of(payment, 345)
    await provider.gateway.refund(refund)
    news = await provider.told(payment, lambda news: bool(news.refund_ref))
    assert news.topic is CallbackTopic.REFUND
    await provider.settled(refund)
    found = await provider.gateway.query_refund(payment, refund_ref=news.refund_ref)
    assert (found.refund_id, found.amount) == (refund.refund_id, refund.amount)


@taking_their_time
async def test_a_refund_that_the_bank_returns_is_told_of(provider: Provider) -> None:
    payment = await provider.paid()
    refund = refund_of(payment, 345)
    await provider.suffers("refund", "refund_pending", payment.payment_id)
    await provider.gateway.refund(refund)
    await provider.moves(payment, "refund-fail")
    news = await provider.told(payment, lambda news: news.kind == provider.traits.refund_returned)
    assert news.topic is CallbackTopic.REFUND
    found = await provider.gateway.query_refund(payment, refund_ref=news.refund_ref)
    assert (found.refund_id, found.state) == (refund.refund_id, provider.traits.returned)


@telling_of_foreign_refunds
async def test_a_refund_in_the_providers_console_is_told_of_and_is_none_of_ours(
    provider: Provider,
) -> None:
    payment = await provider.paid()
    await provider.moves(payment, "refund-outside", amount=300)
    news = await provider.told(payment, lambda news: bool(news.refund_ref))
    assert news.topic is CallbackTopic.REFUND
    found = await provider.gateway.query_refund(payment, refund_ref=news.refund_ref)
    assert found.refund_id in {"", found.provider_ref}
    assert (found.state, found.amount.minor) == (RefundState.SUCCEEDED, 300)
    assert (await provider.gateway.query(payment)).refunded == provider.refunded(300)


@telling_of_disputes
async def test_a_dispute_is_told_of(provider: Provider) -> None:
    payment = await provider.paid()
    await provider.moves(payment, "dispute")
    news = await provider.told(payment, lambda news: news.topic is CallbackTopic.DISPUTE)
    assert news.refund_ref == ""


async def test_the_same_event_delivered_three_times_has_one_dedupe_key(
    provider: Provider,
) -> None:
    payment = await provider.created()
    await provider.suffers(provider.traits.paid, "duplicate_callbacks", payment.payment_id, count=3)
    await provider.pays(payment)
    news: list[CallbackEvent] = []

    async def third(delivery: Delivery) -> list[CallbackEvent] | None:
        told = await provider.believed(delivery)
        if told and (told.payment_id, told.kind) == (payment.payment_id, provider.traits.paid):
            news.append(told)
        return news if len(news) == 3 else None

    await provider.simulated.told(third)
    assert len({told.dedupe_key for told in news}) == 1


async def test_a_forged_callback_is_refused_and_the_true_one_that_follows_is_believed(
    provider: Provider,
) -> None:
    payment = await provider.created()
    await provider.suffers(provider.traits.paid, "bad_signature", payment.payment_id)
    with provider.answering_for_itself():
        await provider.pays(payment)
        true = await provider.told_paid(payment)
    forged, *_ = provider.simulated.about(true.dedupe_key)
    with pytest.raises(InvalidCallback):
        await provider.gateway.parse_callback(forged.headers, forged.body, datetime.now(UTC))


async def test_a_callback_that_was_touched_on_its_way_is_refused(provider: Provider) -> None:
    news = await provider.told_paid(await provider.paid())
    delivery = provider.simulated.about(news.dedupe_key)[-1]
    body, now = delivery.body, datetime.now(UTC)
    assert (await provider.gateway.parse_callback(delivery.headers, body, now)) == news
    for touched in (body + b"&", body[:-1], body[1:], body.swapcase(), b""):
        with pytest.raises(InvalidCallback):
            await provider.gateway.parse_callback(delivery.headers, touched, now)


async def test_no_adapter_believes_another_providers_callback(
    provider: Provider, payment_adapters: dict[str, PaymentGateway]
) -> None:
    news = await provider.told_paid(await provider.paid())
    delivery = provider.simulated.about(news.dedupe_key)[-1]
    for name in TRAITS.keys() - {provider.name}:
        with pytest.raises(InvalidCallback):
            await payment_adapters[name].parse_callback(
                delivery.headers, delivery.body, datetime.now(UTC)
            )


async def test_a_callback_that_was_not_accepted_comes_again_and_an_accepted_one_does_not(
    provider: Provider,
) -> None:
    payment = await provider.created()
    with provider.answering_for_itself(refusals=1):
        await provider.pays(payment)
        await provider.delivered(payment)
    tries = await provider.journal(payment.payment_id, provider.traits.paid)
    assert [entry["verdict"] for entry in tries] == ["retrying", "delivered"]
