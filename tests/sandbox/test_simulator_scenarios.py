"""Misfortunes: each happens as ordered, as often as ordered, to whom it was ordered for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import stripe

from tests.sandbox.simulator_kit import Lab, laboratory, order_id, payment_id


@pytest.fixture(scope="module")
async def lab() -> AsyncIterator[Lab]:
    async with laboratory() as running:
        yield running


def ids() -> tuple[str, dict[str, str], dict[str, str]]:
    number = uuid4().hex[:20]
    return (
        f"{number}:create:1",
        {"payment_id": f"P{number}", "order_id": f"O{number}"},
        {"paymentId": f"P{number}"},
    )


async def requests_of(lab: Lab, payment: str) -> list[tuple[object, object]]:
    entries = await lab.journal(payment_id=payment)
    return [(e["status"], e["verdict"]) for e in entries if e["kind"] == "request"]


async def test_a_failure_before_commit_stores_nothing_and_the_retry_makes_one(lab: Lab) -> None:
    key, metadata, match = ids()
    await lab.scenario("stripe", "fail_before_commit", "create", times=2, match=match)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await lab.intent(key=key, metadata=metadata)
        assert failed.value.http_status == 500
    await lab.intent(key=key, metadata=metadata)

    assert await requests_of(lab, metadata["payment_id"]) == [
        (500, "fail_before_commit"),
        (500, "fail_before_commit"),
        (200, "committed"),
    ]


async def test_a_stored_failure_is_replayed_for_its_key_until_the_key_changes(lab: Lab) -> None:
    key, metadata, match = ids()
    await lab.scenario("stripe", "fail_stored", "create", match=match)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await lab.intent(key=key, metadata=metadata)
        assert failed.value.http_status == 500
    assert failed.value.headers is not None
    assert failed.value.headers["Idempotent-Replayed"] == "true"

    assert (await lab.intent(key=key + "2", metadata=metadata)).id


@pytest.mark.parametrize("seconds", [0, 0.2])
async def test_a_timeout_after_commit_hides_an_effect_that_the_key_finds(
    lab: Lab, seconds: float
) -> None:
    key, metadata, match = ids()
    await lab.scenario("stripe", "timeout_after_commit", "create", seconds=seconds, match=match)
    with pytest.raises(stripe.APIConnectionError):
        await lab.intent(key=key, metadata=metadata)
    found = await lab.intent(key=key, metadata=metadata)

    state = (await lab.http.get("/_sim/state", params={"order_id": metadata["order_id"]})).json()
    assert [p["providerRef"] for p in state["payments"]] == [found.id]
    assert await requests_of(lab, metadata["payment_id"]) == [
        (200, "timeout_after_commit+committed"),
        (200, "replayed"),
    ]


async def test_a_bad_gateway_after_commit_hides_a_refund_that_the_key_finds(lab: Lab) -> None:
    intent = await lab.paid(1000)
    await lab.scenario(
        "stripe", "error_after_commit", "refund", match={"paymentId": payment_id(intent)}
    )
    key = uuid4().hex
    with pytest.raises(stripe.APIError) as failed:
        await lab.stripe.v1.refunds.create_async(
            {"payment_intent": intent.id}, {"idempotency_key": key}
        )
    assert failed.value.http_status == 502
    refund = await lab.stripe.v1.refunds.create_async(
        {"payment_intent": intent.id}, {"idempotency_key": key}
    )
    listed = await lab.stripe.v1.refunds.list_async({"payment_intent": intent.id})

    assert [r.id for r in listed.data] == [refund.id]


async def test_a_rate_limit_says_when_to_come_back(lab: Lab) -> None:
    key, metadata, match = ids()
    await lab.scenario("stripe", "rate_limit", "create", seconds=3, match=match)
    with pytest.raises(stripe.RateLimitError) as limited:
        await lab.intent(key=key, metadata=metadata)

    assert limited.value.headers is not None
    assert limited.value.headers["Retry-After"] == "3"


async def test_a_rejection_is_a_final_answer_with_its_code(lab: Lab) -> None:
    key, metadata, match = ids()
    await lab.scenario("stripe", "reject", "create", match=match, code="amount_too_small")
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as rejected:
            await lab.intent(key=key, metadata=metadata)
        assert (rejected.value.http_status, rejected.value.code) == (400, "amount_too_small")


async def test_a_scenario_befalls_only_what_it_matches_and_in_order(lab: Lab) -> None:
    key, metadata, match = ids()
    await lab.scenario("stripe", "rate_limit", "create", match=match)
    await lab.scenario("stripe", "fail_before_commit", "create", match=match)
    assert (await lab.intent()).status == "requires_payment_method"
    with pytest.raises(stripe.RateLimitError):
        await lab.intent(key=key, metadata=metadata)
    with pytest.raises(stripe.APIError):
        await lab.intent(key=key, metadata=metadata)

    assert (await lab.http.get("/_sim/scenario")).json() == {"scenarios": []}


async def test_an_impossible_scenario_is_refused_with_what_would_be_possible(lab: Lab) -> None:
    unknown = {"party": "stripe", "operation": "explode", "behavior": "reject"}
    answer = await lab.post("/_sim/scenario", unknown, expect=422)
    assert "list_refunds" in str(answer["errors"])
    await lab.post("/_sim/scenario", {"party": "nobody", "behavior": "reject"}, expect=422)
    await lab.post("/_sim/scenario", {"party": "stripe", "behavior": "explode"}, expect=422)


async def test_scenarios_can_be_called_off(lab: Lab) -> None:
    await lab.scenario("stripe", "fail_before_commit", times=100)
    assert (await lab.http.delete("/_sim/scenario")).status_code == 204

    assert (await lab.intent()).id


async def test_late_money_needs_force(lab: Lab) -> None:
    intent = await lab.intent()
    payment = payment_id(intent)
    await lab.stripe.v1.payment_intents.cancel_async(intent.id)
    await lab.post(f"/_sim/stripe/{payment}/pay", expect=409)
    await lab.post(f"/_sim/stripe/{payment}/decline", expect=409)
    paid = await lab.post(f"/_sim/stripe/{payment}/pay?force=true")

    assert (paid["status"], paid["captured"]) == ("succeeded", 12_345)


async def test_another_amount_than_asked_for_can_arrive(lab: Lab) -> None:
    intent = await lab.intent(amount=1000)
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/pay?amount=999")
    paid = await lab.stripe.v1.payment_intents.retrieve_async(intent.id)

    assert (paid.amount, paid.amount_received) == (1000, 999)


async def test_an_unknown_payment_gateway_or_move_is_a_clear_refusal(lab: Lab) -> None:
    intent = await lab.intent()
    await lab.post("/_sim/stripe/P0/pay", expect=404)
    await lab.post("/_sim/nobody/P0/pay", expect=404)
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/explode", expect=422)
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/refund-settle", expect=409)
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/refund-outside", expect=409)
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/dispute", expect=409)
    await lab.post(f"/_sim/stripe/{payment_id(intent)}/dispute-win", expect=409)


async def test_the_journal_tells_everything_but_secrets(lab: Lab) -> None:
    intent = await lab.paid()
    raw = (await lab.http.get("/_sim/journal", params={"order_id": order_id(intent)})).text
    entries = await lab.journal(payment_id=payment_id(intent), party="stripe", limit="2")

    assert "sk_test" not in raw
    assert "whsec" not in raw
    assert "_secret_" not in raw
    assert len(entries) == 2


async def test_every_move_is_written_down_under_its_order(lab: Lab) -> None:
    intent = await lab.paid(1000)
    for move in ("refund-outside?amount=300", "refund-fail", "dispute"):
        await lab.post(f"/_sim/stripe/{payment_id(intent)}/{move}")
    entries = await lab.journal(order_id=order_id(intent))

    moves = [e["operation"] for e in entries if e["kind"] == "control"]
    assert moves == ["pay", "refund-outside", "refund-fail", "dispute"]


async def test_the_page_shows_what_waits_and_its_buttons_work_without_scripts(lab: Lab) -> None:
    intent = await lab.intent(metadata={"payment_id": "P<b>", "order_id": "O" + uuid4().hex[:20]})
    page = await lab.http.get("/_sim/")
    pressed = await lab.http.post(
        f"/_sim/stripe/{'P%3Cb%3E'}/pay", headers={"Accept": "text/html,*/*"}
    )
    paid = await lab.stripe.v1.payment_intents.retrieve_async(intent.id)

    assert page.status_code == 200
    assert "P&lt;b&gt;" in page.text
    assert "P<b>" not in page.text
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/_sim/")
    assert paid.status == "succeeded"


async def test_the_page_says_why_a_button_did_nothing(lab: Lab) -> None:
    intent = await lab.paid()
    again = f"/_sim/stripe/{payment_id(intent)}/decline"
    pressed = await lab.http.post(again, headers={"Accept": "text/html"}, follow_redirects=True)
    refused = await lab.http.get("/_sim/", params={"refused": "<b>no</b>"})

    assert f"{intent.id} is succeeded" in pressed.text
    assert "&lt;b&gt;no&lt;/b&gt;" in refused.text
