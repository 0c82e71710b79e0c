"""What all payment adapters do alike, tried on the simulated providers."""

from __future__ import annotations

from contextlib import suppress

import pytest

from domain.money import Money
from domain.payment import (
    PaymentCreated,
    PaymentRejected,
    PaymentState,
    RefundState,
    RefundView,
)
from gateways.errors import GatewayRejected, NotFound
from gateways.payments.protocol import PaymentGateway
from tests.gateways.provider_traits import providers_that
from tests.gateways.providers import ASKED, NOTHING, Provider, refund_of

slow = pytest.mark.parametrize("provider", providers_that(lambda t: t.slow), indirect=True)
comparing = pytest.mark.parametrize(
    "provider", providers_that(lambda t: t.compares_requests), indirect=True
)
closing = pytest.mark.parametrize(
    "provider", providers_that(lambda t: t.close_is_final), indirect=True
)
racing = pytest.mark.parametrize(
    "provider", providers_that(lambda t: "cancel" in t.effects), indirect=True
)
taking_their_time = pytest.mark.parametrize(
    "provider", providers_that(lambda t: t.returned), indirect=True
)


def test_each_adapter_meets_the_contract(provider: Provider) -> None:
    gateway: PaymentGateway = provider.gateway
    assert gateway.name == provider.name


async def test_creating_twice_under_one_key_makes_one_payment(provider: Provider) -> None:
    request = provider.request()
    first, second = [await provider.gateway.create(request) for _ in range(2)]
    assert isinstance(first, PaymentCreated)
    assert isinstance(second, PaymentCreated)
    assert first.provider_ref == second.provider_ref
    assert first.action.type == second.action.type == provider.traits.action
    assert first.action.value
    (held,) = await provider.holds(request.payment_id)
    assert (held["paymentId"], held["amount"], held["open"]) == (request.payment_id, 12345, True)
    assert await provider.happened(request.payment_id, "create") == 1


async def test_one_key_for_two_amounts_makes_the_first_payment_alone(provider: Provider) -> None:
    request = provider.request()
    await provider.created(request)
    other = request.model_copy(update={"amount": Money(minor=1, currency="CNY")})
    with suppress(GatewayRejected):
        await provider.gateway.create(other)
    (held,) = await provider.holds(request.payment_id)
    assert held["amount"] == 12345


@comparing
async def test_one_key_for_two_amounts_is_our_mistake_and_no_refused_payment(
    provider: Provider,
) -> None:
    request = provider.request()
    await provider.created(request)
    with pytest.raises(GatewayRejected):
        await provider.gateway.create(
            request.model_copy(update={"amount": Money(minor=1, currency="CNY")})
        )


async def test_a_currency_that_is_not_offered_is_rejected_and_never_asked_for(
    provider: Provider,
) -> None:
    request = provider.request(Money(minor=100, currency=provider.traits.foreign_currency))
    outcome = await provider.gateway.create(request)
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == "currency_not_supported"
    assert await provider.journal(request.payment_id, "create") == []


async def test_a_creation_that_the_provider_refuses_is_an_outcome_with_its_code(
    provider: Provider,
) -> None:
    request = provider.request()
    await provider.suffers("create", "reject", request.payment_id, code="SOME_CODE_OF_ITS_OWN")
    outcome = await provider.gateway.create(request)
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == "SOME_CODE_OF_ITS_OWN"
    assert await provider.holds(request.payment_id) == []


async def test_an_unpaid_payment_is_pending_and_holds_nothing(provider: Provider) -> None:
    payment = await provider.created()
    view = await provider.gateway.query(payment)
    assert (view.payment_id, view.provider_ref) == (payment.payment_id, payment.provider_ref)
    assert (view.state, view.captured, view.capture_ref) == (PaymentState.PENDING, NOTHING, "")
    assert (view.refunds, view.disputed) == ((), False)


async def test_a_paid_payment_is_seen_with_its_exact_amount(provider: Provider) -> None:
    amount = Money(minor=1999999, currency="CNY")
    payment = await provider.paid(provider.request(amount))
    view = await provider.gateway.query(payment)
    assert (view.state, view.captured, view.failure_code) == (PaymentState.PAID, amount, "")
    assert view.capture_ref == payment.capture_ref != ""
    assert view.refunded == provider.refunded(0, of=amount)


async def test_money_that_is_not_what_was_asked_for_is_told_as_it_is(provider: Provider) -> None:
    payment = await provider.created()
    await provider.pays(payment, amount=12344)
    view = await provider.gateway.query(payment)
    assert (view.state, view.captured) == (
        PaymentState.PAID,
        Money(minor=12344, currency="CNY"),
    )


async def test_taking_the_money_twice_takes_it_once(provider: Provider) -> None:
    payment = await provider.paid()
    again = await provider.taken(payment)
    assert (again.state, again.captured) == (PaymentState.PAID, ASKED)


async def test_a_declined_payment_can_still_be_paid(provider: Provider) -> None:
    payment = await provider.created()
    await provider.moves(payment, "decline")
    declined = await provider.taken(payment)
    assert (declined.state, declined.captured) == (provider.traits.declined, NOTHING)
    assert bool(declined.failure_code) == (declined.state is PaymentState.FAILED)
    paid = await provider.pays(payment)
    assert (paid.state, paid.captured) == (PaymentState.PAID, ASKED)


@slow
async def test_money_on_its_way_is_neither_there_nor_can_it_be_called_back(
    provider: Provider,
) -> None:
    payment = await provider.created()
    await provider.moves(payment, "process")
    await provider.taken(payment)
    for view in (await provider.gateway.query(payment), await provider.gateway.close(payment)):
        assert (view.state, view.captured) == (PaymentState.PROCESSING, NOTHING)
    await provider.moves(payment, "pay")
    view = await provider.gateway.query(payment)
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)


