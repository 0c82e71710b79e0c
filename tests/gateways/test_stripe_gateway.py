from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from domain.errors import PermanentError
from domain.money import Money
from domain.payment import (
    PaymentCreated,
    PaymentRejected,
    PaymentState,
    RefundState,
)
from gateways.errors import (
    GatewayAuthError,
    GatewayRejected,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from gateways.payments.protocol import PaymentGateway
from gateways.payments.stripe import StripeGateway
from gateways.payments.stripe_objects import PAYMENT_STATES
from tests.gateways.peer import Peer
from tests.gateways.stripe_wire import (
    API_KEY,
    ASKED,
    WEBHOOK_SECRET,
    charge,
    intent,
    page,
    payment_ref,
    payment_request,
    problem,
    refund,
    refund_request,
)

CREATE = "POST /v1/payment_intents"
GET = "GET /v1/payment_intents/pi_1"
CANCEL = "POST /v1/payment_intents/pi_1/cancel"
REFUND = "POST /v1/refunds"
GET_REFUND = "GET /v1/refunds/re_1"
LIST = "GET /v1/refunds"

Call = Callable[[StripeGateway], Awaitable[object]]

CALLS: dict[str, Call] = {
    CREATE: lambda gateway: gateway.create(payment_request()),
    GET: lambda gateway: gateway.query(payment_ref()),
    CANCEL: lambda gateway: gateway.close(payment_ref()),
    REFUND: lambda gateway: gateway.refund(refund_request()),
    GET_REFUND: lambda gateway: gateway.query_refund(
        payment_ref(), refund_id="R01", refund_ref="re_1"
    ),
    LIST: lambda gateway: gateway.query_refund(payment_ref(), refund_id="R01"),
}


def _yuan(minor: int) -> Money:
    return Money(minor=minor, currency="CNY")


def _gateway(client: httpx.AsyncClient, url: str) -> StripeGateway:
    return StripeGateway(client, API_KEY, WEBHOOK_SECRET, url + "/")


@pytest.fixture
def stripe_gateway(client: httpx.AsyncClient, peer: Peer) -> StripeGateway:
    return _gateway(client, peer.url)


def test_it_meets_the_contract(stripe_gateway: StripeGateway) -> None:
    gateway: PaymentGateway = stripe_gateway
    assert gateway.name == "stripe"


async def test_creating_sends_amount_currency_and_our_ids_under_our_key_and_nothing_else(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(CREATE, intent())
    outcome = await stripe_gateway.create(payment_request())
    assert isinstance(outcome, PaymentCreated)
    assert outcome.provider_ref == "pi_1"
    assert (outcome.action.type, outcome.action.value) == ("client_secret", "pi_1_secret_x")
    request = peer.only(CREATE)
    assert request.form == {
        "amount": ["12345"],
        "currency": ["cny"],
        "metadata[payment_id]": ["P01"],
        "metadata[order_id]": ["O01"],
    }
    assert request.headers["authorization"] == f"Bearer {API_KEY}"
    assert request.headers["idempotency-key"] == "P01:create:1"
    assert request.headers["stripe-version"] == "2026-10-28.endive"


async def test_no_telemetry_leaves_the_house(stripe_gateway: StripeGateway, peer: Peer) -> None:
    peer.says(CREATE, intent(), headers={"Request-Id": "req_1"})
    for _ in range(2):
        await stripe_gateway.create(payment_request())
    for request in peer.requests(CREATE):
        assert "x-stripe-client-telemetry" not in request.headers
        assert "platform" not in request.headers["x-stripe-client-user-agent"]


async def test_yen_have_no_decimals_at_stripe(stripe_gateway: StripeGateway, peer: Peer) -> None:
    peer.says(CREATE, intent(currency="jpy", amount=500))
    await stripe_gateway.create(payment_request(amount=Money.of("500", "JPY")))
    assert peer.only(CREATE).form["amount"] == ["500"]
    assert peer.only(CREATE).form["currency"] == ["jpy"]


async def test_a_currency_that_is_not_set_up_is_rejected_without_asking_stripe(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    outcome = await stripe_gateway.create(payment_request(amount=Money(minor=1, currency="KWD")))
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == "currency_not_supported"
    assert not peer.seen


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            402,
            problem("card_error", code="card_declined", decline_code="stolen_card"),
            "stolen_card",
        ),
        (402, problem("card_error", code="card_declined"), "card_declined"),
        (400, problem("invalid_request_error", code="amount_too_small"), "amount_too_small"),
        (400, problem("invalid_request_error"), "invalid_request_error"),
    ],
)
async def test_a_refused_creation_is_an_outcome_with_stripes_code(
    stripe_gateway: StripeGateway, peer: Peer, status: int, body: object, code: str
) -> None:
    peer.says(CREATE, body, status=status)
    outcome = await stripe_gateway.create(payment_request())
    assert isinstance(outcome, PaymentRejected)
    assert outcome.code == code
    assert "because of" in outcome.message


