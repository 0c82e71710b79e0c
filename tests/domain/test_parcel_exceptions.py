"""Which trouble calls for what: the whole table."""

from __future__ import annotations

import pytest

from domain.parcel_exceptions import RESPONSES, ParcelTrouble, Remedy, solved_by, trouble_of
from domain.tracking import SHIPPING_STATUS, TrackingStatus

T, P = TrackingStatus, ParcelTrouble

TABLE = {
    T.CREATED: (None, P.NO_SCAN),
    T.INFO_RECEIVED: (None, P.NO_SCAN),
    T.PICKED_UP: (None, P.NO_SCAN),
    T.IN_TRANSIT: (None, P.NO_SCAN),
    T.OUT_FOR_DELIVERY: (None, P.NO_SCAN),
    T.AVAILABLE_FOR_PICKUP: (None, P.NO_SCAN),
    T.ATTEMPT_FAILED: (P.ATTEMPT_FAILED, P.ATTEMPT_FAILED),
    T.REFUSED: (P.REFUSED, P.REFUSED),
    T.LOST: (P.LOST, P.LOST),
    T.DELIVERED: (None, None),
    T.RETURNING: (P.RETURNING, P.RETURNING),
    T.RETURNED: (P.RETURNED, P.RETURNED),
    T.EXCEPTION: (P.STUCK, P.STUCK),
    T.CANCELLED: (P.CANCELLED, P.CANCELLED),
    T.EXPIRED: (P.NO_NEWS, P.NO_NEWS),
    T.UNKNOWN: (None, P.NO_SCAN),
}


def test_the_table_is_whole() -> None:
    assert TABLE.keys() == set(TrackingStatus)
    assert RESPONSES.keys() == set(ParcelTrouble)
    assert SHIPPING_STATUS.keys() == set(TrackingStatus) - {T.CREATED, T.INFO_RECEIVED, T.UNKNOWN}


@pytest.mark.parametrize("status", TrackingStatus)
def test_each_status_has_its_trouble_with_and_without_silence(status: TrackingStatus) -> None:
    assert (trouble_of(status), trouble_of(status, silent=True)) == TABLE[status]


@pytest.mark.parametrize("status", TrackingStatus)
def test_no_status_solves_its_own_trouble(status: TrackingStatus) -> None:
    for silent in (False, True):
        assert trouble_of(status, silent=silent) not in solved_by(status, silent=silent)


def test_a_delivered_parcel_leaves_only_what_people_must_close() -> None:
    left = set(ParcelTrouble) - solved_by(T.DELIVERED)
    assert left == {
        P.RETURNED,
        P.CANCELLED,
        P.NOT_FOLLOWED,
        P.NOT_RESENT,
        P.NOT_WANTED,
        P.TURNED_UP,
    }


def test_money_goes_back_by_itself_in_two_cases_alone() -> None:
    remedies = {trouble: response.remedy for trouble, response in RESPONSES.items()}
    by_itself = {trouble for trouble, remedy in remedies.items() if remedy is not Remedy.NONE}
    assert by_itself == {P.REFUSED, P.RETURNING, P.RETURNED, P.LOST}
    assert [t for t, r in remedies.items() if r is Remedy.MAKE_GOOD_AFTER_PATIENCE] == [P.LOST]
