"""How many to ask the supplier for."""

from __future__ import annotations

from domain.inventory import MOST_RECEIVED
from domain.restocking import StockPosition, quantity_to_ask

HERE, THERE = "WH-HZ", "WH-BJ"


def position(
    warehouse_id: str = HERE,
    *,
    available: int = 0,
    on_order: int = 0,
    claimed: int = 0,
    reorder_point: int = 0,
) -> StockPosition:
    return StockPosition(
        warehouse_id=warehouse_id,
        sku="TEA",
        available=available,
        on_order=on_order,
        claimed=claimed,
        reorder_point=reorder_point,
    )


def test_what_waiting_orders_miss_is_asked_for() -> None:
    assert quantity_to_ask(HERE, [position(available=1, claimed=4)]) == 3


def test_what_is_on_its_way_is_not_asked_for_again() -> None:
    assert quantity_to_ask(HERE, [position(available=1, on_order=3, claimed=4)]) == 0
    assert quantity_to_ask(HERE, [position(available=1, on_order=3, claimed=6)]) == 2


def test_what_another_warehouse_has_or_awaits_is_not_missing() -> None:
    waits = position(claimed=5)
    assert quantity_to_ask(HERE, [waits, position(THERE, available=2)]) == 3
    assert quantity_to_ask(HERE, [waits, position(THERE, on_order=5)]) == 0


def test_two_warehouses_do_not_both_ask_for_the_same() -> None:
    here, there = position(claimed=2), position(THERE, claimed=3)
    asked = quantity_to_ask(HERE, [here, there])
    here = here.model_copy(update={"on_order": asked})
    assert (asked, quantity_to_ask(THERE, [here, there])) == (2, 3)


def test_at_the_reorder_point_twice_that_point_is_wanted() -> None:
    assert quantity_to_ask(HERE, [position(available=11, reorder_point=10)]) == 0
    assert quantity_to_ask(HERE, [position(available=10, reorder_point=10)]) == 10
    assert quantity_to_ask(HERE, [position(available=4, reorder_point=10)]) == 16
    assert quantity_to_ask(HERE, [position(available=4, on_order=16, reorder_point=10)]) == 0


def test_a_shortage_and_the_reorder_point_are_one_request() -> None:
    assert quantity_to_ask(HERE, [position(available=1, claimed=4, reorder_point=10)]) == 23


def test_without_a_reorder_point_an_empty_shelf_waits_for_an_order() -> None:
    assert quantity_to_ask(HERE, [position()]) == 0


def test_a_warehouse_that_does_not_keep_the_sku_asks_for_nothing() -> None:
    assert quantity_to_ask("WH-XX", [position(claimed=5)]) == 0


def test_no_request_is_larger_than_a_receipt_may_be() -> None:
    assert quantity_to_ask(HERE, [position(claimed=3 * MOST_RECEIVED)]) == MOST_RECEIVED
