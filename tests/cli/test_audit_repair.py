"""`audit --repair` gives back what lost orders hold, says so, and then audits."""

from __future__ import annotations

from tests.cli.terminal import Terminal
from tests.house import House
from tests.workflows.test_leaks import lose, make_overdue


async def test_what_a_lost_order_held_is_given_back_and_shown(
    house: House, beside: Terminal
) -> None:
    product = await house.add_product(stock=1)
    order_id = (await house.place(product))["orderId"]
    await lose(house, order_id)
    await make_overdue(house, order_id)

    shown = await beside.run("audit", "--repair")

    assert (
        f"given back: order {order_id} (terminated): its hold has expired and it is cancelled"
        in shown.out
    )
    assert "Audit" in shown.out
    assert await house.stock(product) == (1, 1, 0)


async def test_for_programs_the_repair_stands_beside_the_laws(
    house: House, beside: Terminal
) -> None:
    product = await house.add_product(stock=1)
    order_id = (await house.place(product))["orderId"]
    await lose(house, order_id)
    await make_overdue(house, order_id)

    found = (await beside.run("audit", "--repair", "--json")).json

    (order,) = [one for one in found["repair"]["closed"] if one["orderId"] == order_id]
    assert (order["released"], order["cancelled"]) == (True, True)
    assert {"ok", "laws", "repair"} == set(found)


async def test_without_it_an_audit_changes_nothing(house: House, beside: Terminal) -> None:
    product = await house.add_product(stock=1)
    order_id = (await house.place(product))["orderId"]
    await lose(house, order_id)

    found = (await beside.run("audit", "--json")).json

    assert "repair" not in found
    assert await house.stock(product) == (1, 0, 1)
    await make_overdue(house, order_id)
    await beside.run("audit", "--repair")
