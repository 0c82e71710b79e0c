"""What the parts of an order make of the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.parts import Part, PartState, Standing, standing_of
from domain.statuses import OrderStatus, ShippingStatus

S = ShippingStatus
ON_THE_ROAD = (S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.EXCEPTION, S.DELIVERED, S.RETURNED)


def part(state: str, parcel: ShippingStatus | None = None) -> Part:
    return Part(warehouse_id="WH", state=PartState(state), parcel=parcel)


def gone(*parcels: ShippingStatus) -> list[Part]:
    return [part("shipped", parcel) for parcel in parcels]


def standing(parts: list[Part]) -> tuple[str, str] | None:
    found = standing_of(parts)
    return None if found is None else (found.status, found.shipping)


def test_an_order_stays_where_it_is_until_every_warehouse_has_answered() -> None:
    assert standing([part("picking"), part("offered")]) is None
    assert standing([]) is None


def test_an_order_is_processing_while_any_part_is_picked() -> None:
    assert standing([part("picking"), *gone(S.DELIVERED)]) == ("processing", "picking")


@pytest.mark.parametrize(
    ("parcels", "shown"),
    [
        ((S.IN_TRANSIT, S.DELIVERED), "in_transit"),
        ((S.OUT_FOR_DELIVERY, S.DELIVERED), "out_for_delivery"),
        ((S.IN_TRANSIT, S.OUT_FOR_DELIVERY), "in_transit"),
        ((S.EXCEPTION, S.IN_TRANSIT), "exception"),
        ((S.RETURNED, S.IN_TRANSIT), "in_transit"),
        ((S.RETURNED, S.RETURNED), "returned"),
    ],
)
def test_a_shipped_order_shows_its_slowest_parcel(
    parcels: tuple[ShippingStatus, ...], shown: str
) -> None:
    assert standing(gone(*parcels)) == ("shipped", shown)


def test_an_order_is_delivered_when_the_last_parcel_is() -> None:
    assert standing(gone(S.DELIVERED, S.DELIVERED)) == ("delivered", "delivered")


def test_a_parcel_that_came_back_does_not_keep_the_others_from_being_delivered() -> None:
    assert standing(gone(S.DELIVERED, S.RETURNED)) == ("delivered", "delivered")


def test_a_part_that_was_dropped_is_not_waited_for() -> None:
    assert standing([part("dropped"), *gone(S.DELIVERED)]) == ("delivered", "delivered")
    assert standing([part("dropped")]) is None


parts = st.lists(
    st.one_of(
        st.sampled_from([part("offered"), part("picking"), part("dropped")]),
        st.sampled_from(ON_THE_ROAD).map(lambda parcel: part("shipped", parcel)),
    ),
    max_size=4,
)


@given(parts)
def test_an_order_is_delivered_only_if_nothing_is_still_to_come(found: list[Part]) -> None:
    standing = standing_of(found)
    if standing is None or standing.status is not OrderStatus.DELIVERED:
        return
    assert standing == Standing(status=OrderStatus.DELIVERED, shipping=S.DELIVERED)
    kept = [one for one in found if one.state is not PartState.DROPPED]
    assert {one.parcel for one in kept} <= {S.DELIVERED, S.RETURNED}


@given(parts)
def test_the_order_of_the_parts_does_not_matter(found: list[Part]) -> None:
    assert standing_of(found) == standing_of(found[::-1])