async def test_a_key_used_for_another_payment_is_our_mistake_and_not_a_refused_payment(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(CREATE, problem("idempotency_error"), status=400)
    with pytest.raises(GatewayRejected, match="idempotency_error"):
        await stripe_gateway.create(payment_request())


async def test_a_creation_without_client_secret_cannot_be_believed(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(CREATE, intent(client_secret=None))
    with pytest.raises(OutcomeUnknown):
        await stripe_gateway.create(payment_request())


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("requires_payment_method", PaymentState.PENDING),
        ("requires_confirmation", PaymentState.PENDING),
        ("requires_action", PaymentState.PENDING),
        ("processing", PaymentState.PROCESSING),
        ("requires_capture", PaymentState.PROCESSING),
        ("succeeded", PaymentState.PAID),
        ("canceled", PaymentState.CLOSED),
    ],
)
async def test_each_documented_status_is_understood_and_only_paid_holds_money(
    stripe_gateway: StripeGateway, peer: Peer, status: str, state: PaymentState
) -> None:
    peer.says(GET, intent(status, latest_charge=charge()))
    view = await stripe_gateway.query(payment_ref())
    assert view.state is state
    assert view.captured == (ASKED if state is PaymentState.PAID else Money.zero("CNY"))
    assert view.refunded == Money.zero("CNY")
    assert (view.payment_id, view.provider_ref) == ("P01", "pi_1")
    assert peer.only(GET).query == {"expand[0]": ["latest_charge"]}


@pytest.mark.parametrize("status", sorted(set(PAYMENT_STATES) - {"succeeded"}))
async def test_what_is_not_paid_holds_no_money_whatever_its_amounts_say(
    stripe_gateway: StripeGateway, peer: Peer, status: str
) -> None:
    silent = intent(status)
    del silent["amount_received"]
    peer.says(GET, silent)
    peer.says(GET, intent(status, amount_received=12345, latest_charge=charge(amount_refunded=5)))
    for _ in range(2):
        view = await stripe_gateway.query(payment_ref())
        assert view.captured == view.refunded == Money.zero("CNY")


async def test_a_status_that_stripe_never_documented_is_not_guessed(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, intent("half_paid"))
    with pytest.raises(OutcomeUnknown, match="half_paid"):
        await stripe_gateway.query(payment_ref())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, "insufficient_funds"),
        ({"code": "expired_card", "decline_code": None}, "expired_card"),
    ],
)
async def test_a_declined_try_is_a_failure_that_leaves_the_payment_open(
    stripe_gateway: StripeGateway, peer: Peer, error: dict[str, str | None], code: str
) -> None:
    failed = {"type": "card_error", "message": "Your card was declined."} | error
    peer.says(GET, intent("requires_payment_method", last_payment_error=failed))
    view = await stripe_gateway.query(payment_ref())
    assert view.state is PaymentState.FAILED
    assert (view.failure_code, view.failure_message) == (code, "Your card was declined.")