async def test_an_unpaid_payment_is_closed_and_closing_again_is_fine(provider: Provider) -> None:
    payment = await provider.noticed()
    for _ in range(2):
        view = await provider.gateway.close(payment)
        assert (view.state, view.captured) == (PaymentState.CLOSED, NOTHING)


async def test_a_payment_that_nobody_noticed_is_closed_as_well(provider: Provider) -> None:
    view = await provider.gateway.close(await provider.created())
    assert (view.state, view.captured) == (PaymentState.CLOSED, NOTHING)


@closing
async def test_a_closed_payment_cannot_be_paid(provider: Provider) -> None:
    payment = await provider.noticed()
    await provider.gateway.close(payment)
    assert await provider.refuses(payment, "pay")
    assert (await provider.gateway.query(payment)).state is PaymentState.CLOSED


async def test_money_that_comes_after_the_close_is_seen(provider: Provider) -> None:
    payment = await provider.noticed()
    await provider.gateway.close(payment)
    await provider.moves(payment, "pay", force="true")
    view = await provider.gateway.query(payment)
    money = {PaymentState.PAID: ASKED}.get(provider.traits.late, NOTHING)
    assert (view.state, view.captured) == (provider.traits.late, money)


async def test_closing_a_paid_payment_says_paid(provider: Provider) -> None:
    view = await provider.gateway.close(await provider.paid())
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)


@racing
async def test_closing_a_payment_in_the_moment_it_is_paid_says_paid(provider: Provider) -> None:
    payment = await provider.noticed()
    await provider.suffers("cancel", "paid_meanwhile", payment.payment_id)
    view = await provider.gateway.close(payment)
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)
    assert await provider.happened(payment.payment_id, "cancel") == 0


async def test_a_part_and_the_rest_add_up_and_nothing_more_is_given_back(
    provider: Provider,
) -> None:
    payment = await provider.paid()
    part, rest = refund_of(payment, 345), refund_of(payment, 12000)
    made = await provider.gateway.refund(part)
    assert (made.refund_id, made.amount) == (part.refund_id, part.amount)
    assert (await provider.settled(part)).state is RefundState.SUCCEEDED
    assert (await provider.gateway.query(payment)).refunded == provider.refunded(345)
    with pytest.raises(GatewayRejected):
        await provider.gateway.refund(refund_of(payment, 12001))

    await provider.gateway.refund(rest)
    assert (await provider.settled(rest)).amount == rest.amount
    view = await provider.gateway.query(payment)
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)
    assert view.refunded == provider.refunded(12345)
    with pytest.raises(GatewayRejected):
        await provider.gateway.refund(refund_of(payment, 1))
    (held,) = await provider.holds(payment.payment_id)
    assert (held["captured"], held["refunded"]) == (12345, 12345)


async def test_the_same_refund_twice_is_one(provider: Provider) -> None:
    payment = await provider.paid()
    refund = refund_of(payment, 345)
    first, second = [await provider.gateway.refund(refund) for _ in range(2)]
    assert (first.provider_ref, first.amount) == (second.provider_ref, second.amount)
    await provider.settled(refund)
    (held,) = await provider.holds(payment.payment_id)
    assert held["refunded"] == 345
    assert await provider.happened(payment.payment_id, "refund") == 1


@comparing
async def test_one_refund_with_two_amounts_is_our_mistake(provider: Provider) -> None:
    refund = refund_of(await provider.paid(), 345)
    await provider.gateway.refund(refund)
    other = refund.model_copy(update={"amount": Money(minor=346, currency="CNY")})
    with pytest.raises(GatewayRejected):
        await provider.gateway.refund(other)
    assert (await provider.settled(refund)).amount == refund.amount


async def test_an_unpaid_payment_has_nothing_to_give_back(provider: Provider) -> None:
    payment = await provider.noticed()
    with pytest.raises(GatewayRejected):
        await provider.gateway.refund(refund_of(payment, 1))


async def test_a_refund_is_found_by_our_id_and_by_the_providers(provider: Provider) -> None:
    payment = await provider.paid()
    refunds = [refund_of(payment, minor) for minor in (100, 200)]
    for refund in refunds:
        with pytest.raises(NotFound):
            await provider.gateway.query_refund(payment, refund_id=refund.refund_id)
        await provider.gateway.refund(refund)
    for refund in refunds:
        by_our_id = await provider.settled(refund)
        assert (by_our_id.refund_id, by_our_id.amount) == (refund.refund_id, refund.amount)
        by_reference = await provider.gateway.query_refund(
            payment, refund_ref=by_our_id.provider_ref
        )
        assert by_reference == by_our_id


@taking_their_time
async def test_a_refund_waits_for_the_bank_which_lets_it_through_or_returns_it(
    provider: Provider,
) -> None:
    payment = await provider.paid()
    ends = {"refund-settle": RefundState.SUCCEEDED, "refund-fail": provider.traits.returned}
    seen: list[RefundView] = []
    for move in ends:
        refund = refund_of(payment, 100)
        await provider.suffers("refund", "refund_pending", payment.payment_id)
        assert (await provider.gateway.refund(refund)).state is RefundState.PENDING
        await provider.moves(payment, move, refund_id=refund.refund_id)
        seen.append(await provider.settled(refund))
    assert [view.state for view in seen] == list(ends.values())
    (held,) = await provider.holds(payment.payment_id)
    assert held["refunded"] == 100
