"""`returns` at the command line: listed, decided, received."""

from __future__ import annotations

from tests.cli.terminal import Terminal
from tests.house import House
from tests.workflows.returning import delivered, returned, until_return


async def test_an_operator_rejects_one_return_and_takes_another(
    beside: Terminal, house: House
) -> None:
    product = await house.add_product(stock=1, price_minor=90_000)
    order = await delivered(house, product, quantity=1)
    case = await returned(house, order, {1: 1}, reason="too bitter")

    listed = await beside.run("returns", "list", "--state", "requested", "--json")
    assert case["returnId"] in [one["returnId"] for one in listed.json]
    narrow = await beside.run("returns", "list", COLUMNS="80")
    assert case["returnId"] in narrow.out.split()
    rejected = await beside.run(
        "returns", "reject", case["returnId"], "--reason", "the seal is broken"
    )
    assert rejected.code == 0, rejected.err
    assert "rejected" in rejected.out
    late = await beside.run("returns", "approve", case["returnId"])
    assert late.code == 1
    assert "the return is rejected" in late.err

    asked = await beside.run(
        "returns", "request", order["orderNumber"], "--item", f"{product}=1", "--json"
    )
    assert asked.json["decidedBy"] == "operator"
    taken = await beside.run(
        "returns", "received", asked.json["returnId"], "--damaged", f"{product}=1"
    )
    assert taken.code == 0, taken.err
    await until_return(house, asked.json, "refunded")
    shown = await beside.run("returns", "show", asked.json["returnId"])
    assert "refunded" in shown.out


async def test_units_are_written_with_their_sku(terminal: Terminal) -> None:
    refused = await terminal.run("returns", "received", "B1", "--damaged", "TEA")
    assert refused.code == 2
    assert "SKU=QTY" in refused.err