async def test_a_payment_that_succeeded_after_a_declined_try_is_simply_paid(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    failed = {"code": "card_declined", "message": "no"}
    peer.says(GET, intent("succeeded", last_payment_error=failed, latest_charge=charge()))
    view = await stripe_gateway.query(payment_ref())
    assert (view.state, view.failure_code) == (PaymentState.PAID, "")


async def test_what_was_received_is_told_even_when_it_is_not_what_was_asked(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, intent("succeeded", amount_received=1, currency="usd", latest_charge=charge()))
    view = await stripe_gateway.query(payment_ref())
    assert view.captured == Money(minor=1, currency="USD")


async def test_without_amount_received_the_amount_counts(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    answer = intent("succeeded", latest_charge=charge())
    del answer["amount_received"]
    peer.says(GET, answer)
    assert (await stripe_gateway.query(payment_ref())).captured == ASKED


async def test_refunded_money_is_read_from_the_charge_and_its_refunds_are_listed(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, intent("succeeded", latest_charge=charge(amount_refunded=445)))
    foreign = refund(id="re_2", amount=100, metadata=None)
    peer.says(LIST, page(foreign, refund("failed", id="re_3"), refund()))
    view = await stripe_gateway.query(payment_ref())
    assert (view.state, view.refunded) == (PaymentState.PAID, _yuan(445))
    assert [(r.refund_id, r.provider_ref, r.state, r.amount) for r in view.refunds] == [
        ("", "re_2", RefundState.SUCCEEDED, _yuan(100)),
        ("R01", "re_3", RefundState.FAILED, _yuan(345)),
        ("R01", "re_1", RefundState.SUCCEEDED, _yuan(345)),
    ]


async def test_a_refund_that_fails_between_two_questions_is_not_one_that_nobody_named(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, intent("succeeded", latest_charge=charge(amount_refunded=345)))
    peer.says(LIST, page(refund("failed")))
    view = await stripe_gateway.query(payment_ref())
    assert view.refunded == _yuan(0)
    assert [r.state for r in view.refunds] == [RefundState.FAILED]


async def test_a_payment_that_gave_nothing_back_costs_one_request(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, intent("succeeded", latest_charge=charge()))
    view = await stripe_gateway.query(payment_ref())
    assert (view.refunded, view.refunds) == (_yuan(0), ())
    assert not peer.requests(LIST)


@pytest.mark.parametrize("latest", ["ch_1", {"id": "ch_1", "object": "charge"}, charge()])
async def test_the_charge_that_paid_is_named(
    stripe_gateway: StripeGateway, peer: Peer, latest: object
) -> None:
    peer.says(GET, intent("succeeded", latest_charge=latest))
    peer.says(LIST, page())
    view = await stripe_gateway.query(payment_ref())
    assert (view.capture_ref, view.disputed) == ("ch_1", False)


async def test_a_charge_that_was_declined_is_no_capture(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, intent("requires_payment_method", latest_charge=charge(disputed=True)))
    view = await stripe_gateway.query(payment_ref())
    assert (view.capture_ref, view.disputed) == ("", False)


async def test_a_disputed_charge_is_told(stripe_gateway: StripeGateway, peer: Peer) -> None:
    peer.says(GET, intent("succeeded", latest_charge=charge(disputed=True)))
    view = await stripe_gateway.query(payment_ref())
    assert (view.state, view.captured, view.disputed) == (PaymentState.PAID, ASKED, True)


async def test_capturing_only_asks_because_stripe_captures_by_itself(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, intent("succeeded", latest_charge=charge()))
    view = await stripe_gateway.capture(payment_ref(), "P01:capture:1")
    assert view == await stripe_gateway.query(payment_ref())
    assert [seen.method for seen in peer.seen] == ["GET", "GET"]


@pytest.mark.parametrize("latest", ["ch_1", {"id": "ch_1", "object": "charge"}, None])
async def test_refunded_money_is_added_up_when_the_charge_does_not_tell(
    stripe_gateway: StripeGateway, peer: Peer, latest: object
) -> None:
    peer.says(GET, intent("succeeded", latest_charge=latest))
    peer.says(LIST, page(refund(id="re_3"), refund("failed", id="re_2"), has_more=True))
    peer.says(LIST, page(refund("pending", id="re_1", amount=5), refund("canceled", id="re_0")))
    view = await stripe_gateway.query(payment_ref())
    assert view.refunded == _yuan(350)
    first, second = peer.requests(LIST)
    assert first.query == {"payment_intent": ["pi_1"], "limit": ["100"]}
    assert second.query == first.query | {"starting_after": ["re_2"]}


async def test_a_payment_that_is_another_ones_is_not_believed(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, intent(metadata={"payment_id": "P99"}))
    with pytest.raises(OutcomeUnknown, match="P01"):
        await stripe_gateway.query(payment_ref())


async def test_a_payment_without_reference_is_not_found_without_asking(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    for call in (stripe_gateway.query, stripe_gateway.close):
        with pytest.raises(NotFound):
            await call(payment_ref(""))
    with pytest.raises(NotFound):
        await stripe_gateway.refund(refund_request(provider_ref=""))
    with pytest.raises(NotFound):
        await stripe_gateway.query_refund(payment_ref(""), refund_id="R01")
    assert not peer.seen


async def test_closing_cancels_without_parameters_and_then_asks_what_is_true(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(CANCEL, intent("canceled"))
    peer.says(GET, intent("canceled"))
    view = await stripe_gateway.close(payment_ref())
    assert view.state is PaymentState.CLOSED
    assert [seen.method for seen in peer.seen] == ["POST", "GET"]
    assert peer.only(CANCEL).body == b""


async def test_closing_a_payment_that_was_paid_meanwhile_says_paid(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    refusal = problem("invalid_request_error", code="payment_intent_unexpected_state")
    peer.says(CANCEL, refusal, status=400)
    peer.says(GET, intent("succeeded", latest_charge=charge()))
    view = await stripe_gateway.close(payment_ref())
    assert (view.state, view.captured) == (PaymentState.PAID, ASKED)


async def test_the_answer_to_a_cancel_decides_nothing(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(CANCEL, intent("canceled"))
    peer.says(GET, intent("succeeded", latest_charge=charge()))
    view = await stripe_gateway.close(payment_ref())
    assert view.state is PaymentState.PAID


async def test_each_close_has_a_key_of_its_own_so_that_no_old_refusal_is_repeated(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(CANCEL, intent("canceled"))
    peer.says(GET, intent("canceled"))
    for _ in range(2):
        await stripe_gateway.close(payment_ref())
    first, second = (seen.headers["idempotency-key"] for seen in peer.requests(CANCEL))
    assert first != second
    assert first.startswith("P01:close:")


async def test_refunding_sends_amount_and_our_ids_under_our_key(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(REFUND, refund())
    view = await stripe_gateway.refund(refund_request(reason="尺码" * 300))
    assert view.state is RefundState.SUCCEEDED
    assert (view.refund_id, view.provider_ref) == ("R01", "re_1")
    assert view.amount == Money(minor=345, currency="CNY")
    request = peer.only(REFUND)
    assert request.headers["idempotency-key"] == "R01:refund:1"
    assert request.form == {
        "payment_intent": ["pi_1"],
        "amount": ["345"],
        "metadata[refund_id]": ["R01"],
        "metadata[payment_id]": ["P01"],
        "metadata[reason]": [("尺码" * 300)[:500]],
    }


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", RefundState.PENDING),
        ("requires_action", RefundState.PENDING),
        ("succeeded", RefundState.SUCCEEDED),
        ("failed", RefundState.FAILED),
        ("canceled", RefundState.FAILED),
    ],
)
async def test_each_documented_refund_status_is_understood(
    stripe_gateway: StripeGateway, peer: Peer, status: str, state: RefundState
) -> None:
    peer.says(GET_REFUND, refund(status, failure_reason="expired_or_canceled_card"))
    view = await stripe_gateway.query_refund(payment_ref(), refund_id="R01", refund_ref="re_1")
    assert (view.state, view.failure_code) == (state, "expired_or_canceled_card")


async def test_a_refund_status_that_stripe_never_documented_is_not_guessed(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(REFUND, refund("on_hold"))
    with pytest.raises(OutcomeUnknown, match="on_hold"):
        await stripe_gateway.refund(refund_request())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            problem("invalid_request_error", code="charge_already_refunded"),
            "charge_already_refunded",
        ),
        (problem("invalid_request_error", param="amount"), "invalid_request_error"),
    ],
)
async def test_a_refused_refund_raises_with_stripes_code(
    stripe_gateway: StripeGateway, peer: Peer, body: object, code: str
) -> None:
    peer.says(REFUND, body, status=400)
    with pytest.raises(GatewayRejected) as refused:
        await stripe_gateway.refund(refund_request())
    assert refused.value.code == code


async def test_a_refund_is_found_by_our_id_and_money_that_moved_counts(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    other = refund(id="re_4", metadata={"refund_id": "R99"})
    peer.says(LIST, page(other, refund("failed", id="re_3"), has_more=True))
    peer.says(LIST, page(refund(id="re_2"), refund("failed", id="re_1")))
    view = await stripe_gateway.query_refund(payment_ref(), refund_id="R01")
    assert (view.provider_ref, view.state) == ("re_2", RefundState.SUCCEEDED)


@pytest.mark.parametrize("metadata", [{}, None])
async def test_a_refund_made_in_the_dashboard_is_found_by_stripes_reference(
    stripe_gateway: StripeGateway, peer: Peer, metadata: object
) -> None:
    peer.says(GET_REFUND, refund(metadata=metadata))
    view = await stripe_gateway.query_refund(payment_ref(), refund_ref="re_1")
    assert (view.refund_id, view.provider_ref) == ("", "re_1")
    assert (view.state, view.amount) == (RefundState.SUCCEEDED, _yuan(345))


async def test_a_refund_that_stripe_does_not_list_is_not_found(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(LIST, page(refund(metadata={})))
    with pytest.raises(NotFound):
        await stripe_gateway.query_refund(payment_ref(), refund_id="R01")


async def test_a_refund_that_is_another_ones_is_not_believed(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET_REFUND, refund(metadata={"refund_id": "R99"}))
    with pytest.raises(OutcomeUnknown, match="R01"):
        await stripe_gateway.query_refund(payment_ref(), refund_id="R01", refund_ref="re_1")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, problem("invalid_request_error"), GatewayAuthError),
        (403, problem("invalid_request_error"), GatewayAuthError),
        (404, problem("invalid_request_error", code="resource_missing"), NotFound),
        (409, problem("idempotency_error", code="idempotency_key_in_use"), OutcomeUnknown),
        (500, problem("api_error"), OutcomeUnknown),
        (502, b"<html>bad gateway</html>", OutcomeUnknown),
        (503, b"", OutcomeUnknown),
        (429, problem("rate_limit_error"), RateLimited),
        (429, b"<html>slow down</html>", RateLimited),
        (401, b"<html>who are you</html>", GatewayAuthError),
        (302, b"", OutcomeUnknown),
        (200, b"<html>a proxy's page</html>", OutcomeUnknown),
        (200, b"", OutcomeUnknown),
        (200, [], OutcomeUnknown),
        (200, "yes", OutcomeUnknown),
        (200, None, OutcomeUnknown),
        (200, {}, OutcomeUnknown),
        (200, {"id": 7, "object": "payment_intent", "status": None}, OutcomeUnknown),
    ],
)
async def test_every_call_reads_every_kind_of_error_alike(
    stripe_gateway: StripeGateway,
    peer: Peer,
    call: str,
    status: int,
    body: object,
    kind: type[Exception],
) -> None:
    peer.says(call, body, status=status)
    if call == CANCEL:
        # What a successful cancel answers is not even read; the query decides.
        peer.says(GET, body, status=status)
    with pytest.raises(kind) as raised:
        await CALLS[call](stripe_gateway)
    assert type(raised.value) is kind
    assert "html" not in f"{raised.value} {raised.value.__cause__}"
    assert len(peer.requests(call)) == 1


@pytest.mark.parametrize("call", CALLS)
async def test_a_timeout_after_the_request_went_out_is_an_unknown_outcome(
    peer: Peer, hasty_client: httpx.AsyncClient, call: str
) -> None:
    peer.hangs(call)
    with pytest.raises(OutcomeUnknown):
        await CALLS[call](_gateway(hasty_client, peer.url))
    assert len(peer.requests(call)) == 1


@pytest.mark.parametrize("call", CALLS)
async def test_a_refused_connection_is_retryable_because_nothing_was_sent(
    client: httpx.AsyncClient, deaf_url: str, call: str
) -> None:
    with pytest.raises(ConnectionError) as raised:
        await CALLS[call](_gateway(client, deaf_url))
    assert not isinstance(raised.value, OutcomeUnknown | PermanentError)


async def test_rate_limiting_tells_how_long_to_wait(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, problem("rate_limit_error"), status=429, headers={"Retry-After": "9"})
    with pytest.raises(RateLimited) as raised:
        await stripe_gateway.query(payment_ref())
    assert raised.value.retry_after == timedelta(seconds=9)


@pytest.mark.parametrize(
    ("status", "advice", "kind"),
    [
        (400, "true", RateLimited),
        (402, "true", RateLimited),
        (409, "true", RateLimited),
        (409, "false", GatewayRejected),
        (429, "false", RateLimited),
        (500, "true", OutcomeUnknown),
        (500, "false", OutcomeUnknown),
    ],
)
async def test_stripes_own_advice_on_retrying_wins_but_an_unknown_outcome_is_never_a_refusal(
    stripe_gateway: StripeGateway, peer: Peer, status: int, advice: str, kind: type[Exception]
) -> None:
    peer.says(REFUND, problem("api_error"), status=status, headers={"Stripe-Should-Retry": advice})
    with pytest.raises(kind) as raised:
        await stripe_gateway.refund(refund_request())
    assert type(raised.value) is kind
    assert len(peer.requests(REFUND)) == 1


async def test_an_error_names_stripes_request_id_for_the_support_desk(
    stripe_gateway: StripeGateway, peer: Peer
) -> None:
    peer.says(GET, problem("api_error"), status=500, headers={"Request-Id": "req_42"})
    with pytest.raises(OutcomeUnknown, match="req_42"):
        await stripe_gateway.query(payment_ref())


async def test_the_client_stays_open_for_others(
    stripe_gateway: StripeGateway, peer: Peer, client: httpx.AsyncClient
) -> None:
    peer.says(GET, intent())
    for _ in range(3):
        await stripe_gateway.query(payment_ref())
    assert not client.is_closed


def test_stripe_is_acknowledged_by_the_status_alone(stripe_gateway: StripeGateway) -> None:
    assert stripe_gateway.acknowledge(accepted=True)[0] == 200
    assert stripe_gateway.acknowledge(accepted=False)[0] == 400
