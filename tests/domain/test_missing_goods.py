from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.missing_goods import Fate, MissingLine, fate_of, missing_units, worded

LISTED = {"TEA": 3, "CUP": 1}


def line(sku: str, quantity: int, code: str = "") -> MissingLine:
    return MissingLine(sku=sku, quantity=quantity, code=code)


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        ("not_found", Fate.WRITTEN_OFF),
        ("damaged", Fate.WRITTEN_OFF),
        (" DAMAGED ", Fate.WRITTEN_OFF),
        ("closed", Fate.RESTOCKED),
        ("", Fate.RESTOCKED),
    ],
)
def test_what_is_not_there_or_unfit_is_written_off_and_all_else_stays(
    code: str, fate: Fate
) -> None:
    assert fate_of(code) is fate


def test_units_are_counted_by_what_becomes_of_them() -> None:
    missing = [line("TEA", 1, "damaged"), line("TEA", 1), line("TEA", 1, "not_found")]
    assert missing_units(missing, LISTED) == {
        Fate.WRITTEN_OFF: {"TEA": 2},
        Fate.RESTOCKED: {"TEA": 1},
    }


def test_more_than_was_listed_or_something_else_is_not_ours() -> None:
    missing = [line("TEA", 9, "damaged"), line("TEA", 1), line("POT", 1)]
    assert missing_units(missing, LISTED) == {Fate.WRITTEN_OFF: {"TEA": 3}, Fate.RESTOCKED: {}}


@given(
    st.lists(
        st.builds(
            line,
            st.sampled_from(["TEA", "CUP", "POT"]),
            st.integers(1, 5),
            st.sampled_from(["", "damaged", "not_found"]),
        )
    )
)
def test_never_more_units_are_missing_than_were_listed(missing: list[MissingLine]) -> None:
    found = missing_units(missing, LISTED)
    for sku, listed in LISTED.items():
        asked = sum(each.quantity for each in missing if each.sku == sku)
        assert sum(units.get(sku, 0) for units in found.values()) == min(listed, asked)


def test_nothing_cannot_be_missing() -> None:
    with pytest.raises(ValidationError):
        line("TEA", 0)


def test_people_read_the_warehouses_words() -> None:
    told = [line("TEA", 2, "damaged"), MissingLine(sku="CUP", quantity=1, message="chipped")]
    assert worded(told) == "2 × TEA: damaged; 1 × CUP: chipped"
