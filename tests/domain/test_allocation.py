"""Which warehouses serve an order."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import Allocation, allocate
from domain.inventory import Shortage, StockLevel, StockNeed, find_shortages
from domain.nearness import FAR, distance, nearest_first

SKUS = ("CUP", "POT", "TEA")
WAREHOUSES = ("W1", "W2", "W3", "W4")

Shelves = dict[tuple[str, str], int]


def level(warehouse_id: str, sku: str, available: int) -> StockLevel:
    return StockLevel(warehouse_id=warehouse_id, sku=sku, available=available)


def need(sku: str, quantity: int) -> StockNeed:
    return StockNeed(sku=sku, quantity=quantity)


def taken(warehouse_id: str, sku: str, quantity: int) -> Allocation:
    return Allocation(warehouse_id=warehouse_id, sku=sku, quantity=quantity)


needs = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 8), min_size=1).map(
    lambda wanted: [need(sku, quantity) for sku, quantity in wanted.items()]
)
shelves = st.dictionaries(
    st.tuples(st.sampled_from(WAREHOUSES), st.sampled_from(SKUS)), st.integers(0, 8)
).map(lambda stock: [level(*place, available) for place, available in stock.items()])
preferences = st.permutations(WAREHOUSES)


def can_serve(
    warehouses: tuple[str, ...], wanted: list[StockNeed], levels: list[StockLevel]
) -> bool:
    together: Counter[str] = Counter()
    for found in levels:
        if found.warehouse_id in warehouses:
            together[found.sku] += found.available
    return all(together[line.sku] >= line.quantity for line in wanted)


def first_that_can(
    wanted: list[StockNeed], levels: list[StockLevel], preference: list[str]
) -> tuple[str, ...] | None:
    """By brute force: the smallest group, and of those the most preferred."""
    groups = (
        group for size in range(1, len(preference) + 1) for group in combinations(preference, size)
    )
    return next((group for group in groups if can_serve(group, wanted, levels)), None)


@given(needs, shelves, preferences)
def test_no_warehouse_gives_more_than_it_has(
    wanted: list[StockNeed], levels: list[StockLevel], preference: list[str]
) -> None:
    available = {(found.warehouse_id, found.sku): found.available for found in levels}
    for line in allocate(wanted, levels, preference) or ():
        assert 0 < line.quantity <= available[line.warehouse_id, line.sku]


@given(needs, shelves, preferences)
def test_what_is_allocated_is_exactly_what_is_needed(
    wanted: list[StockNeed], levels: list[StockLevel], preference: list[str]
) -> None:
    lines = allocate(wanted, levels, preference)
    if lines is not None:
        given_out: Counter[str] = Counter()
        for line in lines:
            given_out[line.sku] += line.quantity
        assert given_out == Counter({line.sku: line.quantity for line in wanted})
        places = [(line.sku, line.warehouse_id) for line in lines]
        assert places == sorted(set(places))


@given(needs, shelves, preferences)
def test_the_fewest_warehouses_serve_and_of_those_the_most_preferred(
    wanted: list[StockNeed], levels: list[StockLevel], preference: list[str]
) -> None:
    lines = allocate(wanted, levels, preference)
    expected = first_that_can(wanted, levels, preference)
    assert (lines is None) == (expected is None)
    if lines is not None and expected is not None:
        assert {line.warehouse_id for line in lines} == set(expected)


@given(needs, shelves, preferences)
def test_one_warehouse_serves_whenever_one_can(
    wanted: list[StockNeed], levels: list[StockLevel], preference: list[str]
) -> None:
    able = [one for one in preference if can_serve((one,), wanted, levels)]
    if able:
        lines = allocate(wanted, levels, preference)
        assert lines is not None
        assert {line.warehouse_id for line in lines} == {able[0]}


@given(needs, shelves, preferences)
def test_something_is_short_exactly_if_nothing_can_be_allocated(
    wanted: list[StockNeed], levels: list[StockLevel], preference: list[str]
) -> None:
    short = find_shortages(wanted, levels, preference)
    assert bool(short) == (allocate(wanted, levels, preference) is None)
    assert all(line.shortfall > 0 for line in short)


def test_a_far_warehouse_with_everything_beats_two_near_ones() -> None:
    levels = [level("W1", "CUP", 5), level("W2", "POT", 5)]
    everything = [level("W3", "CUP", 1), level("W3", "POT", 1)]
    lines = allocate([need("CUP", 1), need("POT", 1)], levels + everything, WAREHOUSES)
    assert lines == (taken("W3", "CUP", 1), taken("W3", "POT", 1))


def test_a_line_that_no_warehouse_can_serve_alone_is_split() -> None:
    levels = [level("W1", "CUP", 3), level("W2", "CUP", 4)]
    assert allocate([need("CUP", 5)], levels, ["W2", "W1"]) == (
        taken("W1", "CUP", 1),
        taken("W2", "CUP", 4),
    )


def test_a_line_that_one_of_the_chosen_can_serve_alone_stays_whole() -> None:
    levels = [level("W1", "CUP", 1), level("W1", "TEA", 2), level("W2", "TEA", 5)]
    assert allocate([need("CUP", 1), need("TEA", 3)], levels, WAREHOUSES) == (
        taken("W1", "CUP", 1),
        taken("W2", "TEA", 3),
    )


def test_two_lines_of_one_sku_are_served_together() -> None:
    wanted = [need("CUP", 2), need("CUP", 2)]
    assert allocate(wanted, [level("W1", "CUP", 4)], ["W1"]) == (taken("W1", "CUP", 4),)
    assert allocate(wanted, [level("W1", "CUP", 3)], ["W1"]) is None


def test_a_warehouse_that_is_not_preferred_serves_nothing() -> None:
    assert allocate([need("CUP", 1)], [level("W9", "CUP", 5)], ["W1"]) is None


def test_many_warehouses_that_together_have_too_little_are_refused_at_once() -> None:
    names = [f"W{number}" for number in range(60)]
    levels = [level(name, sku, 1) for name in names for sku in SKUS]
    assert allocate([need("CUP", 61), need("POT", 1)], levels, names) is None


def test_a_shortage_is_measured_at_all_warehouses_together() -> None:
    levels = [level("W1", "CUP", 3), level("W2", "CUP", 1), level("W2", "POT", 9)]
    assert find_shortages([need("CUP", 5), need("POT", 9)], levels, WAREHOUSES) == (
        Shortage(sku="CUP", requested=5, available=4),
    )


@pytest.mark.parametrize(
    ("province", "expected"),
    [
        ("浙江省", ["HZ", "SH", "GZ", "CD"]),
        ("Zhejiang", ["HZ", "SH", "GZ", "CD"]),
        ("上海市", ["SH", "HZ", "GZ", "CD"]),
        ("广西壮族自治区", ["GZ", "CD", "HZ", "SH"]),
        ("西藏", ["CD", "GZ", "HZ", "SH"]),
        ("California", ["CD", "GZ", "HZ", "SH"]),
    ],
)
def test_the_nearest_province_comes_first(province: str, expected: list[str]) -> None:
    warehouses = {"CD": "四川省", "GZ": "广东省", "HZ": "浙江省", "SH": "上海市"}
    assert nearest_first(province, warehouses) == expected


def test_a_province_is_next_to_itself_and_its_neighbours_and_far_from_abroad() -> None:
    assert distance("浙江省", "Zhejiang") == 0
    assert distance("海南省", "广东") == distance("广东", "海南省") == 1
    assert distance("California", "california ") == 0
    assert distance("浙江省", "California") == FAR
