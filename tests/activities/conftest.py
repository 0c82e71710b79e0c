from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.activities.telling import Counter, counter_with_relay
from tests.house import House


@pytest.fixture
async def counter(house: House) -> AsyncIterator[Counter]:
    """An order to speak of, and a relay that does what it is told."""
    async with counter_with_relay(house) as counter:
        yield counter
