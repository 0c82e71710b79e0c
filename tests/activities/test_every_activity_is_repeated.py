"""No activity is added without a test that runs it twice: each may be, after any crash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import worker
from tests.house import House

_TESTS = Path(__file__).parent

# Their effect is another workflow, or all of many orders: tests of whole workflows repeat them.
_ELSEWHERE = {
    "find_empty_shelves": "tests/workflows/test_restock.py",
    "close_lost_payments": "tests/workflows/test_leaks.py",
}


@pytest.fixture(scope="module")
def source() -> str:
    return "\n".join(path.read_text() for path in _TESTS.glob("*.py"))


async def test_every_activity_is_run_twice_somewhere(house: House, source: str) -> None:
    activities = worker.build_activities(
        house.settings, house.sessions, house.http, house.email, house.client
    )
    names = {
        method.__name__
        for methods in worker.activities_by_queue(activities).values()
        for method in methods
    }

    unseen = {name for name in names if not re.search(rf"\.{name}\b", source)}

    assert unseen == set(_ELSEWHERE)
