"""`callbacks` at the command line: what is in the inbox, and delivering it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from db import callbacks
from db.engine import Sessions, connect, session_factory
from tests.api.test_callbacks import from_stripe, id_of, shipping_news, stripe_event
from tests.cli.terminal import Outcome, Terminal
from tests.db.healthy import Shop
from tests.house import PAYLOAD_KEYS, House, Json
from tests.serving import eventually_async, free_port
from tests.workflows.journey import cancel, until_ended

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.fixture
def beside_books(database_url: str, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, {"DATABASE_URL": database_url})


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    engine = connect(database_url, pool_size=1)
    yield session_factory(engine)
    await engine.dispose()


async def keep(sessions: Sessions, source: str = "payment:stripe", **changes: Any) -> int:
    """Put a callback into the inbox; its id."""
    values: Json = {
        "event_id": uuid4().hex,
        "kind": "payment_intent.succeeded",
        "subject": "P1",
        "order_id": "",
        "headers": {},
        "content": {},
        "body": b"{}",
        "at": AT,
        **changes,
    }
    async with sessions.begin() as session:
        row = await callbacks.store_callback(session, source=source, **values)
    assert row.id is not None
    return row.id


async def mark_applied(sessions: Sessions, callback_id: int) -> None:
    async with sessions.begin() as session:
        await callbacks.mark_applied(session, [callback_id], AT + timedelta(seconds=2))


def ids(listed: Outcome) -> list[int]:
    assert listed.code == 0, listed.err
    return [entry["id"] for entry in listed.json]


async def test_callbacks_are_listed_the_newest_first_and_what_waits_the_oldest_first(
    beside_books: Terminal, sessions: Sessions
) -> None:
    names = await Shop(sessions).waiting_for_payment()
    oldest = await keep(sessions, subject="PUNKNOWN")
    applied = await keep(sessions, order_id=names.order, at=AT + timedelta(minutes=1))
    newest = await keep(sessions, "warehouse", kind="shipped", at=AT + timedelta(minutes=2))
    await mark_applied(sessions, applied)

    run = beside_books.run
    assert ids(await run("callbacks", "list", "--json")) == [newest, applied, oldest]
    assert ids(await run("callbacks", "list", "--unapplied", "--json")) == [oldest, newest]
    few = ("--source", "stripe", "--limit", "1")
    assert ids(await run("callbacks", "list", *few, "--json")) == [applied]
    (found,) = (await run("callbacks", "list", "--order", names.order, "--json")).json
    assert (found["id"], found["orderId"]) == (applied, names.order)
    assert found["appliedAt"] == "2026-11-21T10:00:02+00:00"
    shown = await run("callbacks", "list")
    for words in ("payment:stripe", "PUNKNOWN (unknown)", "applied", "tried 0×"):
        assert words in shown.out


async def test_an_empty_inbox_is_said_to_be_empty(beside_books: Terminal) -> None:
    shown = await beside_books.run("callbacks", "list", "--unapplied")
    assert (shown.code, shown.out) == (0, "No callback waits.\n")
    unknown = await beside_books.run("callbacks", "list", "--order", "ORD2611210000001")
    assert unknown.code == 1
    assert "there is no order ORD2611210000001" in unknown.err


async def test_one_callback_is_shown_with_all_that_it_says(
    beside_books: Terminal, sessions: Sessions
) -> None:
    callback_id = await keep(
        sessions,
        event_id="evt_1",
        order_id="O1",
        headers={"stripe-signature": "t=1,v1=ab"},
        content={"payment_id": "P1", "refund_ref": "re_1"},
        body='{"id":"evt_1","note":"谢谢\\u001b[2J"}'.encode(),
    )
    await mark_applied(sessions, callback_id)

    shown = await beside_books.run("callbacks", "show", str(callback_id))

    assert shown.code == 0, shown.err
    for words in (
        "evt_1 (payment_intent.succeeded)",
        "applied 2026-11-21 10:00:02 UTC, 2.0 s after it came",
        "stripe-signature: t=1,v1=ab",
        '"refund_ref": "re_1"',
        '  "note": "谢谢\\u001b[2J"',
    ):
        assert words in shown.out


async def test_a_body_that_is_no_json_is_shown_as_it_came_but_commands_no_terminal(
    beside_books: Terminal, sessions: Sessions
) -> None:
    body = b"trade_no=1&subject=%E8%B4%A7\x1b[2J\xff\n"
    callback_id = await keep(sessions, "payment:alipay", body=body)

    shown = await beside_books.run("callbacks", "show", str(callback_id))

    assert "trade_no=1&subject=%E8%B4%A7\\x1b[2J\\xff" in shown.out
    assert "nobody knows its order yet; the sweep has not tried it yet" in " ".join(
        shown.out.split()
    )


async def test_a_callback_that_does_not_exist_is_a_refusal(beside_books: Terminal) -> None:
    refused = await beside_books.run("callbacks", "show", "17")
    assert refused.code == 1
    assert "there is no callback 17" in refused.err


@pytest.mark.parametrize("arguments", ["", "17 --unapplied", "17 --order O1", "0"])
async def test_a_replay_must_say_what_it_is_of(beside_books: Terminal, arguments: str) -> None:
    assert (await beside_books.run("callbacks", "replay", *arguments.split())).code == 2


async def test_without_temporal_nothing_is_replayed(
    beside_books: Terminal, sessions: Sessions
) -> None:
    nothing = await beside_books.run("callbacks", "replay", "--unapplied")
    assert (nothing.code, nothing.out) == (0, "No callback waits.\n")
    await keep(sessions)
    refused = await beside_books.run(
        "callbacks",
        "replay",
        "--unapplied",
        TEMPORAL_ADDRESS=f"127.0.0.1:{free_port()}",
        PAYLOAD_KEYS=PAYLOAD_KEYS,
    )
    assert refused.code == 2
    assert "Temporal does not answer" in refused.err


async def test_a_callback_that_was_applied_is_delivered_again_and_changes_nothing(
    beside: Terminal, house: House
) -> None:
    placed = await house.place(await house.add_product(stock=1))
    order_id, payment_id = placed["orderId"], placed["payment"]["paymentId"]
    await house.until_waiting_for(order_id, "payment")
    event = stripe_event(payment_id)
    await from_stripe(house, event)

    async def applied() -> bool:
        found = await house.rows(
            "SELECT id FROM callback_inbox WHERE event_id = :id AND applied_at IS NOT NULL",
            id=id_of(event),
        )
        return bool(found)

    await eventually_async(applied)
    (callback,) = (await beside.run("callbacks", "list", "--order", order_id, "--json")).json
    again = await beside.run("callbacks", "replay", str(callback["id"]))

    assert again.code == 0, again.err + again.out
    assert f"the workflow of {order_id} was woken" in again.out
    waiting = await beside.run("callbacks", "replay", "--unapplied", "--order", order_id)
    assert waiting.out == "No callback waits.\n"
    await cancel(house, order_id)
    await until_ended(house, order_id)
    late = await beside.run("callbacks", "replay", str(callback["id"]))
    assert late.code == 0, late.err + late.out
    assert f"{order_id} has ended: late-{callback['id']} looks at the money" in late.out


async def test_a_replay_that_finds_nobody_says_so_and_goes_on_with_the_others(
    beside: Terminal, house: House
) -> None:
    now = datetime.now(UTC)
    unknown = {"payment_id": "PUNKNOWN"}
    lost = await keep(house.sessions, subject="PUNKNOWN", content=unknown, at=now)
    broken = await keep(house.sessions, "warehouse", order_id="O1", content={"event": "?"}, at=now)
    news = shipping_news("O-nobodys")
    early = await keep(house.sessions, "warehouse", subject="O-nobodys", content=news, at=now)
    put_away = await keep(house.sessions, content={"topic": "other"}, at=now)

    told = await beside.run(
        "callbacks", "replay", *(str(i) for i in (lost, broken, early, put_away, 2**62))
    )

    assert told.code == 1
    for words in (
        "nobody takes it: no order is known for PUNKNOWN",
        f"✗ {lost} payment:stripe payment_intent.succeeded: nobody takes it",
        f"✗ {broken} warehouse payment_intent.succeeded: what is stored of it cannot be read",
        f"✗ {early} warehouse payment_intent.succeeded: nobody takes it",
        f"✓ {put_away} payment:stripe payment_intent.succeeded: nothing in it is news",
        f"✗ {2**62}: there is no such callback",
    ):
        assert words in told.out
