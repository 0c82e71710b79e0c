"""`refund` at the command line: by amount, by goods, and again; and how `status` shows refunds."""

from __future__ import annotations

import pytest

from tests.cli.terminal import Terminal
from tests.house import House, Json
from tests.serving import eventually_async
from tests.workflows.journey import mishap


@pytest.fixture
async def paid(house: House) -> Json:
    """A paid order of two units at 100.00 CNY."""
    product = await house.add_product(stock=2)
    placed = await house.place(product, 2)
    await house.pay(placed["payment"]["paymentId"])
    return await house.until(placed["orderId"], status="processing")


async def until_state(house: House, order: Json, *states: str) -> Json:
    """Wait until the order's refunds are in these states; the last of them."""
    refunds: list[Json] = []

    async def look() -> bool:
        nonlocal refunds
        refunds = (await house.order(order["orderId"]))["refunds"]
        return [one["state"] for one in refunds] == list(states)

    await eventually_async(look)
    return refunds[-1]


async def test_some_of_the_goods_are_refunded(beside: Terminal, house: House, paid: Json) -> None:
    sku = paid["items"][0]["sku"]
    arguments = ("refund", paid["orderNumber"], "--item", f"{sku}=1", "--reason", "one was broken")

    done = await beside.run(*arguments)

    assert done.code == 0, done.err
    assert "100.00 CNY" in done.out
    await until_state(house, paid, "succeeded")
    shown = await beside.run("status", paid["orderNumber"])
    assert f"1 × {sku}; one was broken" in " ".join(shown.out.split())
    again = await beside.run("refund", paid["orderNumber"], "--item", f"{sku}=2")
    assert again.code == 1
    assert "has 1 of 2 units left" in again.err


async def test_a_failed_refund_is_shown_and_tried_again(
    beside: Terminal, house: House, paid: Json
) -> None:
    number = paid["orderNumber"]
    await mishap(house, "stripe", "refund", "reject", orderId=paid["orderId"])
    begun = await beside.run("refund", number, "--amount", "5.00", "--json")
    failed = begun.json["refundId"]
    code = (await until_state(house, paid, "failed"))["failureCode"]

    shown = await beside.run("status", number, FORCE_COLOR="1", COLUMNS="140")
    advice = f"python starter.py refund {number} --retry {failed}"
    assert "\x1b[31mfailed" in shown.out
    assert f"\x1b[31m{code}" in shown.out
    assert advice in shown.out

    done = await beside.run(*advice.split()[2:])
    assert done.code == 0, done.err
    assert "5.00 CNY" in done.out
    await until_state(house, paid, "failed", "succeeded")
    shown = await beside.run("status", number, COLUMNS="140")
    assert f"instead of {failed}" in shown.out
    assert "--retry" not in shown.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--item", "TEA-100"), "SKU=QTY"),
        (("--retry", "R1", "--amount", "5.00"), "leave the other options out"),
    ],
)
async def test_options_that_make_no_sense_are_refused_at_once(
    terminal: Terminal, options: tuple[str, ...], words: str
) -> None:
    refused = await terminal.run("refund", "ORD1", *options)
    assert refused.code == 2
    assert words in refused.err


async def test_what_the_api_finds_wrong_is_said(beside: Terminal, paid: Json) -> None:
    number = paid["orderNumber"]
    strange = await beside.run("refund", number, "--item", "NOT-OURS=many", "--amount", "1.00")
    assert strange.code == 1
    for words in ("not both", "no line of NOT-OURS", "whole number"):
        assert words in strange.err
    unknown = await beside.run("refund", number, "--retry", "R1")
    assert unknown.code == 1
    assert "no such refund" in unknown.err
