"""`stock` shows the shelves, books receipts and corrections once each, and refuses with numbers."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.cli.terminal import Terminal
from tests.house import House
from tests.workflows.supplying import until_asked, wait_in_line


@pytest.fixture
async def product(house: House) -> str:
    return await house.add_product(stock=5)


async def test_the_levels_are_shown_with_what_is_reserved(
    house: House, beside: Terminal, product: str
) -> None:
    await house.place(product, quantity=2)

    found = (await beside.run("stock", "list", "--json")).json
    (level,) = [level for level in found if level["sku"] == product]

    assert (level["available"], level["reserved"], level["total"]) == (3, 2, 5)
    shown = await beside.run("stock", "list", "--warehouse", "WH-HZ", COLUMNS="160")
    assert product in shown.out
    assert "reorder at" in shown.out


async def test_only_what_needs_goods_is_low(house: House, beside: Terminal, product: str) -> None:
    empty = await house.add_product(stock=0)
    await wait_in_line(house, empty, quantity=3)

    found = (await beside.run("stock", "list", "--low", "--json")).json

    wanted = {level["sku"]: level["wanted"] for level in found}
    assert wanted[empty] == 3
    assert product not in wanted


async def test_all_about_one_sku_on_one_page(house: House, beside: Terminal) -> None:
    product = await house.add_product(stock=1)
    order_id = await wait_in_line(house, product, quantity=4)
    supply = await until_asked(house, product)

    shown = await beside.run("stock", "show", product.lower(), COLUMNS="160")
    found = (await beside.run("stock", "show", product, "--json")).json

    assert supply["supplyId"] in shown.out
    assert "Waiting, first come first served" in shown.out
    assert [(row["order_id"], row["needs"], row["missing"]) for row in found["waiting"]] == [
        (order_id, 4, 3)
    ]
    assert [(row["state"], row["quantity"]) for row in found["supplies"]] == [("accepted", 3)]
    assert [row["reason"] for row in found["movements"]] == ["received"]
    assert found["levels"][0]["on_order"] == 3


async def test_goods_are_booked_once_per_delivery_note(
    house: House, beside: Terminal, product: str
) -> None:
    command = ("stock", "receive", product, "4", "--receipt", f"GR-{product}")
    for _ in range(2):
        booked = await beside.run(*command)
        assert booked.code == 0, booked.err
        assert f"4 × {product} booked into WH-HZ (receipt GR-{product})" in booked.out

    assert await house.stock(product) == (9, 9, 0)


async def test_one_delivery_note_may_bring_several_skus(
    house: House, beside: Terminal, product: str
) -> None:
    other, note = await house.add_product(stock=0), uuid4().hex

    await beside.run("stock", "receive", product, "1", "--receipt", note)
    await beside.run("stock", "receive", other, "2", "--receipt", note)

    assert await house.stock(product) == (6, 6, 0)
    assert await house.stock(other) == (2, 2, 0)


async def test_another_quantity_under_the_same_note_is_refused(
    house: House, beside: Terminal, product: str
) -> None:
    note = f"GR-{product}"
    await beside.run("stock", "receive", product, "4", "--receipt", note)

    refused = await beside.run("stock", "receive", product, "5", "--receipt", note)

    assert refused.code == 1
    assert f"{note} was received with +4 × {product} in WH-HZ already" in refused.err
    assert await house.stock(product) == (9, 9, 0)


async def test_a_count_corrects_the_level_once(
    house: House, beside: Terminal, product: str
) -> None:
    command = ("stock", "adjust", product, "-2", "--reference", f"C-{product}", "--json")

    first = await beside.run(*command)
    again = await beside.run(*command)

    assert first.code == 0, first.err
    assert first.json["change"] == again.json["change"] == -2
    assert await house.stock(product) == (3, 3, 0)
    await house.assert_laws_hold()


async def test_what_was_counted_may_be_given_instead_of_the_difference(
    house: House, beside: Terminal, product: str
) -> None:
    await house.place(product, quantity=2)
    command = ("stock", "adjust", product, "--counted", "4", "--reference", f"C-{product}")

    for _ in range(2):
        assert (await beside.run(*command)).code == 0
        assert await house.stock(product) == (4, 2, 2)


async def test_units_that_were_found_wake_who_waits(house: House, beside: Terminal) -> None:
    product = await house.add_product(stock=0)
    order_id = await wait_in_line(house, product)

    found = await beside.run("stock", "adjust", product, "1", "--json")

    assert found.json["woken"] == [order_id]
    await house.until(order_id, status="pending")


async def test_what_orders_were_promised_cannot_be_taken_away(
    house: House, beside: Terminal, product: str
) -> None:
    await house.place(product, quantity=3)

    for arguments in (("-4",), ("--counted", "1")):
        refused = await beside.run("stock", "adjust", product, *arguments)
        assert refused.code == 1
        assert (
            f"WH-HZ has 5 × {product}, of which 3 are reserved for orders: at most 2 can go, not 4."
            " Nothing was changed." in refused.err
        )
    assert await house.stock(product) == (5, 2, 3)


async def test_either_a_difference_or_a_count_must_be_given(beside: Terminal, product: str) -> None:
    for arguments in ((), ("3", "--counted", "4")):
        refused = await beside.run("stock", "adjust", product, *arguments)
        assert refused.code == 2
        assert "--counted N" in refused.err


async def test_the_ledger_tells_what_moved_why_and_for_whom(
    house: House, beside: Terminal, product: str
) -> None:
    placed = await house.place(product, quantity=2)

    found = (await beside.run("stock", "movements", "--sku", product, "--json")).json
    of_order = (
        await beside.run("stock", "movements", "--order", placed["orderNumber"], "--json")
    ).json
    shown = await beside.run("stock", "movements", "--sku", product, COLUMNS="160")

    moved = [(row["reason"], row["delta_available"], row["delta_reserved"]) for row in found]
    assert moved == [("reserved", -2, 2), ("received", 5, 0)]
    assert [row["reason"] for row in of_order] == ["reserved"]
    assert placed["orderNumber"] in shown.out


async def test_the_ledger_can_be_narrowed(house: House, beside: Terminal, product: str) -> None:
    await house.place(product)

    received = await beside.run(
        "stock", "movements", "--sku", product, "--reason", "received", "--days", "1", "--json"
    )
    elsewhere = await beside.run("stock", "movements", "--sku", product, "--warehouse", "WH-BJ")

    assert [row["reason"] for row in received.json] == ["received"]
    assert "There is no such movement." in elsewhere.out


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("PEN-FT-X", "did you mean PEN-FT-F"),
        ("teapot", "did you mean POT-ZS-300"),
        ("§", "see `stock list`"),
    ],
)
async def test_an_unknown_sku_is_refused_with_what_was_meant(
    beside: Terminal, given: str, told: str
) -> None:
    refused = await beside.run("stock", "show", given)

    assert refused.code == 1
    assert f"there is no SKU {given!r}: " in refused.err
    assert told in refused.err


async def test_a_warehouse_that_does_not_keep_it_is_refused_with_who_does(
    beside: Terminal, product: str
) -> None:
    refused = await beside.run("stock", "adjust", product, "1", "--warehouse", "MARS")

    assert refused.code == 1
    assert f"MARS has no place for '{product}': it is kept in WH-HZ" in refused.err
